r"""The manifest: which files of a folder are the append-only file, in order, and which are no longer.

    file appendonly.aof.2.base.rdb seq 2 type b
    file appendonly.aof.1.incr.aof seq 1 type h
    file appendonly.aof.2.incr.aof seq 2 type i

A base holds all data as it was once (as RDB, or as commands), the increments what was done since. `h` is history: to be
deleted. Names with odd characters are quoted. Rules: the head of Redis's aof.c.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import attrs

from respstore.persistence.rdb.primitives import CorruptError

BASE: Final = "b"
HISTORY: Final = "h"
INCREMENT: Final = "i"

_LONGEST_LINE: Final = 1024
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}
_ESCAPED: Final = {"\\": "\\\\", '"': '\\"'} | {char: f"\\{letter}" for letter, char in _ESCAPES.items()}


class File(NamedTuple):
    """One file: its name, its number among those of its kind, and its kind."""

    name: str
    sequence: int
    kind: str


@attrs.frozen
class Manifest:
    """The files of an append-only file.

    Attributes:
        base: None as long as there is none.
        increments: in the order in which they were written; the last is the one that is written to.
        history: files that are of no use any more.
    """

    base: File | None = None
    increments: tuple[File, ...] = ()
    history: tuple[File, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Manifest":
        """Read a manifest.

        Raises:
            CorruptError: it is none.
        """
        base: File | None = None
        increments: list[File] = []
        history: list[File] = []
        at = 0
        for line in text.splitlines(keepends=True):
            if not line.startswith("#"):
                file = _parse_line(line, at)
                if file.kind == BASE and base is None:
                    base = file
                elif file.kind == INCREMENT and (not increments or file.sequence > increments[-1].sequence):
                    increments.append(file)
                elif file.kind == HISTORY:
                    history.append(file)
                else:
                    raise CorruptError("a second base, or an increment that is not behind the last", at)
            at += len(line)
        if base is None and not increments and not history:
            raise CorruptError("no file is named", at)
        return cls(base, tuple(increments), tuple(history))

    def text(self) -> str:
        """The manifest as it is written."""
        return "".join(f"file {_quote(name)} seq {sequence} type {kind}\n" for name, sequence, kind in self._files())

    def with_increment(self, name: str) -> "Manifest":
        """This with one increment more; `name` is that of the append-only file (`appendfilename`)."""
        sequence = 1 + max(
            (file.sequence for file in (*self.increments, *self.history) if _is_increment(file)), default=0
        )
        return attrs.evolve(
            self, increments=(*self.increments, File(f"{name}.{sequence}.incr.aof", sequence, INCREMENT))
        )

    def with_base(self, name: str, suffix: str, *, keeping: int = 1) -> "Manifest":
        """This with a new base, behind which the last `keeping` increments go on; what was before is history.

        Args:
            name: of the append-only file.
            suffix: `rdb`, or `aof` for commands.
            keeping: how many increments have come since the base was begun.
        """
        sequence = 1 + (0 if self.base is None else self.base.sequence)
        split = len(self.increments) - keeping
        old = (*([self.base] if self.base else []), *self.increments[:split])
        return Manifest(
            File(f"{name}.{sequence}.base.{suffix}", sequence, BASE),
            self.increments[split:],
            (*self.history, *(file._replace(kind=HISTORY) for file in old)),
        )

    def without_history(self) -> "Manifest":
        """This when the files of the past are deleted."""
        return attrs.evolve(self, history=())

    def parts(self) -> tuple[File, ...]:
        """What is to be loaded, in order."""
        return (*([self.base] if self.base else []), *self.increments)

    def _files(self) -> Iterator[File]:
        if self.base is not None:
            yield self.base
        yield from self.history
        yield from self.increments


def _is_increment(file: File) -> bool:
    return ".incr." in file.name


def _parse_line(line: str, at: int) -> File:
    words = [_unquote(quoted) if quoted or not bare else bare for quoted, bare in _QUOTED.findall(line)]
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    name, sequence, kind = pairs.get("file", ""), pairs.get("seq", ""), pairs.get("type", "")
    if len(line) > _LONGEST_LINE or not line.endswith("\n") or len(words) < 6 or len(words) % 2:
        raise CorruptError("a line that is no 'file <name> seq <number> type <b|h|i>'", at)
    if not name or "/" in name or not sequence.isdecimal() or kind not in (BASE, HISTORY, INCREMENT):
        raise CorruptError("a line that is no 'file <name> seq <number> type <b|h|i>'", at)
    return File(name, int(sequence), kind)


def _quote(name: str) -> str:
    if name.isascii() and name.isprintable() and not set(name) & set(" \"'\\"):
        return name
    return '"' + "".join(map(_escaped, name)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    return char if " " <= char <= "~" else "".join(f"\\x{byte:02x}" for byte in char.encode(errors="surrogateescape"))


def _unquote(text: str) -> str:
    def byte(match: re.Match[str]) -> str:
        digits, letter = match.groups()
        return chr(int(digits, 16)) if digits else _ESCAPES.get(letter, letter)

    # Escapes are of bytes; as characters of Latin-1 they can be told from those that are written out.
    plain = _ESCAPE.sub(byte, text.encode().decode("latin-1"))
    return plain.encode("latin-1").decode(errors="surrogateescape")
