"""LZF, the compression of strings in RDB: liblzf, guarded on the way in.

A control byte below 32 announces as many bytes, and one, as they are. A greater one is a reference: its upper three
bits are a length, its lower five with the next byte a distance backwards from what was decompressed so far.
"""

from typing import Final

import lzf  # type: ignore[import-not-found] # it has no annotations

_LEAST_GAIN: Final = 4
"""Bytes that must be won, as in Redis: who reads has work to do for it."""
_GREATEST_RATIO: Final = 88
"""Three bytes can stand for 264 at most."""


def compress(data: bytes) -> bytes | None:
    """Compress data of more than four bytes; None if that does not make it shorter."""
    packed: bytes | None = lzf.compress(data, len(data) - _LEAST_GAIN)
    return packed


def decompress(data: bytes, length: int) -> bytes:
    """Undo the compression.

    Args:
        data: what was compressed.
        length: how many bytes it should become; no more memory is taken than `data` can really fill.

    Raises:
        ValueError: it does not become so many, or refers to what does not exist.
    """
    if length > len(data) * _GREATEST_RATIO:
        raise ValueError("compressed data that cannot be so long")
    try:
        found: bytes | None = lzf.decompress(data, length)
    except ValueError:
        raise ValueError("compressed data that makes no sense") from None
    if found is None or len(found) != length:
        raise ValueError("compressed data of a wrong length")
    return found
