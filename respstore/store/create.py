"""`create_store`: the store of a job, from the one process that runs its server and from those that join it.

How the workers wait for each other: each appends a line about itself to MEMBERS and adds 1 to COUNT; who makes it full
sets LAST, which all wait for. COUNT and LAST are the keys of torch's function. A worker that is started again when the
job was complete before finds LAST, and does not wait: a barrier would hold it up until the others came again, too.
"""

import ipaddress
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from respstore.exceptions import PortInUseError, StoreTimeoutError, display_address
from respstore.store.store import Store, Timeout, seconds_of
from respstore.wording import listed

if TYPE_CHECKING:
    from respstore.server.embedded import Server

COUNT: Final = "_tcp_store/num_members/num_members"
LAST: Final = "_tcp_store/num_members/last_member"
MEMBERS: Final = "_tcp_store/num_members/members"

LOOK_SECONDS: Final = 1.0
"""How long a server that has just answered may take to say who has joined."""


def create_store(  # noqa: PLR0917 - torch's signature
    is_server: bool,
    server_addr: str,
    server_port: int = -1,
    world_size: int | None = 1,
    timeout: Timeout = 600,
    wait_for_workers: bool = True,
    retries: int = 3,
) -> Store:
    """The store of a job: in one process with its server, in the others without.

    As torch's `create_c10d_store` (torch.distributed.elastic.utils.distributed), without torch. The server runs in a
    child process, as long as the store that is returned is open and this process lives. It wants no password. It
    listens on `server_addr`; where that is a name that others know another address by (one that is not of this machine,
    or is of its loopback, as Debian has it for the host's own name), on all addresses.

    Args:
        is_server: whether this process is to run the server.
        server_addr: the server's IP address or name, as all workers know it.
        server_port: its port. -1, and for the server 0, is one that is free; then `store.port` tells it.
        world_size: how many workers there are, the server's process included. None or a negative number: any.
        timeout: how long to wait for the server and for the others, in seconds or as a timedelta, None for ever; the
            store's own afterwards.
        wait_for_workers: whether to return only when all workers have joined.
        retries: how often to try another port where it is free to choose and somebody else was faster.

    Raises:
        ValueError: these arguments make no sense together; nothing was tried.
        PortInUseError: somebody else holds the port; it is not tried again.
        OSError: the server cannot listen there for another reason.
        StoreConnectionError: there was no server within the time.
        StoreTimeoutError: it did not answer, or not all workers joined, within the time; the text says who did.
    """
    limit = _check(is_server, server_port, world_size, timeout, wait_for_workers)
    if is_server:
        server = start_server(server_addr, server_port, retries)
        store: Store = HostingStore(server, server_addr)
    else:
        store = Store(f"redis://{display_address(server_addr, server_port)}")
    deadline = monotonic() + limit
    try:
        if wait_for_workers:
            assert world_size is not None
            _join(store, world_size, limit, deadline)
        else:
            _within(store, deadline).check([LAST])  # is there a server?
        store.set_timeout(timeout)
    except BaseException:
        store.close()
        raise
    return store


def _check(is_server: bool, port: int, world_size: int | None, timeout: Timeout, wait_for_workers: bool) -> float:
    """The time limit in seconds, if the arguments of `create_store` make sense."""
    if not isinstance(port, int):
        raise TypeError(f"server_port is an int, not {type(port).__name__}")
    if port == -1 and world_size is not None and world_size > 1:  # in torch's words
        raise ValueError(f"server_port must be specified when world_size > 1, got server_port=-1, {world_size=}")
    if not -1 <= port <= 65535:
        raise ValueError(f"server_port is a port up to 65535, or -1 for a free one, not {port}")
    if port < 1 and not is_server:
        raise ValueError(f"a worker that is not the server needs its port, got server_port={port}")
    if world_size == 0:
        raise ValueError("world_size cannot be 0")
    if wait_for_workers and (world_size is None or world_size < 0):
        raise ValueError(
            f"nobody can wait for an open number of workers: give a world_size, got {world_size}, or "
            "wait_for_workers=False"
        )
    limit = seconds_of(timeout)
    # For a store less than 0 is for ever, and for torch's function an error.
    if timeout is not None and (timeout.total_seconds() if isinstance(timeout, timedelta) else timeout) <= 0:
        raise ValueError(f"timeout is a time above 0, not {timeout}")
    return limit


