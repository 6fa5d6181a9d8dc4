"""A client that speaks torch's TCPStore protocol, sans I/O: what session.py is for RESP.

Every operation is the work of the Redis command that does the same, on the same keys: `/k` of a torch client is the key
`k` of everybody else, its counters are strings and its queues lists. The protocol has no errors. An operation that
cannot be done ends the connection, with a line in the log, and changes nothing.

Unlike a RESP client one that waits may change its mind: CANCEL_WAIT is the one operation that is run meanwhile.

An item of a queue is for one: clients wait for the key and then come for the item, so of those who wait only as many
are told of a list as it has items. Who was told and does something else gives way to the next.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from respstore import errors, own_errors
from respstore.engine.counters import wait_for_count
from respstore.engine.dispatch import (
    BUSY,
    HALTED,
    LOADING,
    MONITORED,
    PARKED,
    PAUSED,
    RELEASED,
    RESTRICTED,
    UNAUTHENTICATED,
    UNSAVED,
    UNWRITTEN,
    YIELDED,
    Entry,
    disk_problem,
)
from respstore.engine.session import Session
from respstore.engine.waiting import PENDING, Park
from respstore.errors import ProtocolError, RespError
from respstore.keyspace.database import TYPE_NAMES
from respstore.keyspace.list import LongList
from respstore.protocol import tcpstore
from respstore.protocol.tcpstore import OperationParser

if TYPE_CHECKING:
    from respstore.engine.command import Handler
    from respstore.engine.engine import Engine
    from respstore.engine.namespaces import Namespace

logger = logging.getLogger("respstore")

NAME: Final = b"tcpstore"
"""What CLIENT LIST and the log call such a client."""

BATCH: Final = 64
"""Operations of one client that run without a look at the clock."""

LARGE: Final = 1024
"""Replies from this size on are counted: smaller ones are bounded by the operations that ask for them."""


Run = Callable[["TCPStoreSession", "Handler", list[bytes], int], None]


class TCPStoreSession(Session):
    """A torch client's state.

    Args:
        engine, peer, local, fd, number: as of a Session.
        namespace: whose port it came to, None for the port of everybody.
    """

    __slots__ = ("_greeted", "_next", "_owed", "_promised", "_wire")

    def __init__(
        self,
        engine: "Engine",
        peer: str = "",
        local: str = "",
        fd: int = -1,
        number: int | None = None,
        *,
        namespace: "Namespace | None" = None,
    ) -> None:
        super().__init__(engine, peer, local, fd, number)
        self.protocol = 0
        self.name = NAME
        config = engine.config
        self.join(namespace)
        prefix = b""
        if namespace is not None:
            prefix = namespace.prefix
            self.name = b":".join(filter(None, (NAME, namespace.name)))
            if namespace.trusts_all:
                self.log_in(engine.acl.trusted)
        self._wire = OperationParser(config.tcpstore_string_limit, config.tcpstore_keys_limit, prefix)
        self._greeted = False
        self._next: tcpstore.Operation | None = None  # CLIENT PAUSE holds it up
        self._owed = 0  # bytes of large replies in the output
        self._promised: bytes | None = None  # the list of which it was told

    # The connection's side

    def receive_data(self, data: bytes) -> None:
        """Run the operations that these bytes complete."""
        self.received += len(data)
        wire = self._wire
        wire.feed(data)
        if not self._greeted and wire.next_opcode() > tcpstore.VALIDATE:
            self._lose(ProtocolError(own_errors.NOT_TCPSTORE))
        elif not self.gate & HALTED or self._changes_its_mind():
            self._run()
        if (self.unsent or self.gate & HALTED or wire.is_behind) and self._is_too_much():
            logger.warning("closing client %s: it sends too much, or does not read its replies", self.describe())
            self.abort()

    def _is_too_much(self) -> bool:
        """Whether it sent too much that cannot be run now, or reads too little."""
        limit = self.engine.config.client_query_buffer_limit
        return self._wire.unread() > limit or self.unsent > limit

    def receive_eof(self) -> None:
        """The session is over."""
        if not self.is_closing and self._wire.unread() and not self.gate & HALTED:
            logger.info("client %s left in the middle of an operation", self.describe())
        super().receive_eof()
        self.engine.waiting.serve()  # what it was promised is for others

    def data_to_send(self) -> bytes:
        """What to send."""
        self._owed = 0
        return super().data_to_send()

    def unread(self) -> int:
        """Bytes held for operations that did not run yet."""
        held = 0 if self._next is None else sum(map(len, self._next[1]))
        return self._wire.unread() + held

    def ended(self) -> None:
        """The engine has forgotten it."""
        super().ended()
        if self._promised is not None:
            self._give_way(self._promised)

    # Running operations

    def process(self) -> None:
        """Run the operations that came while the session waited, or had to let others go first."""
        self.set_gate(RELEASED | YIELDED, on=False)
        self._run()

    def _run(self) -> None:
        engine = self.engine
        ready = engine.waiting.ready
        take = self._wire.take
        operations = self._OPERATIONS
        self.active = engine.keyspace.now
        left = BATCH
        try:
            while (operation := self._next or take()) is not None:
                self._next = None
                opcode, strings, number = operation
                name, run = operations[opcode]
                entry = engine.originals[name] if name else None
                if self.gate and self._is_held(operation, entry):
                    return
                if self._promised is not None and opcode != tcpstore.QUEUE_POP:
                    self._give_way(self._promised)
                if entry is None:
                    run(self, _unreachable, strings, number)
                else:
                    entry.new_calls += 1
                    self.last = entry
                    run(self, entry.plain, strings, number)
                if ready:
                    engine.waiting.serve()
                if self.gate & HALTED and not self._changes_its_mind():
                    return
                left -= 1
                if not left:
                    left = BATCH
                    if engine.is_turn_over():
                        self.set_gate(YIELDED, on=True)
                        engine.yield_turn(self)
                        return
        except ProtocolError as error:
            self._lose(error)
        except RespError as error:
            self._fail(error)
        except Exception:
            logger.exception("bug: an operation of client %s", self.describe())
            self.close()
        if ready:
            engine.waiting.serve()

    def _is_held(self, operation: tcpstore.Operation, entry: Entry | None) -> bool:
        """Whether the operation has to wait, or may not be run at all."""
        engine = self.engine
        if self.gate & UNAUTHENTICATED and not engine.acl.default.is_let_in:
            raise ProtocolError(own_errors.TCPSTORE_HAS_NO_PASSWORD)
        if self.gate & RESTRICTED:
            raise ProtocolError(own_errors.TCPSTORE_HAS_NO_USERS)
        if self.gate & (LOADING | BUSY):
            self._next = operation
            self.set_gate(YIELDED, on=True)
            engine.yield_turn(self)
            return True
        if (
            self.gate & (UNSAVED | UNWRITTEN)
            and entry is not None
            and "write" in entry.command.flags
            and (problem := disk_problem(engine)) is not None
        ):
            raise problem
        if self.gate & PAUSED and entry is not None and engine.must_pause(self, entry, ()):
            self._next = operation
            self.set_gate(PARKED, on=True)
            engine.postponed[self] = None
            return True
        if self.gate & MONITORED and entry is not None:
            opcode, strings, number = operation
            counted = [b"%d" % number] if opcode in (tcpstore.ADD, tcpstore.BARRIER) else []
            engine.monitors.tell(self, entry.command, [entry.command.name.upper().encode(), *strings, *counted])
        return False

    def _fail(self, error: RespError) -> None:
        """An operation failed, and the protocol has no reply that says so."""
        self.engine.count_error(error)
        command = ""
        if self.last is not None:
            self.last.new_failed += 1
            command = self.last.command.name.upper()
        self._lose(ProtocolError(f"{command}: {error.text}"))

    def _lose(self, error: ProtocolError) -> None:
        if not self.is_closing:
            logger.info("closing client %s: %s", self.describe(), error)
            self.close()

    # Waiting

    def _changes_its_mind(self) -> bool:
        """Whether it waited until now and has sent CANCEL_WAIT, which ends the wait without a reply of its own."""
        if not self.gate & PARKED or self._wire.next_opcode() != tcpstore.CANCEL_WAIT:
            return False
        if not self.engine.waiting.withdraw(self):
            return False  # CLIENT PAUSE holds it up
        self.set_gate(PARKED, on=False)
        return True

    def resume(self, value: Any) -> None:
        """End a wait: null stands for one that was in vain."""
        if isinstance(value, RespError):
            self.engine.count_error(value)
            if value.text == errors.SHUTTING_DOWN:
                self._lose(ProtocolError(errors.SHUTTING_DOWN))
                return
            value = None  # the client raises an error and may go on
        self._output.append(tcpstore.WAIT_CANCELED if value is None else tcpstore.STOP_WAITING)
        self.proceed()

    def _try(self, key: bytes) -> Any:
        """The one key that it waits for has changed, and exists."""
        value = self.db.get(key)
        if isinstance(value, deque | LongList):
            if self.engine.waiting.promised.get((self.db, key), 0) >= len(value):
                return PENDING
            self._promise(key)
        return 1

    def _promise(self, key: bytes) -> None:
        promised = self.engine.waiting.promised
        promised[self.db, key] = promised.get((self.db, key), 0) + 1
        self._promised = key

    def _give_way(self, key: bytes) -> None:
        """It comes for the item of a list that it was told of, or will not come."""
        room, place = self.engine.waiting, (self.db, key)
        self._promised = None
        room.promised[place] -= 1
        if not room.promised[place]:
            del room.promised[place]
        room.ready[place] = None  # the next one in the queue may have it

    # Operations. Each takes the handler of its command, its strings and its number.

    def _validate(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        if number != tcpstore.MAGIC:
            raise ProtocolError(own_errors.NOT_TCPSTORE)
        self._greeted = True

    def _ping(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        self._output.append(tcpstore.nonce(number))

    def _set(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        handler(self, strings[0], strings[1])

    def _compare_set(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        self._answer(handler(self, strings[0], strings[1], strings[2]))

    def _get(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        try:
            self._answer(handler(self, strings[0]) or b"")
        except RespError:  # a queue
            self._output.append(tcpstore.string(b""))

    def _add(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        self._output.append(tcpstore.integer(handler(self, strings[0], b"%d" % number)))

    def _check(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        present = self._has(strings) or not strings or handler(self, *strings) == len(strings)
        self._output.append(tcpstore.READY if present else tcpstore.NOT_READY)

    def _wait(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        if len(strings) == 1:
            (key,) = strings
            value = self.db.get(key)
            if value is None:
                self._park(Park(strings, self._try, None, on_timeout=None), None)
                return
            if isinstance(value, deque | LongList):
                self._promise(key)
        elif strings and not self._has(strings) and type(park := handler(self, *strings, b"0")) is Park:
            self._park(park, None)
            return
        self._output.append(tcpstore.STOP_WAITING)

    def _cancel_wait(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        self._output.append(tcpstore.WAIT_CANCELED)

    def _get_num_keys(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        self._output.append(tcpstore.integer(len(self._keys())))

    def _list_keys(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        keys = self._keys()
        self._output.append(tcpstore.integer(len(keys)))
        self._answer_all([key if key == tcpstore.INIT_KEY else b"/" + key for key in keys])

    def _delete_key(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        self._output.append(tcpstore.integer(handler(self, strings[0])))

    def _multi_get(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        if not strings:
            return
        db = self.db
        if not db.expires:  # the handler's work in a third of the time, where all are there and plain
            try:
                self._answer_all(cast(list[bytes], list(map(db.data.get, strings))))
            except TypeError:
                pass
            else:
                db.hits += len(strings)
                return
        self._answer_all([value or b"" for value in handler(self, *strings)])

    def _multi_set(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        if strings:
            handler(self, *strings)

    def _queue_pop(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        if self._promised is not None:
            self._give_way(self._promised)
        key = strings[0]
        length = self._length(key)
        self._output.append(tcpstore.integer(length))
        if length:
            self._answer(handler(self, key))

    def _queue_len(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        self._output.append(tcpstore.integer(self._length(strings[0])))

    def _barrier(self, handler: "Handler", strings: list[bytes], number: int) -> None:
        key = strings[0]
        if self.engine.originals[b"incrby"].plain(self, key, b"1") >= number:
            self._output.append(tcpstore.STOP_WAITING)
        else:
            self._park(wait_for_count(self, key, number), None)

    # By opcode, with the command that does the same: it is what is counted, paused and shown.
    _OPERATIONS: ClassVar[tuple[tuple[bytes, Run], ...]] = (
        (b"", _validate),
        (b"set", _set),
        (b"cas", _compare_set),
        (b"get", _get),
        (b"incrby", _add),
        (b"exists", _check),
        (b"bexists", _wait),
        (b"dbsize", _get_num_keys),
        (b"del", _delete_key),
        (b"append", _set),
        (b"mget", _multi_get),
        (b"mset", _multi_set),
        (b"", _cancel_wait),
        (b"ping", _ping),
        (b"rpush", _set),
        (b"lpop", _queue_pop),
        (b"llen", _queue_len),
        (b"keys", _list_keys),
        (b"barrier", _barrier),
    )

    # What operations have in common

    def _has(self, keys: list[bytes]) -> bool:
        """Whether all keys exist, if that can be told without looking at the time."""
        db = self.db
        return not db.expires and all(map(db.data.__contains__, keys))

    def _keys(self) -> list[bytes]:
        """The keys of its namespace that hold strings, without the prefix."""
        data, live = self.db.data, self.db.keys()
        prefix = b"" if self.namespace is None else self.namespace.prefix
        return [
            key.removeprefix(prefix)
            for key in live
            if key.startswith(prefix) and TYPE_NAMES[type(data[key])] == "string"
        ]

    def _length(self, key: bytes) -> int:
        """How many items a queue has; what is no queue has none."""
        value = self.db.get(key)
        return len(value) if isinstance(value, deque | LongList) else 0

    def _answer(self, value: bytes) -> None:
        if len(value) >= LARGE:
            self._owe(len(value))
        self._output.append(tcpstore.string(value))

    def _answer_all(self, values: list[bytes]) -> None:
        lengths = set(map(len, values))
        self._owe(len(values) * lengths.pop() if len(lengths) == 1 else sum(map(len, values)))
        self._output.append(tcpstore.strings(values))

    def _owe(self, size: int) -> None:
        """Refuse to make replies that would fill the memory: a key of 8 MiB may be asked for 131,072 times at once."""
        self._owed += size
        if self._owed > self.engine.config.client_query_buffer_limit:
            raise ProtocolError(f"it asks for {self._owed} bytes before it has read any")


def _unreachable(*args: object) -> None:
    raise AssertionError("an operation without a command has no handler")


def take_over(session: Session) -> TCPStoreSession:
    """A torch client in place of a session that has not received anything yet, with its number."""
    if isinstance(session, TCPStoreSession):
        return session
    torch_session = TCPStoreSession(session.engine, session.peer, session.local, session.fd, session.id)
    torch_session.created = session.created
    return torch_session
