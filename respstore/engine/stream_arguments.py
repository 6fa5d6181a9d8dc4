"""Arguments of stream commands: ids, ranges of ids, and how to trim.

An id is read as leniently as Redis reads it: its halves may have leading zeros, spaces and a sign (C's strtoull), and
all ends at a NUL. Rules: streamGenericParseIDOrReply and streamParseAddOrTrimArgsOrReply in Redis's t_stream.c.
"""

import re
from collections.abc import Sequence
from typing import Final

import attrs

from respstore import errors
from respstore.config import Config
from respstore.engine.arguments import integer
from respstore.errors import RespError
from respstore.keyspace.stream import MAX_HALF, MAX_ID, MIN_ID, Stream, next_id, previous_id
from respstore.keyspace.stream_node import StreamId
from respstore.numbers import parse_integer

_LONGEST_ID: Final = 127
_UNSIGNED: Final = re.compile(rb"\s*([+-]?)([0-9]+)")
_DEFAULT_TRIM_LIMIT: Final = 10_000
_MAX_TRIM_LIMIT: Final = 1_000_000


def stream_id(arg: bytes, missing: int = 0) -> StreamId:
    """An id; its sequence number may be left out, and is `missing` then.

    Raises:
        RespError: it is none.
    """
    ms, sequence = _parse(arg, missing)
    if sequence is None:
        raise RespError(errors.INVALID_STREAM_ID)
    return ms, sequence


def id_or_end(arg: bytes, missing: int = 0) -> StreamId:
    """As `stream_id`, or `-` for the smallest id and `+` for the greatest."""
    text = arg.partition(b"\0")[0]
    return MIN_ID if text == b"-" else MAX_ID if text == b"+" else stream_id(arg, missing)


def range_start(arg: bytes) -> StreamId:
    """The first id of a range; `(` before it excludes the id itself."""
    if len(arg) < 2 or not arg.startswith(b"("):
        return id_or_end(arg)
    start = next_id(stream_id(arg[1:]))
    if start is None:
        raise RespError(errors.INVALID_RANGE_START)
    return start


def range_end(arg: bytes) -> StreamId:
    """The last id of a range; `(` before it excludes the id itself."""
    if len(arg) < 2 or not arg.startswith(b"("):
        return id_or_end(arg, MAX_HALF)
    end = previous_id(stream_id(arg[1:], MAX_HALF))
    if end is None:
        raise RespError(errors.INVALID_RANGE_END)
    return end


def _parse(arg: bytes, missing: int) -> tuple[int, int | None]:
    """An id; None for the sequence number of `ms-*`."""
    if len(arg) > _LONGEST_ID:
        raise RespError(errors.INVALID_STREAM_ID)
    text = arg.partition(b"\0")[0]
    left, dash, right = text.partition(b"-")
    ms = _half(left)
    sequence = missing if not dash else None if right == b"*" else _half(right)
    if ms is None or (sequence is None and right != b"*"):
        raise RespError(errors.INVALID_STREAM_ID)
    return ms, sequence


def _half(text: bytes) -> int | None:
    signed = parse_integer(text)
    if signed is not None:
        return None if signed < 0 else signed
    match = _UNSIGNED.fullmatch(text)
    number = -1 if match is None else int(match[2])
    if match is None or number > MAX_HALF:
        return None
    return -number & MAX_HALF if match[1] == b"-" else number


@attrs.define
class Trim:
    """How a stream is to be trimmed.

    Attributes:
        length: how many entries may stay; None where an id decides.
        min_id: the smallest id that may stay.
        limit: as of `Stream.trim_to_length`; None for exact trimming.
    """

    length: int | None
    min_id: StreamId = MIN_ID
    limit: int | None = None

    def apply(self, stream: Stream) -> int:
        """Trim.

        Returns:
            How many entries were deleted.
        """
        if self.length is None:
            return stream.trim_to_id(self.min_id, self.limit)
        return stream.trim_to_length(self.length, self.limit)

    def words(self, stream: Stream) -> tuple[bytes, bytes, bytes]:
        """How to trim exactly to what `apply` has left."""
        if self.length is not None:
            return b"MAXLEN", b"=", b"%d" % (self.length if self.limit is None else stream.length)
        if self.limit is None:
            return b"MINID", b"=", b"%d-%d" % self.min_id
        return b"MINID", b"=", b"%d-%d" % (stream.first_id if stream.length else MAX_ID)


@attrs.define
class AddOptions:
    """What stands between the key and the fields of XADD, or behind the key of XTRIM.

    Attributes:
        trim: None if it is not asked for.
        may_create: whether XADD may make the stream.
        id: the entry's id, its sequence number None if that is left to us; None for `*`.
        used: how many arguments this took, the id included.
    """

    trim: Trim | None = None
    may_create: bool = True
    id: tuple[int, int | None] | None = None
    used: int = 0


def parse_add_options(args: Sequence[bytes], config: Config, *, is_add: bool) -> AddOptions:
    """Read `[NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] <*|id>`, or XTRIM's part of it.

    Raises:
        RespError: it is not written so, or options contradict each other.
    """
    options = AddOptions()
    limit: int | None = None
    is_approximate = False
    at = 0
    while at < len(args):
        arg, more = args[at], len(args) - at - 1
        word = arg.upper()
        at += 1
        if arg == b"*" and is_add:
            break
        if word in (b"MAXLEN", b"MINID") and more:
            if options.trim is not None:
                raise RespError(errors.MAXLEN_AND_MINID)
            is_approximate = more > 1 and args[at] == b"~"
            at += more > 1 and args[at] in (b"~", b"=")
            options.trim = _threshold(word, args[at])
            at += 1
        elif word == b"LIMIT" and more:
            limit = integer(args[at])
            if limit < 0:
                raise RespError(errors.TRIM_LIMIT_NEGATIVE)
            at += 1
        elif word == b"NOMKSTREAM" and is_add:
            options.may_create = False
        elif is_add:
            options.id = _parse(arg, 0)
            break
        else:
            raise RespError(errors.SYNTAX)
    else:
        at += 1  # there is no id
    options.used = at
    if limit and options.trim is None:
        raise RespError(errors.LIMIT_WITHOUT_TRIMMING)
    if options.trim is None and not is_add:
        raise RespError(errors.XTRIM_WITHOUT_STRATEGY)
    if limit is not None and not is_approximate:
        raise RespError(errors.LIMIT_OF_EXACT_TRIMMING)
    if options.trim is not None and is_approximate:
        usual = min(100 * config.stream_node_max_entries or _DEFAULT_TRIM_LIMIT, _MAX_TRIM_LIMIT)
        options.trim.limit = usual if limit is None else limit
    return options


def _threshold(strategy: bytes, arg: bytes) -> Trim:
    if strategy == b"MINID":
        return Trim(None, stream_id(arg))
    length = integer(arg)
    if length < 0:
        raise RespError(errors.MAXLEN_NEGATIVE)
    return Trim(length)
