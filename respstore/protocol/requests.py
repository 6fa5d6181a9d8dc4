"""Bytes of a client -> requests: lists of `bytes`, the command's name first.

Two parsers give the same answers. The **strict** one is Python, follows Redis's own parser step by step (limits,
inline commands, laxness and error texts included) and can stop after any byte. The **fast** one is hiredis, which is
four times as quick but a client's parser: it would allocate gigabytes for `*1000000000`, and takes integers, nulls and
nested lists as arguments. So hiredis sees only what cannot harm, and is believed only where its answer is beyond doubt:

- it never keeps a part of a request: what is incomplete at the end of the data stays here, as bytes;
- no count of five digits reaches it, which bounds what it allocates;
- the data is wrapped into one more array, of as many elements as there are `*` in it. If hiredis can fill that array
  and nothing is left over, every `*` was the head of a request; if the arguments can be joined, all are `bytes`; and if
  there are as many `$` as arguments, none of them was a simple string.

Any doubt, such as a `*` inside a value, sends the same bytes to the strict parser, before anything was executed. (A
peer can still fool the counts, with a simple string as an argument and a `$` in another. It gains what it could have
said properly: its request is a list of `bytes` all the same.)
"""

import re
from functools import reduce
from operator import iconcat
from typing import Final, Literal

import hiredis

from respstore.errors import ProtocolError, printable

Request = list[bytes]

MAX_LINE = 64 * 1024
"""Longest inline command or count line, in bytes (Redis: PROTO_INLINE_MAX_SIZE)."""
MAX_ARGUMENTS = 2**31 - 1
"""Most arguments of one request (Redis: INT_MAX)."""
MAX_ARGUMENTS_UNAUTHENTICATED = 10
MAX_BULK_UNAUTHENTICATED = 16 * 1024
"""Before AUTH a client may not make the server hold more than a small request (Redis 6.2.6)."""

STRICT_BATCH: Final = 1024
"""Requests that the strict parser gives at a time; what a parked client sent may be long."""

_has_large_count = re.compile(rb"\*\d{5}").search
_MOST_ARRAYS: Final = 8192
_ARRAY_HEADS: Final = [b"*%d\r\n" % count for count in range(_MOST_ARRAYS)]
_join: Final = b"".join  # raises TypeError for what is not bytes


class FastParser:
    """hiredis, made safe. It keeps nothing between calls, so that one serves all clients of an engine."""

    __slots__ = ("_reader",)

    def __init__(self) -> None:
        self._reader = hiredis.Reader()

    def parse(self, data: bytes) -> list[Request]:
        """All of `data`, which starts with `*`, as whole requests; none if it is not beyond doubt that it is that."""
        try:
            if data.find(b"\n*") < 0:
                return self._parse_one(data)
            if not data.endswith(b"\r\n") or _has_large_count(data):
                return []
            count = data.count(b"*")
            requests = self._parse_array(count, data)
            if not requests:
                # Perhaps some value holds a `*`; one behind a line end would still be taken for the head of a request.
                heads = data.count(b"\n*") + 1
                if heads != count:
                    requests = self._parse_array(heads, data)
            return requests
        except (hiredis.HiredisError, TypeError):
            self._reader = hiredis.Reader()
            return []

    def _parse_one(self, data: bytes) -> list[Request]:
        if data.find(b"\r", 2, 6) < 0:
            return []  # a count of more than four digits
        reader = self._reader
        reader.feed(data)
        request: Request | Literal[False] = reader.gets()
        if request is False or reader.has_data():
            self._reader = hiredis.Reader()
            return []
        _join(request)
        count = len(request)
        return [request] if data.count(b"$") == count or data.count(b"\n$") == count else []

    def _parse_array(self, count: int, data: bytes) -> list[Request]:
        if count >= _MOST_ARRAYS:
            return []
        reader = self._reader
        reader.feed(_ARRAY_HEADS[count] + data)
        requests: list[Request] | Literal[False] = reader.gets()
        if requests is False or reader.has_data():
            self._reader = hiredis.Reader()
            return []
        if data.find(37) >= 0 and dict in map(type, requests):
            return []
        arguments: Request = reduce(iconcat, requests, [])
        _join(arguments)
        count = len(arguments)
        return requests if data.count(b"$") == count or data.count(b"\n$") == count else []


