"""LZF, the compression of strings in RDB, undone. Nothing is compressed here, which every reader takes as well.

A control byte below 32 announces as many bytes, and one, as they are. A greater one is a reference: its upper three
bits are a length, its lower five with the next byte a distance backwards from what was decompressed so far.
"""

from typing import Final

_LITERAL: Final = 1 << 5
_LONG: Final = 7
_GREATEST_RATIO: Final = 88
"""Three bytes can stand for 264 at most."""


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
    out = bytearray()
    at, end = 0, len(data)
    try:
        while at < end:
            control = data[at]
            at += 1
            if control < _LITERAL:
                out += data[at : at + control + 1]
                at += control + 1
                continue
            count = control >> 5
            if count == _LONG:
                count += data[at]
                at += 1
            count += 2
            distance = ((control & 0x1F) << 8 | data[at]) + 1
            at += 1
            start = len(out) - distance
            if start < 0:
                raise ValueError("compressed data that refers to what is before its beginning")
            part = out[start : start + count]
            # It may reach into what it makes: then that repeats.
            out += part if distance >= count else (part * (count // distance + 1))[:count]
            if len(out) > length:
                break
    except IndexError:
        raise ValueError("compressed data that ends too soon") from None
    if len(out) != length or at != end:
        raise ValueError("compressed data of a wrong length")
    return bytes(out)
