"""LZF: what was compressed comes back, and nothing that is broken takes memory or raises anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.persistence.rdb.lzf import compress, decompress


@pytest.mark.parametrize(
    ("packed", "data"),
    [
        (b"\x02abc", b"abc"),
        (b"\x02aba\xe0.\x01\x01ab", b"ab" * 30),
        (b"\x00x\xe0\x0b\x00", b"x" * 21),
        (b"\x03abcd\x20\x03", b"abcdabc"),
    ],
)
def test_decompress(packed: bytes, data: bytes) -> None:
    assert decompress(packed, len(data)) == data


@pytest.mark.parametrize(
    ("packed", "length", "error"),
    [
        (b"\x02ab", 3, "makes no sense"),
        (b"\x02abc", 2, "of a wrong length"),
        (b"", 0, "of a wrong length"),
        (b"\x00a\x20\x01", 4, "makes no sense"),
        (b"\x00a\xe0", 4, "makes no sense"),
        (b"\x00a\x20", 4, "makes no sense"),
        (b"\x00a", 2**40, "cannot be so long"),
    ],
)
def test_broken_data(packed: bytes, length: int, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        decompress(packed, length)


def test_compress() -> None:
    assert compress(b"x" * 21) == b"\x01xx\xe0\x0a\x00"
    assert compress(b"abcdefghijklmnopqrstu") is None


@given(st.binary(min_size=21) | st.lists(st.sampled_from([b"ab", b"abc", b"\0" * 300]), min_size=11).map(b"".join))
def test_what_is_compressed_comes_back(data: bytes) -> None:
    packed = compress(data)
    assert packed is None or (len(packed) <= len(data) - 4 and decompress(packed, len(data)) == data)


@given(st.binary(max_size=100), st.integers(0, 3000))
def test_any_bytes_are_decompressed_or_refused(packed: bytes, length: int) -> None:
    try:
        assert len(decompress(packed, length)) == length
    except ValueError:
        pass
