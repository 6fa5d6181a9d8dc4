"""A torch client that knows which replies it must get."""

import struct

from respstore.engine.dispatch import HALTED
from respstore.engine.engine import Engine
from respstore.engine.tcpstore_session import TCPStoreSession
from respstore.errors import ProtocolError
from respstore.protocol import tcpstore
from respstore.protocol.tcpstore import Operation, OperationParser
from tests.fuzz.invariants import expect
from tests.fuzz.target import Failure


class TorchClient:
    """A session and what is known about it from outside."""

    def __init__(self, engine: Engine) -> None:
        self.session = TCPStoreSession(engine, "127.0.0.1:5000", "127.0.0.1:6379")
        self._whole = OperationParser(tcpstore.MAX_STRING, tcpstore.MAX_KEYS)
        self._waiting: list[Operation] = []
        self._received = b""

    def send(self, data: bytes) -> None:
        """Send something, and note the operations in it."""
        self._waiting += _take(self._whole, [data])
        self.session.receive_data(data)

    def read(self, data: bytes) -> None:
        """Read what the server sent, and compare it with what it should be."""
        self._received += data
        while self._waiting and (length := _reply_length(self._waiting, self._received)) is not None:
            self._received = self._received[length:]
            del self._waiting[0]
        if self.session.is_closing:
            return
        expect(not self._received, "a reply has no operation", self._received[:1000], self._waiting[:3])
        expect(not self._waiting or self.session.gate & HALTED, "an operation has no reply", self._waiting[:3])


def compare_parsers(data: bytes) -> None:
    """Raises Failure if the operations in `data` depend on how it is cut."""
    whole = _take(OperationParser(tcpstore.MAX_STRING, tcpstore.MAX_KEYS), [data])
    cut = _take(
        OperationParser(tcpstore.MAX_STRING, tcpstore.MAX_KEYS), [data[place : place + 1] for place in range(len(data))]
    )
    if whole != cut:
        raise Failure(f"the parser reads something else byte by byte\n{whole}\n{cut}")


def _take(parser: OperationParser, pieces: list[bytes]) -> list[Operation]:
    operations: list[Operation] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (one := parser.take()) is not None:
                operations.append(one)
    except ProtocolError:
        pass
    return operations


def _reply_length(waiting: list[Operation], data: bytes) -> int | None:
    """How long the reply to the first operation is; None if it has not come (whole)."""
    opcode, strings, _ = waiting[0]
    match opcode:
        case tcpstore.VALIDATE | tcpstore.SET | tcpstore.APPEND | tcpstore.MULTI_SET | tcpstore.QUEUE_PUSH:
            return 0
        case tcpstore.PING:
            return _whole(4, data)
        case tcpstore.CHECK | tcpstore.CANCEL_WAIT:
            return _whole(1, data)
        case tcpstore.WAIT | tcpstore.BARRIER:
            if not data:
                return None
            return 0 if data[0] == 1 and len(waiting) > 1 else 1  # who cancels hears of that alone
        case tcpstore.COMPARE_SET | tcpstore.GET:
            return _strings_length(1, data)
        case tcpstore.MULTI_GET:
            return _strings_length(len(strings), data)
        case tcpstore.QUEUE_POP | tcpstore.LIST_KEYS:
            if len(data) < 8:
                return None
            (count,) = struct.unpack_from("<q", data)
            length = _strings_length(min(count, 1) if opcode == tcpstore.QUEUE_POP else count, data[8:])
            return None if length is None else 8 + length
        case _:
            return _whole(8, data)


def _whole(length: int, data: bytes) -> int | None:
    return length if len(data) >= length else None


def _strings_length(count: int, data: bytes) -> int | None:
    at = 0
    for _ in range(count):
        if len(data) < at + 8:
            return None
        (length,) = struct.unpack_from("<Q", data, at)
        at += 8 + length
    return _whole(at, data)
