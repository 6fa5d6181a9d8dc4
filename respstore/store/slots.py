"""Hash slots: in which of the 16,384 parts of a cluster a key lies."""

import binascii
from typing import Final

SLOTS: Final = 16384


def hash_tag(key: bytes) -> bytes:
    """The part of a key that decides: what stands between its first `{` and the next `}`, else the whole key."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            return key[start + 1 : end]
    return key


def hash_slot(key: bytes) -> int:
    """The slot of a key."""
    return binascii.crc_hqx(hash_tag(key), 0) % SLOTS
