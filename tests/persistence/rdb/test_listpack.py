"""Listpacks, in Redis's bytes; what is broken is refused, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.keyspace.listpack_sizes import LISTPACK_FRAME, integer_size, text_size
from respstore.persistence.rdb.listpack import Element, decode, encode

INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-5000, 5000)
ELEMENTS = st.lists(INTEGERS | st.binary(max_size=100) | st.sampled_from([b"x" * 4095, b"x" * 4096, b"x" * 16400]))


def as_kept(element: Element) -> Element:
    """A text that is a number becomes one."""
    if isinstance(element, bytes) and element.removeprefix(b"-").isdigit():
        number = int(element)
        if b"%d" % number == element and -(2**63) <= number < 2**63:
            return number
    return element


@pytest.mark.parametrize(
    ("elements", "data"),
    [
        ([], b"\x07\x00\x00\x00\x00\x00\xff"),
        ([b"f", b"v", b"n", b"5000"], b"\x14\x00\x00\x00\x04\x00\x81f\x02\x81v\x02\x81n\x02\xf1\x88\x13\x03\xff"),
        ([b"b", b"-inf", 3], b"\x12\x00\x00\x00\x03\x00\x81b\x02\x84-inf\x05\x03\x01\xff"),
        ([-1], b"\x0a\x00\x00\x00\x01\x00\xdf\xff\x02\xff"),
        ([b"x" * 126], b"\x89\x00\x00\x00\x01\x00\xe0\x7e" + b"x" * 126 + b"\x01\x80\xff"),
    ],
)
def test_bytes(elements: list[Element], data: bytes) -> None:
    assert encode(elements) == data
    assert decode(data) == list(map(as_kept, elements))


@given(ELEMENTS)
def test_what_is_packed_comes_back(elements: list[Element]) -> None:
    data = encode(elements)
    assert decode(data) == list(map(as_kept, elements))
    sizes = [integer_size(element) if isinstance(element, int) else text_size(element) for element in elements]
    assert len(data) == LISTPACK_FRAME + sum(sizes)


def test_more_elements_than_the_head_can_count() -> None:
    elements: list[Element] = [1] * 70_000
    data = encode(elements)
    assert data[4:6] == b"\xff\xff"
    assert decode(data) == elements


@given(ELEMENTS, st.data())
def test_broken_bytes_are_read_or_refused(elements: list[Element], data: st.DataObject) -> None:
    packed = bytearray(encode(elements))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, min(len(packed), 300) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(packed))
    except ValueError:
        pass


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "of a wrong length"),
        (b"\x08\x00\x00\x00\x00\x00\xff", "of a wrong length"),
        (b"\x07\x00\x00\x00\x00\x00\x00", "of a wrong length"),
        (b"\x07\x00\x00\x00\x01\x00\xff", "do not fill it"),
        (b"\x09\x00\x00\x00\x01\x00\x85a\xff", "do not fill it"),
        (b"\x09\x00\x00\x00\x01\x00\xf5\x01\xff", "unknown type"),
        (b"\x09\x00\x00\x00\x01\x00\x05\x02\xff", "length behind it"),
        (b"\x0a\x00\x00\x00\x01\x00\x81a\x03\xff", "length behind it"),
        (b"\x0a\x00\x00\x00\x01\x00\xdf\xff\x01\xff", "length behind it"),
        (b"\x89\x00\x00\x00\x01\x00\xe0\x7e" + b"x" * 126 + b"\x01\x81\xff", "length behind it"),
    ],
)
def test_errors(data: bytes, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        decode(data)
