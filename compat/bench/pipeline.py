"""Many commands to a server in few packets: how databases are filled before something is measured."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

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


def run_all(server: RunningServer, requests: Iterable[Sequence[bytes]]) -> None:
    """Sends requests, each a command with its arguments, some hundred at a time."""

    def batches() -> Iterable[tuple[bytes, int]]:
        waiting = iter(requests)
        while batch := [pack(*words) for words in islice(waiting, 200)]:
            yield b"".join(batch), len(batch)

    send_batches(server, batches())


def in_parts(head: Sequence[bytes], words: Iterable[bytes], count: int = 1000) -> Iterator[list[bytes]]:
    """A command with many arguments as several with at most `count`, each behind `head`."""
    waiting = iter(words)
    while part := [*islice(waiting, count)]:
        yield [*head, *part]
