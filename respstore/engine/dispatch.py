"""From the arguments of a request to a handler's value: look-up, arity, and whatever forbids or delays a command.

`Session._process` runs the usual case itself (a known name, a right number of arguments, nothing special about the
session) and hands everything else to `dispatch`. What is special is a bit in `session.gate`, so that the usual case
costs one test however many reasons there are.
"""

import logging
from array import array
from enum import IntFlag
from typing import TYPE_CHECKING, Any, Final

from respstore import errors
from respstore.engine.command import UNLIMITED, Command, Handler
from respstore.engine.latency import Distribution, SlowCounts
from respstore.engine.waiting import Park
from respstore.errors import RespError
from respstore.exceptions import ConfigError
from respstore.protocol.replies import NO_REPLY, QUEUED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from respstore.config.config import Renaming
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

logger = logging.getLogger("respstore")


class Gate(IntFlag):
    """Why a session's commands need a closer look. Kept as plain integers in `session.gate`."""

    UNAUTHENTICATED = 1
    MULTI = 2
    PAUSED = 4
    MUTED = 8
    CLOSING = 16
    PARKED = 32
    RELEASED = 64
    YIELDED = 128
    SUBSCRIBED = 256
    """... to a channel, and in RESP2."""
    MONITORED = 512
    TRACKING = 1024
    RESTRICTED = 2048
    """Its user may not do everything."""
    LOADING = 4096
    """The data is not whole yet."""
    UNSAVED = 8192
    """The last background save failed."""
    BUSY = 16384
    """A script takes too long (scripts.py)."""
    UNWRITTEN = 32768
    """The AOF cannot be written."""


UNAUTHENTICATED, MULTI, PAUSED, MUTED, CLOSING, PARKED, RELEASED = (int(gate) for gate in list(Gate)[:7])
YIELDED, SUBSCRIBED, MONITORED, TRACKING, RESTRICTED, LOADING, UNSAVED, BUSY, UNWRITTEN = map(int, list(Gate)[7:])
HALTED: Final = CLOSING | PARKED | RELEASED | YIELDED
"""No further request is to be run, for good or for now."""

_OBSERVED: Final = MONITORED | TRACKING

_NEVER_QUEUED: Final = frozenset(("exec", "discard", "multi", "watch", "quit", "reset"))
_FOR_SUBSCRIBERS: Final = frozenset(
    ("subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe", "ping", "quit", "reset")
)
"""What a RESP2 client may send while it listens to channels."""
_FOR_KEYS: Final = frozenset(("write", "readonly", "may_replicate"))
_HTTP: Final = frozenset((b"post", b"host:"))
"""Words of HTTP, which a web page can make a browser send to any port, commands included: Redis hangs up, too."""


class Entry:
    """A command as one engine runs it: the record's essentials, close at hand, and what INFO commandstats counts.

    Attributes:
        command: the record.
        handler: what to call with a session and the arguments behind the name: `plain` or `measured`.
        plain: `run`, or what asks first whether there is room for what the command brings, and may refuse (memory.py).
        run: the command's own handler, for dispatch.py, which has asked; or what `use` put in its place.
        measured: calls `plain` and times it (see timing.py).
        left: how many of the next calls are to be timed; if it is negative, all of them.
        times: how long calls took.
        minimum, maximum: numbers of arguments, the name included, with which `handler` may be called at once. No number
            is such of a command that has subcommands or a guard: its requests need `dispatch`.
        new_calls, new_rejected, new_failed: how often it ran, was refused before it ran, answered with an error, since
            they were added up last.
        subcommands: entries by their word in lower case.
        words: of how many words the name is.
    """

    __slots__ = (
        "_totals",
        "command",
        "handler",
        "left",
        "maximum",
        "measured",
        "minimum",
        "new_calls",
        "new_failed",
        "new_rejected",
        "plain",
        "run",
        "subcommands",
        "times",
        "words",
    )

    def __init__(self, command: Command, slow_counts: SlowCounts) -> None:
        self.command = command
        self.minimum = UNLIMITED if command.subcommands or command.guard else command.minimum
        self.maximum = command.maximum
        self.words = 1 + command.name.count("|")
        self.forget_calls()
        self.subcommands: dict[bytes, Entry] = {}
        if command.subcommands:
            self.subcommands = {
                word.encode(): Entry(record, slow_counts) for word, record in command.subcommands.items()
            }
        self.run: Handler = command.handler or _unreachable
        self.handler = self.plain = self.measured = self.run
        self.left = 0
        self.times = Distribution(slow_counts)

    @property
    def calls(self) -> int:
        """How often it ran."""
        return self._totals[0] + self.new_calls

    @property
    def rejected(self) -> int:
        """How often it was refused before it ran."""
        return self._totals[1] + self.new_rejected

    @property
    def failed(self) -> int:
        """How often it answered with an error."""
        return self._totals[2] + self.new_failed

    def forget_calls(self) -> None:
        """Start to count anew."""
        self._totals = array("q", (0, 0, 0))
        self.new_calls = self.new_rejected = self.new_failed = 0

    def add_up(self) -> None:
        """Count the new calls among all (statistics.py says why); to be called now and then."""
        totals = self._totals
        totals[0] += self.new_calls
        totals[1] += self.new_rejected
        totals[2] += self.new_failed
        self.new_calls = self.new_rejected = self.new_failed = 0

    def use(self, handler: Handler) -> None:
        """Run this from now on; who is asked before stays."""
        if self.plain is self.run:
            self.ask_by(handler)
        self.run = handler

    def ask_by(self, handler: Handler) -> None:
        """Let the usual way call this, which runs `run` unless something speaks against it."""
        if self.handler is self.plain:
            self.handler = handler
        self.plain = handler

    def resolve(self, args: list[bytes]) -> "Entry":
        """The subcommand's entry where `args` name one, else this one.

        Raises:
            RespError: no such subcommand.
        """
        if not self.subcommands or len(args) == 1:
            return self
        entry = self.subcommands.get(args[1].lower())
        if entry is None:
            raise errors.unknown_subcommand(args[1], errors.printable(args[0]))
        return entry

    def check_arity(self, args: list[bytes]) -> None:
        """Refuse a request whose number of arguments cannot be right (see `Command.takes`)."""
        if not self.command.takes(len(args)):
            self.new_rejected += 1
            raise errors.wrong_arity(self.command.name)


