"""redis-py works on respstore as on redis-server: sync and asyncio, RESP2 and RESP3, bytes and text.

Each test runs on both servers; redis-server is the control, which shows that a test asks only for what Redis does.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
import redis.asyncio
from redis.exceptions import ResponseError, WatchError

from compat.redis.harness import Harness

Connect = Callable[..., redis.Redis]


@pytest.fixture(params=["respstore", "redis"])
def port(harness: Harness, request: pytest.FixtureRequest) -> int:
    pair = harness.pair()
    side = pair.redis if request.param == "redis" else pair.respstore
    side.ask(b"FLUSHALL")
    return side.port


@pytest.fixture(params=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    return int(request.param[-1])


@pytest.fixture
def connect(port: int, protocol: int) -> Iterator[Connect]:
    clients = []

    def open_client(**options: object) -> redis.Redis:
        defaults = {"port": port, "protocol": protocol, "decode_responses": True, "socket_timeout": 20}
        clients.append(redis.Redis(**{**defaults, **options}))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def in_threads(work: Callable[[int], None], count: int) -> None:
    """Run `work(0)` to `work(count - 1)` at the same time; raise what one of them raises."""
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads), "a client still waits"
    if errors:
        raise errors[0]


@pytest.mark.parametrize("decode", [True, False])
def test_values_come_back_as_they_went(connect: Connect, decode: bool) -> None:
    client = connect(decode_responses=decode)
    text: Callable[[str], object] = str if decode else str.encode

    assert client.set("key", "välue", px=100_000)
    assert client.get("key") == text("välue")
    assert 0 < client.pttl("key") <= 100_000
    assert client.get("missing") is None
    assert client.mset({"a": 1, "b": 2.5})
    assert client.mget("a", "missing", "b") == [text("1"), None, text("2.5")]
    assert client.incrbyfloat("b", 0.5) == 3.0
    assert client.rpush("list", "x", "y", "z") == 3
    assert client.lrange("list", 0, -1) == [text("x"), text("y"), text("z")]
    assert client.lmpop(2, "missing", "list", direction="RIGHT", count=2) == [text("list"), [text("z"), text("y")]]
    assert client.blpop(["list"], 1) in ((text("list"), text("x")), [text("list"), text("x")])
    assert client.blpop(["list"], 0.01) is None
    assert client.type("a") == text("string")
    assert sorted(client.keys("*")) == [text("a"), text("b"), text("key")]


def test_bytes_survive(connect: Connect) -> None:
    client = connect(decode_responses=False)
    every_byte = bytes(range(256)) * 5

    client.set(every_byte, every_byte)
    client.rpush("list", every_byte)

    assert client.get(every_byte) == every_byte
    assert client.lpop("list") == every_byte


def test_a_value_of_many_megabytes(connect: Connect) -> None:
    client = connect(decode_responses=False)
    value = b"0123456789abcdef" * (1 << 20)

    client.set("key", value)

    assert client.strlen("key") == len(value)
    assert client.get("key") == value


def test_errors_are_redis_py_exceptions(connect: Connect) -> None:
    client = connect()
    client.rpush("list", "x")

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        client.get("list")
    with pytest.raises(ResponseError, match="unknown command"):
        client.execute_command("NO SUCH")
    with pytest.raises(ResponseError, match="no such key"):
        client.rename("missing", "other")


@pytest.mark.parametrize("transaction", [True, False])
def test_a_pipeline(connect: Connect, transaction: bool) -> None:
    client = connect()

    with client.pipeline(transaction=transaction) as pipeline:
        for number in range(1000):
            pipeline.rpush("list", number)
        pipeline.lrange("list", 0, -1)
        *lengths, numbers = pipeline.execute()

    assert lengths == list(range(1, 1001))
    assert numbers == [str(number) for number in range(1000)]


@pytest.mark.parametrize("transaction", [True, False])
def test_an_error_within_a_pipeline(connect: Connect, transaction: bool) -> None:
    client = connect()

    with client.pipeline(transaction=transaction) as pipeline:
        pipeline.set("key", "text").incr("key").get("key")
        first, second, third = pipeline.execute(raise_on_error=False)

    assert (first, third) == (True, "text")
    assert isinstance(second, ResponseError)


def test_a_transaction_that_watches(connect: Connect) -> None:
    client, other = connect(), connect()
    client.set("counter", 1)

    with client.pipeline() as pipeline:
        pipeline.watch("counter")
        value = int(pipeline.get("counter"))
        other.set("counter", 10)
        pipeline.multi()
        pipeline.set("counter", value + 1)
        with pytest.raises(WatchError):
            pipeline.execute()

    assert client.get("counter") == "10"


def test_optimistic_increments_of_many_threads_are_all_counted(connect: Connect) -> None:
    clients = [connect() for _ in range(4)]

    def increment(pipeline: redis.client.Pipeline) -> None:
        value = int(pipeline.get("counter") or 0)
        pipeline.multi()
        pipeline.set("counter", value + 1)

    def work(number: int) -> None:
        for _ in range(25):
            clients[number].transaction(increment, "counter")

    in_threads(work, 4)

    assert clients[0].get("counter") == "100"


def test_workers_that_wait_for_jobs(connect: Connect) -> None:
    workers = [connect() for _ in range(5)]
    boss = connect()

    def work(number: int) -> None:
        while True:
            _, job = workers[number].blpop(["urgent", "jobs"], timeout=20)
            if job == "stop":
                return
            workers[number].rpush("done", job)

    def give_out(_: int) -> None:
        for job in range(200):
            boss.rpush("urgent" if job % 7 == 0 else "jobs", job)
        boss.rpush("jobs", *["stop"] * len(workers))

    in_threads(lambda number: work(number) if number < len(workers) else give_out(number), len(workers) + 1)

    assert sorted(map(int, boss.lrange("done", 0, -1))) == list(range(200))


def test_a_lock_without_scripts(connect: Connect) -> None:
    clients = [connect() for _ in range(4)]
    inside: list[int] = []
    seen: list[int] = []

    def release(client: redis.Redis, token: str) -> None:
        def delete_if_ours(pipeline: redis.client.Pipeline) -> None:
            ours = pipeline.get("lock") == token
            pipeline.multi()
            if ours:
                pipeline.delete("lock")
                pipeline.rpush("released", token)

        client.transaction(delete_if_ours, "lock")

    def work(number: int) -> None:
        client = clients[number]
        for _ in range(10):
            token = uuid.uuid4().hex
            while not client.set("lock", token, nx=True, px=10_000):
                client.blpop("released", timeout=0.05)
            inside.append(number)
            seen.append(len(inside))
            inside.pop()
            release(client, token)

    in_threads(work, 4)

    assert seen == [1] * 40


def test_scan_iter_meets_every_key_once(connect: Connect) -> None:
    client = connect()
    client.mset({f"key:{number}": number for number in range(1000)})
    client.rpush("list", "x")

    assert sorted(client.scan_iter(count=50)) == sorted([f"key:{number}" for number in range(1000)] + ["list"])
    assert sorted(client.scan_iter(match="key:99*")) == sorted(["key:99", *(f"key:99{n}" for n in range(10))])
    assert list(client.scan_iter(_type="list")) == ["list"]


def test_what_redis_py_parses(connect: Connect) -> None:
    client = connect(client_name="tester", db=3)
    client.set("key", "value")
    own_id = client.client_id()

    assert client.info()["redis_version"].startswith("7.0.")
    assert client.info("keyspace")["db3"]["keys"] == 1
    assert client.client_getname() == "tester"
    assert own_id in {int(entry["id"]) for entry in client.client_list()}
    assert client.client_info()["db"] in (3, "3")
    assert client.config_get("maxclients")["maxclients"] == "10000"
    assert client.config_set("maxmemory-samples", 7)
    assert client.config_set("maxmemory-samples", 5)
    assert client.object("encoding", "key") == "embstr"
    assert client.command_count() == len(client.command())
    assert client.command()["get"]["arity"] == 2
    assert client.dbsize() == 1
    assert abs(client.time()[0] - 1_500_000_000) < 10**9
    assert client.lcs("key", "key") == "value"
    assert client.expiretime("key") == -1
    assert client.memory_usage("key") > 0
    assert client.echo("x") == "x"
    assert client.swapdb(3, 4)
    assert client.ping()


def test_url_and_health_checks(port: int, protocol: int) -> None:
    url = f"redis://127.0.0.1:{port}/5?protocol={protocol}&health_check_interval=1&decode_responses=True"
    with redis.Redis.from_url(url) as client:
        client.set("key", "value")

        assert client.get("key") == "value"
        assert client.info("keyspace")["db5"]["keys"] == 1


def test_a_client_goes_on_after_its_connection_was_killed(connect: Connect) -> None:
    client, other = connect(), connect()

    other.client_kill_filter(_id=client.client_id())

    assert client.ping()


def test_asyncio(port: int, protocol: int) -> None:
    async def worker(client: redis.asyncio.Redis) -> int:
        done = 0
        while (await client.blpop("jobs", timeout=20))[1] != "stop":
            done += 1
        return done

    async def main() -> None:
        async with redis.asyncio.Redis(port=port, protocol=protocol, decode_responses=True) as client:
            workers = [asyncio.create_task(worker(client)) for _ in range(10)]
            for job in range(100):
                await client.rpush("jobs", job)
            await client.rpush("jobs", *["stop"] * 10)
            assert sum(await asyncio.gather(*workers)) == 100

            async with client.pipeline(transaction=True) as pipeline:
                results = await pipeline.set("key", 1).incr("key").get("key").execute()
            assert results == [True, 2, "2"]

            await client.mset({f"key:{number}": number for number in range(100)})
            assert len([key async for key in client.scan_iter(match="key:*", count=7)]) == 100

            with pytest.raises(ResponseError, match="WRONGTYPE"):
                await client.lpush("key", "x")

    asyncio.run(asyncio.wait_for(main(), 30))


def test_asyncio_transaction_that_watches(port: int, protocol: int) -> None:
    async def increment(pipeline: redis.asyncio.client.Pipeline) -> None:
        value = int(await pipeline.get("counter") or 0)
        pipeline.multi()
        pipeline.set("counter", value + 1)

    async def main() -> None:
        async with redis.asyncio.Redis(port=port, protocol=protocol, decode_responses=False) as client:
            await asyncio.gather(*(client.transaction(increment, "counter") for _ in range(20)))
            assert await client.get("counter") == b"20"

    asyncio.run(asyncio.wait_for(main(), 30))


def test_messages_of_channels_and_patterns(connect: Connect) -> None:
    publisher, listener = connect(), connect().pubsub()
    listener.subscribe("news")
    listener.psubscribe("n*")
    assert [listener.get_message(timeout=20)["data"] for _ in range(2)] == [1, 2]

    assert publisher.pubsub_channels() == ["news"]
    assert publisher.publish("news", "hello") == 2
    assert listener.get_message(timeout=20) == {
        "type": "message",
        "pattern": None,
        "channel": "news",
        "data": "hello",
    }
    assert listener.get_message(timeout=20) == {
        "type": "pmessage",
        "pattern": "n*",
        "channel": "news",
        "data": "hello",
    }
    listener.close()


def test_keyspace_notifications(connect: Connect) -> None:
    client, listener = connect(), connect().pubsub()
    client.config_set("notify-keyspace-events", "KEx$")
    try:
        listener.psubscribe("__key*@0__:*")
        assert listener.get_message(timeout=20)["type"] == "psubscribe"
        client.set("k", "v", px=1)
        events = [listener.get_message(timeout=20) for _ in range(4)]
    finally:
        client.config_set("notify-keyspace-events", "")
        listener.close()

    assert [(event["channel"], event["data"]) for event in events] == [
        ("__keyspace@0__:k", "set"),
        ("__keyevent@0__:set", "k"),
        ("__keyspace@0__:k", "expired"),
        ("__keyevent@0__:expired", "k"),
    ]
