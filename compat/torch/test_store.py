"""RespStore as Python sees it, and as C++ does: through PrefixStore, which calls it by torch's trampoline.

What all stores have in common is in test_stores.py.
"""

import gc
import pickle
import threading
import time
from datetime import timedelta

import pytest
import torch.distributed as dist

from compat.servers import RunningServer
from respstore import Store
from respstore.torch import RespStore
from respstore.torch.store import _ALIVE

SHORT = timedelta(milliseconds=100)


@pytest.fixture
def store(empty: RunningServer):
    with RespStore(f"redis://127.0.0.1:{empty.port}", timeout=20.0) as store:
        yield store


def test_the_timeout_is_that_of_the_cpp_half(store: RespStore) -> None:
    assert store.timeout == timedelta(seconds=20)
    assert store.store.timeout == 20.0
    dist.PrefixStore("p", store).set_timeout(SHORT)
    assert store.timeout == SHORT
    with pytest.raises(dist.DistStoreError, match=r"^wait timeout after 100ms, keys: /nope; missing: nope$"):
        store.get("nope")
    with pytest.raises(TypeError, match=r"a timeout is a timedelta or seconds, not str"):
        store.set_timeout("1")  # type: ignore[arg-type]


def test_a_wait_has_its_own_timeout(store: RespStore) -> None:
    store.set("a", "1")
    with pytest.raises(dist.DistStoreError, match=r"^wait timeout after 100ms, keys: /a, /b; missing: b$"):
        store.wait(["a", "b"], SHORT)
    with pytest.raises(dist.DistStoreError, match=r"^wait timeout after 100ms, keys: /a, /b; missing: b$"):
        store.wait(["a", "b"], 0.1)
    assert store.timeout == timedelta(seconds=20)
    store.wait(["a"], timedelta())  # one look, which finds it


def test_cpp_calls_it(store: RespStore) -> None:
    prefixed = dist.PrefixStore("p", store)
    prefixed.set("k", "v")
    assert prefixed.get("k") == store.get("p/k") == b"v"
    assert prefixed.add("n", 2) == 2
    assert prefixed.check(["k", "n"])
    assert prefixed.compare_set("k", "v", "w") == b"w"
    prefixed.append("k", "x")
    prefixed.multi_set(["a", "b"], ["1", "2"])
    assert prefixed.multi_get(["a", "b", "k"]) == [b"1", b"2", b"wx"]
    assert prefixed.has_extended_api()
    assert prefixed.num_keys() == 4
    assert prefixed.delete_key("k")
    assert not prefixed.check(["k"])
    with pytest.raises(dist.DistStoreError, match=r"keys: /p/nope; missing: p/nope"):
        prefixed.wait(["nope"], SHORT)


def test_it_lives_until_it_is_closed(empty: RunningServer) -> None:
    prefixed = dist.PrefixStore("p", RespStore(f"redis://127.0.0.1:{empty.port}"))
    gc.collect()
    prefixed.set("k", "v")
    assert prefixed.get("k") == b"v"
    (underlying,) = [store for store in _ALIVE.values() if store is prefixed.underlying_store]
    clone = prefixed.clone()
    gc.collect()
    assert clone.get("k") == b"v"
    underlying.close()
    assert id(underlying) not in _ALIVE


def test_a_thread_that_waits_holds_up_no_other(store: RespStore) -> None:
    got = []
    thread = threading.Thread(target=lambda: got.append(store.get("later")))
    thread.start()
    while not store.store.execute_command("WAITLIST", "later"):
        pass
    store.set("later", "now")
    thread.join()
    assert got == [b"now"]


def test_it_travels_by_pickle(store: RespStore) -> None:
    store.set("k", "v")
    with pickle.loads(pickle.dumps(store)) as copy:
        assert copy.get("k") == b"v"
        assert copy.timeout == store.timeout


def test_what_it_is(store: RespStore, empty: RunningServer) -> None:
    assert (store.host, store.port) == ("127.0.0.1", empty.port)
    assert isinstance(store, dist.Store)
    assert repr(store).startswith(f"RespStore(Store('redis://127.0.0.1:{empty.port}'")
    given = RespStore(Store(f"redis://127.0.0.1:{empty.port}", prefix="p", timeout=5))
    assert given.timeout == timedelta(seconds=5)
    with pytest.raises(ValueError, match=r"has its own prefix"):
        RespStore(given.store, prefix="q")
    given.close()


@pytest.mark.parametrize("key", [None, 1, memoryview(b"k")])
def test_keys_of_other_types_are_refused(store: RespStore, key: object) -> None:
    with pytest.raises(TypeError, match=r"a key is str or bytes"):
        store.get(key)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a value is str or bytes"):
        store.set("k", key)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"keys are a list of str or bytes, not str"):
        store.check("k")


def test_without_a_server() -> None:
    start = time.monotonic()
    with RespStore("redis://127.0.0.1:1", timeout=0.3) as store, pytest.raises(dist.DistNetworkError):
        store.set("k", "v")
    assert time.monotonic() - start < 10
