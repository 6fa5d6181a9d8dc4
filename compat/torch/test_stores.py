"""One suite for all stores: torch's TCPStore on its own server, its C++ client on respstore, and RespStore on respstore
and on redis-server; each of them also behind a PrefixStore.

Where one of them does otherwise, known_differences.py says so, and the test must fail there.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import attrs
import pytest
from torch.distributed import DistError, DistNetworkError, DistStoreError, PrefixStore, QueueEmptyError, TCPStore

from compat.servers import RunningServer, respstore_server
from compat.torch.known_differences import KNOWN_DIFFERENCES
from respstore.store import link
from respstore.torch import RespStore

PATIENCE = timedelta(seconds=60)
SHORT = timedelta(milliseconds=100)
BINARY = bytes(range(256)) * 3
BASES = ("tcpstore", "wire", "respstore", "redis")

Make = Callable[..., Any]


@attrs.frozen
class Kind:
    """A store, and whether it stands behind a PrefixStore."""

    base: str
    is_prefixed: bool

    def __str__(self) -> str:
        return f"prefix-{self.base}" if self.is_prefixed else self.base

    def shown(self, *keys: str) -> str:
        """Keys as the errors of torch's stores name them."""
        return ", ".join(f"/p/{key}" if self.is_prefixed else f"/{key}" for key in keys)


