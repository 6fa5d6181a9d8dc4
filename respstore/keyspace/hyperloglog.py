"""HyperLogLog as Redis keeps it: a string, bit for bit the same, so that a value can move between the two.

A HyperLogLog has 16,384 registers. An element is hashed; 14 bits of the hash choose a register, and what is kept there
is the largest number of zeros, plus one, that the other bits of any element ended with. The string is a header,

    "HYLL"   one byte, the encoding: 0 dense, 1 sparse   3 bytes, 0   8 bytes, the cached cardinality, little-endian

(the cache does not hold while its highest bit is set), and the registers. Dense, they are 6 bits each, the first in the
lowest bits of the first byte. Sparse, they are runs of equal registers, as opcodes:

    00rrrrrr             ZERO: r + 1 registers are 0
    01rrrrrr rrrrrrrr    XZERO: the same with 14 bits
    1vvvvvrr             VAL: r + 1 registers are v + 1

A sparse value becomes dense, for good, when it outgrows hll-sparse-max-bytes or a register exceeds 32. Adjacent runs
are merged where Redis would merge them and nowhere else, which is what makes the strings equal.

Functions change `data`, the string as a bytearray, in place. Whole arrays of registers are handled with operations that
Python does in C (translate, integers of 16,384 bytes), never in a loop over them. The estimate is Ertl's (2017,
"New cardinality estimation algorithms for HyperLogLog sketches", https://arxiv.org/abs/1702.01284).
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import length_hint
from typing import Final

from respstore.keyspace.bits import Bytes
from respstore.numbers import MAX_INTEGER, MIN_INTEGER

MAGIC: Final = b"HYLL"
DENSE: Final = 0
SPARSE: Final = 1
INDEX_BITS: Final = 14
REGISTERS: Final = 1 << INDEX_BITS
HASH_BITS: Final = 64 - INDEX_BITS
HEADER: Final = 16
DENSE_SIZE: Final = HEADER + REGISTERS * 6 // 8

_CARDINALITY: Final = slice(8, 16)
_STALE: Final = 0x80
_LONGEST_ZERO: Final = 64
_LONGEST_VALUE: Final = 4
_LARGEST_SPARSE: Final = 32
_MERGED: Final = 5
"""Opcodes that are looked at for runs to be merged, from the one before the change."""
_STRIDE: Final = 32
"""After how many opcodes a search leaves a mark for the next one."""
_RUNS: Final = [*range(1, 65), *[0] * 64, *[1, 2, 3, 4] * 32]
"""The length of a run by its opcode; 0 for XZERO, whose second byte tells."""
_ALPHA: Final = 0.721347520444481703680  # 0.5 / ln 2

_MASK: Final = 2**64 - 1
_MULTIPLIER: Final = 0xC6A4A7935BD1E995
_SEED: Final = 0xADC83B19

# Four registers are three bytes: a = 11000000, b = 22221111, c = 33333322. Tables for translate, from a byte to what it
# gives to a register and back.
_TO_REGISTERS: Final = {
    (byte, register): bytes((value << left & 63) if left >= 0 else value >> -left for value in range(256))
    for byte, register, left in ((0, 0, 0), (0, 1, -6), (1, 1, 2), (1, 2, -4), (2, 2, 4), (2, 3, -2))
}
_TO_BYTES: Final = {
    (register, byte): bytes((value << left & 255) if left >= 0 else value >> -left for value in range(256))
    for register, byte, left in ((0, 0, 0), (1, 0, 6), (1, 1, -2), (2, 1, 4), (2, 2, -4), (3, 2, 2))
}
_HIGH_BITS: Final = int.from_bytes(b"\x80" * REGISTERS, "little")


class CorruptedError(ValueError):
    """The header is a HyperLogLog's, but the runs behind it are not 16,384 registers."""


def empty() -> bytearray:
    """A new value: sparse, one run of zeros, the cardinality 0 in the cache."""
    return bytearray(MAGIC + bytes((SPARSE, 0, 0, 0)) + bytes(8) + _zeros(REGISTERS))


def is_hyperloglog(data: Bytes) -> bool:
    """Whether the header is one, and the length of a dense value right."""
    if len(data) < HEADER or data[:4] != MAGIC:
        return False
    return data[4] == SPARSE or (data[4] == DENSE and len(data) == DENSE_SIZE)


def is_sparse(data: Bytes) -> bool:
    """How the registers are encoded."""
    return data[4] == SPARSE


# The cache


def cached_cardinality(data: Bytes) -> int | None:
    """The cardinality in the header, or None if it does not hold any more."""
    return None if data[15] & _STALE else int.from_bytes(data[_CARDINALITY], "little")


def cache_cardinality(data: bytearray, cardinality: int) -> None:
    """Keep a cardinality until registers change."""
    data[_CARDINALITY] = (cardinality & _MASK).to_bytes(8, "little")


def invalidate_cache(data: bytearray) -> None:
    """Registers have changed."""
    data[15] |= _STALE


