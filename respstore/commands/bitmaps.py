"""Commands on the bits of strings: https://redis.io/docs/latest/commands/?group=bitmap

A bitmap is a string, and these commands change it in place. The arithmetic is in keyspace/bits.py.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from respstore import errors
from respstore.commands.strings import mutable_string, string_view
from respstore.engine.arguments import Words, integer, integer_between
from respstore.engine.command import command
from respstore.engine.keyspecs import FoundKey, at, first, span
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace.bits import (
    Bytes,
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
from respstore.numbers import parse_integer


def bit_offset(session: Session, arg: bytes, multiply: int = 0) -> int:
    """Where a bit stands.

    Args:
        session: whose limits hold: no string becomes longer than proto-max-bulk-len.
        arg: the argument.
        multiply: the width of a field, where `#3` may stand for the beginning of the fourth of such fields; else 0.

    Raises:
        RespError: no number, or out of range.
    """
    if multiply and arg.startswith(b"#"):
        offset = parse_integer(arg[1:])
        if offset is not None:
            offset = (offset * multiply + 2**63) % 2**64 - 2**63  # it overflows in Redis, and may come back in range
    else:
        offset = parse_integer(arg)
    if offset is None or not 0 <= offset >> 3 < session.engine.config.proto_max_bulk_len:
        raise RespError(errors.BIT_OFFSET)
    return offset


def _writable(session: Session, key: bytes, last_bit: int) -> tuple[bytearray, bool]:
    """The string of a key, made or filled up so that it has that bit, and whether that made it longer.

    It is not put back: it may be a copy.
    """
    text = mutable_string(session.db.get(key))
    length = (last_bit >> 3) + 1
    if text is None:
        return bytearray(length), True
    if len(text) >= length:
        return text, False
    text += bytes(length - len(text))
    return text, True


def _put_back(session: Session, key: bytes, text: bytearray, *, changed: bool) -> None:
    if changed:
        session.db.replace(key, text, "setbit")
    else:
        session.db.hold(key, text)


def _bits_of_unit(unit: bytes) -> int:
    """How many bits the ends of a range count."""
    match unit.upper():
        case b"BYTE":
            return 8
        case b"BIT":
            return 1
    raise RespError(errors.SYNTAX)


def _bit_range(data: Bytes, low: int, high: int, unit: int = 8) -> range:
    """The bits from `low` to `high`, both included and counted in units of so many bits; negative from the end."""
    length = len(data) * 8 // unit
    low = max(low + length, 0) if low < 0 else low
    high = min(max(high + length, 0) if high < 0 else high, length - 1)
    return range(low * unit, (high + 1) * unit)


@command(
    "setbit key offset value:integer",
    group="bitmap",
    since="2.2.0",
    flags="write denyoom",
    keys=first("RW access update"),
    complexity="O(1)",
)
def setbit(session: Session, key: bytes, offset: bytes, value: bytes) -> int:
    """Set or clear one bit of a string, made or filled up with zeros as needed, and answer what it was."""
    place = bit_offset(session, offset)
    bit = integer_between(value, 0, 1, errors.BIT_VALUE)
    text, grown = _writable(session, key, place)
    old = get_bit(text, place)
    set_bit(text, place, bit)
    _put_back(session, key, text, changed=grown or bit != old)
    return old


@command(
    "getbit key offset",
    group="bitmap",
    since="2.2.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(1)",
)
def getbit(session: Session, key: bytes, offset: bytes) -> int:
    """Answer one bit of a string."""
    place = bit_offset(session, offset)
    return get_bit(string_view(session.db.read(key)) or b"", place)


@command(
    "bitcount key index=[start:integer end:integer index_unit=[BYTE | BIT]@7.0.0]",
    group="bitmap",
    since="2.6.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(N) in the length of the string, or of the part that is looked at",
)
def bitcount(session: Session, key: bytes, *limits: bytes) -> int:
    """Count the bits that are set in a string or in a part of it."""
    data = string_view(session.db.read(key))
    if data is None:
        return 0
    if not limits:
        return count_bits(data, 0, len(data) * 8 - 1) if data else 0
    if not 2 <= len(limits) <= 3:
        raise RespError(errors.SYNTAX)
    low, high = integer(limits[0]), integer(limits[1])
    if low < 0 and high < 0 and low > high:
        return 0
    bits = _bit_range(data, low, high, *map(_bits_of_unit, limits[2:]))
    return count_bits(data, bits.start, bits.stop - 1) if bits else 0


@command(
    "bitpos key bit index=[start:integer end_index=[end:integer index_unit=[BYTE | BIT]@7.0.0]]",
    group="bitmap",
    since="2.8.7",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(N) in the length of the string, or of the part up to the bit",
)
def bitpos(session: Session, key: bytes, bit: bytes, *limits: bytes) -> int:
    """Find the first bit of a string that is set, or clear."""
    wanted = integer(bit)
    if wanted not in (0, 1):
        raise RespError(errors.BITPOS_BIT)
    data = string_view(session.db.read(key))
    if data is None:
        return -1 if wanted else 0
    if len(limits) > 3:
        raise RespError(errors.SYNTAX)
    bits = range(len(data) * 8)
    if limits:
        low = integer(limits[0])
        unit = _bits_of_unit(limits[2]) if len(limits) == 3 else 8  # looked at before the end
        high = integer(limits[1]) if len(limits) > 1 else -1
        bits = _bit_range(data, low, high, unit)
    if not bits:
        return -1
    found = find_bit(data, wanted, bits.start, bits.stop - 1)
    if found is not None:
        return found
    return -1 if wanted or len(limits) > 1 else bits.stop  # behind an open end there are zeros


@command(
    "bitop operation destkey key...",
    group="bitmap",
    since="2.6.0",
    flags="write denyoom",
    keys=(at(2, "OW update"), span("RO access", start=3)),
    complexity="O(N) in the length of the longest string",
)
def bitop(session: Session, operation: bytes, destkey: bytes, key: bytes, *keys: bytes) -> int:
    """Combine the bits of several strings (AND, OR, XOR), or invert those of one (NOT), into a key."""
    name = operation.upper()
    if name not in (b"AND", b"OR", b"XOR", b"NOT"):
        raise RespError(errors.SYNTAX)
    if name == b"NOT" and keys:
        raise RespError(errors.BITOP_NOT)
    db = session.db
    strings = [string_view(db.read(source)) or b"" for source in (key, *keys)]
    result = combine(name.decode().lower(), strings)
    if result:
        db.put(destkey, result, "set")
    else:
        db.delete(destkey)
    return len(result)


# BITFIELD


class _Operation(NamedTuple):
    """One of a BITFIELD's operations; `verb` is get, set or incrby, the number is what to set or to add."""

    verb: bytes
    kind: FieldType
    offset: int
    number: int
    overflow: Overflow


