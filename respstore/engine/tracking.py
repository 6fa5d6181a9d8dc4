"""Client-side caching: clients that are told when a key that they may have cached is another now (CLIENT TRACKING).

There are two ways to know what a client may have cached:

- The server remembers the keys of the commands by which it reads. When such a key changes, all who read it are told
  once, and the key is forgotten until they read it again. OPTIN and OPTOUT let the client say which commands count.
- In the mode BCAST nothing is remembered: the client is told of all keys with some prefixes, at the end of each turn.

Who is told hears a push `invalidate` in RESP3. RESP2 has no pushes: such a client has another connection told
(REDIRECT), which, if it speaks RESP2 as well, hears a message while it listens to any channel. As in Redis, keys of one
name are the same in all databases.

What must stay true: a client is not told of what its own command did before that command is answered; and as long as
nobody tracks, no command and no change of a key costs anything: a session that tracks has the gate's bit TRACKING, and
the databases tell of their changes (keyspace/notifying.py) only while there is one.
https://redis.io/docs/latest/develop/reference/client-side-caching/
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs

from respstore.engine.command import Command
from respstore.engine.dispatch import TRACKING
from respstore.engine.keyspecs import find_keys
from respstore.keyspace.footprint import allocated, of_texts
from respstore.keyspace.notifying import tell_of_changes
from respstore.protocol.replies import Output, Push, encode

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

CHANNEL: Final = b"__redis__:invalidate"
"""Where a connection of RESP2 seems to hear what another has redirected to it."""

BCAST: Final = b"BCAST"
OPTIN: Final = b"OPTIN"
OPTOUT: Final = b"OPTOUT"
NOLOOP: Final = b"NOLOOP"

PREFIX_BYTES: Final = 370
"""What a prefix takes beside its text, as measured: its places in the list of the client and among all prefixes."""
SHARE_FORGOTTEN: Final = 1000
"""Where there are too many keys, one in so many is forgotten at once: to find the oldest takes a walk."""

MEASURED: Final = 100
"""How many keys are measured to tell what all of them take."""

_BY_NOBODY: Final = ("expired", "evicted")


class _Invalidation:
    """Keys that are to be told of, encoded once however many are told; None for all keys."""

    def __init__(self, keys: Sequence[bytes] | None) -> None:
        self._keys = keys

    @cached_property
    def push(self) -> bytes:
        return _encoded((b"invalidate", self._keys), 3)

    @cached_property
    def message(self) -> bytes:
        return _encoded((b"message", CHANNEL, self._keys), 2)


def _encoded(items: tuple[object, ...], protocol: int) -> bytes:
    pieces: Output = []
    encode(Push(items), protocol, pieces)
    return b"".join(pieces)


@attrs.define
class Tracking:
    """How a session tracks.

    Attributes:
        redirect: the number of the session that is told in its place; 0 if it is told itself.
        mode: OPTIN if only the commands behind CLIENT CACHING YES count, OPTOUT if all but those behind CLIENT CACHING
            NO do, BCAST if the prefixes do; None if all commands do.
        noloop: it is not told of what it does itself.
        prefixes: of the keys that it is told of in the mode BCAST, sorted; none in the others.
        caching: CLIENT CACHING was said for the next command or transaction.
        is_broken: the session that should have been told was gone.
        owed: what it will be told once its command is answered.
    """

    redirect: int
    mode: bytes | None
    noloop: bool
    prefixes: Sequence[bytes]
    caching: bool = False
    is_broken: bool = False
    owed: list[_Invalidation] = attrs.field(factory=list)

    def memory(self) -> int:
        """Bytes that its prefixes take."""
        return len(self.prefixes) * PREFIX_BYTES + of_texts(self.prefixes)


class _Audience:
    """Who is told of the keys with a prefix, and those that changed in this turn, each with who changed it last."""

    __slots__ = ("changed", "sessions")

    def __init__(self) -> None:
        self.sessions: dict[Session, Tracking] = {}
        self.changed: dict[bytes, Session | None] = {}


class Trackers:
    """All who track.

    Args:
        engine: of which they are clients.

    Attributes:
        sessions: they themselves, and how each tracks.
        keys: what was read, and the numbers of the sessions that read it: a set, or, as there mostly is one, the
            number itself. Those who are gone, or track no more, are left out when the key changes.
        prefixes: those of the mode BCAST.
        current: whose command is running, if that is one of them.
    """

    __slots__ = ("_due", "_engine", "_indebted", "_lapsed", "_listener", "current", "keys", "prefixes", "sessions")

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._due: dict[bytes, _Audience] = {}  # prefixes with keys that changed in this turn
        self._indebted: dict[Session, Tracking] = {}
        # Who tracks no more but may again: as in Redis, what such a session has read counts still.
        self._lapsed: dict[Session, None] = {}
        self.sessions: dict[Session, Tracking] = {}
        self.keys: dict[bytes, int | set[int]] = {}
        self.prefixes: dict[bytes, _Audience] = {}
        self.current: Session | None = None
        self._listener = self._modified
        engine.keyspace.flushed = self._flushed
        engine.config.on_change("tracking-table-max-keys", self._bound)

    # Who tracks

    def add(self, session: "Session", tracking: Tracking) -> None:
        """A session tracks from now on, or in another way."""
        tell_of_changes(self._engine.keyspace, self._listener)
        self._lapsed.pop(session, None)
        self.sessions[session] = tracking
        if session.tracking is not None:
            tracking.owed = session.tracking.owed
        session.tracking = tracking
        session.set_gate(TRACKING, on=True)
        for prefix in tracking.prefixes:
            if prefix not in self.prefixes:
                self.prefixes[prefix] = _Audience()
            self.prefixes[prefix].sessions[session] = tracking

    def remove(self, session: "Session") -> None:
        """A session tracks no more; one that did not is no error."""
        tracking = self.sessions.pop(session, None)
        if tracking is None:
            return
        for prefix in tracking.prefixes:
            del self.prefixes[prefix].sessions[session]
            if not self.prefixes[prefix].sessions:
                del self.prefixes[prefix]
        session.tracking = None
        session.set_gate(TRACKING, on=False)
        self._lapsed[session] = None
        self._indebted.pop(session, None)
        if self.current is session:
            self.current = None

    def forget(self, session: "Session") -> None:
        """A session is over. With the last one that ever tracked, all that was remembered goes."""
        self.remove(session)
        if session in self._lapsed:
            del self._lapsed[session]
            if not self.sessions and not self._lapsed:
                self.keys.clear()
                tell_of_changes(self._engine.keyspace, None)

    # What a session reads

    def remember(self, session: "Session", command: Command, args: Sequence[bytes]) -> None:
        """A command of a session that tracks was run: if it reads, its keys may be cached now, error or not.

        A script that runs a command that reads may have made its reply of all the keys that it was called with; one
        that runs none has read nothing, whatever it is called by (call in Redis's server.c).
        """
        tracking = session.tracking
        if (
            tracking is not None
            and "readonly" in command.flags
            and (not tracking.mode or (tracking.mode != BCAST and tracking.caching is (tracking.mode == OPTIN)))
        ):
            scripts = self._engine.scripts
            if scripts.is_in_script and scripts.running is session:
                keys = scripts.keys
            elif "skip_monitor" in command.flags:  # EVAL_RO and its like
                keys = ()
            else:
                keys = [args[found.position] for found in find_keys(args, command.keys, command.key_finder)]
            for key in keys:
                self._add_reader(key, session.id)
            self._bound()
        self.current = None

    def _add_reader(self, key: bytes, number: int) -> None:
        readers = self.keys.setdefault(key, number)
        if isinstance(readers, set):
            readers.add(number)
        elif readers != number:
            self.keys[key] = {readers, number}

    def end_request(self, session: "Session") -> None:
        """A request of a session was dealt with: what CLIENT CACHING said holds for one command or transaction."""
        tracking, last = session.tracking, session.last
        if (
            tracking is not None
            and session.transaction is None
            and session not in self._engine.postponed
            and (last is None or not last.command.name.startswith("client|"))
        ):
            tracking.caching = False

    def items(self) -> int:
        """How many sessions read a key, summed up over all keys."""
        return sum(len(readers) if isinstance(readers, set) else 1 for readers in self.keys.values())

    def memory(self) -> int:
        """Bytes that what is remembered takes, as told from the first of it."""
        if not self.keys:
            return 0
        sample = [*islice(self.keys.items(), MEASURED)]
        size = of_texts(key for key, _ in sample) + sum(
            allocated(readers) for _, readers in sample if isinstance(readers, set)
        )
        return allocated(self.keys) + size * len(self.keys) // len(sample)

    def _bound(self) -> None:
        """Forget the oldest keys where there are more than `tracking-table-max-keys`; whoever read them is told."""
        excess = len(self.keys) - self._engine.config.tracking_table_max_keys
        if excess > 0 and self._engine.config.tracking_table_max_keys:
            for key in [*islice(self.keys, max(excess, len(self.keys) // SHARE_FORGOTTEN))]:
                self._invalidate(key, None)

    # What changes

    def _modified(self, key: bytes, event: str) -> None:
        for prefix, audience in self.prefixes.items():
            if key.startswith(prefix):
                if not audience.changed:
                    self._due[prefix] = audience
                    self._engine.touched.append(next(iter(audience.sessions)))  # so that `deliver` is called
                audience.changed[key] = None if event in _BY_NOBODY else self.current
        if key in self.keys:
            self._invalidate(key, self.current)

    def _invalidate(self, key: bytes, writer: "Session | None") -> None:
        readers = self.keys.pop(key)
        invalidation = _Invalidation([key])
        for number in readers if isinstance(readers, set) else (readers,):
            session = self._engine.sessions.get(number)
            if session is None or session.tracking is None or session.tracking.mode == BCAST:
                continue
            if not (session.tracking.noloop and session is writer):
                self._tell(session, session.tracking, invalidation)

    def _flushed(self) -> None:
        self.keys.clear()
        invalidation = _Invalidation(None)
        for session, tracking in self.sessions.items():
            self._tell(session, tracking, invalidation)

    # Telling

    def _tell(self, session: "Session", tracking: Tracking, invalidation: _Invalidation) -> None:
        if session is self.current or tracking.owed:
            tracking.owed.append(invalidation)
            self._indebted[session] = tracking
            self._engine.touched.append(session)
        else:
            self._send(session, tracking, invalidation)

    def send_owed(self, session: "Session") -> None:
        """Tell a session what its last command did, now that it was answered."""
        tracking = self._indebted.pop(session, None)
        if tracking is not None:
            for invalidation in tracking.owed:
                self._send(session, tracking, invalidation)
            tracking.owed.clear()

    def deliver(self) -> None:
        """Tell what is to be told at the end of a turn, behind all replies."""
        while self._indebted:
            self.send_owed(next(iter(self._indebted)))
        if self._due:
            due, self._due = self._due, {}
            for _, audience in sorted(due.items()):
                self._broadcast(audience)

    def _broadcast(self, audience: _Audience) -> None:
        changed, audience.changed = audience.changed, {}
        keys = sorted(changed)
        invalidation = _Invalidation(keys)
        for session, tracking in audience.sessions.items():
            if not tracking.noloop:
                self._send(session, tracking, invalidation)
            elif others := [key for key in keys if changed[key] is not session]:
                self._send(session, tracking, _Invalidation(others))

    def _send(self, session: "Session", tracking: Tracking, invalidation: _Invalidation) -> None:
        target = self._engine.sessions.get(tracking.redirect) if tracking.redirect else session
        if target is None:
            tracking.is_broken = True
            if session.protocol == 3:
                session.deliver(_encoded((b"tracking-redir-broken", tracking.redirect), 3))
        elif target.protocol == 3:
            target.deliver(invalidation.push)
        elif tracking.redirect and target.subscriptions is not None:
            target.deliver(invalidation.message)
