"""COMMAND: what the server knows of its own commands. https://redis.io/docs/latest/commands/command/

All answers are read off the records that `@command` makes (engine/command.py); nothing is told twice. Clients and
redis-cli learn from here which arguments are keys, and what to hint while one types.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from respstore import errors
from respstore.engine.command import Command, command
from respstore.engine.dispatch import find
from respstore.engine.help import help_lines
from respstore.engine.keyspecs import FLAGS, FoundKey, find_keys, has_keys, has_movable_keys, legacy_range
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace.glob import compile_glob
from respstore.protocol.replies import SetOf

Map = dict[bytes, Any]

HIDDEN_FLAGS: Final = frozenset(("may_replicate",))
"""What Redis keeps to itself of a command's flags; CLIENT PAUSE WRITE and MONITOR mind it."""


def _with_subcommands(session: Session) -> Iterator[Command]:
    return (entry.command for entry in session.engine.all_entries)


def _top_level(session: Session) -> Iterator[Command]:
    return (record for record in _with_subcommands(session) if "|" not in record.name)


def _look_up(session: Session, words: list[bytes]) -> Command | None:
    """The command that a request of these words runs: a subcommand where its container has any."""
    entry = find(session.engine.entries, words[0])
    if entry is None or len(words) == 1 or not entry.subcommands:
        return None if entry is None else entry.command
    subcommand = entry.subcommands.get(words[1].lower())
    return None if subcommand is None else subcommand.command


def _named(session: Session, name: bytes) -> Command | None:
    """The command of this name, where `config|get` names a subcommand."""
    words = name.split(b"|")
    record = _look_up(session, words)
    return record if record is not None and record.name.count("|") == len(words) - 1 else None


# What is told of one command


def _info(record: Command) -> list[Any]:
    """One element of COMMAND INFO."""
    flags = record.flags - HIDDEN_FLAGS
    if has_movable_keys(record.keys):
        flags |= {"movablekeys"}
    return [
        record.name.encode(),
        record.arity,
        flags,
        *legacy_range(record.keys),
        {f"@{category}" for category in record.categories},
        {tip.encode() for tip in record.tips},
        SetOf([spec.info() for spec in record.keys]),
        [_info(subcommand) for subcommand in record.subcommands.values()] or set(),
    ]


def _docs(record: Command) -> Map:
    """One value of COMMAND DOCS; fields without a value are left out, as in Redis."""
    doc_flags = {
        flag for flag, is_set in (("syscmd", record.is_syscmd), ("deprecated", record.deprecated_since)) if is_set
    }
    fields = {
        b"summary": record.summary.encode(),
        b"since": record.since.encode(),
        b"group": record.group.encode(),
        b"complexity": record.complexity.encode(),
        b"doc_flags": doc_flags,
        b"deprecated_since": record.deprecated_since.encode(),
        b"replaced_by": record.replaced_by.encode(),
        b"arguments": [argument.docs() for argument in record.arguments],
        b"subcommands": {sub.name.encode(): _docs(sub) for sub in record.subcommands.values()},
    }
    return {field: value for field, value in fields.items() if value}


# The commands


@command(
    "command",
    group="server",
    since="2.8.13",
    flags="loading stale",
    categories="connection",
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of commands",
)
def command_(session: Session) -> list[Any]:
    """Describe all commands: arity, flags, keys, ACL categories."""
    return [_info(record) for record in _top_level(session)]


@command(
    "command|count",
    group="server",
    since="2.8.13",
    flags="loading stale",
    categories="connection",
    complexity="O(1)",
)
def command_count(session: Session) -> int:
    """Count the commands of this server, without subcommands."""
    return sum(1 for _ in _top_level(session))


@command(
    "command|info [command-name]...",
    group="server",
    since="2.8.13",
    flags="loading stale",
    categories="connection",
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of commands",
)
def command_info(session: Session, *names: bytes) -> list[Any]:
    """Describe some commands as COMMAND does, or all; null for one that does not exist."""
    if not names:
        return command_(session)
    return [None if (record := _named(session, name)) is None else _info(record) for name in names]


@command(
    "command|docs [command-name]...",
    group="server",
    since="7.0.0",
    flags="loading stale",
    categories="connection",
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of commands",
)
def command_docs(session: Session, *names: bytes) -> Map:
    """Document some commands, or all: what they do, since when, and their arguments."""
    records = filter(None, (_named(session, name) for name in names)) if names else _top_level(session)
    return {record.name.encode(): _docs(record) for record in records}


@command(
    "command|list [FILTERBY filterby=(MODULE module-name | ACLCAT category | PATTERN pattern)]",
    group="server",
    since="7.0.0",
    flags="loading stale",
    categories="connection",
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of commands",
)
def command_list(session: Session, *options: bytes) -> list[bytes]:
    """Name all commands and subcommands, or those of a module or an ACL category, or whose name matches a pattern."""
    chosen = _filter(options)
    return [record.name.encode() for record in _with_subcommands(session) if chosen(record)]


def _filter(options: tuple[bytes, ...]) -> Callable[[Command], bool]:
    match [word.upper() for word in options[:2]]:
        case []:
            return lambda _: True
        case [b"FILTERBY", kind] if len(options) == 3:
            value = options[2]
            if kind == b"MODULE":
                return lambda _: False  # no command comes from a module
            if kind == b"ACLCAT":
                return lambda record: value.lower() in (category.encode() for category in record.categories)
            if kind == b"PATTERN":
                matches = compile_glob(value, ignore_case=True)
                return lambda record: matches(record.name.encode())
    raise RespError(errors.SYNTAX)


@command(
    "command|getkeys",
    group="server",
    since="2.8.13",
    flags="loading stale",
    categories="connection",
    complexity="O(N) in the number of arguments",
)
def command_getkeys(session: Session, name: bytes, argument: bytes, *arguments: bytes) -> list[bytes]:
    """Pick the keys out of a whole request."""
    request = [name, argument, *arguments]
    return [request[key.position] for key in _keys_of(session, request)]


@command(
    "command|getkeysandflags",
    group="server",
    since="7.0.0",
    flags="loading stale",
    categories="connection",
    complexity="O(N) in the number of arguments",
)
def command_getkeysandflags(session: Session, name: bytes, argument: bytes, *arguments: bytes) -> list[Any]:
    """Pick the keys out of a whole request, each with what the command would do to it."""
    request = [name, argument, *arguments]
    return [
        [request[key.position], SetOf([flag for flag in FLAGS if flag in key.flags])]
        for key in _keys_of(session, request)
    ]


def _keys_of(session: Session, request: list[bytes]) -> list[FoundKey]:
    record = _look_up(session, request)
    if record is None:
        raise RespError(errors.GETKEYS_NO_SUCH_COMMAND)
    if not has_keys(record.keys):
        raise RespError(errors.GETKEYS_NO_KEYS)
    if not record.takes(len(request)):
        raise RespError(errors.GETKEYS_WRONG_ARITY)
    keys = find_keys(request, record.keys, record.key_finder)
    if not keys and "no_mandatory_keys" not in record.flags:
        raise RespError(errors.GETKEYS_INVALID_ARGUMENTS)
    return keys


@command(
    "command|help",
    group="server",
    since="5.0.0",
    flags="loading stale",
    categories="connection",
    complexity="O(1)",
)
def command_help(session: Session) -> list[str]:
    """Describe the subcommands of COMMAND."""
    return help_lines(session.engine.originals[b"command"].command)
