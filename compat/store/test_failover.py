"""A store goes on when a master dies, and when slots move, within its timeout."""

import contextlib

from compat.patience import until
from compat.servers import RunningServer
from compat.store.groups import NOT_YET, Cluster, cluster, service
from respstore import Store
from respstore.exceptions import StoreConnectionError
from respstore.store.cluster import read_slots, slot_of
from respstore.store.connection import Connection, pack
from respstore.store.target import Node
from tests.store.servers import Background

PATIENCE = 40.0


def test_a_service_that_loses_its_master() -> None:
    with service() as some, Store(some.url, timeout=PATIENCE) as store:
        store.set("k", "v")
        with some.replica.client() as client:
            until(lambda: client.get("k") == b"v", "the replica has the key", despite=NOT_YET)
        waiting = Background(store.get, "later")
        some.master.process.kill()
        store.set("later", "w")

        assert waiting.result() == b"w"
        assert store.get("k") == b"v"
        with contextlib.suppress(StoreConnectionError):
            assert store.add("n", 1) == 1


def test_a_cluster_that_loses_a_master() -> None:
    with cluster(replicas=1) as some, Store(some.url, timeout=PATIENCE) as store:
        keys = [f"key-{n}" for n in range(30)]
        store.multi_set(keys, keys)
        for node in some.nodes:
            until(lambda node=node: caught_up(node), f"{node.port} is in step", despite=NOT_YET)
        some.nodes[0].process.kill()

        assert store.multi_get(keys) == [key.encode() for key in keys]
        store.multi_set(keys, ["new"] * 30)
        assert store.multi_get(keys) == [b"new"] * 30
        assert store.num_keys() == 30


def caught_up(node: RunningServer) -> bool:
    with node.client() as client:
        info = client.info("replication")
    return info["role"] == "master" or info["master_link_status"] == "up"


def test_a_slot_that_moves() -> None:
    with cluster() as some, Store(some.url, timeout=PATIENCE) as store:
        key = "counter"
        assert store.add(key, 1) == 1
        old, new = owner_and_other(some, slot_of(key))
        with old.client() as source, new.client() as target:
            slot = slot_of(key)
            ids = {client: client.execute_command("CLUSTER", "MYID").decode() for client in (source, target)}
            target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
            source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
            assert store.add(key, 1) == 2
            source.execute_command("MIGRATE", "127.0.0.1", new.port, key, 0, 5000)
            assert store.add(key, 1) == 3  # ASK
            assert store.get(key) == b"3"
            for client in (target, source):
                client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
            assert store.add(key, 1) == 4  # MOVED
            assert target.get(key) == b"4"


def owner_and_other(some: Cluster, slot: int) -> tuple[RunningServer, RunningServer]:
    """The node that has a slot, and one that has not."""
    with some.nodes[0].connect() as connection:
        link = Connection(connection, Node("127.0.0.1", some.nodes[0].port))
        reply = link.exchange(pack(("CLUSTER", "SLOTS")), float("inf"))
    owner = read_slots(reply, link.node)[slot]
    old = next(node for node in some.nodes if owner == Node("127.0.0.1", node.port))
    return old, next(node for node in some.nodes if node is not old)
