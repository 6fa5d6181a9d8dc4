r"""The syntax of redis.conf and of redis-server's command line: text in, directives out.

A file has one directive a line: a name and words, with quotes as in an inline command (`protocol/inline.py`). Lines
that start with `#` are comments; there is no comment behind a directive. On the command line every argument that starts
with `--` starts a directive, the arguments behind it are its words as they are, and an argument right behind a bare
name is its word even if it starts with `--`. (https://redis.io/docs/management/config/)
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from respstore.exceptions import ConfigError
from respstore.protocol.inline import split_arguments

BAD_DIRECTIVE: Final = "Bad directive or wrong number of arguments"
COMMAND_LINE: Final = "command line"

_ESCAPED: Final = {character: f"\\{escape}" for character, escape in zip(b'\n\r\t\b\a"\\', 'nrtba"\\', strict=True)}
_PLAIN_WORD: Final = re.compile(r"[!#-&(-\[\]-~]+", re.ASCII)


class Directive(NamedTuple):
    """One line of a file, or its like on the command line. `name` is in lower case."""

    name: str
    words: list[str]
    where: str


def split_words(line: str) -> list[str]:
    """The words of a line, unquoted; raises ValueError where a quote is not closed, or closed inside a word."""
    words = split_arguments(line.encode("utf-8", "surrogateescape"))
    if words is None:
        raise ValueError("Unbalanced quotes in configuration line")
    return [word.decode("utf-8", "surrogateescape") for word in words]


def quote(word: str) -> str:
    """The word such that `split_words` gives it back; in quotes only where it needs them."""
    if _PLAIN_WORD.fullmatch(word):
        return word
    data = word.encode("utf-8", "surrogateescape")
    text = (_ESCAPED.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in data)
    return f'"{"".join(text)}"'


def parse_line(line: str, place: str) -> Directive | None:
    """The directive on a line; None for a comment or an empty line. `place` is for the message of ConfigError."""
    line = line.strip(" \t\r\n")
    if not line or line.startswith("#"):
        return None
    where = f"{place}: '{line}'"
    try:
        words = split_words(line)
    except ValueError as error:
        raise ConfigError(str(error), where=where) from None
    return Directive(words[0].lower(), words[1:], where) if words else None


def parse_text(text: str, source: str) -> Iterator[Directive]:
    """The directives of a file, in order. `source` is the file's name for messages."""
    for number, line in enumerate(text.split("\n"), start=1):
        directive = parse_line(line, f"{source}, line {number}")
        if directive:
            yield directive


class CommandLine(NamedTuple):
    """What a command line says: read `file`, then standard input, then take the `directives`."""

    file: str | None
    read_stdin: bool
    directives: list[Directive]


def parse_arguments(arguments: Sequence[str]) -> CommandLine:
    """Take a command line apart: `[file] [--name word ...] ... [-]`; raises ConfigError."""
    rest = list(arguments)
    file = rest.pop(0) if rest and not rest[0].startswith("-") else None
    read_stdin = False
    if rest and "-" in (rest[-1], rest[0] if file is None else ""):
        read_stdin = True
        rest.pop(-1 if rest[-1] == "-" else 0)
    lines: list[list[str]] = []
    bare_name = False
    for position, argument in enumerate(rest):
        if argument.startswith("--") and not bare_name:
            words = _split_option(argument)
            bare_name = len(words) == 1
            following = rest[position + 1 : position + 2]
            if [argument.lower()] == ["--save"] and (not following or following[0].startswith("--")):
                # Programs that build `--save` from an empty list mean: no save points.
                words.append("")
                bare_name = False
            lines.append(words)
        elif not lines:
            raise ConfigError(BAD_DIRECTIVE, where=f"{COMMAND_LINE}: '{argument}'")
        else:
            lines[-1].append(argument)
            bare_name = False
    return CommandLine(file, read_stdin, [Directive(line[0].lower(), line[1:], _shown(line)) for line in lines])


def _split_option(argument: str) -> list[str]:
    try:
        words = split_words(argument[2:])
    except ValueError as error:
        raise ConfigError(str(error), where=f"{COMMAND_LINE}: '{argument}'") from None
    if not words:
        raise ConfigError(BAD_DIRECTIVE, where=f"{COMMAND_LINE}: '{argument}'")
    return words


def _shown(words: list[str]) -> str:
    return f"{COMMAND_LINE}: '{' '.join(['--' + words[0], *map(quote, words[1:])])}'"
