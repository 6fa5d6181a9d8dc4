"""What was denied: what counts as the same, and how much is kept."""

import attrs
import pytest

from respstore.config import Config
from respstore.engine.acl.log import GROUPED_MS, LONGEST, LOOKED_AT, LogEntry, SecurityLog
from respstore.engine.acl.selector import Reason

EVENT = LogEntry(Reason.KEY, "toplevel", b"k", b"alice", "id=1", 1000)


@pytest.fixture
def log() -> SecurityLog:
    return SecurityLog(Config())


def test_the_latest_comes_first(log: SecurityLog) -> None:
    for name in (b"a", b"b", b"c"):
        log.add(attrs.evolve(EVENT, object=name))
    assert [entry.object for entry in log.entries] == [b"c", b"b", b"a"]


def test_what_happens_again_is_counted(log: SecurityLog) -> None:
    log.add(attrs.evolve(EVENT))
    log.add(attrs.evolve(EVENT, object=b"other"))
    log.add(attrs.evolve(EVENT, client="id=2", time=2000))
    first, second = log.entries
    assert (first.object, first.count, first.client, first.time) == (b"k", 2, "id=2", 2000)
    assert (second.object, second.count) == (b"other", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": Reason.CHANNEL},
        {"context": "multi"},
        {"object": b"other"},
        {"username": b"bob"},
        {"time": EVENT.time + GROUPED_MS + 1},
    ],
)
def test_what_differs_is_another_event(log: SecurityLog, change: dict[str, object]) -> None:
    log.add(attrs.evolve(EVENT))
    log.add(attrs.evolve(EVENT, **change))
    assert [entry.count for entry in log.entries] == [1, 1]


def test_a_minute_counts_from_the_last_time(log: SecurityLog) -> None:
    for number in range(3):
        log.add(attrs.evolve(EVENT, time=EVENT.time + number * GROUPED_MS))
    assert [entry.count for entry in log.entries] == [3]


def test_only_the_latest_entries_are_looked_at(log: SecurityLog) -> None:
    log.add(attrs.evolve(EVENT))
    for number in range(LOOKED_AT - 1):
        log.add(attrs.evolve(EVENT, object=b"%d" % number))
    log.add(attrs.evolve(EVENT))
    assert log.entries[0].count == 2
    for number in range(LOOKED_AT):
        log.add(attrs.evolve(EVENT, object=b"new %d" % number))
    log.add(attrs.evolve(EVENT))
    assert log.entries[0].count == 1


def test_what_is_long_is_cut(log: SecurityLog) -> None:
    for ending in (b"a", b"b"):
        log.add(attrs.evolve(EVENT, object=b"k" * LONGEST + ending, username=b"u" * LONGEST + ending))
    (entry,) = log.entries
    assert (entry.object, entry.username, entry.count) == (b"k" * LONGEST, b"u" * LONGEST, 2)


def test_it_is_no_longer_than_the_option_says() -> None:
    config = Config()
    log = SecurityLog(config)
    config.acllog_max_len = 2
    for name in (b"a", b"b", b"c"):
        log.add(attrs.evolve(EVENT, object=name))
    assert [entry.object for entry in log.entries] == [b"c", b"b"]
    config.acllog_max_len = 0
    log.add(attrs.evolve(EVENT, object=b"c"))
    assert len(log.entries) == 2  # until something new is added, as in Redis
    log.add(attrs.evolve(EVENT))
    assert log.entries == []
