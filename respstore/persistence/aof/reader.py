r"""What is read from a file of commands: requests as clients send them, in units.

What stands between MULTI and EXEC was done in one go, and is read so: half of it is none of it. A line `#TS:...` says
when the next command was written, and is passed over. A file may end anywhere, as a machine may stop at any time; then
it is good up to the last whole unit.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from respstore.persistence.rdb.primitives import Buffer, CorruptError

_HASH: Final = b"#"[0]
_STAR: Final = b"*"[0]
_DOLLAR: Final = b"$"[0]
_LONGEST_HEAD: Final = 24
"""Bytes of the longest `*<number>` or `$<number>` that can be right."""


class TruncatedError(CorruptError):
    """The file ends in the middle of a command or a transaction; `at` is where the last whole unit ends."""


class Unit(NamedTuple):
    """Commands that were run in one go, and where the file goes on behind them."""

    commands: list[list[bytes]]
    end: int


def read_units(data: Buffer, at: int = 0) -> Iterator[Unit]:
    """The units of a file, from a byte on.

    Raises:
        TruncatedError: the file is not whole.
        CorruptError: it is no such file, or damaged.
    """
    transaction: list[list[bytes]] | None = None
    whole, size = at, len(data)
    while at < size:
        if data[at] == _HASH:
            end = data.find(b"\n", at)
            if end < 0:
                raise TruncatedError("the file ends in the middle of a line", whole)
            at = end + 1
            continue
        try:
            command, at = _read_command(data, at, size)
        except IndexError:
            raise TruncatedError("the file ends in the middle of a command", whole) from None
        name = command[0].upper()
        if name == b"MULTI":
            if transaction is not None:
                raise CorruptError("a MULTI inside a MULTI, before what stands", at)
            transaction = []
        elif name == b"EXEC":
            if transaction is None:
                raise CorruptError("an EXEC without a MULTI, before what stands", at)
            yield Unit(transaction, at)
            transaction, whole = None, at
        elif transaction is not None:
            transaction.append(command)
        else:
            yield Unit([command], at)
            whole = at
    if transaction is not None:
        raise TruncatedError("the file ends in the middle of a transaction", whole)


def _read_command(data: Buffer, at: int, size: int) -> tuple[list[bytes], int]:
    """A command and where it ends; raises IndexError if the file ends before."""
    count, at = _read_head(data, at, _STAR, size)
    if count < 1:
        raise CorruptError("a command without a name", at)
    words: list[bytes] = []
    for _ in range(count):
        length, start = _read_head(data, at, _DOLLAR, size)
        at = start + length + 2
        if at > size:
            raise IndexError
        if data[at - 2 : at] != b"\r\n":
            raise CorruptError("a word that is longer or shorter than it says", start)
        words.append(data[start : at - 2])
    return words, at


def _read_head(data: Buffer, at: int, mark: int, size: int) -> tuple[int, int]:
    """The number behind `*` or `$`, and where what it is about begins."""
    end = data.find(b"\r\n", at, at + _LONGEST_HEAD)
    if end < 0:
        rest = data[at + 1 : size]
        is_cut = size - at < _LONGEST_HEAD and (not rest or rest.rstrip(b"\r").isdigit())
        if data[at] == mark and is_cut:
            raise IndexError
        raise CorruptError("neither a command nor a word", at)
    digits = data[at + 1 : end]
    if data[at] != mark or not digits.isdigit():
        raise CorruptError("neither a command nor a word", at)
    return int(digits), end + 2
