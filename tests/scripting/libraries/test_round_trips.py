"""What is written is read again as it was; and Python's own libraries read it, too."""

from __future__ import annotations

import json
import math
import struct

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scripting.libraries.conftest import Run

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**13), 10**13) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
properties = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def number(text: str) -> float:
    return float(text)


def data(shown: str) -> bytes:
    """The string that is shown."""
    return shown[1:-1].encode("ascii").decode("unicode_escape").encode("latin-1")


@properties
@given(JSON)
def test_json(lua: Run, value: object) -> None:
    text = json.dumps(value).encode()

    again = data(lua("return cjson.encode(cjson.decode((...)))", text))

    assert json.loads(again) == without_empty_lists(value)


def without_empty_lists(value: object) -> object:
    """A table that is empty is an object."""
    if isinstance(value, list):
        return [without_empty_lists(item) for item in value] or {}
    if isinstance(value, dict):
        return {key: without_empty_lists(item) for key, item in value.items()}
    return value


@properties
@given(st.binary(max_size=40))
def test_json_of_any_bytes(lua: Run, text: bytes) -> None:
    assert lua("return cjson.decode(cjson.encode((...))) == (...)", text) == "true"
    lua("return pcall(cjson.decode, (...))", text)


@properties
@given(st.lists(NUMBERS | st.binary(max_size=300), max_size=20))
def test_message_pack(lua: Run, values: list[float | bytes]) -> None:
    source = "local packed = cmsgpack.pack({...}) local read = cmsgpack.unpack(packed) "
    source += "for i, value in ipairs({...}) do assert(read[i] == value) end return #read == select('#', ...)"

    assert lua(source, *values) == "true"


@properties
@given(st.binary(max_size=40))
def test_message_pack_of_any_bytes(lua: Run, text: bytes) -> None:
    lua("return pcall(cmsgpack.unpack, (...))", text)


@properties
@given(st.floats(allow_nan=False))
def test_floats_are_those_of_c(lua: Run, value: float) -> None:
    # Rounded to 32 bits as C does it: Python raises where that is too large.
    try:
        single = struct.pack("<f", value)
    except OverflowError:
        single = struct.pack("<f", math.copysign(math.inf, value))

    assert data(lua("return struct.pack('<d', ...)", value)) == struct.pack("<d", value)
    assert data(lua("return struct.pack('<f', ...)", value)) == single
    assert number(lua("return (struct.unpack('<d', ...))", struct.pack("<d", value))) == value
    assert number(lua("return (struct.unpack('<f', ...))", single)) == struct.unpack("<f", single)[0]


@properties
@given(st.integers(-(2**53), 2**53), st.integers(1, 8), st.sampled_from("<>"))
def test_integers_are_those_of_c(lua: Run, value: int, size: int, order: str) -> None:
    ending = "little" if order == "<" else "big"
    expected = (value % 256**size).to_bytes(size, ending)

    assert data(lua(f"return struct.pack('{order}i{size}', ...)", value)) == expected
    for kind, signed in ("i", True), ("I", False):
        read = lua(f"return (struct.unpack('{order}{kind}{size}', ...))", expected)
        assert number(read) == float(int.from_bytes(expected, ending, signed=signed))


@properties
@given(st.integers(-(2**31), 2**32 - 1), st.integers(-(2**31), 2**32 - 1), st.integers(0, 63))
def test_operations_on_bits(lua: Run, first: int, second: int, distance: int) -> None:
    a, b, by = first % 2**32, second % 2**32, distance % 32
    expected = {
        "band": a & b,
        "bor": a | b,
        "bxor": a ^ b,
        "lshift": a << by,
        "rshift": a >> by,
        "rol": a << by | a >> 32 - by,
        "ror": a >> by | a << 32 - by,
    }
    for name, bits in expected.items():
        other = second if name in ("band", "bor", "bxor") else distance
        signed = (bits + 2**31) % 2**32 - 2**31
        assert int(lua(f"return bit.{name}(...)", first, other)) == signed, name
