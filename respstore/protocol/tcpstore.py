"""The wire format of torch.distributed's TCPStore: bytes <-> operations.

There is no document of it; the sources are TCPStoreBackend.hpp and TCPStoreLibUvBackend.cpp of torch 2.13, and what its
client was seen to send. Numbers are little endian, a string is its length (u64) and its bytes. An operation is one byte
and its fields, without a frame around it: who does not know an operation cannot tell where the next one begins. So
whatever is wrong ends the connection, and there are no error replies.

    client  00 CE F7 85 3C                           VALIDATE and the magic number, once, not answered
    client  0D nonce:u32                             PING, answered by the nonce
    client  06 1:u64 2:u64 "/k"                      WAIT for one key ...
    server  00                                       ... which is there now
    client  03 2:u64 "/k"                            GET
    server  1:u64 "v"

A client that grows tired of a WAIT or a BARRIER sends CANCEL_WAIT, which is answered by 1; a 0 that crossed it comes
first. Clients put a `/` in front of keys, but not of `init/`, in which they count themselves.
"""

import struct
from typing import Final

from respstore.errors import ProtocolError

VALIDATE: Final = 0
SET: Final = 1
COMPARE_SET: Final = 2
GET: Final = 3
ADD: Final = 4
CHECK: Final = 5
WAIT: Final = 6
GET_NUM_KEYS: Final = 7
DELETE_KEY: Final = 8
APPEND: Final = 9
MULTI_GET: Final = 10
MULTI_SET: Final = 11
CANCEL_WAIT: Final = 12
PING: Final = 13
QUEUE_PUSH: Final = 14
QUEUE_POP: Final = 15
QUEUE_LEN: Final = 16
LIST_KEYS: Final = 17
BARRIER: Final = 18

OPERATIONS: Final = 19
"""How many there are."""

MAGIC: Final = 0x3C85F7CE

INIT_KEY: Final = b"init/"
"""In which clients count themselves. It has no `/` in front, so that clients leave it out of their lists of keys."""

MAX_STRING: Final = 8 * 1024**2
MAX_KEYS: Final = 128 * 1024
"""What torch's own server (libuv) takes: the longest key or value in bytes, and keys in one operation."""

READY: Final = b"\0"
NOT_READY: Final = b"\1"
"""Replies to CHECK."""
STOP_WAITING: Final = b"\0"
WAIT_CANCELED: Final = b"\1"
"""Replies to WAIT and BARRIER."""

_COUNTED: Final = -1
"""The client says how many strings follow."""
_COUNTED_PAIRS: Final = -2
_U32: Final = 4
_I64: Final = 8

# Of each operation: how many strings it has, and how many bytes the number behind them has.
_SHAPES: Final[tuple[tuple[int, int], ...]] = (
    (0, _U32),  # VALIDATE
    (2, 0),  # SET
    (3, 0),  # COMPARE_SET
    (1, 0),  # GET
    (1, _I64),  # ADD
    (_COUNTED, 0),  # CHECK
    (_COUNTED, 0),  # WAIT
    (0, 0),  # GET_NUM_KEYS
    (1, 0),  # DELETE_KEY
    (2, 0),  # APPEND
    (_COUNTED, 0),  # MULTI_GET
    (_COUNTED_PAIRS, 0),  # MULTI_SET
    (0, 0),  # CANCEL_WAIT
    (0, _U32),  # PING
    (2, 0),  # QUEUE_PUSH
    (1, 0),  # QUEUE_POP
    (1, 0),  # QUEUE_LEN
    (0, 0),  # LIST_KEYS
    (1, _I64),  # BARRIER
)

_COUNTED_KEYS: Final = frozenset((CHECK, WAIT, MULTI_GET))
"""Operations whose strings are all keys; of the others the first is one, of MULTI_SET every other one."""
_SLASH: Final = ord("/")
_RUN: Final = 8
"""Keys of one length in a row, from which on they are read together."""
_KNOWN_BYTES: Final = 4096
"""The longest operation whose keys are kept to be known again."""

_read_length: Final = struct.Struct("<Q").unpack_from
_read_u32: Final = struct.Struct("<I").unpack_from
_read_i64: Final = struct.Struct("<q").unpack_from
_pack_length: Final = struct.Struct("<Q").pack
_pack_i64: Final = struct.Struct("<q").pack
_pack_u32: Final = struct.Struct("<I").pack

