"""torch's own C++ TCPStore as a client of respstore, by its wire protocol: what others see of it, and who is served.

What all stores do alike is in test_stores.py.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from torch.distributed import DistNetworkError, DistStoreError, PrefixStore, QueueEmptyError, TCPStore

from compat.patience import PATIENCE_SECONDS, until
from compat.servers import RunningServer, respstore_server

PATIENCE = timedelta(seconds=PATIENCE_SECONDS)
SHORT = timedelta(milliseconds=100)
BINARY = bytes(range(256)) * 3
GONE = r"Failed to recv, got 0 bytes"


def open_store(port: int, timeout: timedelta = PATIENCE) -> TCPStore:
    return TCPStore("127.0.0.1", port, is_master=False, timeout=timeout)


@pytest.fixture
def port(empty: RunningServer) -> int:
    return empty.port


@pytest.fixture
def store(port: int) -> TCPStore:
    return open_store(port)


@pytest.fixture
def redis(empty: RunningServer):
    with empty.client() as client:
        yield client


def waiting(redis, count: int) -> Callable[[], bool]:
    return lambda: redis.info("clients")["blocked_clients"] == count


# Values


@pytest.mark.parametrize("value", [b"v", b"", b"\0", BINARY, bytes(1024**2)], ids=len)
def test_set_and_get(store, redis, value: bytes) -> None:
    store.set("k", value)
    assert store.get("k") == value
    assert redis.get("k") == value
    redis.set("other", value)
    assert store.get("other") == value
    assert store.multi_get(["other", "k", "k"]) == [value] * 3


@pytest.mark.parametrize("key", ["k", "", "/", "a/b", "ä", "a b\n\0c", "k" * 100_000], ids=lambda key: repr(key[:9]))
def test_keys(store, redis, key: str) -> None:
    store.set(key, "v")
    assert store.get(key) == b"v"
    assert store.check([key])
    assert redis.keys() == [key.encode()]
    assert store.list_keys() == [key]
    assert store.delete_key(key)
    assert not store.check([key])


def test_the_largest_value_and_the_most_keys(store, redis) -> None:
    largest = bytes(8 * 1024**2)
    store.set("k", largest)
    assert store.get("k") == largest
    assert store.check(["k"] * 131_072)
    store.wait(["k"] * 131_072)
    assert redis.strlen("k") == len(largest)


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: (store.set("k", bytes(8 * 1024**2 + 1)), store.get("k")),
        lambda store: store.check(["k" * (8 * 1024**2)]),
        lambda store: store.check(["k"] * 131_073),
        lambda store: (store.set("n", "text"), store.add("n", 1)),
    ],
    ids=["a value too long", "a key too long", "too many keys", "no number"],
)
def test_what_cannot_be_done_ends_one_connection(port, store, redis, ask: Callable[[TCPStore], object]) -> None:
    other = open_store(port)
    with pytest.raises(DistNetworkError):
        ask(store)
    other.set("after", "v")
    assert other.get("after") == b"v"
    assert redis.get("n") in (None, b"text")


def test_add(store, redis) -> None:
    assert store.add("n", 3) == 3
    assert store.add("n", -5) == -2
    assert store.add("zero", 0) == 0
    assert (redis.get("n"), store.get("zero")) == (b"-2", b"0")
    redis.incr("n")
    store.set("m", "41")
    assert (store.add("n", 0), store.add("m", 1)) == (-1, 42)


def test_compare_set(store, redis) -> None:
    assert store.compare_set("k", "x", "new") == b"x"
    assert not store.check(["k"])
    assert store.compare_set("k", "", "new") == b"new"
    assert store.compare_set("k", "other", "newer") == b"new"
    assert store.compare_set("k", "new", BINARY) == BINARY
    assert redis.get("k") == BINARY


def test_append_and_multi_set(store, redis) -> None:
    store.append("k", "")
    assert store.get("k") == b""
    store.append("k", "ab")
    store.append("k", b"\0c")
    store.multi_set(["a", "b", "a"], ["1", "", "2"])
    store.multi_set([], [])
    assert store.multi_get(["k", "a", "b"]) == [b"ab\0c", b"2", b""]
    assert store.multi_get([]) == []
    assert redis.mget("k", "a", "b") == [b"ab\0c", b"2", b""]


def test_keys_are_counted_and_listed(store, redis) -> None:
    assert (store.num_keys(), store.list_keys()) == (0, [])
    store.set("k", "v")
    store.queue_push("q", "i")
    redis.set("r", "v")
    assert store.num_keys() == 2
    assert sorted(store.list_keys()) == ["k", "r"]
    assert redis.dbsize() == 3


def test_members_that_are_counted_are_counted_in_a_key_that_is_not_listed(port, redis) -> None:
    stores = [TCPStore("127.0.0.1", port, 2, is_master=False, timeout=PATIENCE) for _ in range(2)]
    assert redis.get("init/") == b"2"
    assert (stores[0].num_keys(), stores[0].list_keys()) == (1, [])


# Waiting


def test_a_wait_is_ended_by_whoever_sets_the_key(port, store, redis) -> None:
    other = open_store(port)
    with ThreadPoolExecutor() as pool:
        waits = [pool.submit(store.wait, ["a", "b"]), pool.submit(other.get, "b")]
        until(waiting(redis, 2))
        redis.set("b", "v")
        assert waits[1].result() == b"v"
        open_store(port).set("a", "v")
        assert waits[0].result() is None


@pytest.mark.parametrize("timeout", [timedelta(), SHORT])
def test_a_wait_that_is_in_vain(store, redis, timeout: timedelta) -> None:
    store.set("b", "v")
    milliseconds = round(timeout.total_seconds() * 1000)
    for _ in range(3):
        with pytest.raises(DistStoreError, match=rf"^wait timeout after {milliseconds}ms, keys: /a, /b$"):
            store.wait(["a", "b"], timeout)
        assert store.get("b") == b"v"
    assert redis.info("clients")["blocked_clients"] == 0


def test_a_wait_is_over_only_when_all_keys_are_there_at_one_moment(store, redis) -> None:
    """TCPStore counts each missing key once (C10D.md, section 4)."""
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(store.wait, ["a", "b"])
        until(waiting(redis, 1))
        redis.set("a", "1")
        redis.delete("a")
        redis.set("b", "1")
        assert waiting(redis, 1)()
        assert not wait.done()
        redis.set("a", "1")
        wait.result()


def test_a_wrong_expectation_wakes_nobody(port, store, redis) -> None:
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(store.get, "k")
        until(waiting(redis, 1))
        assert open_store(port).compare_set("k", "x", "y") == b"x"
        assert waiting(redis, 1)()
        redis.set("k", "v")
        assert wait.result() == b"v"


def test_client_unblock(store, redis) -> None:
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(store.wait, ["k"])
        until(waiting(redis, 1))
        (client,) = [client for client in redis.client_list() if client["flags"] == "b"]
        assert redis.client_unblock(client["id"])
        with pytest.raises(RuntimeError, match="Stop_waiting response is expected"):
            wait.result()
    store.set("k", "v")
    assert store.get("k") == b"v"


# Queues


def test_a_queue_is_a_list(store, redis) -> None:
    for item in (b"1", b"", BINARY):
        store.queue_push("q", item)
    redis.rpush("q", "last")
    assert store.queue_len("q") == redis.llen("q") == 4
    assert [store.queue_pop("q") for _ in range(4)] == [b"1", b"", BINARY, b"last"]
    assert store.queue_len("q") == 0
    with pytest.raises(QueueEmptyError, match=r"^queue is empty$"):
        store.queue_pop("q", block=False)
    store.set_timeout(SHORT)
    with pytest.raises(DistStoreError, match=r"^wait timeout after 100ms, keys: /q$"):
        store.queue_pop("q")


def test_each_item_is_for_one_of_many(port, store, redis) -> None:
    consumers = [open_store(port) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        pops = [pool.submit(consumer.queue_pop, "q") for consumer in consumers]
        until(waiting(redis, 8))
        for item in range(4):
            store.queue_push("q", str(item))
        redis.rpush("q", "4", "5", "6", "7")
        assert sorted(pop.result() for pop in pops) == [b"%d" % item for item in range(8)]
    assert store.queue_len("q") == 0


def test_popping_ends_no_later_wait(port, store, redis) -> None:
    """TCPStore's push to a queue ends an unrelated wait of who once waited for it (C10D.md, section 4)."""
    consumer = open_store(port)
    with ThreadPoolExecutor() as pool:
        pop = pool.submit(consumer.queue_pop, "q")
        until(waiting(redis, 1))
        store.queue_push("q", "1")
        assert pop.result() == b"1"
        store.queue_push("q", "2")
        with pytest.raises(DistStoreError, match="wait timeout"):
            consumer.wait(["k"], SHORT)