class RequestParser:
    """The requests of one client. `feed` bytes, `take` requests until there are none; then look at `error`.

    Args:
        fast: shared with the other clients of the engine.
        max_bulk: see below.

    Attributes:
        authenticated: whether the larger limits hold; the session sets it. While it is false `take` gives one
            request at a time, because that request may be the AUTH which changes the limits.
        max_bulk: longest argument, in bytes (`proto-max-bulk-len`).
        error: set once the stream is lost; nothing is parsed any more.
        pending: there are bytes that made no request yet: `take` may give one.
    """

    __slots__ = ("_fast", "_strict", "_tail", "authenticated", "error", "max_bulk", "pending")

    def __init__(self, fast: FastParser, max_bulk: int = 512 * 1024 * 1024) -> None:
        self.max_bulk = max_bulk
        self.authenticated = True
        self.error: ProtocolError | None = None
        self.pending = False
        self._fast = fast
        self._tail = b""
        self._strict: _StrictParser | None = None

    def feed(self, data: bytes) -> list[Request]:
        """Add what the client sent.

        Returns:
            The first requests that are complete now; `take` gives the others, if there are any.
        """
        if self._strict is not None:
            self._strict.buffer += data
            return self._take_strict(self._strict)
        return self._take(data)

    def hold(self, data: bytes) -> None:
        """Add what the client sent, and parse nothing: it is `take`n later."""
        if self._strict is None:
            self._strict = _StrictParser(self._tail)
            self._tail = b""
            self.pending = True
        self._strict.buffer += data

    def take(self) -> list[Request]:
        """The next complete requests, in order; none when more bytes are needed or the stream is lost."""
        if self._strict is not None:
            return self._take_strict(self._strict)
        if self._tail:
            data, self._tail = self._tail, b""
            self.pending = False
            return self._take(data)
        return []

    def _take(self, data: bytes) -> list[Request]:
        if self.authenticated and data[0] == 42:
            requests = self._fast.parse(data)
            if requests:
                return requests
            # The last request may be incomplete: set it aside.
            end = data.rfind(b"\n*") + 1
            if end:
                requests = self._fast.parse(data[:end])
                if requests:
                    self._strict = _StrictParser(data[end:])
                    self.pending = True
                    return requests
        self._strict = _StrictParser(data)
        self.pending = True
        return self._take_strict(self._strict)

    def unread(self) -> int:
        """How many bytes the server holds for requests that are not complete yet."""
        return len(self._tail) if self._strict is None else self._strict.held()

    def _take_strict(self, strict: "_StrictParser") -> list[Request]:
        requests: list[Request] = []
        if self.error is not None:
            return requests
        # A request that came in parts is finished here; what is behind it may be for the fast parser again.
        limit = 1 if strict.missing or not self.authenticated else STRICT_BATCH
        try:
            while len(requests) < limit and (request := strict.next_request(self)) is not None:
                if request:
                    requests.append(request)
        except ProtocolError as error:
            self.error = error
            strict.buffer.clear()
            return requests
        if limit == 1 and requests and self.authenticated:
            self._tail = bytes(strict.buffer[strict.position :])
            self._strict = None
            self.pending = bool(self._tail)
        elif not strict.held():
            self._strict = None
            self.pending = False
        return requests


