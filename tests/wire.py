"""Operations of torch's TCPStore protocol, as its C++ client sends them, and what is expected in return."""

from respstore.engine.session import Session
from respstore.engine.tcpstore_session import TCPStoreSession
from respstore.protocol import tcpstore

VALIDATE = bytes.fromhex("00 CE F7 85 3C")
PING = bytes.fromhex("0D 01 02 03 04")
PONG = bytes.fromhex("01 02 03 04")
READY = b"\0"
NOT_READY = b"\1"
STOP = b"\0"
CANCELED = b"\1"


def number(value: int, length: int = 8) -> bytes:
    return value.to_bytes(length, "little", signed=value < 0)


def string(text: bytes) -> bytes:
    return number(len(text)) + text


def operation(opcode: int, *fields: bytes | int | list[bytes]) -> bytes:
    """An operation; a list of strings is sent with their number, or half of it for MULTI_SET's pairs."""
    parts = [bytes([opcode])]
    for field in fields:
        if isinstance(field, bytes):
            parts.append(string(field))
        elif isinstance(field, int):
            parts.append(number(field))
        else:
            parts += [number(len(field) // (2 if opcode == tcpstore.MULTI_SET else 1)), *map(string, field)]
    return b"".join(parts)


def torch_client(engine, **options) -> TCPStoreSession:
    """A torch client that has greeted the server."""
    session = TCPStoreSession(engine, **options)
    assert feed(session, VALIDATE + PING) == PONG
    return session


def feed(session: Session, data: bytes) -> bytes:
    """What the session sends after these bytes and the end of the turn."""
    session.engine.begin_turn()
    session.receive_data(data)
    session.engine.end_of_turn()
    return session.data_to_send()


def ask(session: Session, opcode: int, *fields: bytes | int | list[bytes]) -> bytes:
    """What the session sends after an operation and the end of the turn."""
    return feed(session, operation(opcode, *fields))