# Barriers


def test_barrier(port, redis) -> None:
    stores = [open_store(port) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        arrivals = [pool.submit(store.barrier, "b", 8) for store in stores[1:]]
        until(waiting(redis, 7))
        assert redis.execute_command("BARRIERLIST") == [b"b"]
        info = redis.execute_command("BARRIERINFO", "b")  # a dictionary or a list, as the version of redis-py has it
        assert 8 in (info.values() if isinstance(info, dict) else info)
        assert not any(arrival.done() for arrival in arrivals)
        stores[0].barrier("b", 8)
        for arrival in arrivals:
            arrival.result()
    assert redis.get("b") == b"8"
    stores[0].barrier("b", 8)


def test_a_barrier_at_which_somebody_is_missing(store) -> None:
    with pytest.raises(DistStoreError, match=r"^barrier timeout after 100ms, key: b$"):
        store.barrier("b", 2, SHORT)
    store.barrier("b", 2, SHORT)
    store.barrier("c", 0)


# More than one


def test_prefixes(store, redis) -> None:
    prefixed = PrefixStore("a", PrefixStore("b", store))
    prefixed.set("k", "v")
    assert redis.keys() == [b"b/a/k"]
    assert prefixed.get("k") == b"v"
    with pytest.raises(DistStoreError, match=r"^wait timeout after 100ms, keys: /b/a/nope$"):
        prefixed.wait(["nope"], SHORT)


def test_the_server_goes(server: RunningServer) -> None:
    with respstore_server() as own:
        store = open_store(own.port)
        with ThreadPoolExecutor() as pool, own.client() as redis:
            wait = pool.submit(store.wait, ["k"])
            until(waiting(redis, 1))
            own.process.terminate()
            with pytest.raises(DistNetworkError, match=GONE):
                wait.result()


# Who may come, and to which keys


def test_a_password_keeps_them_out_but_for_a_port_that_says_otherwise() -> None:
    with respstore_server("--requirepass", "secret") as own, own.client(password="secret") as redis:
        with pytest.raises(DistNetworkError):
            open_store(own.port, SHORT)
        port = redis.execute_command("C10D", "OPEN", "job", "NOAUTH")
        store = open_store(port)
        store.set("k", "v")
        assert store.get("k") == b"v"
        assert redis.get("job/k") == b"v"


@pytest.fixture
def namespace(redis) -> Iterator[Callable[[str], int]]:
    opened: list[str] = []

    def open_namespace(name: str) -> int:
        opened.append(name)
        return redis.execute_command("C10D", "OPEN", name)

    yield open_namespace
    for name in set(opened):
        redis.execute_command("C10D", "CLOSE", name, "DELETE")


def test_jobs_are_apart(redis, namespace) -> None:
    one, other = (open_store(namespace(name)) for name in ("one", "other"))
    one.set("k", "1")
    other.set("k", "2")
    one.queue_push("q", "i")
    assert (one.get("k"), other.get("k")) == (b"1", b"2")
    assert (one.num_keys(), one.list_keys()) == (1, ["k"])
    assert other.queue_len("q") == 0
    assert redis.mget("one/k", "other/k") == [b"1", b"2"]
    one.barrier("b", 1)
    with pytest.raises(DistStoreError, match=r"^barrier timeout after 100ms, key: b$"):
        other.barrier("b", 2, SHORT)


def test_a_job_that_is_over(redis, namespace) -> None:
    store = open_store(namespace("job"))
    store.set("k", "v")
    redis.set("k", "v")
    assert redis.execute_command("C10D", "CLOSE", "job", "DELETE")
    with pytest.raises(DistNetworkError):
        store.get("k")
    assert redis.keys() == [b"k"]
    assert open_store(namespace("job")).num_keys() == 0