def _unreachable(session: "Session", *args: bytes) -> Any:
    raise AssertionError("a command without a handler was called, which its arity forbids")


def make_entries(table: "Mapping[str, Command]") -> dict[bytes, Entry]:
    """An engine's look-up: each command under its name in lower and in upper case, which is how clients write it."""
    entries: dict[bytes, Entry] = {}
    slow_counts = SlowCounts()
    for name, command in table.items():
        entries[name.encode()] = entries[name.upper().encode()] = Entry(command, slow_counts)
    return entries


def rename(entries: dict[bytes, Entry], renamings: "Sequence[Renaming]") -> dict[bytes, Entry]:
    """The look-up in which commands have other names, or none, as `rename-command` asks for.

    Raises:
        ConfigError: there is no such command, or there is one of the new name already.
    """
    entries = dict(entries)
    for old, new, where in renamings:
        entry = entries.pop(old.lower().encode(), None)
        if entry is None:
            raise ConfigError("No such command in rename-command", "rename-command", where)
        del entries[old.upper().encode()]
        if new:
            if new.lower().encode() in entries:
                raise ConfigError("Target command name already exists", "rename-command", where)
            entries[new.lower().encode()] = entries[new.upper().encode()] = entry
    return entries


def find(entries: dict[bytes, Entry], name: bytes) -> Entry | None:
    """The entry of a command's name, in whatever case it is written."""
    return entries.get(name) or entries.get(name.lower())


def dispatch(session: "Session", args: list[bytes]) -> Any:
    """Run one request whose session or arguments are unusual.

    Args:
        session: who asks.
        args: the request, its name first.

    Returns:
        The handler's value, or what stands for it ("QUEUED", NO_REPLY).

    Raises:
        RespError: the request is refused or its handler failed.
    """
    run = _dispatch_muted if session.gate & MUTED else _dispatch
    if not session.gate & TRACKING:
        return run(session, args)
    trackers = session.engine.trackers
    trackers.send_owed(session)
    try:
        return run(session, args)
    finally:
        trackers.end_request(session)


def _dispatch(session: "Session", args: list[bytes]) -> Any:
    session.last = None
    entry = find(session.engine.entries, args[0])
    if entry is None and args[0].lower() in _HTTP:
        logger.warning("closing client %s: it speaks HTTP, maybe on behalf of a web page", session.describe())
        session.abort()
        return NO_REPLY
    try:
        entry = _admit(session, entry, args)
    except RespError as error:
        if entry is not None and entry.command.name == "exec":
            session.end_transaction()
            raise errors.exec_refused(error) from None
        if session.transaction is not None:
            session.transaction.aborted = True
        raise
    if session.gate & PAUSED and session.engine.must_pause(session, entry, args):
        session.postpone(args)
        return NO_REPLY
    if session.transaction is not None and entry.command.name not in _NEVER_QUEUED:
        session.transaction.requests.append((entry, args))
        return QUEUED
    return call(session, entry, args)