@pytest.fixture(params=[Kind(base, is_prefixed) for base in BASES for is_prefixed in (False, True)], ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(autouse=True)
def attempts(request: pytest.FixtureRequest) -> range:
    """How often to try what shows a fault only if threads run in a certain order."""
    if "kind" not in request.fixturenames:
        return range(0)
    name = str(request.getfixturevalue("kind"))
    for difference in KNOWN_DIFFERENCES:
        if name in difference.kinds and difference.test in (request.node.originalname, request.node.name):
            mark = pytest.mark.xfail(strict=True, raises=difference.raises, reason=difference.reason)
            request.applymarker(mark)
            return range(200)
    return range(2)


@pytest.fixture(scope="session")
def own_respstore() -> Iterator[RunningServer]:
    with respstore_server() as running:
        yield running


@pytest.fixture
def make(request: pytest.FixtureRequest, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Opens stores of the kind on the same data, which is empty at first."""
    monkeypatch.setattr(link, "GRACE_SECONDS", PATIENCE.total_seconds())  # a busy machine is slow, and not away
    with contextlib.ExitStack() as opened:
        if kind.base == "tcpstore":
            server = TCPStore("127.0.0.1", 0, None, True, PATIENCE, wait_for_workers=False)
            port = server.port
        else:
            running = request.getfixturevalue("redis" if kind.base == "redis" else "own_respstore")
            port = running.port
            with running.client() as client:
                client.flushall()

        def open_store(timeout: timedelta = PATIENCE) -> Any:
            if kind.base in ("tcpstore", "wire"):
                store: Any = TCPStore("127.0.0.1", port, is_master=False, timeout=timeout)
            else:
                store = opened.enter_context(RespStore(f"redis://127.0.0.1:{port}", timeout=timeout))
            return PrefixStore("p", store) if kind.is_prefixed else store

        yield open_store


@pytest.fixture
def store(make: Make) -> Any:
    return make()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def in_vain(kind: Kind, *keys: str, milliseconds: int = 100) -> Any:
    """A wait for these keys has to time out, and to say so."""
    return pytest.raises(DistStoreError, match=f"^wait timeout after {milliseconds}ms, keys: {kind.shown(*keys)}")


# Values


@pytest.mark.parametrize("value", [b"v", b"", b"\0", BINARY, bytes(1024**2)], ids=len)
def test_set_and_get(store: Any, value: bytes) -> None:
    assert store.set("k", value) is None
    assert store.get("k") == value
    assert store.multi_get(["k", "k"]) == [value] * 2


def test_values_are_text_and_bytes(store: Any) -> None:
    for value in ("ä", "ä".encode(), bytearray("ä".encode())):
        store.set("k", value)
        assert store.get("k") == "ä".encode()


def test_the_largest_value(store: Any) -> None:
    largest = bytes(8 * 1024**2)
    store.set("k", largest)
    assert store.get("k") == largest


@pytest.mark.parametrize("key", ["k", "", "/", "a/b", "ä", "a b\n\0c", "k" * 8000], ids=len)
def test_keys(store: Any, key: str) -> None:
    store.set(key, "v")
    assert store.get(key) == b"v"
    assert store.check([key])
    assert store.delete_key(key) is True
    assert not store.check([key])


def test_keys_may_be_bytes(store: Any) -> None:
    store.set(b"k", "v")
    store.set(bytearray(b"l"), "w")
    assert store.multi_get(["k", b"l"]) == [b"v", b"w"]


def test_keys_need_not_be_utf8(store: Any) -> None:
    store.set(b"\xff", "v")
    assert store.get(b"\xff") == b"v"
    assert store.check([b"\xff"])


@pytest.mark.parametrize("wrong", [None, 1, memoryview(b"k"), "\ud800"], ids=["None", "int", "memoryview", "surrogate"])
def test_other_types_are_refused(store: Any, wrong: object) -> None:
    with pytest.raises(TypeError):
        store.set("k", wrong)
    with pytest.raises(TypeError):
        store.get(wrong)
    with pytest.raises(TypeError):
        store.check("k")
    with pytest.raises(TypeError):
        store.add("k", "1")
    with pytest.raises(TypeError):
        store.add("k", 1.5)
    assert not store.check(["k"])


def test_arguments_are_positional(store: Any) -> None:
    with pytest.raises(TypeError):
        store.set(key="k", value="v")
    with pytest.raises(TypeError):
        store.get(key="k")
    with pytest.raises(TypeError):
        store.wait(["k"], timeout=SHORT)


# Counters


def test_add(store: Any) -> None:
    assert store.add("n", 3) == 3
    assert store.add("n", -5) == -2
    assert store.get("n") == b"-2"
    assert store.add("zero", 0) == 0
    assert store.get("zero") == b"0"
    store.set("m", "41")
    assert store.add("m", True) == 42
    assert store.add("max", 2**63 - 1) == 2**63 - 1


@pytest.mark.parametrize("text", ["abc", "", "9" * 40], ids=["text", "empty", "large"])
def test_adding_to_text_ends_nothing(make: Make, store: Any, text: str) -> None:
    store.set("k", text)
    with pytest.raises(DistStoreError):
        store.add("k", 1)
    assert store.get("k") == make().get("k") == text.encode()


@pytest.mark.parametrize("text", ["abc", "", "9" * 40], ids=["text", "empty", "large"])
def test_adding_to_text_changes_nothing_and_ends_nobody_else(make: Make, store: Any, text: str) -> None:
    store.set("k", text)
    with pytest.raises(DistError):
        store.add("k", 1)
    assert make().get("k") == text.encode()


def test_what_begins_like_a_number_is_none(make: Make, store: Any) -> None:
    store.set("k", " 12abc")
    with pytest.raises(DistError):
        store.add("k", 1)


def test_a_sum_that_does_not_fit_is_no_sum(make: Make, store: Any) -> None:
    store.add("n", 2**63 - 1)
    with pytest.raises(DistError):
        store.add("n", 1)
    assert make().get("n") == b"%d" % (2**63 - 1)


def test_threads_and_clones_count_exactly(store: Any) -> None:
    stores = [store] * 4 + [store.clone() for _ in range(4)]

    def count(one: Any) -> None:
        for _ in range(50):
            one.add("n", 1)

    threads = [threading.Thread(target=count, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.add("n", 0) == 400


# Compare and set, append, delete, several at once


def test_compare_set(store: Any) -> None:
    assert store.compare_set("k", "x", "new") == b"x"
    assert not store.check(["k"])
    assert store.compare_set("k", "", "new") == b"new"
    assert store.compare_set("k", "other", "newer") == b"new"
    assert store.compare_set("k", "", "newer") == b"new"
    assert store.compare_set("k", b"new", BINARY) == BINARY
    assert store.get("k") == BINARY
    store.set("empty", "")
    assert store.compare_set("empty", "", "v") == b"v"


def test_append(store: Any) -> None:
    assert store.append("k", "") is None
    assert store.get("k") == b""
    store.append("k", "ab")
    store.append("k", b"\0c")
    assert store.get("k") == b"ab\0c"


def test_delete_key(store: Any) -> None:
    assert store.delete_key("k") is False
    store.set("k", "")
    assert store.delete_key("k") is True
    assert not store.check(["k"])


def test_multi_set_and_multi_get(store: Any) -> None:
    store.multi_set(["a", "b", "a"], ["1", b"", "2"])
    store.multi_set([], [])
    store.multi_set(("t",), (BINARY,))
    assert store.multi_get(["b", "a", "t", "a"]) == [b"", b"2", BINARY, b"2"]
    assert store.multi_get([]) == []


def test_as_many_values_as_keys(store: Any) -> None:
    with pytest.raises(DistStoreError, match=r"multiSet keys and values vectors must be of same size"):
        store.multi_set(["a", "b"], ["1"])
    assert not store.check(["a"])


# Looks and waits


def test_check(store: Any) -> None:
    assert store.check([]) is True
    assert store.check(["a"]) is False
    store.set("a", "")
    store.set("b", "v")
    assert store.check(["a", "b", "a"]) is True
    assert store.check(("a", "c")) is False


def test_a_queue_is_there_when_it_has_items(store: Any) -> None:
    store.queue_push("q", "i")
    assert store.check(["q"])
    store.wait(["q"])
    store.queue_pop("q")
    assert not store.check(["q"])


def test_wait_for_what_is_there(store: Any) -> None:
    store.multi_set(["a", "b"], ["1", ""])
    assert store.wait([]) is None
    assert store.wait(["a", "b", "a"]) is None
    assert store.wait(("a",), SHORT) is None
    assert store.wait(["a"], 0.1) is None
    assert store.wait(["a"], timedelta(seconds=-1)) is None


@pytest.mark.parametrize(
    ("timeout", "milliseconds"),
    [(timedelta(), 0), (timedelta(microseconds=1500), 1), (SHORT, 100), (0.1, 100)],
    ids=["0", "1.5ms", "timedelta", "float"],
)
def test_wait_in_vain(kind: Kind, store: Any, timeout: Any, milliseconds: int) -> None:
    store.set("b", "v")
    for _ in range(2):
        with in_vain(kind, "a", "b", "c", milliseconds=milliseconds):
            store.wait(["a", "b", "c"], timeout)
        assert store.get("b") == b"v"


def test_an_error_names_the_keys_that_are_missing(store: Any) -> None:
    store.set("b", "v")
    with pytest.raises(DistStoreError, match=r"missing: (p/)?a, (p/)?c$"):
        store.wait(["a", "b", "c"], SHORT)


@pytest.mark.parametrize("timeout", [1, None, "1"], ids=repr)
def test_a_timeout_is_a_timedelta_or_a_float(store: Any, timeout: object) -> None:
    store.set("k", "v")
    with pytest.raises(TypeError):
        store.wait(["k"], timeout)
    with pytest.raises(TypeError):
        store.set_timeout(timeout)


def test_get_in_vain(kind: Kind, make: Make) -> None:
    store = make(SHORT)
    store.set("there", "v")
    with in_vain(kind, "nope"):
        store.get("nope")
    with in_vain(kind, "nope", "there", "no"):
        store.multi_get(["nope", "there", "no"])
    with in_vain(kind, "nope"):
        store.wait(["nope"])
    assert store.get("there") == b"v"


def test_who_waits_is_woken(make: Make, pool: ThreadPoolExecutor) -> None:
    waits = [pool.submit(make().get, "a") for _ in range(3)]
    waits += [pool.submit(make().multi_get, ["b", "a"]), pool.submit(make().wait, ["a", "b"])]
    waits += [pool.submit(make().wait, ["b"], timedelta(seconds=-1))]
    setter = make()
    setter.set("a", "1")
    assert [wait.result() for wait in waits[:3]] == [b"1"] * 3
    setter.set("b", "2")
    assert [wait.result() for wait in waits[3:]] == [[b"2", b"1"], None, None]


@pytest.mark.parametrize(
    "come",
    [
        lambda store, key: store.set(key, "0"),
        lambda store, key: store.add(key, 0),
        lambda store, key: store.append(key, "0"),
        lambda store, key: store.compare_set(key, "", "0"),
        lambda store, key: store.multi_set([key], ["0"]),
    ],
    ids=["set", "add", "append", "compare_set", "multi_set"],
)
def test_whatever_makes_a_key_wakes(make: Make, pool: ThreadPoolExecutor, come: Callable[[Any, str], object]) -> None:
    wait = pool.submit(make().get, "k")
    come(make(), "k")
    assert wait.result() == b"0"


def test_a_wait_is_over_only_when_all_keys_are_there_at_one_moment(
    make: Make, pool: ThreadPoolExecutor, attempts: range
) -> None:
    waiter, other = make(), make()
    for attempt in attempts:
        a, b = f"a{attempt}", f"b{attempt}"
        wait = pool.submit(waiter.wait, [a, b], SHORT)
        other.set(a, "1")
        other.delete_key(a)
        other.set(b, "1")
        with pytest.raises(DistStoreError, match=r"^wait timeout after 100ms"):
            wait.result()


def test_a_wrong_expectation_wakes_nobody(make: Make, pool: ThreadPoolExecutor, attempts: range) -> None:
    waiter, other = make(), make()
    for attempt in attempts:
        wait = pool.submit(waiter.wait, [f"k{attempt}"], SHORT)
        for _ in range(10):
            assert other.compare_set(f"k{attempt}", "x", "y") == b"x"
        with pytest.raises(DistStoreError, match=r"^wait timeout after 100ms"):
            wait.result()


def test_a_thread_that_waits_holds_up_no_other(store: Any, pool: ThreadPoolExecutor, attempts: range) -> None:
    for attempt in attempts:
        wait = pool.submit(store.wait, [f"k{attempt}"], timedelta(seconds=1))
        store.check(["k"])  # so that the wait comes first, usually
        store.set(f"k{attempt}", "v")
        wait.result()


# Queues


def test_queue(store: Any) -> None:
    assert store.queue_len("q") == 0
    for item in (b"1", b"", BINARY, "ä"):
        assert store.queue_push("q", item) is None
    assert store.queue_len("q") == 4
    assert [store.queue_pop("q") for _ in range(3)] == [b"1", b"", BINARY]
    assert store.queue_pop("q", block=False) == "ä".encode()
    assert store.queue_len("q") == 0


def test_an_empty_queue(kind: Kind, make: Make) -> None:
    store = make(SHORT)
    with pytest.raises(QueueEmptyError, match=r"^queue is empty"):
        store.queue_pop("q", block=False)
    with in_vain(kind, "q"):
        store.queue_pop("q")
    store.queue_push("q", "i")
    assert store.queue_pop("q") == b"i"


def test_each_item_is_for_one(make: Make, pool: ThreadPoolExecutor) -> None:
    pops = [pool.submit(make().queue_pop, "q") for _ in range(8)]
    other = make()
    for item in range(8):
        other.queue_push("q", str(item))
    assert sorted(pop.result() for pop in pops) == [b"%d" % item for item in range(8)]


def test_an_item_that_comes_ends_no_other_wait(make: Make, pool: ThreadPoolExecutor, attempts: range) -> None:
    consumer, other = make(), make()
    for attempt in attempts:
        pop = pool.submit(consumer.queue_pop, "q")
        other.queue_push("q", "1")
        pop.result()
        wait = pool.submit(consumer.wait, [f"k{attempt}"], SHORT)
        for item in range(10):
            other.queue_push("q", str(item))
        with pytest.raises(DistStoreError, match=r"^wait timeout after 100ms"):
            wait.result()
        for _ in range(10):
            other.queue_pop("q")


def test_a_queue_and_a_value_of_one_name_are_two(store: Any) -> None:
    store.queue_push("k", "i")
    store.set("k", "v")
    assert store.get("k") == b"v"
    assert store.delete_key("k")
    assert store.queue_pop("k", block=False) == b"i"


def test_a_queue_has_no_value(store: Any) -> None:
    store.queue_push("q", "i")
    assert store.get("q") == b""


# Barriers


def test_barrier(make: Make, pool: ThreadPoolExecutor) -> None:
    stores = [make() for _ in range(8)]
    arrivals = [pool.submit(one.barrier, "b", 8) for one in stores]
    assert [arrival.result() for arrival in arrivals] == [None] * 8
    stores[0].barrier(key="b", world_size=8, timeout=SHORT)  # it was passed, and stays open


def test_a_barrier_counts_whom_it_let_wait_in_vain(store: Any) -> None:
    with pytest.raises(DistStoreError, match=r"timeout after 100ms, keys?: "):
        store.barrier("b", 2, SHORT)
    store.barrier("b", 2, SHORT)
    store.barrier("b", 2, SHORT)


def test_a_barrier_is_one_operation(store: Any) -> None:
    with pytest.raises(DistStoreError, match=r"^barrier timeout after 100ms, key: b$"):
        store.barrier("b", 2, SHORT)
    assert store.get("b") == b"1"


def test_a_barrier_for_nobody_is_open(store: Any) -> None:
    store.barrier("b", 0, SHORT)
    store.barrier("c", -1, SHORT)


# The keys, and the store itself


def test_keys_are_counted(store: Any) -> None:
    assert store.num_keys() == 0
    store.multi_set(["a", "b"], ["1", "2"])
    store.add("n", 1)
    assert store.num_keys() == 3
    store.delete_key("a")
    assert store.num_keys() == 2


def test_keys_are_listed(store: Any) -> None:
    assert store.list_keys() == []
    store.multi_set(["a", "b/c", "ä"], ["1", "2", "3"])
    assert sorted(store.list_keys()) == ["a", "b/c", "ä"]


def test_queues_are_no_keys_to_count_or_list(store: Any) -> None:
    store.queue_push("q", "i")
    assert store.num_keys() == 0
    assert store.list_keys() == []


def test_keys_that_are_no_utf8_are_listed(store: Any) -> None:
    store.set(b"\xff", "v")
    store.set("k", "v")
    assert sorted(store.list_keys()) == ["k", "\udcff"]


def test_clone(make: Make) -> None:
    store = make(SHORT)
    store.set("k", "v")
    clone = store.clone()
    assert type(clone) is type(store)
    assert clone.get("k") == b"v"
    assert clone.timeout == store.timeout == SHORT
    clone.set_timeout(PATIENCE)
    assert store.timeout == SHORT
    clone.set("l", "w")
    assert store.get("l") == b"w"


def test_the_timeout(kind: Kind, store: Any) -> None:
    assert store.timeout == PATIENCE
    store.set_timeout(SHORT)
    assert store.timeout == SHORT
    with in_vain(kind, "k"):
        store.get("k")
    store.set_timeout(0.25)
    assert store.timeout == timedelta(milliseconds=250)
    store.set_timeout(timedelta(milliseconds=-1))
    store.set("k", "v")
    assert store.get("k") == b"v"
    with pytest.raises(AttributeError):
        store.timeout = SHORT


def test_it_has_the_extended_api(store: Any) -> None:
    assert store.has_extended_api() is True


def test_errors_are_torchs(make: Make) -> None:
    with pytest.raises(DistStoreError) as caught:
        make().wait(["k"], timedelta())
    assert isinstance(caught.value, RuntimeError)
    assert not isinstance(caught.value, DistNetworkError)


def test_a_wait_is_over_in_time(make: Make) -> None:
    start = time.monotonic()
    with pytest.raises(DistStoreError):
        make(SHORT).get("k")
    assert 0.09 < time.monotonic() - start < PATIENCE.total_seconds()


# The differences


def test_each_difference_names_a_test() -> None:
    for difference in KNOWN_DIFFERENCES:
        assert difference.test.partition("[")[0] in globals(), difference.test
