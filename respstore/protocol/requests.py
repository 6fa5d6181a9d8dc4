"""Bytes of a client -> requests: lists of `bytes`, the command's name first.

Two parsers give the same answers. The **strict** one is Python, follows Redis's own parser step by step (limits,
inline commands, laxness and error texts included) and can stop after any byte. The **fast** one is hiredis, which is
many times as quick but a client's parser: it would allocate gigabytes for `*1000000000` or `>1000000000`, and takes
integers, nulls, nested lists and all types of RESP3 as arguments. So hiredis sees only what cannot harm, and is
believed only where its answer is beyond doubt:

- it never keeps a part of a request: what is incomplete at the end of the data stays here, as bytes;
- no count of more elements than can follow reaches it, which bounds what it allocates before it sees them;
- the data is wrapped into one more array, of as many elements as there seem to be requests in it. If hiredis can fill
  that array and nothing is left over, these are all elements that there are; if their parts can be joined, all parts
  are `bytes`; and if nothing could introduce a simple string and no request is empty, or there are as many `$` as
  parts, all are bulk strings. Where that is not so, or something could introduce a list of RESP3, the requests are
  written again and compared with the data.

Most clients send one short request at a time, with nothing in it that could introduce anything but bulk strings: for
these, to look for such bytes is all that there is to do.

Any doubt sends the same bytes to the strict parser, before anything was executed. (A peer can still fool the counts,
with simple strings: one between requests is not seen if it is empty, one as an argument passes if there is a `$` too
many. It gains what it could have said properly: each request is a list of `bytes`, or empty, all the same.)

Whole inline commands without quotes need neither: `inline.split_plain_lines`.
"""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any, Final, Literal, Protocol

import hiredis

from respstore.errors import ProtocolError, printable
from respstore.protocol.inline import split_arguments, split_plain_lines

Request = list[bytes]

MAX_LINE: Final = 64 * 1024
"""Longest inline command or count line, in bytes (Redis: PROTO_INLINE_MAX_SIZE)."""
MAX_ARGUMENTS: Final = 2**31 - 1
"""Most arguments of one request (Redis: INT_MAX)."""
MAX_ARGUMENTS_UNAUTHENTICATED: Final = 10
MAX_BULK_UNAUTHENTICATED: Final = 16 * 1024
"""Before AUTH a client may not make the server hold more than a small request (Redis 6.2.6)."""

STRICT_BATCH: Final = 1024
"""Requests that the strict parser gives at a time; what a parked client sent may be long."""
CHUNK: Final = 64 * 1024
"""How much of what a parked client sent is parsed at a time, in bytes."""

_MOST_ARRAYS: Final = 8192
_ARRAY_HEADS: Final = [b"*%d\r\n" % count for count in range(_MOST_ARRAYS)]
_BULK_HEADS: Final = [b"$%d\r\n" % length for length in range(1024)]
_has_long_count: Final = re.compile(rb"\*\d{3}").search
_find_long_counts: Final = re.compile(rb"\*(\d{3,9})").findall
_SHORT_HEAD: Final = len(b"*99\r\n")
"""A longer one may be of so many arguments that it matters whether they can follow."""
_BEGINNING: Final = 128
"""Where to look first for stars as arguments: most pipelines are many requests of one kind."""
_SHORTEST_ARGUMENT: Final = len(b"$0\r\n\r\n")
_SHORT: Final = 1024
_TINY: Final = 128
_HARMLESS: Final = bytes(0 if byte in b"*>|~+=(" else byte for byte in range(256))
"""For `translate`, which takes less time than to look for each of these, as `_is_plain` does, where there is little.

It gives back the same object where there is none of them.
"""
_SHAPE: Final = bytes(48 if 48 <= byte < 58 else 62 if byte in b">|~" else 32 for byte in range(256))
"""For `translate`: digits become 0, what introduces a push, an attribute or a set becomes >."""
_join: Final = b"".join  # raises TypeError for what is not bytes