def _admit(session: "Session", entry: Entry | None, args: list[bytes]) -> Entry:
    """The entry to run, subcommands resolved; the order of these checks decides which error a client sees."""
    if entry is None:
        raise errors.unknown_command(args)
    session.last = entry = entry.resolve(args)
    entry.check_arity(args)
    guard, flags = entry.command.guard, entry.command.flags
    if guard is not None and (refusal := guard(session)) is not None:
        entry.new_rejected += 1
        raise refusal
    # Who connected while a password was required needs none once it is taken away.
    if session.gate & UNAUTHENTICATED and "no_auth" not in flags and not session.engine.acl.default.is_let_in:
        entry.new_rejected += 1
        raise RespError(errors.NOT_AUTHENTICATED)
    if session.gate & MULTI and "no_multi" in flags:
        entry.new_rejected += 1
        raise RespError(errors.NOT_IN_MULTI)
    if session.gate & RESTRICTED:
        try:
            session.engine.acl.check(session, entry.command, args)
        except RespError:
            entry.new_rejected += 1
            raise
    if session.engine.memory.limit and session.engine.memory.is_short(session, entry, args):
        entry.new_rejected += 1
        raise RespError(errors.OUT_OF_MEMORY)
    if (
        session.gate & (UNSAVED | UNWRITTEN)
        and _needs_disk(session, entry)
        and (refusal := disk_problem(session.engine)) is not None
    ):
        entry.new_rejected += 1
        raise refusal
    if session.gate & SUBSCRIBED and entry.command.name not in _FOR_SUBSCRIBERS:
        entry.new_rejected += 1
        raise errors.subscribed(entry.command.name)
    if session.gate & MONITORED and flags & _FOR_KEYS and session in session.engine.monitors.sessions:
        entry.new_rejected += 1
        raise RespError(errors.MONITORS_KEEP_OUT)
    if session.gate & LOADING and "loading" not in flags:
        entry.new_rejected += 1
        raise RespError(errors.LOADING)
    if session.gate & BUSY and "allow_busy" not in flags:
        entry.new_rejected += 1
        raise session.engine.scripts.busy()
    return entry


def disk_problem(engine: "Engine") -> RespError | None:
    """Why nothing may be written now: the data could not be saved, or what is done cannot be written down."""
    if engine.snapshots.refuses_writes():
        return RespError(errors.UNSAVED)
    return errors.unwritten(engine.append_only.problem) if engine.append_only.problem else None


def _needs_disk(session: "Session", entry: Entry) -> bool:
    """Whether a command is not to be run as long as the data cannot be saved: those that write, and PING, to warn."""
    if entry.command.name == "exec" and session.transaction is not None:
        return any("write" in queued.command.flags for queued, _ in session.transaction.requests)
    return "write" in entry.command.flags or entry.command.name == "ping"


def call(session: "Session", entry: Entry, args: "Sequence[bytes]") -> Any:
    """Call the handler of a resolved entry, whatever the session's gate says.

    Args:
        session: on whose behalf.
        entry: of the command, or of the subcommand if `args` name one.
        args: the whole request.

    Raises:
        RespError: the handler's, or what stands for its bug.
    """
    if session.gate & _OBSERVED:
        return _call_observed(session, entry, args)
    return _call(session, entry, args)


def _call_observed(session: "Session", entry: Entry, args: "Sequence[bytes]") -> Any:
    record, engine = entry.command, session.engine
    if session.gate & TRACKING:
        engine.trackers.current = session
    is_told_before = "skip_monitor" in record.flags  # a script, which comes before what it calls
    if session.gate & MONITORED and is_told_before:
        engine.monitors.tell(session, record, args)
    try:
        return _call(session, entry, args)
    finally:
        if session.gate & MONITORED and not is_told_before:
            engine.monitors.tell(session, record, args)
        if session.gate & TRACKING:
            engine.trackers.remember(session, record, args)


def _call(session: "Session", entry: Entry, args: "Sequence[bytes]") -> Any:
    timing, clock = session.engine.timing, session.engine.system.monotonic
    started = clock()
    try:
        if len(args) > entry.maximum:
            raise errors.too_many_arguments(entry.command.name)
        return entry.run(session, *args[entry.words :])
    except RespError as error:
        entry.new_failed += 1
        error.quote(args)
        raise
    except Exception:
        logger.exception("bug: %s of client %s", entry.command.name, session.describe())
        entry.new_failed += 1
        raise RespError(errors.INTERNAL) from None
    finally:
        entry.new_calls += 1  # afterwards, so that CONFIG RESETSTAT counts itself, as in Redis
        seconds = clock() - started
        if entry.left or seconds >= timing.limit:
            timing.called(session, entry, args, seconds)


def _dispatch_muted(session: "Session", args: list[bytes]) -> Any:
    """CLIENT REPLY OFF or SKIP: run the request, drop its reply, unless it is the one that ends the silence."""
    if session.muted == "next":
        session.mute("skip")
    value: Any = NO_REPLY
    try:
        value = _dispatch(session, args)
    except RespError as error:
        session.engine.count_error(error)
    if isinstance(value, Park) or session.is_parked:
        return value  # `skip` holds until the wait is over
    if session.muted is None:
        return value
    if session.muted == "skip":
        session.mute(None)
    return NO_REPLY