# Adding


def hash_element(element: bytes) -> int:
    """MurmurHash64A, https://github.com/aappleby/smhasher, with Redis's seed."""
    length = len(element)
    result = _SEED ^ length * _MULTIPLIER & _MASK
    whole = length & ~7
    for place in range(0, whole, 8):
        word = int.from_bytes(element[place : place + 8], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 47) * _MULTIPLIER & _MASK
        result = (result ^ word) * _MULTIPLIER & _MASK
    if length & 7:
        result = (result ^ int.from_bytes(element[whole:], "little")) * _MULTIPLIER & _MASK
    result = (result ^ result >> 47) * _MULTIPLIER & _MASK
    return result ^ result >> 47


def register_of(element: bytes) -> tuple[int, int]:
    """The register that an element is counted in, and the value that it gives it at least."""
    hashed = hash_element(element)
    rest = hashed >> INDEX_BITS | 1 << HASH_BITS
    return hashed & REGISTERS - 1, (rest & -rest).bit_length()


def add(data: bytearray, element: bytes, sparse_limit: int) -> bool:
    """Count an element.

    Args:
        data: the value.
        element: the element.
        sparse_limit: bytes that a sparse value may have (hll-sparse-max-bytes).

    Returns:
        Whether a register was changed.

    Raises:
        CorruptedError: a sparse value does not have this register, or cannot be made dense.
    """
    index, value = register_of(element)
    if data[4] == DENSE:
        return _raise_dense(data, index, value)
    return _raise_sparse(data, index, value, sparse_limit, [(HEADER, 0)])


def _raise_dense(data: bytearray, index: int, value: int) -> bool:
    """Give a register at least this value; whether that changed it."""
    place, shift = HEADER + (index * 6 >> 3), index * 6 & 7
    pair = int.from_bytes(data[place : place + 2], "little")
    if pair >> shift & 63 >= value:
        return False
    size = min(2, DENSE_SIZE - place)
    data[place : place + size] = (pair & ~(63 << shift) | value << shift).to_bytes(size, "little")
    return True


def _raise_sparse(data: bytearray, index: int, value: int, limit: int, trail: list[tuple[int, int]]) -> bool:
    """As `_raise_dense`; if the value becomes too long it is made dense.

    `trail` are some of the opcodes in front of the register's, the first one of all among them, each as its place and
    its first register. The search begins at the last of them, and leaves a trail that is good for any later register.
    """
    if value > _LARGEST_SPARSE:
        make_dense(data)
        return _raise_dense(data, index, value)
    opcode, place, first, run, previous = _find_run(data, index, trail)
    while len(trail) > 1 and trail[-1][0] >= previous:  # its run may become longer below, or a part of another
        trail.pop()
    old = value_of(opcode)
    if old >= value:
        return False
    size = _size_of(opcode)
    new = _run(old, index - first) + _value(value, 1) + _run(old, first + run - 1 - index)
    if len(new) > size and len(data) + len(new) - size > limit:
        make_dense(data)
        return _raise_dense(data, index, value)
    data[place : place + size] = new
    _merge_runs(data, previous)
    return True


def _find_run(data: bytearray, index: int, trail: list[tuple[int, int]]) -> tuple[int, int, int, int, int]:
    """The opcode of a register's run, its place, the first register and the length of the run, the opcode before."""
    start, first = trail[-1]
    opcodes = iter(data[start:])
    end = len(data)
    before: int | None = None
    while length_hint(opcodes):
        for opcode in islice(opcodes, _STRIDE):
            run = _RUNS[opcode] or ((opcode & 63) << 8 | next(opcodes, 0)) + 1
            first += run
            if index < first:
                place = end - length_hint(opcodes) - _size_of(opcode)
                return opcode, place, first - run, run, place if before is None else place - _size_of(before)
            before = opcode
        trail.append((end - length_hint(opcodes), first))
    raise CorruptedError


def _size_of(opcode: int) -> int:
    return 2 if opcode & 0xC0 == 0x40 else 1


def _run(value: int, length: int) -> bytes:
    """The opcode of a run that is a part of another one, or of none."""
    if not length:
        return b""
    return _value(value, length) if value else _zeros(length)


def _zeros(length: int) -> bytes:
    return bytes((length - 1,)) if length <= _LONGEST_ZERO else bytes((0x40 | length - 1 >> 8, length - 1 & 255))


def _value(value: int, length: int) -> bytes:
    return bytes((0x80 | value - 1 << 2 | length - 1,))


def _merge_runs(data: bytearray, place: int) -> None:
    """Merge adjacent runs of one value, among the next few opcodes, as far as an opcode can hold them."""
    for _ in range(_MERGED):
        if place >= len(data):
            return
        opcode = data[place]
        following = data[place + 1] if place + 1 < len(data) else 0
        length = (opcode & 3) + (following & 3) + 2
        if opcode & 0x80 and opcode & 0xFC == following & 0xFC and length <= _LONGEST_VALUE:
            data[place : place + 2] = bytes((opcode & 0xFC | length - 1,))  # and try to merge it with the next
        else:
            place += _size_of(opcode)


