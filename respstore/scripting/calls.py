"""What a script can do outside of Lua: `redis.call` above all, on behalf of the client that has sent the script.

A command in a script runs in that client's session, with these differences: what it selects holds until the script is
over; it may neither wait nor do what is marked `noscript`; whoever may not write, may not by a script either.
"""

import hashlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from respstore import errors
from respstore.engine.command import WRITING, Command
from respstore.engine.dispatch import RESTRICTED, UNSAVED, UNWRITTEN, Entry, call, disk_problem, find
from respstore.engine.waiting import Park
from respstore.errors import RespError
from respstore.protocol.replies import NO_REPLY, OK, Output, encode
from respstore.scripting.runtime import CHUNK, ERROR, LIGHT, LIST, NO_MEMORY, NOTHING, REPLY, Runtime
from respstore.wording import escaped

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

logger = logging.getLogger("respstore")

_LEVELS: Final = (logging.DEBUG, logging.INFO, logging.INFO, logging.WARNING)
_STREAM_READS: Final = frozenset(("xread", "xreadgroup"))
"""These are refused where they would wait; other commands that wait just do not, in a script."""
_UNUSUAL: Final = RESTRICTED | UNSAVED | UNWRITTEN
"""... of the client: its commands are looked at one by one."""


@attrs.frozen
class Permissions:
    """What a script says of itself (its flags), or the command that runs it.

    Attributes:
        may_write: whether commands that write are run.
        ignores_memory: they are even if there is no room for what they bring.
    """

    may_write: bool = True
    ignores_memory: bool = False


WRITES: Final = Permissions()
READS: Final = Permissions(may_write=False)