class FastParser:
    """hiredis, made safe. It keeps nothing between calls, so that one serves all clients of an engine."""

    __slots__ = ("_reader",)

    def __init__(self) -> None:
        self._reader = hiredis.Reader()

    def renew(self) -> None:
        """Let hiredis's reader be another object."""
        self._reader = hiredis.Reader()

    def parse(self, data: bytes) -> list[Request]:
        """All of `data`, which starts with `*`, as whole requests; none if it is not beyond doubt that it is that."""
        try:
            # Most clients send a short request and wait for the reply.
            if len(data) <= _SHORT and (data[2] == 13 or data[3] == 13):
                rest = data[1:]
                if (len(rest) < _TINY and rest.translate(_HARMLESS) is rest) or _is_plain(rest):
                    reader = self._reader  # _read() without the call
                    reader.feed(data)
                    request = reader.gets()
                    if request is False or reader.has_data():
                        self._reader = hiredis.Reader()
                        return []
                    _join(request)
                    return [request] if request else []
            # > | ~ introduce a push, an attribute or a set, % a map; but most likely they stand in values. A > alone on
            # its line introduces nothing: it is an argument, as XREADGROUP has it.
            odd = (62 in data and data.count(b">") != data.count(b"\n>\r\n")) or 124 in data or 126 in data
            if odd and b">000" in data.translate(_SHAPE):
                return []
            requests = self._parse(data)
            return [] if (odd or 37 in data) and _write(requests) != data else requests
        except (hiredis.HiredisError, IndexError, TypeError, ValueError):
            self._reader = hiredis.Reader()
            return []

    def _parse(self, data: bytes) -> list[Request]:
        stars = len(data) - len(data.replace(b"*", b""))  # count() looks at each byte, this skips to the next star
        head = data[: data.find(b"\n") + 1]
        if len(head) <= _SHORT_HEAD and data[-1] == 10:
            # Most pipelines are many requests of one kind, with as many arguments. A star alone on its line introduces
            # nothing: it is an argument, as XADD has it.
            alike = 1 + data.count(b"\n" + head)
            if 1 < alike < _MOST_ARRAYS and (alike == stars or alike + data.count(b"\n*\r\n") == stars):
                return self._parse_array(alike, data)
        if stars >= _MOST_ARRAYS or (_has_long_count(data) and _is_roomy(data)):
            return []
        if data.find(b"\n*") < 0:
            return self._parse_one(data)
        if data.endswith(b"\r\n"):
            lone = data.count(b"\n*\r\n") if b"\n*\r\n" in data[:_BEGINNING] else 0
            requests = self._parse_array(stars - lone, data)
            if requests:
                return requests
        # If some value holds what looks like a request's head, the count is wrong, and nothing comes of it.
        heads = data.count(b"\n*") + 1 - data.count(b"\n*\r\n")
        if heads == 1:
            return self._parse_one(data)
        return self._parse_array(heads, data) if data.endswith(b"\r\n") else []

    def _parse_one(self, data: bytes) -> list[Request]:
        if 13 not in data[2:6]:
            return []  # a count of more than four digits
        request: Request = self._read(data)
        _join(request)
        is_sure = data.count(b"$") == len(request) or _write([request]) == data
        return [request] if request and is_sure else []

    def _parse_array(self, count: int, data: bytes) -> list[Request]:
        requests: list[Request] = self._read(_ARRAY_HEADS[count] + data)
        for request in requests:
            _join(request)
        is_sure = (_has_bulk_strings_only(data) and all(requests)) or data.count(b"$") == sum(map(len, requests))
        return requests if is_sure or _write(requests) == data else []

    def _read(self, data: bytes) -> list[Any]:
        """The array that `data` is; an empty one if it is none, not all of one, or more."""
        reader = self._reader
        reader.feed(data)
        value: list[Any] | Literal[False] = reader.gets()
        if value is False or reader.has_data():
            self._reader = hiredis.Reader()
            return []
        return value


