"""A value as DUMP gives it and RESTORE takes it: type and value, the version of RDB, and a checksum of all that.

Rules: createDumpPayload and verifyDumpPayload in cluster.c.
"""

from typing import Final

from respstore.config import Config
from respstore.keyspace import Value
from respstore.persistence.rdb.checksum import CHECKSUM_BYTES, checksum
from respstore.persistence.rdb.primitives import Reader, encode_compressed, encode_string
from respstore.persistence.rdb.values import decode_value, encode_value

VERSION: Final = 10
"""What Redis 7.0 writes."""
NEWEST: Final = 11
"""What Redis 7.2 writes."""
_FOOTER: Final = 2 + CHECKSUM_BYTES


def encode_dump(value: Value, config: Config) -> bytes:
    """A value as DUMP gives it."""
    kind, data = encode_value(value, encode_compressed if config.rdbcompression else encode_string)
    payload = bytes((kind,)) + data + VERSION.to_bytes(2, "little")
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
