"""Groups of redis-servers on loopback: a service with its sentinel, and a cluster.

As compat/servers.py: a group is ready when its context is entered, and gone when it is left.
"""

import contextlib
import subprocess
from collections.abc import Iterator

import attrs
import redis

from compat.patience import until
from compat.servers import RunningServer, ServerError, find_program, free_port, redis_server, sentinel_server

NOT_YET = (redis.RedisError, IndexError)
"""What is heard from servers that do not know each other yet."""

SERVICE = "main"


@attrs.frozen
class Service:
    """A master, its replica, and the sentinel that watches over both."""

    master: RunningServer
    replica: RunningServer
    sentinel: RunningServer

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/{SERVICE}"


@contextlib.contextmanager
def service() -> Iterator[Service]:
    """Runs a master with one replica, and a sentinel that may fail over alone after half a second."""
    with redis_server() as master, redis_server("--replicaof", f"127.0.0.1 {master.port}") as replica:
        directives = (
            f"monitor {SERVICE} 127.0.0.1 {master.port} 1",
            f"down-after-milliseconds {SERVICE} 500",
            f"failover-timeout {SERVICE} 3000",
        )
        with sentinel_server(*directives) as sentinel, sentinel.client() as client, replica.client() as copy:
            until(
                lambda: copy.info("replication")["master_link_status"] == "up",
                "the replica is in step",
                despite=NOT_YET,
            )
            until(lambda: client.sentinel_slaves(SERVICE), "the sentinel knows the replica", despite=NOT_YET)
            yield Service(master, replica, sentinel)


@attrs.frozen
class Cluster:
    """Servers that share the slots of a cluster."""

    nodes: tuple[RunningServer, ...]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])


@contextlib.contextmanager
def cluster(masters: int = 3, replicas: int = 0) -> Iterator[Cluster]:
    """Runs a cluster of so many masters, with so many replicas each."""
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(cluster_node()) for _ in range(masters * (1 + replicas))]
        addresses = [f"127.0.0.1:{node.port}" for node in nodes]
        command = [find_program("redis-cli"), "--cluster", "create", *addresses, "--cluster-yes"]
        done = subprocess.run([*command, "--cluster-replicas", str(replicas)], capture_output=True, check=False)
        if done.returncode:
            raise ServerError(f"redis-cli made no cluster: {(done.stdout + done.stderr).decode()}")
        for node in nodes:
            until(lambda node=node: agrees(node, len(nodes)), f"{node.port} agrees to the cluster", despite=NOT_YET)
        yield Cluster(tuple(nodes))


@contextlib.contextmanager
def cluster_node() -> Iterator[RunningServer]:
    """Runs a node of no cluster yet. Its bus has a port of its own: the usual one, 10,000 higher, may be taken."""
    with redis_server(
        *("--cluster-enabled", "yes"),
        *("--cluster-port", str(free_port())),
        *("--cluster-node-timeout", "1000"),
    ) as node:
        yield node


def agrees(node: RunningServer, count: int) -> bool:
    """Whether a node sees all nodes, and all slots."""
    with node.client(decode_responses=True) as client:
        info = client.execute_command("CLUSTER INFO")
        nodes = client.execute_command("CLUSTER NODES")
    text = info if isinstance(info, str) else "\n".join(f"{name}:{value}" for name, value in info.items())
    return "cluster_state:ok" in text and len(nodes) >= count
