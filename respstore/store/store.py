"""The store that torch users know, without torch: `with respstore.Store("redis://127.0.0.1:6379") as store: ...`.

What a key is: `add`, `set` and the like work on Redis strings, a queue is a Redis list, and a barrier's counter is a
string again. They share one space of names, which redis-cli and every other client of the server sees, too: the key
`k` of a store with the prefix `job` is `job/k` there.

Time limits: every method ends within the store's `timeout`, some 5 % later at worst, whatever the server does. Within
it a server that is away is waited for. Where a method has a time limit of its own, None stands for the store's; 0 is
one look; a negative one, as for torch's stores, is for ever, as are None and negative numbers for the store's own.

Threads may share a store, and none of them waits for another one. So may processes, after a fork or by pickling: each
makes its own connections.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final, Self, TypeVar

from hiredis import ReplyError

from respstore.exceptions import QueueEmptyError, StoreTimeoutError
from respstore.store.barriers import BarrierResult, Barriers
from respstore.store.cluster import ClusterLink
from respstore.store.connection import Word, pack
from respstore.store.link import Link
from respstore.store.native import Native
from respstore.store.operations import Name, Operations, UnknownCommandError, answer
from respstore.store.portable import Portable
from respstore.store.queues import pop
from respstore.store.sentinel import SentinelLink
from respstore.store.target import Mode, parse_url

Key = str | bytes
Value = str | bytes | bytearray
Timeout = float | timedelta | None
"""Seconds, or a timedelta."""

LONGEST_SECONDS: Final = 1e9
"""Thirty years: who waits longer waits for ever."""

SHOWN_KEYS: Final = 20
"""How many missing keys an error names before it counts the rest."""


TEXTS: Final = (str, bytes, bytearray)
"""What is one key. (To make a union of types takes longer than to look whether it has one.)"""

LINKS: Final = {Mode.SERVER: Link, Mode.SENTINEL: SentinelLink, Mode.CLUSTER: ClusterLink}

Result = TypeVar("Result")


class Store:
    """Keys and values that workers share, with waits for keys that others will set.

    Nothing is connected before the first call.

    Args:
        url: the server: `redis://host:port/db`, `rediss://` (TLS) or `unix:///path`, with user, password and options
            as redis-py takes them; several: `redis+sentinel://host:port,host:port/service`, or some of a cluster's
            nodes, `redis+cluster://host:port,host:port` (respstore/store/target.py has all forms).
        prefix: stands in front of all keys, with a `/` behind it; a store with another prefix does not see them.
        timeout: how long a call may take, in seconds or as a timedelta; None or a negative one: for ever.

    Raises:
        ValueError: the URL or the timeout makes no sense.

    Example:
        store = respstore.Store("redis://127.0.0.1:6379", prefix="job-7")
        store.set("address", "10.0.0.5:8000")  # in one process
        store.get("address")                   # in another, perhaps sooner
    """

    def __init__(self, url: str = "redis://127.0.0.1:6379", *, prefix: str = "", timeout: Timeout = 300.0) -> None:
        self._target = parse_url(url)
        self._prefix = prefix
        self._front = f"{prefix}/" if prefix else ""
        self._front_bytes = self._front.encode()
        self._limit = seconds_of(timeout)
        self._link = LINKS[self._target.mode](self._target)
        self._is_cluster = self._target.mode is Mode.CLUSTER
        self._operations: Operations = Portable(self._link) if self._is_cluster else Native(self._link)
        self._barriers = Barriers()

    # Values

    def set(self, key: Key, value: Value) -> None:
        """Set a key. The server has it when this returns."""
        self._ask("SET", self._name(key), text(value))

    def get(self, key: Key) -> bytes:
        """A key's value, which is waited for if there is none yet.

        Raises:
            StoreTimeoutError: it was not set in time.
            StoreError: the key holds a queue.
        """
        return self._fetch([self._name(key)])[0]

    def add(self, key: Key, amount: int) -> int:
        """Add to a counter; a missing one counts as 0.

        Returns:
            The new value.

        Raises:
            StoreError: the key holds no integer, or the sum does not fit into 64 bits; nothing was changed.
        """
        total: int = self._ask("INCRBY", self._name(key), operator.index(amount), repeatable=False)
        return total

    def append(self, key: Key, value: Value) -> None:
        """Append to a key's value; a missing key counts as empty."""
        self._ask("APPEND", self._name(key), text(value), repeatable=False)

    def compare_set(self, key: Key, expected: Value, desired: Value) -> bytes:
        """Set a key to `desired` if it holds `expected`, or if it does not exist and `expected` is empty.

        Returns:
            The value that the key has afterwards. Where the key does not exist and `expected` is not empty, nothing is
            set and `expected` is returned.
        """
        name, before, after = self._name(key), text(expected), text(desired)
        return self._do(lambda operations: operations.compare_set(name, before, after, self._limit))

    def delete_key(self, key: Key) -> bool:
        """Delete a key, a queue too.

        Returns:
            Whether there was one.
        """
        deleted: int = self._ask("DEL", self._name(key), repeatable=False)
        return deleted == 1

    def multi_get(self, keys: Iterable[Key]) -> list[bytes]:
        """The values of several keys at one moment, in order; missing ones are waited for as by `get`."""
        names = self._names(keys)
        return self._fetch(names) if names else []

    def multi_set(self, keys: Iterable[Key], values: Iterable[Value]) -> None:
        """Set several keys at one moment. Where a key is named twice, the last value counts.

        Raises:
            ValueError: there are not as many keys as values.
        """
        names, texts = self._names(keys), [text(value) for value in values]
        if len(names) != len(texts):
            raise ValueError(f"multi_set got {len(names)} keys and {len(texts)} values")
        pairs = list(zip(names, texts, strict=True))
        for group in self._link.groups(pairs, operator.itemgetter(0)) if pairs else ():
            (first, value), *others = group
            rest: list[Word] = [word for pair in others for word in pair]
            self._ask("MSET", first, value, *rest)

    # Waits and looks

    def check(self, keys: Iterable[Key]) -> bool:
        """Whether all keys exist at one moment, queues included."""
        names = self._names(keys)
        if not names:
            return True
        if not self._is_cluster:
            count: int = self._ask("EXISTS", *names)
            return count == len(names)
        groups = self._link.groups(names, lambda name: name)
        return all(self._ask("EXISTS", *group) == len(group) for group in groups)

    def wait(self, keys: Iterable[Key], timeout: Timeout = None) -> None:
        """Wait until all keys exist at one moment, queues included.

        Args:
            keys: the keys.
            timeout: seconds or a timedelta; None: the store's own, 0: one look, negative: for ever.

        Raises:
            StoreTimeoutError: some were still missing; `missing` has them.
        """
        names = self._names(keys)
        limit = self._limit_of(timeout)
        if not names or self._do(lambda operations: operations.wait(names, limit)):
            return
        self._look(names, limit, values=False)

    def barrier(
        self,
        key: Key,
        world_size: int,
        timeout: Timeout = None,
        *,
        member: str | bytes | int | None = None,
        epoch: int | None = None,
    ) -> BarrierResult:
        """Wait until `world_size` different members have come, which are then released all at once.

        A barrier can be passed again and again: the key counts how often it was (its epoch). Who dies, or whose time is
        over, has not come.

        Args:
            key: the barrier, and its counter.
            world_size: how many members have to come, from 1 to 1,000,000; all must say the same.
            timeout: seconds or a timedelta; None: the store's own, 0: no wait, negative: for ever.
            member: who comes, such as a rank: of ranks, errors name those that are missing. By default an id of this
                thread. Who comes again while it waits takes its own old place; the older call is a StoreError then.
            epoch: which meeting this is. By default the next one that this store has not passed.

        Returns:
            The epoch, and the place in the order of arrival.

        Raises:
            StoreTimeoutError: not all came in time; the text says who did not, or who did.
            BrokenBarrierError: somebody broke it (BARRIERRESET).
            StoreError: others wait there for another world size, or the key is no counter.
        """
        who = self._barriers.member() if member is None else str(member) if isinstance(member, int) else text(member)
        name, limit, parties = self._name(key), self._limit_of(timeout), operator.index(world_size)
        return self._do(
            lambda operations: self._barriers.arrive(operations, name, parties, limit, member=who, epoch=epoch)
        )

    def num_keys(self) -> int:
        """How many keys with a value `list_keys` would name. Takes as long as the database is large."""
        return len(self._scan())

    def list_keys(self) -> list[str]:
        """The keys with this store's prefix that hold a value, in no order; queues are left out.

        Keys that are no UTF-8 come with surrogate escapes (PEP 383). Takes as long as the database is large.
        """
        return [self._shown(name) for name in self._scan()]

    # Queues

    def queue_push(self, key: Key, value: Value) -> None:
        """Append to a queue."""
        self._ask("RPUSH", self._name(key), text(value), repeatable=False)

    def queue_pop(self, key: Key, block: bool = True) -> bytes:
        """Take the first item of a queue.

        Args:
            key: the queue.
            block: whether to wait for an item.

        Raises:
            QueueEmptyError: the queue is empty, and `block` is false.
            StoreTimeoutError: no item came in time.
        """
        name = self._name(key)
        limit = self._limit
        item: bytes | None = pop(self._link, name, limit) if block else self._ask("LPOP", name, repeatable=False)
        if item is not None:
            return item
        shown = self._shown(name)
        if not block:
            raise QueueEmptyError(f"the queue {shown!r} is empty")
        raise StoreTimeoutError(
            f"timed out after {limit:g} s waiting for an item in the queue {shown!r}", (shown,), limit
        )

    def queue_len(self, key: Key) -> int:
        """How many items a queue has."""
        length: int = self._ask("LLEN", self._name(key))
        return length

    # The store itself

    def clone(self) -> Self:
        """Another store on the same server, with the same prefix and timeout and connections of its own."""
        return type(self)(self._target.url, prefix=self._prefix, timeout=self._limit)

    def execute_command(self, command: str, *words: Word, repeatable: bool = False) -> Any:
        """Any other command of the server, such as `EXPIRE`. Keys are taken as they are, without this store's prefix.

        Args:
            command: its name.
            words: its arguments; in a cluster the first of them is its key.
            repeatable: whether it may be sent again when the connection breaks before its reply.

        Returns:
            The reply as hiredis reads it: bytes, int, None or a list.

        Raises:
            StoreError: the server answers with an error.
        """
        key = words[0] if words and not isinstance(words[0], int) else b""
        request = pack((command, *words))
        return answer(self._link.call(request, self._limit, repeatable=repeatable, key=key))

    def set_timeout(self, timeout: Timeout) -> None:
        """Change how long a call may take: seconds or a timedelta; None or a negative one: for ever."""
        self._limit = seconds_of(timeout)

    @property
    def timeout(self) -> float | None:
        """How long a call may take, in seconds; None for ever."""
        return None if self._limit == float("inf") else self._limit

    @property
    def url(self) -> str:
        """The URL that it was made with, its password included."""
        return self._target.url

    @property
    def host(self) -> str:
        """The host that the URL names first, or the path of its unix socket."""
        return self._target.nodes[0].host

    @property
    def port(self) -> int:
        """The port that the URL names first; 0 for a unix socket."""
        return self._target.nodes[0].port or 0

    @property
    def prefix(self) -> str:
        """What stands in front of all keys, without the `/`."""
        return self._prefix

    def close(self) -> None:
        """Close the connections; calls under way and later ones raise StoreError. Closing twice is fine."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        prefix = f", prefix={self._prefix!r}" if self._prefix else ""
        return f"{type(self).__name__}({self._target.display_url!r}{prefix}, timeout={self.timeout})"

    def __getstate__(self) -> dict[str, Any]:
        """The URL, its password included, and the settings: connections stay here."""
        return {"url": self._target.url, "prefix": self._prefix, "timeout": self._limit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Store.__init__(self, state["url"], prefix=state["prefix"], timeout=state["timeout"])

    # Inside

    def _ask(self, command: str, key: Name, *words: Word, repeatable: bool = True) -> Any:
        reply = self._link.call(pack((command, key, *words)), self._limit, repeatable=repeatable, key=key)
        return answer(reply) if reply.__class__ is ReplyError else reply

    def _do(self, operation: Callable[[Operations], Result]) -> Result:
        operations = self._operations
        try:
            return operation(operations)
        except UnknownCommandError:  # nothing was done; this is a stock server
            if isinstance(operations, Portable):
                raise
            self._operations = Portable(self._link)
            return operation(self._operations)

    def _fetch(self, names: list[Name]) -> list[bytes]:
        limit = self._limit
        try:
            values = self._operations.fetch(names, limit)
        except UnknownCommandError:
            values = self._do(lambda operations: operations.fetch(names, limit))
        return self._look(names, limit, values=True) if values is None else values

    def _look(self, names: list[Name], limit: float, *, values: bool) -> list[bytes]:
        """After the time is over: whether all is there in the end; else the error that says what is not."""
        found, missing = self._do(lambda operations: operations.look(names, values=values))
        if missing:
            keys = tuple(dict.fromkeys(map(self._shown, missing)))
            wanted = len(set(map(self._shown, names)))
            raise StoreTimeoutError(
                f"timed out after {limit:g} s, missing {len(keys)} of {wanted} keys: {shorten(keys)}", keys, limit
            )
        return found

    def _scan(self) -> list[bytes]:
        pattern = glob_escape(self._front_bytes) + b"*"
        found: dict[bytes, None] = {}  # SCAN may name a key twice
        for node in self._link.masters(self._limit):
            cursor = b"0"
            while True:
                request = pack(("SCAN", cursor, "MATCH", pattern, "COUNT", "1000", "TYPE", "string"))
                cursor, names = answer(self._link.call(request, self._limit, repeatable=True, key=node))
                found.update(dict.fromkeys(names))
                if cursor == b"0":
                    break
        return list(found)

    def _name(self, key: Key) -> Name:
        if isinstance(key, str):
            # What list_keys names with surrogate escapes must be found under these names.
            return self._front + key if key.isascii() else self._front_bytes + key.encode("utf-8", "surrogateescape")
        if isinstance(key, bytes | bytearray):
            return self._front_bytes + key
        raise TypeError(f"a key is str or bytes, not {type(key).__name__}")

    def _names(self, keys: Iterable[Key]) -> list[Name]:
        if isinstance(keys, TEXTS):
            raise TypeError(f"keys are a list of str or bytes, not one {type(keys).__name__}")
        return [self._name(key) for key in keys]

    def _limit_of(self, timeout: Timeout) -> float:
        return self._limit if timeout is None else seconds_of(timeout)

    def _shown(self, name: Name) -> str:
        text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
        return text[len(self._front) :]


def seconds_of(timeout: Timeout) -> float:
    """A time limit in seconds; infinity for None and negative ones.

    Raises:
        TypeError: it is neither a number nor a timedelta.
        ValueError: it is not a number (NaN).
    """
    if timeout is None:
        return float("inf")
    if isinstance(timeout, timedelta):
        timeout = timeout.total_seconds()
    if not isinstance(timeout, int | float):
        raise TypeError(f"a timeout is a number of seconds, a timedelta or None, not {type(timeout).__name__}")
    if timeout != timeout:  # noqa: PLR0124 - NaN
        raise ValueError("a timeout is a number of seconds, not NaN")
    return float(timeout) if 0 <= timeout < LONGEST_SECONDS else float("inf")


def text(value: Value) -> str | bytes:
    """A value as it is sent.

    Raises:
        TypeError: it is neither str nor bytes.
    """
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, bytearray):
        return bytes(value)
    raise TypeError(f"a value is str or bytes, not {type(value).__name__}")


def shorten(keys: Sequence[str]) -> str:
    """Keys for an error message: so many, and how many more there are."""
    shown = ", ".join(map(repr, keys[:SHOWN_KEYS]))
    more = len(keys) - SHOWN_KEYS
    return f"{shown} and {more} more" if more > 0 else shown


def glob_escape(pattern: bytes) -> bytes:
    """A pattern for SCAN that stands for these bytes alone."""
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]^\\-" else bytes([byte]) for byte in pattern)
