"""Commands on the bits of strings."""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    index,
    integer,
    many,
    maybe,
    one_of,
    string_key,
    word,
)

bit = word(0, 1, 0, 1, 1, 2, -1, "junk")
offset = word(0, 1, 7, 8, 15, 60, 100, 2000, -1, 4294967296, "#1", "junk")
bit_index = word(0, 1, 7, 8, 9, 17, -1, -2, -7, -9, -30, 100, "9223372036854775807", "-9223372036854775808", "junk")
unit = word("BYTE", "BIT", "BIT", "bit", "junk")
limits = one_of([command(index, index), command(bit_index, bit_index), command(bit_index, bit_index, unit)])
field_type = word("u1", "i1", "u2", "i5", "u8", "i8", "u16", "i33", "u63", "i64", "i63", "u64", "junk")
field_offset = word(0, 1, 5, 8, 100, 555, "#0", "#1", "#3", "#20", -1, "#", "junk")
field_value = word(
    0, 1, 2, -1, -2, 5, 100, 127, 128, 255, 256, -128, -129, 65536, 2**62, -(2**62),
    2**63 - 1, -(2**63), -(2**63) + 100, "junk",
)  # fmt: skip
read = command("GET", field_type, field_offset)
operation = one_of(
    [
        read,
        command("SET", field_type, field_offset, field_value),
        command("INCRBY", field_type, field_offset, field_value),
        command("INCRBY", field_type, field_offset, integer),
        command("OVERFLOW", word("WRAP", "SAT", "FAIL", "sat", "fail", "junk")),
        word("junk", "GET", "SET"),
    ]
)

STRATEGIES: dict[str, Strategy] = {
    "bitcount": command("BITCOUNT", string_key, maybe(limits)),
    "bitfield": command("BITFIELD", string_key, many(operation, 0, 4)),
    "bitfield_ro": command("BITFIELD_RO", string_key, many(read, 0, 3), maybe(operation)),
    "bitop": command("BITOP", word("AND", "OR", "XOR", "NOT", "not", "junk"), string_key, many(string_key)),
    "bitpos": command("BITPOS", string_key, bit, maybe(limits | bit_index)),
    "getbit": command("GETBIT", string_key, offset),
    "setbit": command("SETBIT", string_key, offset, bit),
}
