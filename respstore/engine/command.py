"""How a command is declared: once, at its handler.

    @command("append key value", group="string", since="2.0.0", flags="write denyoom fast", keys=first("RW insert"))
    def append(session: Session, key: bytes, value: bytes) -> int:
        \"\"\"Append to the string at a key, which is made if there is none.\"\"\"

The syntax gives the name (`config|get` for a subcommand) and the arguments of COMMAND DOCS (see `syntax.py`), the
signature the arity, the docstring's first line the summary. Look-up, COMMAND, ACL and tests read this one record.
A handler takes the session and the arguments as `bytes` and returns a value that `protocol/replies.py` knows, or raises
`RespError`.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from inspect import CO_VARARGS
from types import FunctionType, ModuleType
from typing import Any, Final, Literal, TypeVar

import attrs

from respstore.engine.categories import acl_categories
from respstore.engine.keyspecs import KeyFinder, KeySpec
from respstore.engine.syntax import Argument, parse_syntax
from respstore.errors import RespError

Handler = Callable[..., Any]
Guard = Callable[[Any], RespError | None]
OnlyReads = Callable[[Any, Sequence[bytes]], bool]
F = TypeVar("F", bound=Handler)
Channels = Literal["first", "all", "patterns"]
UNLIMITED: Final = sys.maxsize
WRITING: Final = frozenset(("write", "may_replicate"))
"""Flags of commands that CLIENT PAUSE WRITE holds up, and that no script may run that says that it only reads."""


@attrs.frozen(eq=False)
class Command:
    """What is known about a command.

    Attributes:
        name: in lower case, `container|subcommand` for a subcommand.
        syntax: the name and what stands behind it, in the notation of `syntax.py`; of a container, the name alone.
        handler: the function; a pure container has none.
        minimum, maximum: how many arguments a request may have, the name (of a subcommand: both words) included.
        group, since, flags, tips, complexity: as COMMAND DOCS and COMMAND INFO give them.
        deprecated_since, replaced_by: the version that deprecated it, and what to use instead; empty if none did.
        is_syscmd: it serves Redis itself and its tests, not users.
        keys: where its keys stand among the arguments.
        key_finder: tells the keys of a request where `keys` cannot.
        channels: which arguments are channels: the first one, or all; or whether all are patterns of channels.
        only_reads: whether a request, of a command that may have others run that write, does not; is asked with the
            session.
        guard: is asked with the session before anything else, authentication included, and gives an error to refuse.
        categories: all its ACL categories, without the `@`.
        summary: one sentence.
        subcommands: by name behind the `|`.
    """

    name: str
    syntax: str
    handler: Handler | None
    minimum: int
    maximum: int
    group: str
    since: str
    flags: frozenset[str]
    categories: frozenset[str]
    complexity: str
    summary: str
    keys: tuple[KeySpec, ...] = ()
    key_finder: KeyFinder | None = None
    channels: Channels | None = None
    only_reads: OnlyReads | None = None
    guard: Guard | None = None
    tips: frozenset[str] = frozenset()
    deprecated_since: str = ""
    replaced_by: str = ""
    is_syscmd: bool = False
    subcommands: Mapping[str, "Command"] = attrs.field(factory=dict)

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """What stands behind the name, as COMMAND DOCS tells it.

        To read the syntax of all commands takes a third as long as to import the server: so it waits until it is asked.
        """
        return parse_syntax(self.syntax).arguments

    @property
    def arity(self) -> int:
        """As COMMAND gives it: a negative number means "at least"."""
        return self.minimum if self.minimum == self.maximum else -self.minimum

    def takes(self, count: int) -> bool:
        """Whether a request may have so many arguments, the name included, as far as Redis asks before anything else.

        Too many where some are optional is found out only when the command is called, as in Redis: an unauthenticated
        client hears of its password first, and MULTI queues such a request.
        """
        return count == self.minimum or (count > self.minimum and self.minimum != self.maximum)


def command(
    syntax: str,
    *,
    group: str,
    since: str,
    flags: str = "",
    keys: KeySpec | Sequence[KeySpec] = (),
    key_finder: KeyFinder | None = None,
    channels: Channels | None = None,
    only_reads: OnlyReads | None = None,
    guard: Guard | None = None,
    categories: str | None = None,
    tips: str = "",
    complexity: str = "",
    deprecated_since: str = "",
    replaced_by: str = "",
    is_syscmd: bool = False,
) -> Callable[[F], F]:
    """Declare a handler as a command; the record is kept on the function, as its attribute `command`.

    Args:
        syntax: name and arguments in the notation of `syntax.py`; the rest as in `Command`, sets of words separated by
            spaces.
        categories: ACL categories instead of the group's; those that follow from flags need not be said.
    """
    name = syntax.partition(" ")[0]
    words = frozenset(flags.split())

    def declare(handler: F) -> F:
        minimum, maximum = _arity(handler)
        record = Command(
            name=name,
            syntax=syntax,
            handler=handler,
            minimum=minimum + name.count("|"),
            maximum=maximum + name.count("|") if maximum < UNLIMITED else UNLIMITED,
            group=group,
            since=since,
            flags=words,
            categories=acl_categories(group, words, None if categories is None else frozenset(categories.split())),
            complexity=complexity,
            summary=_summary(handler),
            keys=(keys,) if isinstance(keys, KeySpec) else tuple(keys),
            key_finder=key_finder,
            channels=channels,
            only_reads=only_reads,
            guard=guard,
            tips=frozenset(tips.split()),
            deprecated_since=deprecated_since,
            replaced_by=replaced_by,
            is_syscmd=is_syscmd,
        )
        handler.command = record  # type: ignore[attr-defined]
        return handler

    return declare


def container(name: str, *, summary: str, group: str, since: str, flags: str = "", is_syscmd: bool = False) -> Command:
    """Declare a command that does nothing but hold subcommands, such as CONFIG. Its module names it in a constant.

    Its group gives it no ACL category, as in Redis: `-@connection` takes away CLIENT's subcommands, not CLIENT itself.
    """
    words = frozenset(flags.split())
    return Command(
        name=name,
        syntax=name,
        handler=None,
        minimum=2,
        maximum=UNLIMITED,
        group=group,
        since=since,
        flags=words,
        categories=acl_categories(group, words, frozenset()),
        complexity="Depends on subcommand.",
        summary=summary,
        is_syscmd=is_syscmd,
    )


def build_table(modules: Iterable[ModuleType]) -> dict[str, Command]:
    """All commands declared in some modules, by name; subcommands are inside their containers.

    Raises:
        ValueError: a name is declared twice, or a subcommand has no container.
    """
    table: dict[str, Command] = {}
    subcommands: dict[str, dict[str, Command]] = {}
    for module in modules:
        for value in vars(module).values():
            record = value if isinstance(value, Command) else getattr(value, "command", None)
            if not isinstance(record, Command):
                continue
            parent, _, word = record.name.partition("|")
            family, key = (subcommands.setdefault(parent, {}), word) if word else (table, parent)
            if family.setdefault(key, record) is not record:
                raise ValueError(f"command {record.name!r} is declared twice")
    for parent, family in subcommands.items():
        if parent not in table:
            raise ValueError(f"subcommands of {parent!r} are declared, but not the command itself")
        table[parent] = attrs.evolve(table[parent], subcommands=family, maximum=UNLIMITED)
    return table


def _arity(handler: Handler) -> tuple[int, int]:
    assert isinstance(handler, FunctionType)
    code = handler.__code__  # to ask inspect.signature takes ten times as long
    minimum = code.co_argcount - len(handler.__defaults__ or ())
    maximum = UNLIMITED if code.co_flags & CO_VARARGS else code.co_argcount
    return minimum, maximum  # the session stands where the name does, so both count the name already


def _summary(handler: Handler) -> str:
    lines = (handler.__doc__ or "").strip().splitlines()
    if not lines:
        raise ValueError(f"the handler {handler.__name__!r} has no docstring; its first line is the command's summary")
    return lines[0]
