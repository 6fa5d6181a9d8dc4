"""Numbers: what respstore reads and prints beside INCRBY, INCRBYFLOAT, HINCRBYFLOAT and ZSCORE of a real redis-server.

The numbers are random, from a fixed seed: all forms and sizes, and bytes that are nearly a number.
"""

import struct
from collections.abc import Iterator
from random import Random

import pytest
import redis

from compat.servers import redis_server
from respstore.numbers import (
    format_double,
    format_long_double,
    parse_float,
    parse_integer,
    parse_long_double,
)

BATCHES, BATCH = 40, 200


@pytest.fixture(scope="module")
def client() -> Iterator[redis.Redis]:
    # Small sorted sets would keep -0 as the integer 0.
    with redis_server("--zset-max-listpack-entries", "0") as server, server.client(protocol=2) as client:
        client.response_callbacks.clear()  # redis-py would turn scores into floats; what is compared is their text
        yield client


def random_number(rng: Random) -> bytes:
    def digits(most: int) -> int:
        return rng.randrange(10 ** rng.randrange(1, most))

    def bits(most: int) -> int:
        return rng.getrandbits(rng.randrange(1, most))

    double = struct.unpack("d", rng.randbytes(8))[0]
    halves = rng.choice(["", ".5", ".25", ".75", ".4" + "9" * 30, ".5" + "0" * 30 + "1"])
    forms = [
        f"{digits(25)}",
        f"{digits(20)}.{digits(20)}",
        f"{rng.uniform(0, 1000):.2f}",
        f"{rng.uniform(0, 10) * 10.0 ** rng.randrange(-20, 20):.{rng.randrange(1, 25)}g}",
        f"{digits(22)}e{rng.randrange(-40, 40)}",
        f"{digits(22)}e{rng.randrange(-4980, 4940)}",
        f"0x{bits(80):x}.{bits(80):x}p{rng.randrange(-200, 100)}",
        f"0x{bits(80):x}p{rng.randrange(-16500, 16400)}",
        f"{2 ** rng.randrange(50, 70) + rng.randrange(-3, 4)}{halves}",
        f"0.{'0' * rng.randrange(20)}{digits(10)}",
        f"{double!r}",
        "".join(rng.choices("0123456789.eE+-xXpPinfatyINF _\x00", k=rng.randrange(8))),
    ]
    return (rng.choice(["", "", "-", "+"]) + rng.choice(forms)).encode()


def random_integer(rng: Random) -> bytes:
    edge = rng.choice([-1, 1]) * 2 ** rng.randrange(70) + rng.randrange(-2, 3)
    padded = rng.choice(["", "-", "0", "+", " "]) + str(rng.randrange(10 ** rng.randrange(1, 22)))
    noise = "".join(rng.choices("0123456789-+ _", k=rng.randrange(5)))
    return rng.choice([str(edge), padded, noise]).encode()


def expected_sum(first: bytes, second: bytes) -> bytes | None:
    one, two = parse_long_double(first), parse_long_double(second)
    if one is None or two is None or not (one + two).finite:
        return None
    return format_long_double(one + two)


def succeeded(reply: object) -> object:
    return None if isinstance(reply, redis.ResponseError) else reply


def test_incrbyfloat_and_hincrbyfloat_give_the_same_sums(client: redis.Redis) -> None:
    rng = Random(1)
    for _ in range(BATCHES):
        pairs = [(random_number(rng), random_number(rng)) for _ in range(BATCH)]
        pipeline = client.pipeline(transaction=False)
        for first, second in pairs:
            pipeline.execute_command("SET", "string", first)
            pipeline.execute_command("INCRBYFLOAT", "string", second)
            pipeline.execute_command("HSET", "hash", "field", first)
            pipeline.execute_command("HINCRBYFLOAT", "hash", "field", second)
        replies = pipeline.execute(raise_on_error=False)
        for pair, sum_of_strings, sum_of_fields in zip(pairs, replies[1::4], replies[3::4], strict=True):
            assert expected_sum(*pair) == succeeded(sum_of_strings), pair
            # HINCRBYFLOAT alone refuses an infinite increment, with an error of its own; both are errors.
            assert expected_sum(*pair) == succeeded(sum_of_fields), pair


def test_scores_are_the_same(client: redis.Redis) -> None:
    rng = Random(2)
    for _ in range(BATCHES):
        texts = [random_number(rng) for _ in range(BATCH)]
        pipeline = client.pipeline(transaction=False)
        for text in texts:
            pipeline.execute_command("DEL", "sorted set")
            pipeline.execute_command("ZADD", "sorted set", text, "member")
            pipeline.execute_command("ZSCORE", "sorted set", "member")
        for text, score in zip(texts, pipeline.execute(raise_on_error=False)[2::3], strict=True):
            number = parse_float(text)
            assert (None if number is None else format_double(number)) == score, text


def test_integers_are_the_same(client: redis.Redis) -> None:
    rng = Random(3)
    for _ in range(BATCHES):
        texts = [random_integer(rng) for _ in range(BATCH)]
        pipeline = client.pipeline(transaction=False)
        for text in texts:
            pipeline.execute_command("SET", "string", text)
            pipeline.execute_command("INCRBY", "string", "0")
        for text, number in zip(texts, pipeline.execute(raise_on_error=False)[1::2], strict=True):
            assert parse_integer(text) == succeeded(number), text
