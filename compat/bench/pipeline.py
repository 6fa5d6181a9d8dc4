"""Many commands to a server in few packets: how databases are filled before something is measured."""

from collections.abc import Iterable

import hiredis

from compat.servers import RunningServer, ServerError


def pack(*args: bytes) -> bytes:
    """One request, as a client sends it."""
    return b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in args)


def send_batches(server: RunningServer, batches: Iterable[tuple[bytes, int]]) -> None:
    """Sends each batch, a pair of packed requests and how many they are, and reads its replies before the next.

    Raises ServerError on the first error reply.
    """
    reader = hiredis.Reader()
    with server.connect() as connection:
        for requests, count in batches:
            connection.sendall(requests)
            for _ in range(count):
                while (reply := reader.gets()) is False:
                    data = connection.recv(65536)
                    if not data:
                        raise ServerError(f"{server.name} closed the connection while it was filled")
                    reader.feed(data)
                if isinstance(reply, hiredis.ReplyError):
                    raise ServerError(f"{server.name} answered while it was filled: {reply}")


def set_small_keys(server: RunningServer, count: int) -> None:
    """SETs `count` keys named as redis-benchmark names them, each to a value of 3 bytes."""
    size = 1000

    def batches() -> Iterable[tuple[bytes, int]]:
        for start in range(0, count, size):
            numbers = range(start, min(start + size, count))
            yield b"".join(pack(b"SET", b"key:%012d" % number, b"xxx") for number in numbers), len(numbers)

    send_batches(server, batches())


def fill_list(server: RunningServer, key: bytes, length: int) -> None:
    """RPUSHes values as redis-benchmark pushes them until the list holds at least `length`."""
    values = 1000
    batch = pack(b"RPUSH", key, *[b"VXK"] * values)
    send_batches(server, ((batch, 1) for _ in range(-(-length // values))))
