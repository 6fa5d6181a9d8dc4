"""The notation in which commands declare their arguments, and the argument tree of COMMAND DOCS made from it.

A command is declared with one line that a person reads at sight, close to the syntax lines of Redis's documentation:

    set key value condition=[NX | XX]@2.6.12 [GET]@6.2.0 expiration=[EX seconds | PX milliseconds | KEEPTTL@6.0.0]

First stands the name (`config|get` for a subcommand), then the arguments:

    value                an argument. Its type follows from its name (key, count, pattern, ...: TYPE_OF_NAME below),
                         else it is a string; start:integer says another type
    NX  "*"              a token, in capitals or quoted
    EX seconds           a token and the argument that it introduces; LIMIT (offset count) introduces several
    [ ]                  optional
    ( )                  one thing: alternatives, or a block of several; round a single thing they change nothing
    A | B                either; only inside brackets or parentheses
    key...               once or more. [key]... is any number of times; [GET pattern]... repeats its token each time,
                         [KEYS key...] says it once
    [GET]@6.2.0          since that version, where it is newer than the command; addr@..2.8.12 is deprecated since
    condition=[NX | XX]  how COMMAND DOCS names these alternatives, this block, or this token. Left out, a token is
                         called by its small letters and a group by its parts: offset_count
    pattern#1            which key specification finds this argument, where counting the keys from 0 would not tell

The tree serves COMMAND DOCS, and so the hints that redis-cli shows while one types; it says nothing about how a handler
reads its arguments. What must stay true: the tree of every command of Redis 7.0 can be written in this notation.
Terms and types: https://redis.io/docs/latest/commands/command-docs/
"""

import re
from typing import Final, NamedTuple, NoReturn

import attrs

TYPE_OF_NAME: Final = {
    name: kind
    for kind, names in {
        "key": "key key1 key2 source destination sourcekey destkey newkey src dst",
        "integer": "count numkeys offset cursor index slot start-slot end-slot port db destination-db client-id limit "
        "weight seconds milliseconds ttl bit decrement len rank num-matches version protover numreplicas frequency",
        "double": "longitude latitude radius width height score",
        "pattern": "pattern",
        "unix-time": "unix-time-seconds unix-time-milliseconds",
    }.items()
    for name in names.split()
}
"""What an argument of this name is unless its declaration says otherwise; any other name is a string."""

TYPES: Final = frozenset({"string", "integer", "double", "key", "pattern", "unix-time"})
"""The types that a declaration may name. The others, pure-token, oneof and block, follow from its form."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(\|[a-z][a-z0-9-]*)?")

_LEXEME: Final = re.compile(
    r"\s*("
    r'(?P<quoted>"[^"\s]*")'
    r"|(?P<word>\w[\w/:-]*)"
    r"|(?P<version>@(?P<since>\d+(\.\d+)*)?(\.\.(?P<deprecated>\d+(\.\d+)*))?)"
    r"|(?P<spec>#\d+)"
    r"|(?P<mark>\.\.\.|[][()|=])"
    r")"
)


class NotationError(ValueError):
    """A declaration that this notation does not allow: our own mistake, raised when the command table is built."""


@attrs.frozen
class Argument:
    """One node of the argument tree, with the fields of COMMAND DOCS.

    Attributes:
        name: what documentation and generated clients call it.
        type: one of `TYPES`, or pure-token (no value), oneof (alternatives) or block (several in order).
        key_spec_index: which of the command's key specifications finds it, for keys and key patterns.
        token: what a client types before it.
        since, deprecated_since: versions of Redis, where they differ from the command's.
        flags: of optional, multiple, multiple_token.
        arguments: the alternatives, or what stands in the block.
    """

    name: str
    type: str
    key_spec_index: int | None = None
    token: str | None = None
    since: str | None = None
    deprecated_since: str | None = None
    flags: frozenset[str] = frozenset()
    arguments: tuple["Argument", ...] = ()

    def docs(self) -> dict[bytes, object]:
        """This node as COMMAND DOCS answers it; a field without a value is left out, as in Redis."""
        fields: dict[bytes, object] = {b"name": self.name.encode(), b"type": self.type.encode()}
        if self.key_spec_index is not None:
            fields[b"key_spec_index"] = self.key_spec_index
        for field in ("token", "since", "deprecated_since"):
            if (value := getattr(self, field)) is not None:
                fields[field.encode()] = value.encode()
        if self.flags:
            fields[b"flags"] = self.flags
        if self.arguments:
            fields[b"arguments"] = [argument.docs() for argument in self.arguments]
        return fields


class Syntax(NamedTuple):
    """A parsed declaration: the command's name and the arguments after it."""

    name: str
    arguments: tuple[Argument, ...]


def parse_syntax(declaration: str) -> Syntax:
    """Read a declaration such as `"getrange key start:integer end:integer"`.

    Raises:
        NotationError: it breaks the notation that the head of this file describes.
    """
    name, _, rest = declaration.partition(" ")
    reader = _Reader(declaration, rest.rstrip())
    if not _NAME.fullmatch(name):
        reader.fail(f"{name!r} cannot be the name of a command")
    arguments = reader.sequence()
    if not reader.at_end:
        reader.fail(f"nothing is open that {reader.text()!r} could close or divide")
    return Syntax(name, arguments)


