r"""Glob patterns, as KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL rules understand them.

The syntax is that of https://redis.io/commands/keys: `*`, `?`, `[abc]`, `[^abc]`, `[a-z]`, and `\x` for x itself. The
corners are what Redis 7.0 does with them, which no page tells:

- `[` without `]` runs to the end of the pattern; `[]` matches nothing and `[^]` any byte; the `]` of `[a-]` is the end
  of the range; a backslash at the very end stands for itself.
- A range may be written backwards. Its bytes are ordered as signed numbers, as they are on x86: `[\xff-a]` holds 0xff
  and 0 to a.
- An empty key matches the empty pattern and, in KEYS and SCAN, `*`; it does not match `**`.
- Where case is ignored, it is not for a byte that is escaped inside brackets, and the ends of a range are put in order
  before they are folded: `[Z-a]` matches nothing.

A pattern is a few segments between stars. The first must begin the key, the last must end it, and each of the others is
taken where it first occurs: what is left for the rest is then as long as it can be, so no choice is ever undone.
However many stars there are, the cost is at most len(key) steps where the segments are plain text, and len(key) x
len(longest segment) where they are not. `re` is only used in ways that keep this: its atomic groups do not backtrack.

A key that is shorter than any match is refused by its length before anything is compiled, so a huge pattern costs one
linear pass, not one over each key.
"""

import re
from collections.abc import Callable
from typing import Final

__all__ = ["Predicate", "compile_glob"]

Predicate = Callable[[bytes], bool]

# Inside brackets an escape comes before a range, a range before a single byte, and `*+` keeps `re` from reconsidering
# that when the closing bracket is missing.
_CLASS: Final = rb"\[(?P<negated>\^?)(?P<members>(?:\\.|[^\]]-.|[^\]])*+)\]?"
_MEMBER: Final = re.compile(rb"\\(.)|(.)-(.)|(.)", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_CLASS_OR_ESCAPE: Final = re.compile(_CLASS + rb"|\\.", re.DOTALL)
# One alternative per kind of token; together they take any bytes.
_TOKEN: Final = re.compile(
    rb"(?P<star>\*+)|(?P<any>\?+)|" + _CLASS + rb"|(?P<literal>(?:[^*?\[\\]|\\.|\\\Z)+)",
    re.DOTALL,
)
_NOT_PLAIN: Final = re.compile(rb"[?\[\\]")


def compile_glob(pattern: bytes, ignore_case: bool = False) -> Predicate:
    """Make a predicate that tells whether a key matches the pattern.

    Args:
        pattern: any bytes; no pattern is invalid.
        ignore_case: take ASCII letters of either case as equal, as CONFIG GET and COMMAND LIST do.

    The predicate of `*` accepts the empty key too, as KEYS and SCAN do. (To PSUBSCRIBE it is no special case: there the
    channel `""` matches only the pattern `""`.)
    """
    if _NOT_PLAIN.search(pattern):
        return _regex_predicate(pattern, ignore_case)
    if not ignore_case:
        return _plain_predicate(pattern)
    matches_folded = _plain_predicate(pattern.lower())
    return lambda key: matches_folded(key.lower())


def _plain_predicate(pattern: bytes) -> Predicate:
    """Match a pattern of plain text and stars, without `re`."""
    if b"*" not in pattern:
        return pattern.__eq__
    if pattern == b"*":
        return lambda _: True
    prefix, *segments, suffix = pattern.split(b"*")
    middle = [segment for segment in segments if segment]
    if not middle and not suffix:
        return (lambda key: key.startswith(prefix)) if prefix else bool
    shortest = len(pattern) - pattern.count(b"*")

    def matches(key: bytes) -> bool:
        if len(key) < shortest or not key.startswith(prefix) or not key.endswith(suffix):
            return False
        position, end = len(prefix), len(key) - len(suffix)
        for text in middle:
            position = key.find(text, position, end)
            if position < 0:
                return False
            position += len(text)
        return position <= end

    return matches


def _regex_predicate(pattern: bytes, ignore_case: bool) -> Predicate:
    """Match any pattern, by a regular expression that is compiled when the first key is long enough to match."""
    one_byte_each = _CLASS_OR_ESCAPE.sub(b"?", pattern)
    shortest = len(one_byte_each) - one_byte_each.count(b"*")
    match: Callable[[bytes], object] | None = None

    def matches(key: bytes) -> bool:
        nonlocal match
        if len(key) < shortest:
            return False
        if match is None:
            match = re.compile(_regex(pattern, ignore_case), re.DOTALL).fullmatch
        return match(key) is not None

    return matches


def _regex(pattern: bytes, ignore_case: bool) -> bytes:
    """Say the pattern for `re`."""
    segments: list[bytes] = []
    segment: list[bytes] = []
    width = 0  # of the segment, in bytes of a key
    classes: dict[tuple[bytes, bytes], bytes] = {}
    for token in _TOKEN.finditer(pattern):
        kind = token.lastgroup
        if kind == "star":
            segments.append(b"".join(segment))
            segment, width = [], 0
        elif kind == "any":
            segment.append(b".{%d}" % len(token[0]))
            width += len(token[0])
        elif kind == "literal":
            text = _ESCAPE.sub(rb"\1", token[0])
            segment.append((b"(?i:%b)" if ignore_case else b"%b") % re.escape(text))
            width += len(text)
        else:
            key = token["negated"], token["members"]
            if key not in classes:
                classes[key] = _class_regex(*key, ignore_case)
            segment.append(classes[key])
            width += 1
    suffix = b"".join(segment)
    if not segments:
        return suffix
    prefix, *middle = segments
    found = b"".join(b"(?>.*?%b)" % text for text in middle)
    # Run to the end of the key and look back once: a plain `.*` would try the suffix at every byte.
    return b"%b%b(?=.{%d}).*+(?<=%b)" % (prefix, found, width, suffix)


def _class_regex(negated: bytes, members: bytes, ignore_case: bool) -> bytes:
    """Say `[...]` for `re`, whose own brackets have other corners."""
    exact: set[int] = set()
    folded: set[int] = set()
    for escaped, first, last, single in set(_MEMBER.findall(members)):
        if escaped:
            exact.update(escaped)
        elif single:
            folded.update(single.lower() if ignore_case else single)
        else:
            low, high = sorted((_signed(first), _signed(last)))
            if ignore_case:
                low, high = _lower(low), _lower(high)
            folded.update(value & 0xFF for value in range(low, high + 1))
    accepted = exact | ({byte for byte in range(256) if _lower(byte) in folded} if ignore_case else folded)
    if negated:
        accepted = set(range(256)) - accepted
    if not accepted:
        return b"(?!)"
    if len(accepted) == 256:
        return b"."
    if len(accepted) > 128:
        return b"[^%b]" % _escape_bytes(set(range(256)) - accepted)
    return b"[%b]" % _escape_bytes(accepted)


def _signed(byte: bytes) -> int:
    return int.from_bytes(byte, signed=True)


def _lower(value: int) -> int:
    return value + 32 if 65 <= value <= 90 else value


def _escape_bytes(values: set[int]) -> bytes:
    return b"".join(b"\\x%02x" % value for value in sorted(values))
