"""RESP as it stands on the wire: a client that keeps what client libraries hide.

redis-py and hiredis turn `+OK` and `$2 OK`, `*-1` and `$-1` and `_`, a map and a flat array into the same Python
values. A drop-in must not differ in these either, so a reply here is its type byte and its value, and a double is
the very text that the server sent.

`Connection` never blocks: it sends what fits, and hands out what has arrived. Who waits, and for how long, is
`pair.py`'s affair.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SCALARS = b"+-:,#(_"  # one line, nothing after it
BLOBS = b"$=!"  # a length, then so many bytes
AGGREGATES = b"*~>%|"  # a count, then so many replies (twice as many in a map and an attribute)
PAIRS = b"%|"


class Reply(NamedTuple):
    """One reply: its RESP type byte, and its bytes, its parts, or None for a null (`$-1`, `*-1` and `_`)."""

    kind: str
    value: bytes | tuple[Reply, ...] | None

    @property
    def parts(self) -> tuple[Reply, ...]:
        """The replies inside an aggregate; of a map, keys and values in turn. Empty for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def text(self) -> str:
        """The bytes of a scalar or a blob, readable; empty for a null and for an aggregate."""
        return self.value.decode("utf-8", "backslashreplace") if isinstance(self.value, bytes) else ""

    def __str__(self) -> str:
        if self.value is None:
            return "_" if self.kind == "_" else f"{self.kind}-1"
        if isinstance(self.value, tuple):
            return f"{self.kind}[{', '.join(map(str, self.value))}]"
        if self.kind in "$=!":
            return f"{self.kind}{_quoted(self.value)}"
        return f"{self.kind}{_quoted(self.value)[1:-1]}"


CLOSED = Reply("closed", b"")
"""Not a reply: the server has closed the connection."""


class Incomplete(Exception):  # noqa: N818 - not an error: the rest has not arrived yet
    """The buffer ends inside a reply."""


def parse(buffer: bytes | bytearray, start: int = 0) -> tuple[Reply, int]:
    """Read the reply that begins at `start`; give it and the place where the next one begins.

    Raises:
        Incomplete: the reply does not end in this buffer.
        ValueError: what stands there is not RESP.
    """
    end = buffer.find(b"\r\n", start)
    if end < 0:
        raise Incomplete
    kind, line, position = buffer[start], bytes(buffer[start + 1 : end]), end + 2
    if kind in SCALARS:
        return Reply(chr(kind), None if kind == ord("_") else line), position
    if kind not in BLOBS and kind not in AGGREGATES:
        raise ValueError(f"not RESP: {bytes(buffer[start : start + 40])!r}")
    size = int(line)
    if size < 0:
        return Reply(chr(kind), None), position
    if kind in BLOBS:
        if len(buffer) < position + size + 2:
            raise Incomplete
        return Reply(chr(kind), bytes(buffer[position : position + size])), position + size + 2
    parts = []
    for _ in range(size * 2 if kind in PAIRS else size):
        part, position = parse(buffer, position)
        parts.append(part)
    return Reply(chr(kind), tuple(parts)), position


def request(arguments: Iterable[bytes]) -> bytes:
    """Encode one command as clients send it: an array of bulk strings."""
    arguments = tuple(arguments)
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%b\r\n" % (len(a), a) for a in arguments)


class Connection:
    """A connection to a RESP server that sends at once and collects replies as they come.

    After the server has closed it, `received` ends with `CLOSED`, once.
    """

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_closed = False
        self._buffer = bytearray()
        self._unsent = bytearray()

    def send(self, data: bytes) -> None:
        """Send as much as the socket takes; the rest follows with later calls of `received`."""
        self._unsent += data
        self._flush()

    def received(self) -> list[Reply]:
        """Give the replies that have arrived since the last call, without waiting."""
        self._flush()
        ended = False
        while not self.is_closed and not ended:
            try:
                data = self.socket.recv(1 << 18)
            except BlockingIOError:
                break
            except ConnectionError:  # a reset: the server closed with our bytes unread
                data = b""
            self._buffer += data
            ended = not data
        replies = self._parsed()
        if ended:
            self.is_closed = True
            replies.append(CLOSED)
        return replies

    def close(self) -> None:
        """Close our end."""
        self.is_closed = True
        self.socket.close()

    def _parsed(self) -> list[Reply]:
        replies, position = [], 0
        try:
            while position < len(self._buffer):
                reply, position = parse(self._buffer, position)
                replies.append(reply)
        except Incomplete:
            pass
        except ValueError:  # a difference like any other: the comparison goes on, without this connection
            replies.append(Reply("not RESP", bytes(self._buffer[position:])))
            self.close()
        del self._buffer[:position]
        return replies

    def _flush(self) -> None:
        while self._unsent and not self.is_closed:
            try:
                del self._unsent[: self.socket.send(self._unsent)]
            except BlockingIOError:
                return
            except ConnectionError:
                self._unsent.clear()


def wait_readable(connections: Sequence[Connection], seconds: float) -> None:
    """Wait until one of the open connections has something to read, at most `seconds`."""
    poller = select.poll()
    for connection in connections:
        if not connection.is_closed:
            poller.register(connection.socket, select.POLLIN)
    poller.poll(seconds * 1000)


def _quoted(value: bytes) -> str:
    if len(value) > 300:
        return f"{_quoted(value[:200])}...({len(value)} bytes)"
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in value) + '"'
