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
from respstore.engine.dispatch import RESTRICTED, UNSAVED, UNWRITTEN, call, disk_problem, find
from respstore.engine.waiting import Park
from respstore.errors import RespError
from respstore.protocol.replies import NO_REPLY, NULL_ARRAY, OK, Output, encode
from respstore.scripting.runtime import CHUNK, ERROR, LIGHT, LIST, NO_MEMORY, NOTHING, REPLY, STATUS, Runtime
from respstore.wording import escaped

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

logger = logging.getLogger("respstore")

_LEVELS: Final = (logging.DEBUG, logging.INFO, logging.INFO, logging.WARNING)
_SIMPLE: Final = frozenset((bytes, int))
_STATUS_OK: Final = (None, STATUS, OK.encode())
_STREAM_READS: Final = frozenset(("xread", "xreadgroup"))
"""These are refused where they would wait; other commands that wait just do not, in a script."""


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
        self._session: Session | None = None
        self._permissions = WRITES
        self._protocol = 2
        self._is_short = False
        self._runtime: Runtime | None = None
        self.tick = engine.scripts.tick

    def begin(self, session: "Session", permissions: Permissions, runtime: Runtime) -> None:
        """A script of a client begins, in this interpreter."""
        engine = self._engine
        self._session, self._runtime = session, runtime
        self._permissions = permissions
        self._protocol = 2
        self._is_short = bool(
            engine.memory.limit and not permissions.ignores_memory and not engine.memory.has_room_for(())
        )

    def end(self) -> None:
        """It is over."""
        self._session = self._runtime = None

    # The host

    def call(self, *words: bytes | float) -> Any:
        """Run a command."""
        runtime = self._runtime
        assert runtime is not None
        if runtime.is_nearly_full and not runtime.has_room_for(0):
            return None, NO_MEMORY
        try:
            return self._reply(runtime, self._call([_word(word) for word in words]))
        except RespError as error:
            text = error.text.encode("utf-8", "surrogateescape")
            return None, ERROR, text[:LIGHT]
        except BaseException:
            logger.exception("bug: a command of a script failed")
            return None, ERROR, errors.INTERNAL.encode()

    def set_protocol(self, number: int) -> None:
        """Replies of commands are those of this version of the protocol from now on."""
        self._protocol = number

    def is_permitted(self, *words: bytes | float) -> bool | None:
        """Whether the client's user may run a command; None if there is none such."""
        args = [_word(word) for word in words]
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

    def _call(self, args: list[bytes]) -> Any:
        session, engine = self._session, self._engine
        assert session is not None
        entry = find(engine.entries, args[0])
        if entry is not None and entry.subcommands and len(args) > 1:
            entry = entry.subcommands.get(args[1].lower())
        if entry is None:
            raise RespError(errors.SCRIPT_UNKNOWN_COMMAND)
        command = entry.command
        if not command.takes(len(args)):
            raise RespError(errors.SCRIPT_WRONG_ARITY)
        if "noscript" in command.flags:
            raise RespError(errors.SCRIPT_FORBIDDEN_COMMAND)
        if session.gate & RESTRICTED:
            engine.acl.check_in_script(session, command, args)
        if command.name in _STREAM_READS and _blocks(args):
            raise RespError(errors.SCRIPT_BLOCKS.format(errors.printable(args[0])))
        if "write" in command.flags:
            self._check_write(session)
        if self._is_short and "denyoom" in command.flags and not engine.scripts.has_written:
            raise RespError(errors.OUT_OF_MEMORY)
        if "write" in command.flags:
            engine.scripts.has_written = True
        value = call(session, entry, args)
        while type(value) is Park:
            value = value.if_denied
        if isinstance(value, RespError):
            raise value
        return value

    def _check_write(self, session: "Session") -> None:
        if not self._permissions.may_write:
            raise RespError(errors.SCRIPT_READ_ONLY)
        if session.gate & (UNSAVED | UNWRITTEN) and (problem := disk_problem(self._engine)) is not None:
            raise problem

    def _reply(self, runtime: Runtime, value: Any) -> Any:
        """What a handler answered, as sandbox.lua takes it."""
        kind = type(value)
        if kind is bytes:
            return value if len(value) < LIGHT or runtime.has_room_for(len(value)) else (None, NO_MEMORY)
        if kind is int:
            return value
        if value is OK:
            return _STATUS_OK
        if value is None or value is NULL_ARRAY:
            return False if self._protocol == 2 else (None, NOTHING)
        if value is NO_REPLY:
            return None, NOTHING
        if (
            kind is list
            and len(value) <= CHUNK
            and _SIMPLE.issuperset(map(type, value))
            and sum(len(item) for item in value if type(item) is bytes) < LIGHT
        ):
            return None, LIST, *value
        pieces: Output = []
        encode(value, self._protocol, pieces)
        size = sum(map(len, pieces))
        if size >= LIGHT and not runtime.has_room_for(size):
            return None, NO_MEMORY
        return None, REPLY, b"".join(pieces)


def _word(word: bytes | float) -> bytes:
    """An argument as a command gets it: Lua's numbers as C prints them with 17 digits."""
    return word if isinstance(word, bytes) else b"%.17g" % word


def _blocks(args: Sequence[bytes]) -> bool:
    """Whether a command that reads streams is told to wait."""
    options = [word.upper() for word in args[1:]]
    return b"BLOCK" in options[: options.index(b"STREAMS") if b"STREAMS" in options else None]