def _is_plain(data: bytes) -> bool:
    """Whether it is beyond doubt that what stands behind the first star of a request introduces bulk strings alone."""
    # A star or a > alone on its line introduces nothing: it is an argument, as XADD and XREADGROUP have it.
    if 42 in data and (len(data) > _BEGINNING or 42 in (data := data.replace(b"\n*\r\n", b""))):
        return False  # most likely it is a pipeline
    if 62 in data and 62 in (data := data.replace(b"\n>\r\n", b"")):
        return False
    return not (124 in data or 126 in data) and _has_bulk_strings_only(data)  # | ~ introduce attributes and sets


def _has_bulk_strings_only(data: bytes) -> bool:
    """Whether nothing in it can introduce what comes out as `bytes`, too."""
    return not (43 in data or 61 in data or 40 in data)  # + = ( for simple and verbatim strings, and large numbers


def encode_request(words: Sequence[bytes]) -> bytes:
    """A request as clients send it, the command's name first. In a third of hiredis's time."""
    return _write((words,))


def _write(requests: Iterable[Sequence[bytes]]) -> bytes:
    """Requests as clients send them."""
    pieces: list[bytes] = []
    for request in requests:
        pieces.append(b"*%d\r\n" % len(request))
        for argument in request:
            length = len(argument)
            pieces += (_BULK_HEADS[length] if length < 1024 else b"$%d\r\n" % length, argument, b"\r\n")
    return _join(pieces)


def _is_roomy(data: bytes) -> bool:
    """Whether hiredis would make room for many more elements than can follow, were all arrays inside each other."""
    return sum(map(int, _find_long_counts(data))) * _SHORTEST_ARGUMENT > len(data)


class Limits(Protocol):
    """What an operator may set; the engine's Config is one."""

    proto_max_bulk_len: int
    """Longest argument, in bytes."""


class RequestParser:
    """The requests of one client. `feed` bytes, `take` requests until there are none; then look at `error`.

    Args:
        fast: shared with the other clients of the engine.
        limits: shared, too, and asked whenever they are needed, for they may change.

    Attributes:
        authenticated: whether the larger limits hold; the session sets it. While it is false `take` gives one
            request at a time, because that request may be the AUTH which changes the limits.
        error: set once the stream is lost; nothing is parsed any more.
        pending: there are bytes that made no request yet: `take` may give one.
    """

    __slots__ = ("_fast", "_strict", "_unseen", "authenticated", "error", "limits", "pending")

    def __init__(self, fast: FastParser, limits: Limits) -> None:
        self.limits = limits
        self.authenticated = True
        self.error: ProtocolError | None = None
        self.pending = False
        self._fast = fast
        self._strict: _StrictParser | None = None
        self._unseen: bytes | bytearray = b""  # what comes behind the strict parser's bytes

    def feed(self, data: bytes) -> list[Request]:
        """Add what the client sent.

        Returns:
            The first requests that are complete now; `take` gives the others, if there are any.
        """
        if not self.pending:
            if data[0] == 42 and self.authenticated:  # as _begin() does, without the call
                return self._fast.parse(data) or self._begin_in_doubt(data)
            return self._begin(data)
        if self._strict is None or self._unseen:
            self.hold(data)
        else:
            self._strict.feed(data)
        return self.take()

    def hold(self, data: bytes) -> None:
        """Add what the client sent, and parse nothing: it is `take`n later."""
        if self.error is not None:
            return
        if isinstance(self._unseen, bytearray):
            self._unseen += data
        else:
            self._unseen = bytearray(self._unseen + data)
        self.pending = True

    def take(self) -> list[Request]:
        """The next complete requests, in order; none when more bytes are needed or the stream is lost."""
        while self.pending and self.error is None:
            if self._strict is not None and (requests := self._take_strict(self._strict)):
                return requests
            if not self._unseen:
                break
            data = self._next_chunk()
            if self._strict is not None:
                self._strict.feed(data)
            else:
                self.pending = bool(self._unseen)
                if requests := self._begin(data):
                    return requests
        return []

    def unread(self) -> int:
        """How many bytes the server holds for requests that are not complete yet."""
        return len(self._unseen) + (0 if self._strict is None else self._strict.held())

    def _next_chunk(self) -> bytes:
        unseen = self._unseen
        if isinstance(unseen, bytes):
            self._unseen = b""
            return unseen
        chunk = bytes(unseen[:CHUNK])
        del unseen[:CHUNK]
        return chunk

    def _begin(self, data: bytes) -> list[Request]:
        """The first requests of bytes that start with the first byte of a request."""
        if not self.authenticated:
            return self._begin_strictly(data)
        if data[0] == 42:
            return self._fast.parse(data) or self._begin_in_doubt(data)
        requests = split_plain_lines(data) if data.count(b"\n") <= STRICT_BATCH else []
        return requests or self._begin_strictly(data)

    def _begin_in_doubt(self, data: bytes) -> list[Request]:
        """The same, of which the fast parser did not take all: the last one may be incomplete, and is set aside."""
        end = data.rfind(b"\n*") + 1
        if end and (requests := self._fast.parse(data[:end])):
            self._strict = _StrictParser(data[end:])
            self.pending = True
            return requests
        return self._begin_strictly(data)

    def _begin_strictly(self, data: bytes) -> list[Request]:
        self._strict = _StrictParser(data)
        self.pending = True
        return self._take_strict(self._strict)

    def _take_strict(self, strict: "_StrictParser") -> list[Request]:
        # What is behind a request that came in parts may be for the fast parser again.
        gives_back = strict.is_resumed and self.authenticated and not self._unseen
        limit = 1 if gives_back or not self.authenticated else STRICT_BATCH
        requests: list[Request] = []
        try:
            while len(requests) < limit and (request := strict.next_request(self)) is not None:
                if request:
                    requests.append(request)
        except ProtocolError as error:
            self.error = error.with_traceback(None)  # whose frames would keep the session
            self._strict = None
            self._unseen = b""
            return requests
        if gives_back and requests:
            self._unseen = strict.rest()
            self._strict = None
        elif not strict.held():
            self._strict = None
        self.pending = self._strict is not None or bool(self._unseen)
        return requests


