"""RespStore: respstore.Store as torch wants a store.

C++ (PrefixStore, the process groups of gloo and NCCL) calls the methods of a Python store by the names of torch's
trampoline, which are not always those that Python uses: `deleteKey`, `getNumKeys`. It wants exactly `bytes` back, calls
from threads of its own, sets the timeout in a field of the C++ half, which is therefore read before each call, and
holds that half alone. An object whose Python half is gone is an internal error of torch's in the middle of a job: so
each RespStore is kept alive in `_ALIVE` until it is closed.

`barrier` is torch's own, made of add, set and wait, as C++ knows no other way: who comes late to a full one passes, and
nobody meets there twice. `RespStore.store.barrier` is respstore's, which can be passed again and again, and names who
is missing.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, Self

from torch import distributed

from respstore.exceptions import StoreError
from respstore.store import Store
from respstore.torch.failures import as_torch

Text = str | bytes | bytearray
Time = timedelta | float

_ALIVE: Final[dict[int, "RespStore"]] = {}
"""Not a cache: what holds the Python halves. Two servers have nothing to do with each other in it."""


class RespStore(distributed.Store):
    """A torch.distributed store on a respstore, a Redis or a Valkey.

    Args:
        store: the URL of the server, as `respstore.Store` takes it, or such a store to use.
        prefix: stands in front of all keys, with a `/` behind it.
        timeout: how long a call may take, a timedelta or seconds; by default 300 s, or that of the given store.

    Attributes:
        store: the `respstore.Store` that does it.

    Example:
        store = RespStore("redis://127.0.0.1:6379", prefix="job-7")
        torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=2)
    """

    def __init__(
        self, store: str | Store = "redis://127.0.0.1:6379", *, prefix: str = "", timeout: Time | None = None
    ) -> None:
        super().__init__()
        if isinstance(store, Store):
            if prefix:
                raise ValueError("the given store has its own prefix")
            self.store = store
        else:
            self.store = Store(store, prefix=prefix)
        limit = self.store.timeout if timeout is None else timeout
        self._limit: timedelta | None = None
        self.set_timeout(_FOR_EVER if limit is None else limit)
        _ALIVE[id(self)] = self

    # Values

    def set(self, key: Text, value: Text, /) -> None:
        """Set a key; the server has it when this returns."""
        self._call(self.store.set, text(key), value_of(value))

    def get(self, key: Text, /) -> bytes:
        """A key's value, which is waited for; in one round trip."""
        value: bytes = self._wait(self.store.get, text(key))
        return value

    def add(self, key: Text, amount: int, /) -> int:
        """Add to a counter, and answer what it is then."""
        total: int = self._call(self.store.add, text(key), amount)
        return total

    def append(self, key: Text, value: Text, /) -> None:
        """Append to a key's value, made if it does not exist."""
        self._call(self.store.append, text(key), value_of(value))

    def compare_set(self, key: Text, expected: Text, desired: Text, /) -> bytes:
        """Set a key to `desired` if it holds `expected`; answer what it holds then."""
        value: bytes = self._call(self.store.compare_set, text(key), value_of(expected), value_of(desired))
        return value

    def multi_get(self, keys: Sequence[Text], /) -> list[bytes]:
        """The values of several keys at one moment, which are waited for."""
        values: list[bytes] = self._wait(self.store.multi_get, texts(keys))
        return values

    def multi_set(self, keys: Sequence[Text], values: Sequence[Text], /) -> None:
        """Set several keys at one moment."""
        names, items = texts(keys), [value_of(value) for value in values]
        if len(names) != len(items):
            raise as_torch(StoreError("multiSet keys and values vectors must be of same size"))
        self._call(self.store.multi_set, names, items)

    def delete_key(self, key: Text, /) -> bool:
        """Delete a key; answer whether there was one."""
        deleted: bool = self._call(self.store.delete_key, text(key))
        return deleted

    deleteKey = delete_key  # noqa: N815 - torch's name

    # Waits and looks

    def check(self, keys: Sequence[Text], /) -> bool:
        """Whether all keys exist."""
        exist: bool = self._call(self.store.check, texts(keys))
        return exist

    def wait(self, keys: Sequence[Text], timeout: Time | None = None, /) -> None:
        """Wait until all keys exist at one moment; by default as long as the store's timeout."""
        self._wait(self.store.wait, texts(keys), self.timeout if timeout is None else duration(timeout))

    def num_keys(self) -> int:
        """How many keys there are, those of queues left out."""
        number: int = self._call(self.store.num_keys)
        return number

    getNumKeys = num_keys  # noqa: N815 - torch's name

    def list_keys(self) -> list[str]:
        """The keys, those of queues left out; one that is no UTF-8 has surrogate escapes (PEP 383)."""
        keys: list[str] = self._call(self.store.list_keys)
        return keys

    # Queues

    def queue_push(self, key: Text, value: Text, /) -> None:
        """Append to a queue."""
        self._call(self.store.queue_push, text(key), value_of(value))

    def queue_pop(self, key: Text, block: bool = True) -> bytes:
        """Take the first item of a queue, which is waited for if `block` is true."""
        item: bytes = self._wait(self.store.queue_pop, text(key), block)
        return item

    def queue_len(self, key: Text, /) -> int:
        """How many items a queue has."""
        length: int = self._call(self.store.queue_len, text(key))
        return length

    # The store itself

    def has_extended_api(self) -> bool:
        """Whether append, multi_get and multi_set are more than loops."""
        return True

    def clone(self) -> "RespStore":
        """Another store on the same server, with connections of its own."""
        return RespStore(self.store.clone(), timeout=self.timeout)

    def set_timeout(self, timeout: Time, /) -> None:
        """Change how long a call may take; for ever if it is negative."""
        super().set_timeout(duration(timeout))
        self._follow_timeout()

    @property
    def host(self) -> str:
        """The server's host, as it was given."""
        return self.store.host

    @property
    def port(self) -> int:
        """The server's port."""
        return self.store.port

    @property
    def libuvBackend(self) -> bool:  # noqa: N802 - torch's name
        """Whether the server's shared poller serves the connections, rather than a task each (`USE_LIBUV=0`)."""
        return b"respstore_io_backend:streams" not in self._call(self.store.execute_command, "INFO", "server")

    def close(self) -> None:
        """Close the connections, and end the server if it is this store's. C++ must not use the store any more."""
        self.store.close()
        _ALIVE.pop(id(self), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RespStore({self.store!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return _remake, (self.store, self.timeout)

    # Inside

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        self._follow_timeout()
        try:
            return method(*arguments)
        except StoreError as error:
            raise as_torch(error) from error

    def _wait(self, method: Callable[..., Any], keys: str | bytes | list[str | bytes], *arguments: Any) -> Any:
        self._follow_timeout()
        try:
            return method(keys, *arguments)
        except StoreError as error:
            names = keys if isinstance(keys, list) else [keys]
            raise as_torch(error, [_shown(name) for name in names]) from error

    def _follow_timeout(self) -> None:
        limit = self.timeout  # PrefixStore.set_timeout changes it without a word to us
        if limit != self._limit:
            self._limit = limit
            self.store.set_timeout(limit)


_FOR_EVER: Final = timedelta(milliseconds=-1)


def _remake(store: Store, timeout: timedelta) -> RespStore:
    return RespStore(store, timeout=timeout)


def text(key: Text) -> str | bytes:
    """A key as torch's stores take it.

    Raises:
        TypeError: it is neither text nor bytes.
    """
    kind = type(key)
    if kind is str or kind is bytes:
        return key  # type: ignore[return-value]  # narrowed by `kind`
    if isinstance(key, bytearray):
        return bytes(key)
    if isinstance(key, str | bytes):
        return key
    raise TypeError(f"a key is str or bytes, not {kind.__name__}")


def texts(keys: Sequence[Text]) -> list[str | bytes]:
    """Several keys.

    Raises:
        TypeError: it is a single one, or some are none.
    """
    if isinstance(keys, str | bytes | bytearray):
        raise TypeError(f"keys are a list of str or bytes, not {type(keys).__name__}")
    return [text(key) for key in keys]


def value_of(value: Text) -> str | bytes:
    """A value as torch's stores take it.

    Raises:
        TypeError: it is neither text nor bytes.
    """
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, bytearray):
        return bytes(value)
    raise TypeError(f"a value is str or bytes, not {type(value).__name__}")


def duration(time: Time) -> timedelta:
    """A time limit.

    Raises:
        TypeError: it is no timedelta and no number.
    """
    if isinstance(time, timedelta):
        return time
    if isinstance(time, bool) or not isinstance(time, int | float):
        raise TypeError(f"a timeout is a timedelta or seconds, not {type(time).__name__}")
    return timedelta(seconds=time)


def _shown(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.decode("utf-8", "surrogateescape")
