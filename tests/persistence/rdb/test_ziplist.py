"""What older versions of Redis wrote is read, element by element; what is broken is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.persistence.rdb.primitives import CorruptError
from respstore.persistence.rdb.ziplist import decode_intset, decode_ziplist, decode_zipmap, encode_intset


def ziplist(*entries: bytes, count: int | None = None) -> bytes:
    """A ziplist of entries that have their heads, but not the length of the one before."""
    body, before, tail = b"", 0, 10
    for entry in entries:
        head = bytes([before]) if before < 254 else b"\xfe" + before.to_bytes(4, "little")
        tail = 10 + len(body)
        body += head + entry
        before = len(head + entry)
    count = len(entries) if count is None else count
    return (
        (11 + len(body)).to_bytes(4, "little")
        + tail.to_bytes(4, "little")
        + count.to_bytes(2, "little")
        + body
        + b"\xff"
    )


@pytest.mark.parametrize(
    ("entry", "element"),
    [
        (b"\x00", b""),
        (b"\x03abc", b"abc"),
        (b"\x40\x40" + b"x" * 64, b"x" * 64),
        (b"\x80\x00\x00\x40\x00" + b"x" * 16384, b"x" * 16384),
        (b"\xc0\xff\x7f", b"32767"),
        (b"\xd0\xff\xff\xff\xff", b"-1"),
        (b"\xe0" + b"\xff" * 7 + b"\x7f", b"9223372036854775807"),
        (b"\xf0\x00\x00\x80", b"-8388608"),
        (b"\xfe\x80", b"-128"),
        (b"\xf1", b"0"),
        (b"\xfd", b"12"),
    ],
)
def test_a_ziplist(entry: bytes, element: bytes) -> None:
    assert decode_ziplist(ziplist(entry, entry)) == [element, element]
    assert decode_ziplist(ziplist(b"\x40\xff" + b"y" * 255, entry)) == [b"y" * 255, element]


def test_a_ziplist_that_holds_nothing_or_too_many_to_count() -> None:
    assert decode_ziplist(ziplist()) == []
    assert decode_ziplist(ziplist(b"\xf1", count=0xFFFF)) == [b"0"]


@pytest.mark.parametrize(
    "data",
    [
        *(b"", ziplist(b"\x03ab"), ziplist(b"\xf1", count=2), ziplist(b"\xff"), ziplist(b"\xf1") + b"x"),
        ziplist(b"\x01a").replace(b"\x0a\0\0\0", b"\x0b\0\0\0"),
        *(
            ziplist(b"\x01a", b"\x01b").replace(b"a\x03", b"a" + wrong)
            for wrong in (b"\x02", b"\x0e", b"\xfe\x02\0\0\0")
        ),
    ],
)
def test_a_broken_ziplist(data: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_ziplist(data)


def test_a_zipmap() -> None:
    long = b"\xfe\x00\x01\x00\x00" + b"k" * 256
    assert decode_zipmap(b"\x02\x01f\x02\x00vv" + long + b"\x01\x02w..\xff") == [b"f", b"vv", b"k" * 256, b"w"]
    assert decode_zipmap(b"\x00\xff") == []


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\x01", b"\x01\x01f", b"\x01\x01f\xff", b"\x01\x05f\xff", b"\x00\xff\xff"),
        b"\x01\xfe\x01\0\0\0f\x01\0v\xff",
    ],
)
def test_a_broken_zipmap(data: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_zipmap(data)


def test_an_intset_is_as_wide_as_its_numbers() -> None:
    assert encode_intset([-300, 1]) == b"\x02\x00\x00\x00\x02\x00\x00\x00\xd4\xfe\x01\x00"
    assert encode_intset([-32769]) == b"\x04\x00\x00\x00\x01\x00\x00\x00\xff\x7f\xff\xff"
    assert encode_intset([])[:8] == b"\x02\x00\x00\x00\x00\x00\x00\x00"


@given(st.sets(st.integers(-(2**63), 2**63 - 1) | st.integers(-40000, 40000)).map(sorted))
def test_an_intset_comes_back(numbers: list[int]) -> None:
    assert decode_intset(encode_intset(numbers)) == [b"%d" % number for number in numbers]


@pytest.mark.parametrize("data", [b"", b"\x03\x00\x00\x00\x00\x00\x00\x00", encode_intset([1]) + b"x"])
def test_a_broken_intset(data: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_intset(data)
