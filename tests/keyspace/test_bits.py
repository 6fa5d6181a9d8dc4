"""Arithmetic on bits against strings of the characters 0 and 1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.keyspace.bits import (
    CHUNK,
    FieldType,
    Overflow,
    as_settable,
    combine,
    count_bits,
    find_bit,
    fit,
    get_bit,
    get_field,
    set_bit,
    set_field,
)

U8 = FieldType(signed=False, bits=8)
I8 = FieldType(signed=True, bits=8)

data = st.binary(min_size=1, max_size=40)
kinds = st.builds(FieldType, st.just(True), st.integers(1, 64)) | st.builds(
    FieldType, st.just(False), st.integers(1, 63)
)


def digits(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


@st.composite
def data_and_range(draw: st.DrawFn) -> tuple[bytes, int, int]:
    string = draw(data)
    low, high = sorted(draw(st.integers(0, 8 * len(string) - 1)) for _ in range(2))
    return string, low, high


@given(data, st.integers(0, 400))
def test_get_bit(string: bytes, offset: int) -> None:
    assert get_bit(string, offset) == int((digits(string) + "0" * 500)[offset])


@given(data, st.data(), st.integers(0, 1))
def test_set_bit(string: bytes, choice: st.DataObject, bit: int) -> None:
    offset = choice.draw(st.integers(0, 8 * len(string) - 1))
    changed = bytearray(string)
    set_bit(changed, offset, bit)

    before = digits(string)
    assert digits(changed) == before[:offset] + str(bit) + before[offset + 1 :]


@given(data_and_range())
def test_count_bits(case: tuple[bytes, int, int]) -> None:
    string, low, high = case

    assert count_bits(string, low, high) == digits(string)[low : high + 1].count("1")


@given(data_and_range(), st.integers(0, 1))
def test_find_bit(case: tuple[bytes, int, int], bit: int) -> None:
    string, low, high = case
    found = digits(string).find(str(bit), low, high + 1)

    assert find_bit(string, bit, low, high) == (None if found < 0 else found)


@pytest.mark.parametrize("bit", [0, 1])
@pytest.mark.parametrize("place", [0, 7, 8 * CHUNK - 1, 8 * CHUNK, 8 * CHUNK + 9, 24 * CHUNK - 1, 24 * CHUNK + 3])
@pytest.mark.parametrize("start", [0, 5, 8 * CHUNK - 3])
def test_find_bit_across_chunks(bit: int, place: int, start: int) -> None:
    string = bytearray(3 * CHUNK + 10) if bit else bytearray(b"\xff" * (3 * CHUNK + 10))
    set_bit(string, place, bit)
    last = 8 * len(string) - 1

    assert find_bit(string, bit, start, last) == (place if start <= place else None)
    assert find_bit(string, bit, start, place - 1) is None
    assert find_bit(string, bit, place + 1, last) is None


def test_find_bit_looks_no_further_than_it_must() -> None:
    class Counting(bytes):
        seen = 0

        def __getitem__(self, index):  # type: ignore[no-untyped-def]
            piece = bytes(self)[index]
            Counting.seen += len(piece)
            return piece

    string = Counting(b"\x01" * 100 * CHUNK)
    assert find_bit(string, 1, 0, 8 * len(string) - 1) == 7
    assert Counting.seen <= 2 * CHUNK


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_combine(strings: list[bytes]) -> None:
    length = max(map(len, strings))
    padded = [string.ljust(length, b"\0") for string in strings]
    results: dict[str, list[int]] = {"and": [], "or": [], "xor": []}
    for column in zip(*padded, strict=True):
        total = {"and": 255, "or": 0, "xor": 0}
        for byte in column:
            total = {"and": total["and"] & byte, "or": total["or"] | byte, "xor": total["xor"] ^ byte}
        for name, byte in total.items():
            results[name].append(byte)

    for name, expected in results.items():
        assert combine(name, strings) == bytes(expected)
    assert combine("not", strings[:1]) == bytes(byte ^ 255 for byte in strings[0])


@given(data, kinds, st.integers(0, 400))
def test_get_field(string: bytes, kind: FieldType, offset: int) -> None:
    number = int((digits(string) + "0" * 500)[offset : offset + kind.bits], 2)
    if kind.signed and number >> kind.bits - 1:
        number -= 1 << kind.bits

    assert get_field(string, kind, offset) == number


@given(st.binary(min_size=20, max_size=20), kinds, st.integers(0, 96), st.data())
def test_set_field_changes_nothing_else(string: bytes, kind: FieldType, offset: int, choice: st.DataObject) -> None:
    number = choice.draw(st.integers(kind.least, kind.greatest))
    changed = bytearray(string)
    set_field(changed, kind, offset, number)

    assert get_field(changed, kind, offset) == number
    assert len(changed) == len(string)
    assert digits(changed)[:offset] == digits(string)[:offset]
    assert digits(changed)[offset + kind.bits :] == digits(string)[offset + kind.bits :]


@pytest.mark.parametrize(
    ("kind", "number", "wrapped", "nearest"),
    [(U8, 256, 0, 255), (U8, -1, 255, 0), (I8, 128, -128, 127), (I8, -129, 127, -128), (I8, 1000, -24, 127)],
)
def test_what_does_not_fit(kind: FieldType, number: int, wrapped: int, nearest: int) -> None:
    assert fit(number, kind, Overflow.WRAP) == wrapped
    assert fit(number, kind, Overflow.SAT) == nearest
    assert fit(number, kind, Overflow.FAIL) is None


@given(kinds, st.data(), st.sampled_from(Overflow))
def test_what_fits(kind: FieldType, choice: st.DataObject, overflow: Overflow) -> None:
    number = choice.draw(st.integers(kind.least, kind.greatest))

    assert fit(number, kind, overflow) == as_settable(number, kind) == number


def test_negative_numbers_that_redis_takes_for_large_ones() -> None:
    assert fit(as_settable(-1, U8), U8, Overflow.SAT) == 255
    assert fit(as_settable(-(2**63) + 128, I8), I8, Overflow.SAT) == -128
    assert fit(as_settable(-(2**63) + 127, I8), I8, Overflow.SAT) == 127
