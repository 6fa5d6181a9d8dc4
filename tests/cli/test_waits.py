"""What a server tells of who waits, and how it is shown."""

import pytest

from respstore.cli.addresses import connect
from respstore.cli.waits import NoWaitsError, duration, read_waits, shown
from tests.cli.programs import served
from tests.cli.waiting import barrier, knowing, parked
from tests.ports.strangers import answering, info


def test_reads_barriers_of_all_databases_and_all_who_wait():
    requests = (
        ("0 trainer-0", "BARRIER", "epoch", 4, "MEMBER", 0),
        ("BLPOP", "q", "r", 0),
        ("3 trainer-3", "BARRIER", "epoch", 2),
        ("0 trainer-2", "BARRIER", "epoch", 4, "MEMBER", 2),
    )
    with served() as address, parked(address, *requests), connect(str(address)) as client:
        barriers, waiters = read_waits(client)

    first, second = barriers
    assert (first.name, first.db, first.epoch, first.parties) == ("epoch", 0, 0, 4)
    assert (first.members, first.missing, first.gave_up) == (["0", "2"], [1, 3], [])
    assert [waiter.name for waiter in first.waiters] == ["trainer-0", "trainer-2"]
    assert 0 <= first.waiters[1].waiting_s <= first.waiters[0].waiting_s <= first.waiting_s
    assert (second.name, second.db, second.arrived, second.missing) == ("epoch", 3, "1 of 2", None)
    assert [(waiter.db, waiter.command, waiter.keys) for waiter in waiters] == [
        (0, "barrier", ["epoch"]),
        (0, "blpop", ["q", "r"]),
        (3, "barrier", ["epoch"]),
        (0, "barrier", ["epoch"]),
    ]
    assert [waiter.member for waiter in waiters] == ["0", None, f"client:{waiters[2].client}", "2"]
    assert waiters[0].addr.startswith("127.0.0.1:")


def test_a_name_may_be_any_bytes():
    with served() as address, parked(address, ("BARRIER", b"\xff\x1b[2J", 2)), connect(str(address)) as client:
        (found,), _ = read_waits(client)

    assert found.name == "\udcff\x1b[2J"
    assert shown(found.name) == "\\xff\\x1b[2J"


def test_nobody_waits():
    with served() as address, connect(str(address)) as client:
        assert read_waits(client) == ([], [])


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            {"WAITLIST": b"-ERR unknown command 'WAITLIST'\r\n", "INFO": info(redis_version="7.0.15")},
            "this is Redis 7.0.15, which has no barriers and does not tell who waits",
        ),
        (
            {"WAITLIST": b"-NOPERM this user may not\r\n"},
            "it does not tell who waits: this user may not",
        ),
    ],
)
def test_says_why_a_server_does_not_tell(answers, reason):
    with (
        answering(knowing(**answers)) as port,
        connect(f"127.0.0.1:{port}") as client,
        pytest.raises(NoWaitsError) as caught,
    ):
        read_waits(client)

    assert str(caught.value) == reason


def test_a_barrier_that_was_released_meanwhile_is_left_out():
    row = b"*16\r\n" + b"".join(
        b"$%d\r\n%s\r\n%s" % (len(name), name, value)
        for name, value in (
            (b"client", b":1\r\n"),
            (b"name", b"$0\r\n\r\n"),
            (b"addr", b"$3\r\na:1\r\n"),
            (b"command", b"$7\r\nbarrier\r\n"),
            (b"db", b":0\r\n"),
            (b"keys", b"*1\r\n$1\r\nk\r\n"),
            (b"member", b"$1\r\n0\r\n"),
            (b"waiting_s", b"$3\r\n1.5\r\n"),
        )
    )

    def answer(data: bytes) -> bytes:
        if b"EXEC" in data:
            return b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n*-1\r\n"
        return b"*1\r\n" + row if b"WAITLIST" in data else b"+OK\r\n" * data.count(b"SETINFO")

    with answering(answer) as port, connect(f"127.0.0.1:{port}") as client:
        barriers, (waiter,) = read_waits(client)

    assert barriers == []
    assert (waiter.member, waiter.waiting_s) == ("0", 1.5)


@pytest.mark.parametrize(
    ("fields", "absent"),
    [
        ({}, "1, 2"),
        ({"missing": [2], "gave_up": ["1"]}, "2, gave up: 1"),
        ({"missing": [], "gave_up": ["1", "2"]}, "gave up: 1, 2"),
        ({"members": ["a"], "missing": None}, "3 more"),
        ({"members": ["a", "b", "c"], "missing": None, "gave_up": ["d"]}, "gave up: d"),
    ],
)
def test_says_who_is_absent(fields, absent):
    assert barrier(**fields).absent == absent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (12.34, "12.3 s"), (59.99, "60.0 s"), (245.9, "4 min 5 s"), (11045, "3 h 4 min")],
)
def test_says_durations_for_people(seconds, text):
    assert duration(seconds) == text