# All registers


def runs_of(data: Bytes) -> Iterator[tuple[int, int]]:
    """The opcodes of a sparse value, of each the first byte and the number of registers."""
    opcodes = iter(data[HEADER:])
    for opcode in opcodes:
        yield opcode, _RUNS[opcode] or ((opcode & 63) << 8 | next(opcodes, 0)) + 1


def value_of(opcode: int) -> int:
    """What the registers of a run are."""
    return (opcode >> 2 & 31) + 1 if opcode & 0x80 else 0


def registers_of(data: Bytes) -> bytearray:
    """All registers, a byte for each.

    Raises:
        CorruptedError: there are more or fewer.
    """
    if data[4] == DENSE:
        registers = bytearray(REGISTERS)
        parts = [data[HEADER + byte :: 3] for byte in range(3)]
        registers[0::4] = parts[0].translate(_TO_REGISTERS[0, 0])
        registers[1::4] = _or(parts[0].translate(_TO_REGISTERS[0, 1]), parts[1].translate(_TO_REGISTERS[1, 1]))
        registers[2::4] = _or(parts[1].translate(_TO_REGISTERS[1, 2]), parts[2].translate(_TO_REGISTERS[2, 2]))
        registers[3::4] = parts[2].translate(_TO_REGISTERS[2, 3])
        return registers
    registers = bytearray()
    for opcode, run in runs_of(data):
        if len(registers) + run > REGISTERS:
            raise CorruptedError
        registers += bytes((value_of(opcode),)) * run
    if len(registers) != REGISTERS:
        raise CorruptedError
    return registers


def make_dense(data: bytearray) -> None:
    """Encode a value densely if it is sparse."""
    if data[4] != DENSE:
        data[HEADER:] = _packed(registers_of(data))
        data[4] = DENSE


def _packed(registers: Bytes) -> bytes:
    parts = [registers[register::4] for register in range(4)]
    packed = bytearray(REGISTERS * 6 // 8)
    for byte in range(3):
        low, high = (parts[register].translate(_TO_BYTES[register, byte]) for register in (byte, byte + 1))
        packed[byte::3] = _or(low, high)
    return bytes(packed)


def _or(a: Bytes, b: Bytes) -> bytes:
    return (int.from_bytes(a, "little") | int.from_bytes(b, "little")).to_bytes(len(a), "little")


def union(a: Bytes, b: Bytes) -> bytes:
    """The larger of each two registers."""
    x, y = int.from_bytes(a, "little"), int.from_bytes(b, "little")
    greater = ((x | _HIGH_BITS) - y) & _HIGH_BITS  # where x >= y; no register needs its byte's highest bit
    mask = greater - (greater >> 7)
    return (x & mask | y & ~mask).to_bytes(REGISTERS, "little")


def raise_registers(data: bytearray, registers: Bytes, sparse_limit: int) -> None:
    """Give each register at least the value that it has among these.

    Raises:
        CorruptedError: as of `add`.
    """
    trail = [(HEADER, 0)]
    for index, value in enumerate(registers):
        if value and data[4] != DENSE:
            _raise_sparse(data, index, value, sparse_limit, trail)
    if data[4] == DENSE:
        data[HEADER:] = _packed(union(registers_of(data), registers))


# Counting


def cardinality_of(data: Bytes) -> int:
    """How many different elements were added, give or take 0.81 %.

    Raises:
        CorruptedError: the registers are not as many as they should be.
    """
    if data[4] == DENSE:
        return estimate(registers_of(data))
    histogram = [0] * 64
    for opcode, run in runs_of(data):
        histogram[value_of(opcode)] += run
    if sum(histogram) != REGISTERS:
        raise CorruptedError
    return _estimate(histogram)


def estimate(registers: Bytes) -> int:
    """How many different elements these registers stand for."""
    histogram = []
    for value in range(64):  # each time without those that are counted already: they are few soon
        others = registers.translate(None, bytes((value,)))
        histogram.append(len(registers) - len(others))
        registers = others
    return _estimate(histogram)


def _estimate(histogram: Sequence[int]) -> int:
    z = REGISTERS * _tau((REGISTERS - histogram[HASH_BITS + 1]) / REGISTERS)
    for count in islice(reversed(histogram), 63 - HASH_BITS, 63):
        z = (z + count) * 0.5
    z += REGISTERS * _sigma(histogram[0] / REGISTERS)
    number = _ALPHA * REGISTERS * REGISTERS / z if z else math.inf
    if number > MAX_INTEGER:  # so many were never added; what Redis makes of it comes of how x86 converts a float
        return MIN_INTEGER
    whole = math.floor(number)
    return whole + (number - whole >= 0.5)


def _sigma(x: float) -> float:
    if x == 1:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x = math.sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) ** 2 * y
    return z / 3
