"""One client, sans I/O: bytes in, bytes out.

Whoever owns the connection begins a turn of the engine, calls `receive_data` with what arrived, runs
`engine.end_of_turn()`, then sends what `data_to_send` gives and closes the connection once `is_closing` is set and all
is sent. Nothing that a peer sends raises out of a session: it becomes an error reply, and `is_closing` if the stream is
lost. An exception that is no `RespError` is a bug of ours; it is logged, answered, and ends nothing.
"""

import logging
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from respstore import errors
from respstore.engine.dispatch import (
    CLOSING,
    HALTED,
    MULTI,
    MUTED,
    PARKED,
    RELEASED,
    RESTRICTED,
    SUBSCRIBED,
    UNAUTHENTICATED,
    YIELDED,
    Entry,
    dispatch,
)
from respstore.engine.waiting import Park
from respstore.errors import ProtocolError, RespError
from respstore.protocol.replies import (
    BULK_HEADS,
    CRLF,
    ENCODERS,
    INTEGERS,
    NULL,
    NULL_BULK,
    OK,
    SIMPLE,
    SIMPLE_OK,
    Output,
    encode,
    encode_error,
)
from respstore.protocol.requests import Request, RequestParser

if TYPE_CHECKING:
    from respstore.engine.acl.user import User
    from respstore.engine.channels import Subscriptions
    from respstore.engine.engine import Engine
    from respstore.engine.namespaces import Namespace
    from respstore.engine.tracking import Tracking
    from respstore.engine.transaction import Transaction, Watch
    from respstore.keyspace import Database

logger = logging.getLogger("respstore")

_join: Final = b"".join  # of a single piece it is that piece
_SHORT: Final = len(BULK_HEADS)
_SMALL: Final = len(INTEGERS)

BATCH: Final = 16
"""Requests of one client that run without a look at the clock: a longer pipeline of slow ones holds up nobody else."""

SESSION_BYTES: Final = 900
"""What a session costs that holds nothing, roughly (measured with tracemalloc, its parser and connection included)."""