class Calls:
    """The outside of scripts: the `Host` of their runtimes.

    Args:
        engine: whose scripts they are.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._scripts = engine.scripts
        self._session: Session | None = None
        self._permissions = WRITES
        self._protocol = 2
        self._is_short = False
        self._runtime: Runtime | None = None
        self._gathered: list[bytes] = []
        self._kept: Sequence[Any] = ()
        self._last_error = ""
        entries = {name: entry for name, entry in engine.entries.items() if _is_usual(entry.command)}
        reads = {name: entry for name, entry in entries.items() if not entry.command.flags & WRITING}
        self._usual: dict[bytes, Entry] = {}
        self._usual_of = {True: entries, False: reads}
        self.tick = self._scripts.tick

    def begin(self, session: "Session", permissions: Permissions, runtime: Runtime) -> None:
        """A script of a client begins, in this interpreter."""
        engine = self._engine
        self._session, self._runtime = session, runtime
        self._permissions = permissions
        self._protocol = 2
        self._last_error = ""
        self._is_short = bool(
            engine.memory.limit and not permissions.ignores_memory and not engine.memory.has_room_for(())
        )
        self._usual = {} if self._is_short else self._usual_of[permissions.may_write]

    def end(self) -> None:
        """It is over."""
        self._session = self._runtime = None

    def is_counted(self, text: str) -> bool:
        """Whether an error that a script came to is the one that a command of it got last, which is counted already."""
        return text == self._last_error

    # The host

    def call(self, *words: bytes) -> Any:
        """Run a command."""
        session, runtime, entry = self._session, self._runtime, self._usual.get(words[0])
        assert session is not None
        assert runtime is not None
        try:
            if (
                entry is None
                or session.gate & _UNUSUAL
                or ((count := len(words)) != entry.minimum and not entry.minimum < count <= entry.maximum)
            ):
                entry = self._admit(session, words)
            if not self._scripts.has_written and "write" in entry.command.flags:
                self._scripts.has_written = True
            value = call(session, entry, words)
            kind = type(value)
            if kind is int or (kind is bytes and runtime.has_room_for(len(value))):
                return value
            if value is OK:
                return True
            if value is None and self._protocol == 2:
                return False
            self._keep(value)
        except RespError as error:
            self._engine.count_error(error)
            self._last_error = error.text
            self._keep(error)
        except BaseException:
            logger.exception("bug: a command of a script failed")
            self._keep(RespError(errors.INTERNAL))
        return None

    def gather(self, is_first: bool, *words: bytes) -> None:
        """These are the first, or the next, words of a command that has many."""
        if is_first:  # what is there was for a command that the script had no memory for
            self._gathered = []
        self._gathered += words

    def call_gathered(self) -> Any:
        """As `call`, of the words that were gathered."""
        words, self._gathered = self._gathered, []
        return self.call(*words)

    def take(self) -> Any:
        """What the last command answered, if `call` could not say it."""
        kept, self._kept = self._kept, ()
        return kept

    def set_protocol(self, number: int) -> None:
        """Replies of commands are those of this version of the protocol from now on."""
        self._protocol = number

    def is_permitted(self, *words: bytes) -> bool | None:
        """Whether the client's user may run a command; None if there is none such."""
        args = list(words)
        try:
            entry = find(self._engine.entries, args[0])
            entry = None if entry is None else entry.resolve(args)
        except RespError:
            entry = None
        if entry is None or not entry.command.takes(len(args)):
            return None
        assert self._session is not None
        return self._session.user.denial(entry.command, args) is None

    def log(self, level: int, text: bytes) -> None:
        """Write to the server's log."""
        logger.log(_LEVELS[level], "script: %s", escaped(text))

    def hash(self, text: bytes) -> bytes:
        """SHA-1 in hexadecimal digits."""
        return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()

    # Inside

    def _admit(self, session: "Session", words: Sequence[bytes]) -> Entry:
        """The entry of a command that a script may run now.

        Raises:
            RespError: it may not.
        """
        entry = find(self._engine.entries, words[0])
        if entry is not None and entry.subcommands and len(words) > 1:
            entry = entry.subcommands.get(words[1].lower())
        if entry is None:
            raise RespError(errors.SCRIPT_UNKNOWN_COMMAND)
        try:
            self._check(session, entry.command, words)
        except RespError:
            entry.new_rejected += 1
            raise
        return entry

    def _check(self, session: "Session", command: Command, words: Sequence[bytes]) -> None:
        """Raises RespError if a script may not run a command now."""
        engine = self._engine
        if not command.takes(len(words)):
            raise RespError(errors.SCRIPT_WRONG_ARITY)
        if "noscript" in command.flags:
            raise RespError(errors.SCRIPT_FORBIDDEN_COMMAND)
        if session.gate & RESTRICTED:
            engine.acl.check_in_script(session, command, words)
        if command.name in _STREAM_READS and _blocks(words):
            raise RespError(errors.SCRIPT_BLOCKS.format(errors.printable(words[0])))
        if command.flags & WRITING and not self._permissions.may_write:
            raise RespError(errors.SCRIPT_READ_ONLY)
        if (
            session.gate & (UNSAVED | UNWRITTEN)
            and "write" in command.flags
            and (problem := disk_problem(engine)) is not None
        ):
            raise problem
        if self._is_short and "denyoom" in command.flags and not self._scripts.has_written:
            raise RespError(errors.OUT_OF_MEMORY)

    def _keep(self, value: Any) -> None:
        """Keep a reply until sandbox.lua takes it: its kind, and what belongs to that."""
        while type(value) is Park:
            value = value.if_denied
        runtime = self._runtime
        assert runtime is not None
        if not runtime.has_room_for(0):
            self._kept = (NO_MEMORY,)
        elif isinstance(value, RespError):
            self._kept = (ERROR, value.text.encode("utf-8", "surrogateescape")[:LIGHT])
        elif value is NO_REPLY:
            self._kept = (NOTHING,)
        elif type(value) is list and self._protocol == 2 and (items := _few_strings(value)) is not None:
            self._kept = (LIST, *items)
        else:
            pieces: Output = []
            encode(value, self._protocol, pieces)
            size = sum(map(len, pieces))
            has_room = size < LIGHT or runtime.has_room_for(size)
            self._kept = (REPLY, b"".join(pieces)) if has_room else (NO_MEMORY,)


def _few_strings(items: Sequence[Any]) -> Sequence[Any] | None:
    """These as Lua takes them one by one, False for null; None if they are many, or large, or something else."""
    if len(items) > CHUNK:
        return None
    strings = items if None not in items else [item for item in items if item is not None]
    try:
        if len(b"".join(strings)) >= LIGHT:  # the fastest way to ask what they are, too
            return None
    except TypeError:
        return None
    return items if strings is items else [False if item is None else item for item in items]


def _is_usual(command: Command) -> bool:
    """Whether a script may always run a command, if the script may write and there is memory, and its client may."""
    return "noscript" not in command.flags and command.name not in _STREAM_READS


def _blocks(args: Sequence[bytes]) -> bool:
    """Whether a command that reads streams is told to wait."""
    options = [word.upper() for word in args[1:]]
    return b"BLOCK" in options[: options.index(b"STREAMS") if b"STREAMS" in options else None]