class _StrictParser:
    """Redis's `processInlineBuffer` and `processMultibulkBuffer`, resumable.

    Attributes:
        is_resumed: it was fed more than it began with.
    """

    __slots__ = ("_arguments", "_bulk", "_count", "_data", "_fed", "_length", "_position", "_start", "is_resumed")

    def __init__(self, data: bytes) -> None:
        self.is_resumed = False
        self._data = data
        self._position = 0  # of what is to be parsed next
        self._start = 0  # of the request that is not complete,
        self._fed = 0  # ... and how much of it came before _data
        self._count = 0  # how many arguments it has, 0 if that is not known yet,
        self._arguments: Request = []  # ... and those that are there
        self._length = -1  # of the argument whose head was read,
        self._bulk: BytesIO | None = None  # ... and what is there of it, if it comes in parts

    def feed(self, data: bytes) -> None:
        """Add what comes next. What was not parsed is a part of a line, for arguments in parts lie in `_bulk`."""
        self._fed += self._position - self._start
        self._data = self._data[self._position :] + data
        self._position = self._start = 0
        self.is_resumed = True

    def rest(self) -> bytes:
        """What stands behind the last complete request."""
        return self._data[self._start :]

    def held(self) -> int:
        """Bytes behind the last complete request."""
        return self._fed + len(self._data) - self._start

    def next_request(self, parser: RequestParser) -> Request | None:
        """The next request, an empty one for an empty line, or None when more bytes are needed.

        Raises:
            ProtocolError: with Redis's text.
        """
        data = self._data
        if not self._count:
            if self._position == len(data):
                return None
            if data[self._position] != 42:
                return self._inline()
            count = self._array_head(parser)
            if count is None:
                return None
            if count <= 0:
                return self._complete([])
            self._count = count
        arguments, count, length, position = self._arguments, self._count, self._length, self._position
        while len(arguments) < count:
            if length < 0:
                end = data.find(b"\n", position, position + _LONGEST_HEAD) + 1
                length = _LENGTHS.get(data[position:end], -1)
                if length >= 0:
                    position = end
                else:
                    self._position = position
                    length = self._bulk_head(parser)
                    if length < 0:
                        self._length = length
                        return None
                    position = self._position
            end = position + length
            if self._bulk is None and end + 2 <= len(data):
                # Redis does not look at the two bytes behind a bulk string either.
                arguments.append(data[position:end])
                position = end + 2
            else:
                self._position, self._length = position, length
                argument = self._gather(length)
                if argument is None:
                    return None
                arguments.append(argument)
                position = self._position
            length = -1
        self._position, self._length = position, length
        return self._complete(arguments)

    def _complete(self, arguments: Request) -> Request:
        self._start = self._position
        self._fed = self._count = 0
        self._arguments = []
        return arguments

    def _array_head(self, parser: RequestParser) -> int | None:
        line = self._line("too big mbulk count string")
        if line is None:
            return None
        count = _number(line[1:])
        if count is None or count > MAX_ARGUMENTS:
            raise ProtocolError("invalid multibulk length")
        if count > MAX_ARGUMENTS_UNAUTHENTICATED and not parser.authenticated:
            raise ProtocolError("unauthenticated multibulk length")
        return count

    def _bulk_head(self, parser: RequestParser) -> int:
        """The length of the next argument, -1 if its head is not there yet."""
        line = self._line("too big bulk count string")
        if line is None:
            return -1
        if line[:1] != b"$":
            raise ProtocolError(f"expected '$', got '{printable(line[:1] or b' ')}'")
        length = _number(line[1:])
        if length is None or not 0 <= length <= parser.limits.proto_max_bulk_len:
            raise ProtocolError("invalid bulk length")
        if length > MAX_BULK_UNAUTHENTICATED and not parser.authenticated:
            raise ProtocolError("unauthenticated bulk length")
        return length

    def _gather(self, length: int) -> bytes | None:
        """An argument that comes in parts, once it is there: in linear time, and in no more memory than it needs."""
        if self._bulk is None:
            self._bulk = BytesIO()
        end = self._position + length + 2 - self._bulk.tell()
        self._bulk.write(self._data[self._position : end])
        self._position = min(end, len(self._data))
        if self._bulk.tell() < length + 2:
            return None
        self._bulk.truncate(length)
        argument, self._bulk = self._bulk.getvalue(), None  # not a copy
        return argument

    def _line(self, too_long: str) -> bytes | None:
        """A count line up to its CR, and the byte behind that skipped unseen, as in Redis; None: not there yet."""
        end = self._find(b"\r")
        if end < 0 or end + 2 > len(self._data):
            if end < 0 and len(self._data) - self._position > MAX_LINE:
                raise ProtocolError(too_long)
            return None
        line = self._data[self._position : end]
        self._position = end + 2
        return line

    def _inline(self) -> Request | None:
        end = self._find(b"\n")
        if end < 0:
            if len(self._data) - self._position > MAX_LINE:
                raise ProtocolError("too big inline request")
            return None
        line = self._data[self._position : end].removesuffix(b"\r")
        self._position = end + 1
        request = split_arguments(line)
        if request is None:
            raise ProtocolError("unbalanced quotes in request")
        return self._complete(request)

    def _find(self, byte: bytes) -> int:
        """Where the end of a line is, -1 if it is not there. Nobody finds it behind a NUL, where a string of C ends."""
        end = self._data.find(byte, self._position)
        return -1 if end >= 0 and self._data.find(b"\0", self._position, end) >= 0 else end


_LENGTHS: Final = {head: length for length, head in enumerate(_BULK_HEADS)}
"""Short heads of bulk strings, which are looked up; all others are read as Redis reads them."""
_LONGEST_HEAD: Final = len(_BULK_HEADS[-1])


def _number(digits: bytes) -> int | None:
    """A number in the one way that Redis accepts it written."""
    if digits.isdigit() or (digits[:1] == b"-" and digits[1:].isdigit()):
        number = int(digits) if len(digits) <= 20 else 0
        if b"%d" % number == digits and number >= -(2**63):
            return number
    return None