_OPERATION_ARGUMENTS: Final = {b"GET": 2, b"SET": 3, b"INCRBY": 3, b"OVERFLOW": 1}


def _field_type(arg: bytes) -> FieldType:
    text = arg.partition(b"\0")[0]
    signed = text[:1] == b"i"
    bits = parse_integer(text[1:])
    if text[:1] not in (b"i", b"u") or bits is None or not 1 <= bits <= 63 + signed:
        raise RespError(errors.BITFIELD_TYPE)
    return FieldType(signed, bits)


def _operations(session: Session, args: Sequence[bytes]) -> list[_Operation]:
    operations: list[_Operation] = []
    overflow = Overflow.WRAP
    words = Words(args)
    left = len(args)
    for word in words:
        verb = word.upper()
        needed = _OPERATION_ARGUMENTS.get(verb)
        left -= 1
        if needed is None or left < needed:
            raise RespError(errors.SYNTAX)
        left -= needed
        if verb == b"OVERFLOW":
            name = words.argument().upper()
            if name not in (b"WRAP", b"SAT", b"FAIL"):
                raise RespError(errors.BITFIELD_OVERFLOW)
            overflow = Overflow[name.decode()]
            continue
        kind = _field_type(words.argument())
        offset = bit_offset(session, words.argument(), kind.bits)
        number = 0 if verb == b"GET" else integer(words.argument())
        operations.append(_Operation(verb, kind, offset, number, overflow))
    return operations


def _read_fields(session: Session, key: bytes, operations: Sequence[_Operation]) -> list[int | None]:
    data = string_view(session.db.read(key)) or b""
    return [get_field(data, operation.kind, operation.offset) for operation in operations]


def keys_of_bitfield(request: Sequence[bytes]) -> list[FoundKey]:
    """The key of a BITFIELD, which is only read where there is nothing but GET."""
    place = 2
    while place < len(request):
        verb = request[place].upper()
        place += 1 + _OPERATION_ARGUMENTS.get(verb, len(request))
        if verb in (b"SET", b"INCRBY") or place > len(request):  # what makes no sense might write, too
            return [FoundKey(1, frozenset(("RW", "access", "update")))]
    return [FoundKey(1, frozenset(("RO", "access")))]


@command(
    "bitfield key operation=[GET (encoding offset) | write=([OVERFLOW wrap_sat_fail=(WRAP | SAT | FAIL)]"
    " write_operation=(SET (encoding offset value:integer) | INCRBY (encoding offset increment:integer)))]...",
    group="bitmap",
    since="3.2.0",
    flags="write denyoom",
    keys=first("RW access update variable_flags"),
    key_finder=keys_of_bitfield,
    complexity="O(1) for each operation",
)
def bitfield(session: Session, key: bytes, *args: bytes) -> list[int | None]:
    """Read, set and count with integers of any width that lie in a string."""
    operations = _operations(session, args)
    last_bits = [one.offset + one.kind.bits - 1 for one in operations if one.verb != b"GET"]
    if not last_bits:
        return _read_fields(session, key, operations)
    text, grown = _writable(session, key, max(last_bits))
    replies: list[int | None] = []
    changed = False
    for verb, kind, offset, number, overflow in operations:
        old = get_field(text, kind, offset)
        if verb == b"GET":
            replies.append(old)
            continue
        new = fit(as_settable(number, kind) if verb == b"SET" else old + number, kind, overflow)
        if new is not None:
            set_field(text, kind, offset, new)
            changed = changed or grown or new != old
        replies.append(new if verb == b"INCRBY" or new is None else old)
    _put_back(session, key, text, changed=changed)
    return replies


@command(
    "bitfield_ro key [GET (encoding offset)]...",
    group="bitmap",
    since="6.0.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(1) for each operation",
)
def bitfield_ro(session: Session, key: bytes, *args: bytes) -> list[int | None]:
    """Read integers of any width that lie in a string."""
    operations = _operations(session, args)
    if any(operation.verb != b"GET" for operation in operations):
        raise RespError(errors.BITFIELD_READ_ONLY)
    return _read_fields(session, key, operations)