class Session:
    """A client's state.

    Attributes:
        id: number of the connection, never used twice by one engine.
        engine: what all sessions share.
        db: the selected database.
        protocol: 2 or 3 (RESP).
        user: who the client is, which says what it may do.
        name: as CLIENT SETNAME gave it.
        peer, local: both ends of the connection as CLIENT LIST shows them, `127.0.0.1:50123` or `/path:0`.
        fd: the socket's file descriptor, -1 if there is none.
        gate: why commands need a closer look, bits of `dispatch.Gate`; 0 for the usual client.
        transaction: what MULTI gathers, None outside of it.
        watch: the keys that it watches, None if there are none.
        subscriptions: the channels that it listens to, None if there are none.
        tracking: how it is told of keys that it may have cached, None if it is not.
        namespace: whose client it is, by its port or C10D JOIN; None if it is of no job.
        muted: None, or after CLIENT REPLY "off", "next" (the next reply is to be skipped) or "skip" (this one).
        no_evict: CLIENT NO-EVICT is on.
        is_closing: the connection is to be closed after what is to be sent.
        is_aborted: ... is to be closed at once, whatever is unsent.
        created, active: when it connected, and when it last sent something (wall clock, ms).
        last: entry of its last command, None if there was none of that name.
        received: bytes that came from it.
        unsent: bytes that the connection could not send yet; who owns the connection keeps it.
    """

    __slots__ = (
        "_backlog",
        "_backlog_start",
        "_output",
        "_parser",
        "_postponed",
        "active",
        "created",
        "db",
        "engine",
        "fd",
        "gate",
        "id",
        "is_aborted",
        "is_closing",
        "last",
        "local",
        "muted",
        "name",
        "namespace",
        "no_evict",
        "peer",
        "protocol",
        "received",
        "subscriptions",
        "tracking",
        "transaction",
        "unsent",
        "user",
        "watch",
    )

    def __init__(
        self, engine: "Engine", peer: str = "", local: str = "", fd: int = -1, number: int | None = None
    ) -> None:
        """A client that has just connected; `number` is its id, if it has one already."""
        self.engine = engine
        self.id = engine.next_session_id() if number is None else number
        self.db: Database = engine.keyspace.databases[0]
        self.protocol = 2
        self.user: User = engine.acl.default
        self.name = b""
        self.peer = peer
        self.local = local
        self.fd = fd
        self.gate = 0
        self.transaction: Transaction | None = None
        self.watch: Watch | None = None
        self.subscriptions: Subscriptions | None = None
        self.tracking: Tracking | None = None
        self.namespace: Namespace | None = None
        self.muted: str | None = None
        self.no_evict = False
        self.is_closing = False
        self.is_aborted = False
        self.created = self.active = engine.read_clock()
        self.last: Entry | None = None
        self.unsent = 0
        self.received = 0
        self._parser = RequestParser(engine.parser, engine.config)
        self._backlog: list[Request] = []  # parsed, but not run yet, from _backlog_start on
        self._backlog_start = 0
        self._postponed: Request | None = None  # it runs before the backlog
        self._output: Output = []
        engine.add(self)

    # The connection's side

    def receive_data(self, data: bytes) -> None:
        """Run the requests that these bytes complete; their replies wait in `data_to_send`."""
        self.received += len(data)
        parser = self._parser
        if not self.gate & HALTED:
            self._process(parser.feed(data))
        elif not self.is_closing:
            parser.hold(data)
        if parser.pending and parser.unread() > self.engine.config.client_query_buffer_limit:
            logger.warning("closing client %s: its request is longer than client-query-buffer-limit", self.describe())
            self.abort()

    def receive_eof(self) -> None:
        """The peer closed its sending half, or the connection broke: the session is over."""
        self.engine.remove(self)
        self.is_closing = True
        self.gate |= CLOSING

    def data_to_send(self) -> bytes:
        """What to send, joined; empty if there is nothing. It is given once."""
        output = self._output
        data = _join(output)
        output.clear()
        return data

    @property
    def host(self) -> str:
        """Where its peer is, without the port."""
        return self.peer.rpartition(":")[0]

    @property
    def is_on_unix_socket(self) -> bool:
        """Whether it came by a unix socket, whose ends have a path and the port 0."""
        return self.peer.endswith(":0")

    @property
    def is_local(self) -> bool:
        """Whether its peer is on this machine, in what Redis calls local (`enable-debug-command local`)."""
        return self.is_on_unix_socket or self.peer.startswith(("127.0.0.1:", "[::1]:"))

    @property
    def kind(self) -> str:
        """What CLIENT LIST TYPE and client-output-buffer-limit call it."""
        return "normal" if self.subscriptions is None else "pubsub"

    def unread(self) -> int:
        """Bytes held for requests that did not run yet, complete or not (CLIENT LIST: qbuf)."""
        waiting = [*islice(self._backlog, self._backlog_start, None), self._postponed or ()]
        return self._parser.unread() + sum(len(arg) for args in waiting for arg in args)

    def output_length(self) -> int:
        """Bytes of replies that `data_to_send` did not give yet (CLIENT LIST: obl)."""
        return sum(map(len, self._output))

    def memory(self) -> int:
        """Bytes that the server holds for the connection, roughly (CLIENT LIST: tot-mem)."""
        states = (self.transaction, self.watch, self.subscriptions, self.tracking)
        kept = sum([state.memory() for state in states if state is not None])
        return SESSION_BYTES + self.unread() + self.output_length() + self.unsent + kept

    # Running requests

    def process(self) -> None:
        """Run the requests that came while the session was parked, or had to let others go first."""
        self.gate &= ~(RELEASED | YIELDED)
        if self._postponed is not None:
            self._put_back([self._postponed])
            self._postponed = None
        self.active = self.engine.keyspace.now
        if self._backlog or self._parser.pending:  # most have nothing more to ask, however many are released at once
            self._process(self._next_batch())

    def _process(self, requests: list[Request]) -> None:  # noqa: C901 - one loop without calls is what makes it fast
        """Run requests until there are no more, or the session parks or closes. The hot loop of the server."""
        engine = self.engine
        ready = engine.waiting.ready
        monotonic = engine.system.monotonic
        parser = self._parser
        output = self._output
        name = b""
        entry: Entry | None = None
        self.active = engine.keyspace.now
        if len(requests) > BATCH:
            self._put_back(requests)
            requests = self._next_batch()
        while requests:
            backlog = iter(requests)
            for args in backlog:
                try:
                    if entry is None or args[0] != name:  # most pipelines are many requests of one kind
                        entry = engine.entries.get(name := args[0])
                    if (
                        self.gate
                        or entry is None
                        or ((count := len(args)) != entry.minimum and not entry.minimum < count <= entry.maximum)
                    ):
                        if self.gate & HALTED:
                            self._put_back([args, *backlog])
                            entry = None  # it did not run
                            break
                        entry = None  # counted there
                        value = dispatch(self, args)
                    else:
                        entry.new_calls += 1
                        handler = entry.handler
                        # Most commands have at most four arguments; calls with a fixed number of them are cheaper.
                        if count == 2:
                            value = handler(self, args[1])
                        elif count == 3:
                            value = handler(self, args[1], args[2])
                        elif count == 4:
                            value = handler(self, args[1], args[2], args[3])
                        elif count == 5:
                            value = handler(self, args[1], args[2], args[3], args[4])
                        elif count == 1:
                            value = handler(self)
                        else:
                            value = handler(self, *args[1:])
                    kind = type(value)
                    if kind is bytes:
                        length = len(value)
                        output.append(BULK_HEADS[length] if length < _SHORT else b"$%d\r\n" % length)
                        output.append(value)
                        output.append(CRLF)
                    elif value is OK:
                        output.append(SIMPLE_OK)
                    elif kind is int:
                        output.append(INTEGERS[value] if 0 <= value < _SMALL else b":%d\r\n" % value)
                    elif value is None:
                        output.append(NULL if self.protocol == 3 else NULL_BULK)
                    elif kind is str and value in SIMPLE:
                        output.append(SIMPLE[value])
                    elif kind is Park:
                        self._park(value, entry)
                    else:
                        self._reply(value)
                except RespError as error:
                    if entry is not None:
                        entry.new_failed += 1
                        error.quote(args)
                    self._fail(error)
                except Exception:
                    if args:  # `*0` makes an empty request, which Redis ignores
                        if entry is not None:
                            entry.new_failed += 1
                        logger.exception("bug: %s of client %s", args[0][:64], self.describe())
                        self._fail(RespError(errors.INTERNAL))
                if ready:
                    engine.waiting.serve()
            now = monotonic()
            if now >= engine.look_at:
                engine.timing.look_closer(self, requests, now)
            engine.look_at = now + engine.slow_batch
            if not (parser.pending or self._backlog) or self.gate & HALTED:
                break
            requests = self._next_batch()
        if entry is not None:
            self.last = entry
        if parser.pending and parser.error is not None and not self.gate & HALTED:
            self._lose(parser.error)

    def _next_batch(self) -> list[Request]:
        """The next requests to run; none if the turn has lasted so long that others are to go first."""
        if self.engine.is_turn_over():
            self.set_gate(YIELDED, on=True)
            self.engine.yield_turn(self)
            return []
        if not self._backlog:
            requests = self._parser.take()
            if len(requests) <= BATCH:
                return requests
            self._backlog = requests
        start = self._backlog_start
        batch = self._backlog[start : start + BATCH]
        self._backlog_start += BATCH
        if self._backlog_start >= len(self._backlog):
            self._backlog = []
            self._backlog_start = 0
        return batch

    def _put_back(self, requests: list[Request]) -> None:
        """Run these next, before what waits already."""
        self._backlog = [*requests, *islice(self._backlog, self._backlog_start, None)]
        self._backlog_start = 0

    def _reply(self, value: Any) -> None:
        start = len(self._output)
        try:
            ENCODERS.get(type(value), encode)(value, self.protocol, self._output)
        except Exception:
            del self._output[start:]  # a reply that was begun would swallow the ones behind it
            raise

    def _fail(self, error: RespError) -> None:
        self.engine.count_error(error)
        if self.muted is None:
            self._output.append(encode_error(error.text))

    def _lose(self, error: ProtocolError) -> None:
        logger.info("closing client %s: protocol error: %s", self.describe(), error)
        self._fail(RespError(f"ERR Protocol error: {error}"))
        self.close()

    # Waiting

    @property
    def is_parked(self) -> bool:
        """Whether it waits, and runs no further requests until then."""
        return bool(self.gate & PARKED)

    @property
    def is_released(self) -> bool:
        """Whether its wait is over, but not yet the turn."""
        return bool(self.gate & RELEASED)

    def _park(self, park: Park, entry: Entry | None) -> None:
        if entry is not None:
            self.last = entry
        self.set_gate(PARKED, on=True)
        self.engine.waiting.park(self, park, self.engine.system.monotonic())

    def resume(self, value: Any) -> None:
        """End a wait with a reply, a RespError for an error. Further requests run at the end of the turn."""
        if isinstance(value, RespError):
            if self.last is not None:
                self.last.new_failed += 1
            self._fail(value)
        elif self.muted is None:
            try:
                self._reply(value)
            except Exception:  # whoever served it has nothing to do with that
                logger.exception("bug: client %s waited for what is no reply", self.describe())
                self._fail(RespError(errors.INTERNAL))
        if self.muted == "skip":
            self.mute(None)
        self.proceed()

    def postpone(self, args: Request) -> None:
        """Run this request again when CLIENT PAUSE is over."""
        self.set_gate(PARKED, on=True)
        self._postponed = args
        self.engine.postponed[self] = None

    def proceed(self) -> None:
        """Run further requests at the end of the turn."""
        self.gate = self.gate & ~PARKED | RELEASED
        self.engine.resumed.append(self)

    # What commands do to a session

    def send(self, value: Any) -> None:
        """Send something that is no reply to the request in hand, such as a push."""
        self._reply(value)
        self.engine.touched.append(self)

    def deliver(self, data: bytes) -> None:
        """Send bytes that are encoded already, at the end of the turn: for what many sessions get."""
        if not self._output:  # else it is sent anyway
            self.engine.touched.append(self)
        self._output.append(data)

    def speak(self, protocol: int) -> None:
        """Use a version of the protocol from now on."""
        self.protocol = protocol
        self.set_gate(SUBSCRIBED, on=protocol == 2 and self.subscriptions is not None)

    def set_gate(self, bit: int, *, on: bool) -> None:
        """Switch a bit of the gate."""
        self.gate = self.gate | bit if on else self.gate & ~bit
        if bit == UNAUTHENTICATED:
            self._parser.authenticated = not on

    def log_in(self, user: "User") -> None:
        """Be a user from now on."""
        self.user = user
        self.gate = self.gate & ~(UNAUTHENTICATED | RESTRICTED) | (RESTRICTED if user.is_restricted else 0)
        self._parser.authenticated = True

    def log_out(self) -> None:
        """Be the default user, as a new connection is; authenticated if that one needs no password."""
        self.log_in(self.engine.acl.default)
        if not self.user.is_let_in:
            self.set_gate(UNAUTHENTICATED, on=True)

    def mute(self, mode: str | None) -> None:
        """Set `muted`."""
        self.muted = mode
        self.set_gate(MUTED, on=mode is not None)

    def begin_transaction(self, transaction: "Transaction") -> None:
        """Enter MULTI."""
        self.transaction = transaction
        self.set_gate(MULTI, on=True)

    def end_transaction(self) -> None:
        """Forget MULTI and WATCH, as EXEC, DISCARD, RESET and the end of the connection do."""
        self.transaction = None
        self.set_gate(MULTI, on=False)
        self.unwatch()

    def unwatch(self) -> None:
        """Watch no key any more."""
        if self.watch is not None:
            self.watch.close()
            self.watch = None

    def join(self, namespace: "Namespace | None") -> None:
        """Be a client of a namespace from now on, or of none; it leaves the one whose client it was."""
        if namespace is self.namespace:
            return
        namespaces = self.engine.namespaces
        if self.namespace is not None:
            namespaces.leave(self.namespace, self, self.engine.system.monotonic())
        self.namespace = namespace
        if namespace is not None:
            namespaces.join(namespace, self)

    def ended(self) -> None:
        """The engine has forgotten it: it is to hold nothing any more."""
        self.end_transaction()
        self.join(None)

    def close(self) -> None:
        """Close the connection once what was replied so far is sent; no further request is run."""
        self.is_closing = True
        self.gate |= CLOSING
        self.engine.remove(self)
        self.engine.touched.append(self)

    def abort(self) -> None:
        """Close the connection at once. What it did not take is lost, for a peer that does not read must go, too."""
        self._output.clear()
        self.is_aborted = True
        self.close()

    def kill(self, killer: "Session | None") -> None:
        """Close the connection because another client, or this one itself, asked for that: it hears the answer."""
        if killer is self:
            self.close()
        else:
            self.abort()

    def describe(self) -> str:
        """Who this is, for the log."""
        name = f" {errors.printable(self.name)!r}" if self.name else ""
        return f"{self.id} ({self.peer}{name})"