class _StrictParser:
    """Redis's `processInlineBuffer` and `processMultibulkBuffer`, resumable.

    `buffer` holds bytes not yet read, `arguments` those of a request that has begun, of which `missing` are to come,
    and `bulk` the length of the one that is being gathered (-1: its head is not read yet).
    """

    __slots__ = ("arguments", "buffer", "bulk", "gathered", "missing", "position")

    def __init__(self, data: bytes) -> None:
        self.buffer = bytearray(data)
        self.position = 0
        self.arguments: Request = []
        self.gathered = 0
        self.missing = 0
        self.bulk = -1

    def held(self) -> int:
        """Bytes in the buffer and in arguments of the unfinished request, at least 1 if there is such a request."""
        return len(self.buffer) - self.position + self.gathered + (self.missing > 0)

    def next_request(self, limits: RequestParser) -> Request | None:
        """The next request, an empty one for an empty line, or None when more bytes are needed.

        Raises:
            ProtocolError: with Redis's text.
        """
        request = self._next_request(limits)
        if request is None or self.position > MAX_LINE:
            del self.buffer[: self.position]
            self.position = 0
        return request

    def _next_request(self, limits: RequestParser) -> Request | None:
        if not self.missing:
            if self.position >= len(self.buffer):
                return None
            if self.buffer[self.position] != 42:
                return self._inline()
            line = self._line("too big mbulk count string")
            if line is None:
                return None
            count = _count(line)
            if count is None or count > MAX_ARGUMENTS:
                raise ProtocolError("invalid multibulk length")
            if count > MAX_ARGUMENTS_UNAUTHENTICATED and not limits.authenticated:
                raise ProtocolError("unauthenticated multibulk length")
            if count <= 0:
                return []
            self.missing = count
        while self.missing:
            if self.bulk < 0:
                line = self._line("too big bulk count string")
                if line is None:
                    return None
                if line[:1] != b"$":
                    got = printable(line[:1]) if line else " "
                    raise ProtocolError(f"expected '$', got '{got}'")
                bulk = _count(line)
                if bulk is None or bulk < 0 or bulk > limits.max_bulk:
                    raise ProtocolError("invalid bulk length")
                if bulk > MAX_BULK_UNAUTHENTICATED and not limits.authenticated:
                    raise ProtocolError("unauthenticated bulk length")
                self.bulk = bulk
            end = self.position + self.bulk
            if len(self.buffer) < end + 2:
                return None
            # Redis does not look at the two bytes behind a bulk string either.
            self.arguments.append(bytes(memoryview(self.buffer)[self.position : end]))
            self.gathered += self.bulk
            self.position = end + 2
            self.bulk = -1
            self.missing -= 1
        request, self.arguments, self.gathered = self.arguments, [], 0
        return request

    def _line(self, too_long: str) -> bytes | None:
        """A count line up to its CR, and the byte behind that skipped unseen, as in Redis; None: not there yet."""
        end = self.buffer.find(b"\r", self.position)
        if end < 0 or end + 2 > len(self.buffer):
            if end < 0 and len(self.buffer) - self.position > MAX_LINE:
                raise ProtocolError(too_long)
            return None
        line = bytes(self.buffer[self.position : end])
        self.position = end + 2
        return line

    def _inline(self) -> Request | None:
        end = self.buffer.find(b"\n", self.position)
        if end < 0:
            if len(self.buffer) - self.position > MAX_LINE:
                raise ProtocolError("too big inline request")
            return None
        line = bytes(self.buffer[self.position : end]).removesuffix(b"\r")
        self.position = end + 1
        request = split_arguments(line)
        if request is None:
            raise ProtocolError("unbalanced quotes in request")
        return request


def _count(line: bytes) -> int | None:
    """The number behind the first byte of a count line, in the one way that Redis accepts it written."""
    digits = line[1:]
    if digits.isdigit() or (digits[:1] == b"-" and digits[1:].isdigit()):
        number = int(digits) if len(digits) < 20 else 0
        if b"%d" % number == digits:
            return number
    return None


_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_SPACE = b" \n\r\t\v\f"


def split_arguments(line: bytes) -> Request | None:
    r"""A line split into arguments at spaces, with Redis's quotes: `"a\x41\n"`, `'it\'s'` (its `sdssplitargs`).

    Returns:
        The arguments, or None if quotes are unbalanced or a closing one is followed by more than a space.
    """
    arguments: Request = []
    position, end = 0, len(line)
    while True:
        while position < end and line[position] in _SPACE:
            position += 1
        if position >= end:
            return arguments
        argument = bytearray()
        quote = 0
        while position < end or quote:
            if position >= end:
                return None
            byte = line[position]
            position += 1
            if quote:
                if byte == quote:
                    if position < end and line[position] not in _SPACE:
                        return None
                    break
                if byte == 92 and position < end and (quote == 34 or line[position] == 39):
                    escape = line[position : position + 1]
                    hexadecimal = line[position + 1 : position + 3]
                    position += 1
                    if quote == 34 and escape == b"x" and _is_hexadecimal(hexadecimal):
                        argument.append(int(hexadecimal, 16))
                        position += 2
                    else:
                        argument += _ESCAPES.get(escape, escape) if quote == 34 else escape
                else:
                    argument.append(byte)
            elif byte in _SPACE:
                break
            elif byte in b"\"'":
                quote = byte
            else:
                argument.append(byte)
        arguments.append(bytes(argument))


def _is_hexadecimal(digits: bytes) -> bool:
    return len(digits) == 2 and all(digit in b"0123456789abcdefABCDEF" for digit in digits)
