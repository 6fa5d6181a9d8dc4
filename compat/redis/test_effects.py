"""The same random commands leave the same effects in the append-only files of both servers, and the same data in both.

Then respstore loads its file again, and a redis-server runs what is in it: the data is the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from compat.redis.harness import Harness
from compat.redis.pair import Side
from compat.redis.strategies import examples
from compat.redis.strategies.pieces import Step
from compat.redis.test_generated import LONG, SEED, as_script, commands, differing_keys, play
from compat.servers import redis_server
from respstore.persistence.aof.reader import read_units

PATIENCE = 5.0
"""Seconds."""
TIME_DIGITS = 13
"""A number of so many digits is a time of now or soon, which is another on each server."""
HLL_SIZE = b"hll-sparse-max-bytes"


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    with Harness("--appendonly", "yes", "--appendfsync", "no") as harness:
        yield harness


@pytest.mark.timeout(3600)
def test_effects_are_the_same_and_lead_to_the_same_data(harness: Harness) -> None:
    names = commands(harness) - {"bgrewriteaof", "bgsave", "config|rewrite", "config|set", "save"}
    with redis_server("--enable-debug-command", "yes") as third:
        replica = Side("replica", third.port)

        @seed(SEED)
        @settings(
            max_examples=1000 if LONG else 60,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(examples(names))
        def compare(steps: list[Step]) -> None:
            pair = harness.pair()
            files = [(side, File(side)) for side in pair.sides]
            play(harness, 2, steps)
            told = {side.name: file.read() for side, file in files}
            script = "\n".join(as_script(steps))
            assert plain(told["respstore"]) == plain(told["redis"]), script
            configure_alike(replica, pair.respstore)
            run(replica, told["respstore"])
            assert hold_the_same(replica, pair.respstore), script
            assert pair.respstore.ask(b"DEBUG", b"LOADAOF").text == "OK"
            assert differing_keys(pair) == [], script

        compare()
        replica.close()


class File:
    """What a server writes from now on."""

    def __init__(self, side: Side) -> None:
        folder = side.ask(b"CONFIG", b"GET", b"dir").parts[1].text
        (self._path,) = Path(folder, "appendonlydir").glob("*.incr.aof")
        self._begin = self._path.stat().st_size

    def read(self) -> list[list[bytes]]:
        """The commands."""
        data = self._path.read_bytes()
        return [words for unit in read_units(data, self._begin) for words in unit.commands]


def configure_alike(side: Side, other: Side) -> None:
    """Have a server make of the same commands the very same data as another: a HyperLogLog is a string."""
    size = other.ask(b"CONFIG", b"GET", HLL_SIZE).parts[1].value
    assert side.ask(b"CONFIG", b"SET", HLL_SIZE, size).text == "OK"


def run(side: Side, effects: list[list[bytes]]) -> None:
    """Let a server run them."""
    side.ask(b"SELECT", b"0")
    for reply, words in zip(side.ask_all(effects), effects, strict=True):
        assert reply.kind != "-", (words, reply)


def hold_the_same(*sides: Side) -> bool:
    """Whether two servers hold the same data, or will as soon as keys that are about to expire are gone."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for side in sides:  # where nobody asks for them, dead keys stay
            side.ask_all([command for index in range(16) for command in ((b"SELECT", b"%d" % index), (b"KEYS", b"*"))])
        one, other = (side.ask(b"DEBUG", b"DIGEST") for side in sides)
        if one == other:
            return True
    return False


def plain(effects: list[list[bytes]]) -> list[list[bytes]]:
    """What must be the same, each behind its database, however it is written, and without what does nothing."""
    lines: list[list[bytes]] = []
    database = b"0"  # where a script begins; what the file was at before depends on when the last one's keys expired
    for effect in effects:
        words = [b"<time>" if word.isdigit() and len(word) == TIME_DIGITS else word.upper() for word in effect]
        name = words[0]
        if name == b"SELECT":
            database = words[1]
            continue
        if name == b"SET":
            words[3:] = sorted(set(words[3:]))
        elif name == b"RESTORE-ASKING":
            words[0] = b"RESTORE"
        elif name in (b"XADD", b"XTRIM"):
            words = without_limit([word for word in words if word != b"="])
            if words[2] == b"NOMKSTREAM":
                del words[2]
            place = 4 if words[2] in (b"MAXLEN", b"MINID") else 2
            ids = ([3] if words[2] == b"MINID" else []) + ([place] if name == b"XADD" else [])
            for at in ids:
                words[at] += b"-0" if words[at].isdigit() else b""
        elif name == b"SWAPDB" and int(words[1]) == int(words[2]):
            continue
        elif name == b"XGROUP" and words[1] in (b"SETID", b"CREATECONSUMER"):
            continue  # where Redis 7.0 leaves out what a group has read, and respstore does not
        lines.append([database, *words])
    return lines


def without_limit(words: list[bytes]) -> list[bytes]:
    """Exact trimming knows none: Redis could not load that."""
    if b"LIMIT" not in words:
        return words
    place = words.index(b"LIMIT")
    return [*words[:place], *words[place + 2 :]]
