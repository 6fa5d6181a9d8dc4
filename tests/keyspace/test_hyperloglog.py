"""HyperLogLogs: strings as Redis makes them (made with redis-server 7.0.15), and registers against a plain list."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respstore.keyspace import hyperloglog as hll

LIMIT = 3000

elements = st.lists(st.integers(0, 300).map(lambda number: b"%d" % number) | st.binary(max_size=20), max_size=150)
registers = st.dictionaries(st.integers(0, hll.REGISTERS - 1), st.integers(1, 51), max_size=200).map(
    lambda chosen: bytes(chosen.get(index, 0) for index in range(hll.REGISTERS))
)


def made_of(*added: bytes, limit: int = LIMIT) -> bytearray:
    data = hll.empty()
    for element in added:
        hll.add(data, element, limit)
    return data


def dense(values: bytes) -> bytearray:
    """Six bits each, the first in the lowest bits."""
    packed = sum(value << 6 * index for index, value in enumerate(values))
    return bytearray(b"HYLL" + bytes(12) + packed.to_bytes(hll.DENSE_SIZE - hll.HEADER, "little"))


def runs(data: bytearray) -> list[tuple[int, int]]:
    return [(hll.value_of(opcode), run) for opcode, run in hll.runs_of(data)]


@pytest.mark.parametrize(
    ("element", "hashed"),
    [
        (b"", 0xD8DFEA6585BC9732),
        (b"a", 0x53D2470A9B43B1A7),
        (b"12345678", 0x95EBB86389132953),
        (b"123456789", 0x217532CB09F2A44D),
        (bytes(range(256)), 0x595202C04F157049),
    ],
)
def test_hash(element: bytes, hashed: int) -> None:
    assert hll.hash_element(element) == hashed


def test_a_new_value() -> None:
    data = hll.empty()

    assert bytes(data) == b"HYLL\x01" + bytes(11) + b"\x7f\xff"
    assert hll.is_hyperloglog(data)
    assert hll.is_sparse(data)
    assert hll.cached_cardinality(data) == hll.cardinality_of(data) == 0


def test_three_elements_as_redis_keeps_them() -> None:
    assert made_of(b"a", b"b", b"c")[hll.HEADER :].hex() == "60f38050b1844bfb80425a"
    assert hll.cardinality_of(made_of(b"a", b"b", b"c")) == 3


def test_adding_again_changes_nothing() -> None:
    data = hll.empty()

    assert hll.add(data, b"a", LIMIT)
    assert not hll.add(data, b"a", LIMIT)


@given(elements, st.sampled_from([LIMIT, 100, 0]))
def test_registers_are_the_largest_values_of_any_element(added: list[bytes], limit: int) -> None:
    expected = bytearray(hll.REGISTERS)
    data = hll.empty()
    for element in added:
        index, value = hll.register_of(element)
        assert hll.add(data, element, limit) == (expected[index] < value)
        expected[index] = max(expected[index], value)

    assert hll.registers_of(data) == expected
    assert hll.is_sparse(data) is False or len(data) <= max(limit, 18)


def test_a_value_that_outgrows_the_limit_becomes_dense() -> None:
    data = made_of(*(b"%d" % number for number in range(2000)))

    assert not hll.is_sparse(data)
    assert len(data) == hll.DENSE_SIZE
    assert hll.registers_of(data) == hll.registers_of(made_of(*(b"%d" % number for number in range(2000)), limit=0))


def test_a_register_beyond_32_makes_a_value_dense() -> None:
    data = hll.empty()
    large = bytearray(hll.REGISTERS)
    large[5] = 33
    hll.raise_registers(data, large, LIMIT)

    assert not hll.is_sparse(data)
    assert hll.registers_of(data) == large


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        ({0: 1}, [(1, 1), (0, 16383)]),
        ({16383: 1}, [(0, 16383), (1, 1)]),
        ({10: 2}, [(0, 10), (2, 1), (0, 16373)]),
        ({10: 2, 11: 2, 12: 2, 13: 2}, [(0, 10), (2, 4), (0, 16370)]),
        ({10: 2, 11: 2, 12: 2, 13: 2, 14: 2}, [(0, 10), (2, 4), (2, 1), (0, 16369)]),
        ({10: 2, 12: 2, 11: 2}, [(0, 10), (2, 3), (0, 16371)]),
        ({10: 2, 11: 2, 12: 2, 13: 2, 11.5: 3}, [(0, 10), (2, 1), (3, 1), (2, 2), (0, 16370)]),
    ],
)
def test_runs_are_split_and_merged(raised: dict[float, int], expected: list[tuple[int, int]]) -> None:
    data = hll.empty()
    for index, value in raised.items():
        only = bytearray(hll.REGISTERS)
        only[int(index)] = value
        hll.raise_registers(data, only, LIMIT)

    assert runs(data) == expected


@settings(max_examples=20)
@given(elements, elements, st.sampled_from([LIMIT, 200]))
def test_raising_all_registers_is_raising_one_by_one(first: list[bytes], second: list[bytes], limit: int) -> None:
    """The same string comes of it, though each search goes on from the last one's trail."""
    together, one_by_one = made_of(*first, limit=limit), made_of(*first, limit=limit)
    raised = hll.registers_of(made_of(*second))
    hll.raise_registers(together, raised, limit)
    for index, value in enumerate(raised):
        if value:
            hll.raise_registers(one_by_one, bytes(index) + bytes((value,)), limit)

    assert together == one_by_one
    assert hll.registers_of(together) == hll.union(hll.registers_of(made_of(*first)), raised)