# The server


class HostingStore(Store):
    """A store whose server ends with it. Clones, and copies that were pickled, are mere clients."""

    def __init__(self, server: "Server", address: str) -> None:
        super().__init__(f"redis://{display_address(address, server.port)}")
        self._server = server

    def close(self) -> None:
        """Close the connections, and end the server."""
        super().close()
        self._server.close()

    def clone(self) -> Store:  # type: ignore[override]
        """A client of the server, with the same timeout."""
        return Store(self._target.url, timeout=self.timeout)

    def __reduce__(self) -> tuple[object, ...]:
        return Store.clone, (self.clone(),)


def start_server(address: str, port: int, retries: int = 1) -> "Server":
    """Run a server in a child process.

    Args:
        address: the IP address or name by which all know it; see `create_store` for where it listens then.
        port: its port; -1 or 0 for one that is free.
        retries: how often to try another port if somebody else gets a free one first.

    Raises:
        PortInUseError: somebody else holds the port.
        OSError: it cannot listen there for another reason.
    """
    from respstore.server.embedded import Server  # noqa: PLC0415 - the workers do without

    attempts = max(retries, 1) if port <= 0 else 1
    hosts = _hosts(address)
    while True:
        attempts -= 1
        try:
            return Server("--protected-mode", "no", "--bind", *hosts, port=max(port, 0), process=True)
        except PortInUseError:
            if not attempts:
                raise


def _hosts(address: str) -> Sequence[str]:
    """Where a server listens that others know by this address or name, as for `bind`."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        if address == "localhost":
            return [address]
    else:
        return [address]
    try:
        found: list[Any] = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)
    except OSError:
        return [address]  # the server says what is wrong with it
    is_reachable = any(_is_ours(*entry) and not ipaddress.ip_address(entry[4][0]).is_loopback for entry in found)
    return [address] if is_reachable else ["*", "-::*"]


def _is_ours(family: int, kind: int, _protocol: int, _name: str, address: tuple[Any, ...]) -> bool:
    """Whether an address, with all that getaddrinfo says of it, is one of this machine."""
    try:
        with socket.socket(family, kind) as sock:
            sock.bind(address)
    except OSError:
        return False
    return True


# The workers


def _within(store: Store, deadline: float) -> Store:
    """The store, whose next call has the time that is left."""
    store.set_timeout(max(deadline - monotonic(), 0.001))
    return store


def _join(store: Store, world_size: int, limit: float, deadline: float) -> None:
    """Tell the others that this worker is there, and wait for them."""
    rank = os.environ.get("RANK", "")  # torchrun and the like set it
    _within(store, deadline).append(MEMBERS, f"{rank} {socket.gethostname()} {os.getpid()}\n")
    if _within(store, deadline).add(COUNT, 1) == world_size:
        _within(store, deadline).set(LAST, "1")
    try:
        _within(store, deadline).wait([LAST])
    except StoreTimeoutError as error:
        if not error.missing:
            raise  # the server is silent
        members, count = _within(store, monotonic() + LOOK_SECONDS).multi_get([MEMBERS, COUNT])
        raise StoreTimeoutError(_report(members, int(count), world_size, limit), (LAST,), limit) from None


def _report(members: bytes, count: int, world_size: int, limit: float) -> str:
    """How many have joined, who they are, and who is missing if they have ranks."""
    workers = [line.split(" ") for line in members.decode("utf-8", "replace").splitlines()]
    names = [f"rank {rank} on {host} (pid {pid})" if rank else f"{host} (pid {pid})" for rank, host, pid in workers]
    text = f"{count} of {world_size} workers joined within {limit:g} s: {listed(names, len(names))}"
    missing = {str(rank) for rank in range(world_size)}
    present = {rank for rank, _, _ in workers}
    if present <= missing and len(present) == len(workers):
        text += f"; missing ranks: {listed(sorted(missing - present, key=int), len(missing - present))}"
    return text