_HEADS: Final = tuple(_pack_length(length) for length in range(1024))
_SHORT: Final = len(_HEADS)
_SMALL: Final = tuple(_pack_i64(number) for number in range(1024))

Operation = tuple[int, list[bytes], int]
"""Which one, its strings in order, and its number (0 if it has none). Keys are names in the database."""


class OperationParser:
    """Makes operations of what one client sends.

    What arrived of an operation is read once, string by string, so that neither a long one nor one that comes byte by
    byte costs more than its length. Several keys are compared with those of the operation before, and not read if they
    are the same: clients wait for keys before they get them.

    Args:
        longest: bytes of the longest string that is taken.
        most: the greatest number of keys in one operation.
        prefix: what stands in front of the names of keys in the database, in place of the `/` on the wire.

    Attributes:
        is_behind: what `take` read last breaks off within an operation.
    """

    __slots__ = (
        "_at",
        "_data",
        "_held",
        "_known",
        "_known_keys",
        "_later",
        "_left",
        "_longest",
        "_most",
        "_need",
        "_opcode",
        "_prefix",
        "_raw",
        "_strings",
        "is_behind",
    )

    def __init__(self, longest: int, most: int, prefix: bytes = b"") -> None:
        self.is_behind = False
        self._longest = longest
        self._most = most
        self._prefix = prefix
        self._data = b""  # read up to _at
        self._at = 0
        self._later = bytearray()  # behind _data
        self._known = b""  # how several keys that were named last came over the wire, their number in front
        self._known_keys: list[bytes] = []
        # The operation in progress, if any
        self._opcode = -1
        self._strings: list[bytes] = []
        self._left = 0
        self._held = 0  # bytes of it that were read,
        self._raw = b""  # ... and these themselves, if they are few
        self._need = 0  # bytes without which it does not get on

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        if self._later or self._at < len(self._data):
            self._later += data
        else:
            self._data = data
            self._at = 0

    def take(self) -> Operation | None:
        """The next operation, None if it is not complete yet.

        Raises:
            ProtocolError: there is no such operation, or it is too large. Nothing more can be read.
        """
        operation = self._parse()
        while operation is None and self._later and len(self._data) - self._at + len(self._later) >= self._need:
            self._data = b"".join((memoryview(self._data)[self._at :], self._later))
            self._at = 0
            self._later = bytearray()
            operation = self._parse()
        return operation

    def next_opcode(self) -> int:
        """The first byte of the operation that comes next; -1 if nothing came of it, or if one is in progress."""
        if self._opcode >= 0:
            return -1
        if self._at < len(self._data):
            return self._data[self._at]
        return self._later[0] if self._later else -1

    def unread(self) -> int:
        """Bytes that came and belong to no complete operation yet."""
        return self._held + len(self._data) - self._at + len(self._later)

    def _parse(self) -> Operation | None:  # noqa: C901 - without calls it takes half the time
        data, at = self._data, self._at
        opcode = self._opcode
        if opcode < 0:
            if at >= len(data):
                self._need = 1
                self.is_behind = False
                return None
            opcode = data[at]
            if opcode >= OPERATIONS:
                raise ProtocolError(f"there is no operation {opcode}")
            at += 1
            left, tail = _SHAPES[opcode]
            if left < 0:
                if self._known and opcode != MULTI_SET:
                    end = at + len(self._known)
                    if data.startswith(self._known, at):
                        self._at = end
                        return opcode, self._known_keys[:], 0
                    if end > len(data) and self._known.startswith(data[at:]):  # the same again, most likely
                        self._need = len(data) - self._at + 1
                        self.is_behind = True
                        return None
                if at + 8 > len(data):
                    self._need = 9
                    self.is_behind = True
                    return None
                (count,) = _read_length(data, at)
                if count > self._most:
                    raise ProtocolError(f"{count} keys at once, at most {self._most} are taken")
                at += 8
                left *= -count
            strings: list[bytes] = []
        else:
            strings, left, tail = self._strings, self._left, _SHAPES[opcode][1]
        need = 0
        if opcode in _COUNTED_KEYS:
            at, left, need = self._read_keys(at, left, strings)
        else:
            longest = self._longest
            while left:
                begin = at + 8
                if begin > len(data):
                    need = 8
                    break
                (length,) = _read_length(data, at)
                if length > longest:
                    raise _too_long(length, longest)
                end = begin + length
                if end > len(data):
                    need = end - at
                    break
                strings.append(data[begin:end])
                at = end
                left -= 1
        number = 0
        if tail and not need:
            if at + tail > len(data):
                need = tail
            else:
                (number,) = (_read_u32 if tail == _U32 else _read_i64)(data, at)
                at += tail
        if need:
            if opcode in _COUNTED_KEYS and self._held + at - self._at <= _KNOWN_BYTES:
                self._raw += data[self._at : at]
            self._held += at - self._at
            self._at = at
            self._opcode, self._strings, self._left, self._need = opcode, strings, left, need
            self.is_behind = True
            return None
        if len(strings) >= _RUN and opcode in _COUNTED_KEYS and self._held + at - self._at <= _KNOWN_BYTES:
            self._known, self._known_keys = (self._raw + data[self._at : at])[1:], strings[:]
        self._at = at
        if self._opcode >= 0:
            self._opcode, self._strings, self._held, self._raw = -1, [], 0, b""
        if opcode == MULTI_SET:
            strings[::2] = map(self._name, strings[::2])
        elif strings and opcode not in _COUNTED_KEYS:
            strings[0] = self._name(strings[0])
        return opcode, strings, number

    def _read_keys(self, at: int, left: int, strings: list[bytes]) -> tuple[int, int, int]:
        """Read up to `left` keys from `at` on.

        Returns:
            Where the next one begins, how many are still to come, and how many bytes are needed for that.
        """
        data, longest, prefix = self._data, self._longest, self._prefix
        size = len(data)
        append = strings.append
        single = 0  # so many are read one by one before it is worth while to look for several of one length
        while left:
            begin = at + 8
            if begin > size:
                return at, left, 8
            (length,) = _read_length(data, at)
            end = begin + length
            if length > longest:
                raise _too_long(length, longest)
            if end > size:
                return at, left, end - at
            if left >= _RUN and not single:
                count = _alike(data, at, min(left, (size - at) // (8 + length)), length)
                if count >= _RUN:
                    step = 8 + length
                    places = range(begin + 1, begin + 1 + count * step, step)
                    keys = [data[place : place + length - 1] for place in places]
                    strings += [prefix + key for key in keys] if prefix else keys
                    at += count * step
                    left -= count
                    continue
                single = _RUN
            if length and data[begin] == _SLASH:  # `_name`, without a call for each of many
                begin += 1
            append(prefix + data[begin:end] if prefix else data[begin:end])
            at = end
            left -= 1
            single -= single > 0
        return at, 0, 0

    def _name(self, key: bytes) -> bytes:
        """What a key on the wire is called in the database."""
        return self._prefix + (key[1:] if key.startswith(b"/") else key)


def _alike(data: bytes, at: int, most: int, length: int) -> int:
    """How many strings from `at` on, at most `most`, have this length and begin with a slash.

    Workers call their keys alike but for a number. The bytes that stand in one place of all of them are one slice, so
    that a hundred strings take little longer than one.
    """
    if not 0 < length < 256:
        return 0
    step = 8 + length
    column = data[at : at + most * step : step]
    count = len(column) - len(column.lstrip(column[:1]))  # whatever is behind another length, it is not looked at
    stop = at + count * step
    zeros = bytes(count)
    for place in range(at + 1, at + 8):
        if data[place:stop:step] != zeros:
            return 0
    return count if data[at + 8 : stop : step] == b"/" * count else 0


def _too_long(length: int, longest: int) -> ProtocolError:
    return ProtocolError(f"a string of {length} bytes, at most {longest} are taken")


def string(value: bytes) -> bytes:
    """A string in a reply."""
    length = len(value)
    return (_HEADS[length] if length < _SHORT else _pack_length(length)) + value


def strings(values: list[bytes]) -> bytes:
    """Several strings, one behind the other."""
    lengths = set(map(len, values))
    if len(lengths) == 1:  # as many have, and this takes half the time
        head = _pack_length(*lengths)
        return head + head.join(values)
    return b"".join(
        [
            _HEADS[length] + value if (length := len(value)) < _SHORT else _pack_length(length) + value
            for value in values
        ]
    )


def integer(value: int) -> bytes:
    """A signed number of 64 bits in a reply."""
    return _SMALL[value] if 0 <= value < _SHORT else _pack_i64(value)


def nonce(value: int) -> bytes:
    """The reply to PING."""
    return _pack_u32(value)
