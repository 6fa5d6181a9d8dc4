"""The checksum at the end of files and dumps: CRC-64 as Redis has it (crc64.c)."""

from typing import Final

from anycrc import Model  # type: ignore[import-untyped] # it has no annotations

from respstore.persistence.rdb.primitives import Buffer

CHECKSUM_BYTES: Final = 8
_CRC64: Final = Model("CRC64-REDIS")


def update(crc: int, data: Buffer) -> int:
    """The checksum of what went before, which is 0 at the beginning, and of more data."""
    result: int = _CRC64.calc(data, crc)
    return result


def checksum(data: Buffer) -> bytes:
    """The checksum of some data, as it is written."""
    return update(0, data).to_bytes(CHECKSUM_BYTES, "little")