@settings(max_examples=20)
@given(registers)
def test_dense_registers(values: bytes) -> None:
    data = dense(values)

    assert hll.is_hyperloglog(data)
    assert hll.registers_of(data) == values
    copy = hll.empty()
    hll.make_dense(copy)
    hll.raise_registers(copy, values, LIMIT)
    assert copy == data


@settings(max_examples=20)
@given(registers, registers)
def test_union(a: bytes, b: bytes) -> None:
    assert hll.union(a, b) == bytes(map(max, a, b))


@pytest.mark.parametrize("count", [1, 10, 100, 1000, 20_000])
def test_estimates_are_near(count: int) -> None:
    data = made_of(*(b"element:%d" % number for number in range(count)))
    copy = bytearray(data)
    hll.make_dense(copy)

    assert abs(hll.cardinality_of(data) - count) <= 0.04 * count
    assert hll.cardinality_of(copy) == hll.cardinality_of(data) == hll.estimate(hll.registers_of(data))


def test_estimate_at_the_ends() -> None:
    assert hll.estimate(bytes(hll.REGISTERS)) == 0
    for value in (50, 51, 52, 63):
        assert hll.estimate(bytes([value]) * hll.REGISTERS) == -(2**63)  # as Redis says on x86
    data = hll.empty()
    hll.cache_cardinality(data, -(2**63))
    assert hll.cached_cardinality(data) is None


def test_the_cache() -> None:
    data = made_of(b"a")
    hll.invalidate_cache(data)
    assert hll.cached_cardinality(data) is None
    hll.cache_cardinality(data, 2**40)
    assert hll.cached_cardinality(data) == 2**40
    assert data[8:16] == b"\0\0\0\0\0\x01\0\0"


@pytest.mark.parametrize(
    "string",
    [b"", b"HYLL", hll.empty()[:15], b"HYLX" + hll.empty()[4:], b"HYLL\x02" + hll.empty()[5:], dense(b"")[:-1]],
)
def test_what_is_none(string: bytes) -> None:
    assert not hll.is_hyperloglog(string)


@pytest.mark.parametrize(
    "body", [b"", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x84", b"\x3f\x80\x80", b"\x7f\xff" * 1000]
)
def test_corrupted(body: bytes) -> None:
    data = hll.empty()[: hll.HEADER] + body

    assert hll.is_hyperloglog(data)
    for act in (hll.registers_of, hll.make_dense, hll.cardinality_of):
        with pytest.raises(hll.CorruptedError):
            act(bytearray(data))


def test_adding_to_a_register_that_is_not_there() -> None:
    with pytest.raises(hll.CorruptedError):
        hll.add(hll.empty()[: hll.HEADER] + b"\x00", b"a", LIMIT)