class _Reader:
    """A recursive descent over the lexemes of one declaration."""

    def __init__(self, declaration: str, arguments: str) -> None:
        self.declaration = declaration
        self.lexemes: list[tuple[str, re.Match[str]]] = []
        self.position = 0
        self.last_key = -1
        start = 0
        while start < len(arguments):
            if (lexeme := _LEXEME.match(arguments, start)) is None:
                self.fail(f"{arguments[start:].lstrip()!r} begins with nothing known")
            kind = next(kind for kind in ("quoted", "word", "version", "spec", "mark") if lexeme[kind] is not None)
            self.lexemes.append((kind, lexeme))
            start = lexeme.end()

    def fail(self, reason: str) -> NoReturn:
        raise NotationError(f"{reason}, in {self.declaration!r}")

    @property
    def at_end(self) -> bool:
        return self.position == len(self.lexemes)

    def text(self, ahead: int = 0) -> str:
        """What is written at the position or some lexemes ahead of it; nothing behind the end."""
        if self.position + ahead >= len(self.lexemes):
            return ""
        kind, lexeme = self.lexemes[self.position + ahead]
        return lexeme[kind]

    def at(self, kind: str) -> bool:
        return not self.at_end and self.lexemes[self.position][0] == kind

    def take(self) -> re.Match[str]:
        self.position += 1
        return self.lexemes[self.position - 1][1]

    def sequence(self) -> tuple[Argument, ...]:
        """Items up to the bracket that closes them, a bar, or the end."""
        items: list[Argument] = []
        while not self.at_end and self.text() not in (")", "]", "|"):
            items.append(self.item())
        return tuple(items)

    def item(self) -> Argument:
        """One argument with what stands around it: its name before, its repetition and versions behind."""
        name = None
        if self.text(ahead=1) == "=":
            name = self.take()["word"]
            self.take()
        if self.text() in ("(", "["):
            node = self.group(name)
        elif self.at_token():
            node = self.token(name)
        elif name is None and self.at("word"):
            node = self.argument()
        else:
            self.fail("a name must stand before a group or a token" if name else f"{self.text()!r} stands alone")
        return self.suffixes(node)

    def suffixes(self, node: Argument) -> Argument:
        while True:
            if self.text() == "...":
                self.take()
                repeated = {"multiple"} if node.token is None else {"multiple", "multiple_token"}
                node = attrs.evolve(node, flags=node.flags | repeated)
            elif self.at("version"):
                version = self.take()
                node = attrs.evolve(node, since=version["since"], deprecated_since=version["deprecated"])
            else:
                return node

    def group(self, name: str | None) -> Argument:
        """`( )` or `[ ]`: alternatives, a block, or brackets round a single thing."""
        optional = self.take()["mark"] == "["
        alternatives = [self.sequence()]
        while self.text() == "|":
            self.take()
            alternatives.append(self.sequence())
        closing = "]" if optional else ")"
        if self.text() != closing:
            self.fail(f"{closing!r} is missing")
        self.take()
        if not all(alternatives):
            self.fail("an empty group or alternative")
        if len(alternatives) > 1:
            node = _compose("oneof", tuple(map(_block, alternatives)), name)
        else:
            node = _block(alternatives[0]) if name is None else _compose("block", alternatives[0], name)
        return attrs.evolve(node, flags=node.flags | {"optional"}) if optional else node

    def at_token(self) -> bool:
        return self.at("quoted") or (self.at("word") and self.text() == self.text().upper() != self.text().lower())

    def token(self, name: str | None) -> Argument:
        """A token, and the argument that it introduces if one follows."""
        token = self.text().strip('"')
        self.take()
        if self.text(ahead=1) == "=":
            introduces = self.text(ahead=2) == "("
        else:
            introduces = self.text() == "(" or (self.at("word") and not self.at_token())
        if not introduces:
            return Argument(name or token.lower(), "pure-token", token=token)
        node = self.item()
        if name is not None or node.token is not None:
            self.fail(f"what {token} introduces has a token already, or two names")
        return attrs.evolve(node, token=token)

    def argument(self) -> Argument:
        """A named value, with its type and the key specification that finds it."""
        name, colon, kind = self.take()["word"].rpartition(":")
        if not colon or kind not in TYPES:
            name = f"{name}{colon}{kind}"
            kind = TYPE_OF_NAME.get(name, "string")
        key_spec_index = None
        if self.at("spec"):
            key_spec_index = int(self.take()["spec"][1:])
        elif kind == "key":
            key_spec_index = self.last_key + 1
        if key_spec_index is not None:
            self.last_key = max(self.last_key, key_spec_index)
        return Argument(name, kind, key_spec_index)


def _block(items: tuple[Argument, ...]) -> Argument:
    return items[0] if len(items) == 1 else _compose("block", items)


def _compose(kind: str, parts: tuple[Argument, ...], name: str | None = None) -> Argument:
    return Argument(name or "_".join(part.name for part in parts), kind, arguments=parts)
