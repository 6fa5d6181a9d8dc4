"""A value as DUMP gives it and RESTORE takes it: type and value, the version of RDB, and a checksum of all that.

The same around libraries of functions is what FUNCTION DUMP gives.

Rules: createDumpPayload and verifyDumpPayload in cluster.c.
"""

from collections.abc import Iterable
from typing import Final

from respstore.config import Config
from respstore.keyspace import Value
from respstore.persistence.rdb.checksum import CHECKSUM_BYTES, checksum
from respstore.persistence.rdb.primitives import EncodeString, Reader, encode_compressed, encode_string
from respstore.persistence.rdb.values import decode_value, encode_value

VERSION: Final = 10
"""What Redis 7.0 writes."""
NEWEST: Final = 11
"""What Redis 7.2 writes."""
LIBRARY: Final = 245
"""The operation code in front of a library of functions."""
_FOOTER: Final = 2 + CHECKSUM_BYTES


def encode_dump(value: Value, config: Config) -> bytes:
    """A value as DUMP gives it."""
    kind, pieces = encode_value(value, encode_compressed if config.rdbcompression else encode_string)
    return _signed(b"".join((bytes((kind,)), *pieces)))


def encode_libraries(libraries: Iterable[bytes], encode: EncodeString) -> bytes:
    """Libraries of functions, by their code, as they stand in a file."""
    return b"".join(bytes((LIBRARY,)) + encode(code) for code in libraries)


def dump_libraries(libraries: Iterable[bytes], config: Config) -> bytes:
    """Libraries as FUNCTION DUMP gives them."""
    return _signed(encode_libraries(libraries, encode_compressed if config.rdbcompression else encode_string))


def decode_libraries(payload: bytes) -> list[bytes]:
    """The code of the libraries in a payload that is intact.

    Raises:
        CorruptError: it holds something else.
    """
    end = len(payload) - _FOOTER
    reader = Reader(payload, end=end)
    codes = []
    while reader.at < end:
        if reader.byte() != LIBRARY:
            raise reader.corrupt("no library, before what stands")
        codes.append(reader.string())
    return codes


def _signed(data: bytes) -> bytes:
    payload = data + VERSION.to_bytes(2, "little")
    return payload + checksum(payload)


def is_intact(payload: bytes) -> bool:
    """Whether the version is known and the checksum right."""
    if len(payload) < _FOOTER:
        return False
    if int.from_bytes(payload[-_FOOTER:-CHECKSUM_BYTES], "little") > NEWEST:
        return False
    return payload[-CHECKSUM_BYTES:] == checksum(payload[:-CHECKSUM_BYTES])


def decode_dump(payload: bytes, config: Config) -> Value:
    """The value of a payload that is intact.

    Raises:
        CorruptError: it is none all the same.
    """
    reader = Reader(payload, end=len(payload) - _FOOTER)
    return decode_value(reader.byte(), reader, config)  # what may follow is ignored, as in Redis
