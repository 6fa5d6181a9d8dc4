"""What commands did to the data, as commands that do the same again: what the AOF is told.

A command that wrote is told as it came, unless it said by `db.propagate` what its effect is: SPOP says SREM, EXPIRE
says PEXPIREAT, a client that BLPOP let wait says LPOP. Keys that expire or are evicted are DELs. What happens in one
go, such as an EXEC or a script, is one **unit**: more than one effect of it stand between MULTI and EXEC.

As long as nobody listens handlers are called as they are. While somebody does, `listen` has put handlers around them
(`Entry.use`) that look whether the data changed. They may be nested: a script runs commands, and the outermost unit is
the one that counts. Rules: alsoPropagate and propagatePendingCommands in Redis's server.c.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from respstore.engine.dispatch import Entry
from respstore.keyspace.propagating import propagate_effects
from respstore.protocol.replies import BULK_HEADS, CRLF, NEXT_HEADS
from respstore.protocol.requests import encode_request

if TYPE_CHECKING:
    from respstore.engine.command import Handler
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

_MULTI: Final = encode_request((b"MULTI",))
_EXEC: Final = encode_request((b"EXEC",))
_SHORT_KEY: Final = 64
"""For keys of fewer bytes what stands before them is kept ready, for each writing command of two arguments."""


class Effects:
    """What an engine's commands did, as long as somebody listens.

    Args:
        engine: whose.

    Attributes:
        unwritten: effects that `take` did not give yet, encoded, in pieces; always the same list.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.unwritten: list[bytes] = []
        self._handlers: dict[Entry, Handler] = {}  # what stood in the entries before
        # Effects, each with its database; one without words says that a command has none. Always the same list.
        self._unit: list[tuple[int, Sequence[bytes]]] = []
        self._depth = 0
        self._told = 0  # how many of them commands told themselves
        self._selected: int | None = None

    @property
    def has_listener(self) -> bool:
        """Whether somebody listens."""
        return bool(self._handlers)

    def listen(self, *, on: bool) -> None:
        """Gather effects from now on, or no more."""
        if on == self.has_listener:
            return
        keyspace = self._engine.keyspace
        if on:
            for entry in self._engine.all_entries:
                flags = entry.command.flags
                if entry.command.handler is None:
                    continue
                if "write" in flags:
                    self._handlers[entry] = entry.run
                    entry.use(self._told_of(entry))
                elif "may_replicate" in flags:
                    self._handlers[entry] = entry.run
                    entry.use(self._in_one_go(entry))
            propagate_effects(keyspace, self._propagated, self._vanished)
        else:
            propagate_effects(keyspace, None, None)
            for entry, handler in self._handlers.items():
                entry.use(handler)
            self._handlers.clear()

    def take(self) -> bytes:
        """The effects since the last time, as requests; they are given once."""
        data = b"".join(self.unwritten)
        self.unwritten.clear()
        return data

    def begin_file(self) -> None:
        """What comes from now on is read by who knows of no database that was selected before."""
        self._selected = None

    # Gathering

    @property
    def is_in_unit(self) -> bool:
        """Whether there are effects that are not told yet, or may be before long."""
        return self._depth > 0

    def begin_unit(self) -> None:
        """What follows is one unit, until `end_unit`."""
        self._depth += 1

    def end_unit(self) -> None:
        """It is over."""
        self._depth -= 1
        if not self._depth and self._unit:
            self._end_unit()

    def drop_unit(self) -> None:
        """Forget what the unit has done so far: the server stops in the midst of it."""
        self._unit.clear()
        self._told = 0

    def _told_of(self, entry: Entry) -> "Handler":
        """A writing command's handler, and then what it did."""
        keyspace, run = self._engine.keyspace, entry.run
        name = entry.command.name.upper().encode().split(b"|")

        def handler(session: "Session", *args: bytes) -> Any:
            told, changes = self._told, keyspace.changes
            self._depth += 1
            try:
                value = run(session, *args)
                if keyspace.changes != changes and self._told == told:
                    self._tell(session.db.index, (*name, *args))
                return value
            finally:
                self.end_unit()

        return self._told_of_two(entry, name, handler) if entry.command.minimum == len(name) + 2 else handler

    def _told_of_two(self, entry: Entry, name: Sequence[bytes], general: "Handler") -> "Handler":
        """As `general`, in half the steps for what is asked most: a short key and a value, alone in their unit."""
        keyspace, run, unit = self._engine.keyspace, entry.run, self._unit
        extend, next_heads, crlf = self.unwritten.extend, NEXT_HEADS, CRLF
        head = b"*%d\r\n" % (len(name) + 2) + encode_request(name).partition(CRLF)[2]
        heads = [head + bulk_head for bulk_head in BULK_HEADS[:_SHORT_KEY]]

        def handler(session: "Session", key: bytes, word: bytes, *more: bytes) -> Any:
            if more or self._depth:
                return general(session, key, word, *more)
            changes = keyspace.changes
            self._depth = 1
            try:
                value = run(session, key, word)
            except BaseException:
                self.end_unit()
                raise
            if keyspace.changes != changes:
                if not unit and session.db.index == self._selected:
                    try:
                        extend((heads[len(key)], key, next_heads[len(word)], word, crlf))
                    except IndexError:  # they are long
                        self._tell(session.db.index, (*name, key, word))
                elif not self._told:
                    self._add(session.db.index, (*name, key, word))
            self._depth = 0
            if unit:
                self._end_unit()
            return value

        return handler

    def _in_one_go(self, entry: Entry) -> "Handler":
        """The handler of a command that runs others, whose effects are one unit."""
        run = entry.run

        def handler(session: "Session", *args: bytes) -> Any:
            self.begin_unit()
            try:
                return run(session, *args)
            finally:
                self.end_unit()

        return handler

    def _tell(self, index: int, words: Sequence[bytes]) -> None:
        """Tell the effect that ends a command."""
        if self._depth == 1 and not self._unit and index == self._selected:  # most often so: it stands alone
            self.unwritten.append(encode_request(words))
        else:
            self._propagated(index, words)

    def _propagated(self, index: int, words: Sequence[bytes]) -> None:
        self._told += 1
        self._add(index, words)

    def _vanished(self, index: int, key: bytes) -> None:
        self._add(index, (b"DEL", key))

    def _add(self, index: int, words: Sequence[bytes]) -> None:
        self._unit.append((index, words))
        if not self._depth:
            self._end_unit()

    def _end_unit(self) -> None:
        unit = [(index, words) for index, words in self._unit if words]
        self._unit.clear()
        self._told = 0
        pieces = self.unwritten
        is_transaction = len(unit) > 1
        for place, (index, words) in enumerate(unit):
            if index != self._selected:
                self._selected = index
                pieces.append(encode_request((b"SELECT", b"%d" % index)))
            if is_transaction and not place:
                pieces.append(_MULTI)
            pieces.append(encode_request(words))
        if is_transaction:
            pieces.append(_EXEC)
