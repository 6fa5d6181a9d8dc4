"""BARRIER and its kin as clients see them: what is answered, and what becomes of a barrier when a waiter ends."""

from collections.abc import Callable
from random import Random

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NULL, OK, WRONG_TYPE, array, bulk, make_engine, pass_time, received, talk

PARKED = b""
NOTHING_YET = b""
NOT_AN_INTEGER = b"-ERR value is not an integer or out of range\r\n"


@pytest.fixture
def clients(engine: Engine) -> list[Session]:
    return [Session(engine) for _ in range(6)]


def passed(epoch: int, index: int) -> bytes:
    """BARRIER's reply."""
    return b"*2\r\n:%d\r\n:%d\r\n" % (epoch, index)


def is_empty(engine: Engine) -> bool:
    """Whether nobody waits, and nothing that somebody waited for is kept."""
    observed = any(db.observed for db in engine.keyspace.databases)
    room = engine.waiting
    return not (room or room.barriers or observed or room.ready or room.next_deadline() is not None)


def arrive(session: Session, request: bytes) -> None:
    assert talk(session, request) == PARKED


def info(session: Session, name: bytes = b"b") -> dict[str, object] | None:
    """BARRIERINFO, read from RESP2: integers and lists of them, texts, None."""
    reply = talk(session, b"BARRIERINFO", name).split(b"\r\n")
    if reply[0] == b"$-1":
        return None
    assert reply[0] == b"*16"
    position = 1

    def value() -> object:
        nonlocal position
        line = reply[position]
        position += 1
        if line[:1] == b":":
            return int(line[1:])
        if line[:1] == b"*":
            return [value() for _ in range(int(line[1:]))]
        if line == b"$-1":
            return None
        position += 1
        return reply[position - 1].decode()

    pairs = [value() for _ in range(16)]
    return {str(key): item for key, item in zip(pairs[::2], pairs[1::2], strict=True)}


# Passing


def test_the_last_to_arrive_releases_all_in_order_of_arrival(clients: list[Session]) -> None:
    for epoch in range(3):
        for client in clients[:3]:
            arrive(client, b"BARRIER b 4")
        assert talk(clients[3], b"BARRIER b 4") == passed(epoch, 3)
        assert [received(client) for client in clients[:3]] == [passed(epoch, index) for index in range(3)]
        assert talk(clients[0], b"GET b") == bulk(b"%d" % (epoch + 1))
        assert is_empty(clients[0].engine)


def test_one_alone_passes_at_once(session: Session) -> None:
    assert [talk(session, b"BARRIER b 1") for _ in range(3)] == [passed(epoch, 0) for epoch in range(3)]


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_pass_in_either_protocol(clients: list[Session], protocol: int) -> None:
    for client in clients:
        client.protocol = protocol
    arrive(clients[0], b"BARRIER b 2")
    assert talk(clients[1], b"barrier b 2 timeout 1.5 epoch 0 member 1") == passed(0, 1)
    assert received(clients[0]) == passed(0, 0)


def test_requests_behind_the_barrier_run_after_it(clients: list[Session]) -> None:
    first, second, _, *_ = clients
    first.receive_data(b"BARRIER b 2\r\nGET b\r\nBARRIER b 2\r\nGET b\r\n")
    first.engine.end_of_turn()
    assert received(first) == NOTHING_YET
    assert talk(second, b"BARRIER b 2") == passed(0, 1)
    assert received(first) == passed(0, 0) + bulk(b"1")
    assert talk(second, b"BARRIER b 2") == passed(1, 1)
    assert received(first) == passed(1, 0) + bulk(b"2")


def test_barriers_are_apart_by_name_and_database(clients: list[Session]) -> None:
    talk(clients[2], b"SELECT 1")
    arrive(clients[0], b"BARRIER b 2")
    arrive(clients[1], b"BARRIER c 2")
    arrive(clients[2], b"BARRIER b 2")
    assert talk(clients[3], b"BARRIER b 2") == passed(0, 1)
    assert [received(client) for client in clients[:3]] == [passed(0, 0), NOTHING_YET, NOTHING_YET]


def test_the_counter_is_a_plain_key(clients: list[Session]) -> None:
    talk(clients[0], b"SET b 41 EX 100")
    arrive(clients[0], b"BARRIER b 2")
    assert talk(clients[1], b"BARRIER b 2") == passed(41, 1)
    assert talk(clients[1], b"TYPE b") == b"+string\r\n"
    assert talk(clients[1], b"TTL b") == b":100\r\n"
    assert talk(clients[1], b"INCR b") == b":43\r\n"
    assert talk(clients[1], b"BARRIER b 1") == passed(43, 0)


def test_a_release_is_a_change_for_who_watches_or_waits_for_the_counter(clients: list[Session]) -> None:
    talk(clients[2], b"WATCH b")
    talk(clients[2], b"MULTI")
    arrive(clients[3], b"BGET b 0")
    arrive(clients[0], b"BARRIER b 2")
    talk(clients[1], b"BARRIER b 2")
    assert received(clients[3]) == array(b"1")
    assert talk(clients[2], b"EXEC") == b"*-1\r\n"


# Arguments


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (b"b 0", b"-ERR parties must be an integer from 1 to 1000000\r\n"),
        (b"b 1000001", b"-ERR parties must be an integer from 1 to 1000000\r\n"),
        (b"b x", b"-ERR parties must be an integer from 1 to 1000000\r\n"),
        (b"b 2 EPOCH -1", b"-ERR epoch must be an integer from 0 to 9223372036854775806\r\n"),
        (b"b 2 EPOCH 9223372036854775807", b"-ERR epoch must be an integer from 0 to 9223372036854775806\r\n"),
        (b"b 2 TIMEOUT -1", b"-ERR timeout is negative\r\n"),
        (b"b 2 TIMEOUT x", b"-ERR timeout is not a float or out of range\r\n"),
        (b"b 2 MEMBER", b"-ERR syntax error\r\n"),
        (
            b"b 2 FOREVER",
            b"-ERR unknown or repeated option 'FOREVER': BARRIER takes MEMBER id, EPOCH n and TIMEOUT seconds\r\n",
        ),
        (
            b"b 2 MEMBER 1 member 1",
            b"-ERR unknown or repeated option 'member': BARRIER takes MEMBER id, EPOCH n and TIMEOUT seconds\r\n",
        ),
        (b"b", b"-ERR wrong number of arguments for 'barrier' command\r\n"),
    ],
)
def test_arguments_are_judged_before_arrival(session: Session, arguments: bytes, error: bytes) -> None:
    talk(session, b"RPUSH b x")
    assert talk(session, b"BARRIER " + arguments) == error
    assert is_empty(session.engine)


@pytest.mark.parametrize(
    ("before", "error"),
    [
        (b"RPUSH b x", WRONG_TYPE),
        (b"SET b x", NOT_AN_INTEGER),
        (b"SETRANGE b 0 x", NOT_AN_INTEGER),
        (b"SET b 9223372036854775807", b"-ERR increment or decrement would overflow\r\n"),
    ],
)
def test_what_cannot_count_is_no_barrier(session: Session, before: bytes, error: bytes) -> None:
    talk(session, before)
    assert talk(session, b"BARRIER b 1") == error
    assert talk(session, b"BARRIER b 2 EPOCH 1") == error
    assert talk(session, b"BARRIERINFO b") == error
    assert is_empty(session.engine)


def test_all_agree_on_how_many_have_to_come(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 4")
    assert talk(clients[1], b"BARRIER b 3") == b"-ERR barrier 'b' expects 4 parties, not 3\r\n"
    assert talk(clients[1], b"CLIENT UNBLOCK %d" % clients[0].id) == b":1\r\n"
    assert talk(clients[1], b"BARRIER b 1") == passed(0, 0)  # the next may do otherwise


# Members


def test_a_member_that_comes_again_takes_its_own_place(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 3 MEMBER 3")
    arrive(clients[1], b"BARRIER b 3 MEMBER 1")
    arrive(clients[2], b"BARRIER b 3 MEMBER 3")
    assert received(clients[0]) == b"-REPLACED member 3 arrived again from another connection\r\n"
    assert talk(clients[0], b"PING") == b"+PONG\r\n"
    assert talk(clients[3], b"BARRIER b 3 MEMBER 2") == passed(0, 2)
    assert [received(client) for client in clients[:3]] == [NOTHING_YET, passed(0, 1), passed(0, 0)]
    assert is_empty(clients[0].engine)


def test_who_was_replaced_may_go_without_harm(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 2 MEMBER x TIMEOUT 5")
    arrive(clients[1], b"BARRIER b 2 MEMBER x")
    clients[0].receive_eof()
    pass_time(clients[1].engine, 9)
    assert talk(clients[2], b"BARRIER b 2 MEMBER y") == passed(0, 1)
    assert received(clients[1]) == passed(0, 0)


def test_a_connection_is_a_member_of_its_own(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 3")
    arrive(clients[1], b"BARRIER b 3 MEMBER client:%d" % clients[0].id)  # not the same, though it is called so
    assert talk(clients[2], b"BARRIER b 3") == passed(0, 2)


def test_names_in_errors_can_be_printed(clients: list[Session]) -> None:
    member = b"a\x00\xff'\r\n\\"
    for client in clients[:2]:
        assert talk(client, b"BARRIER", b"n\x00\r\xc3\xa9", b"3", b"MEMBER", member) == PARKED
    shown = rb"'a\x00\xff\'\r\n\\'"
    assert received(clients[0]) == b"-REPLACED member %b arrived again from another connection\r\n" % shown
    assert talk(clients[2], b"BARRIER", b"n\x00\r\xc3\xa9", b"2") == (
        b"-ERR barrier 'n\\x00\\r\xc3\xa9' expects 3 parties, not 2\r\n"
    )


# Epochs


def test_who_is_late_for_an_epoch_is_told_so(clients: list[Session]) -> None:
    talk(clients[0], b"SET b 3")
    arrive(clients[0], b"BARRIER b 2 EPOCH 3")
    assert talk(clients[1], b"BARRIER b 2 EPOCH 2") == passed(2, -1)
    assert talk(clients[1], b"BARRIER b 7 EPOCH 0") == passed(0, -1)
    assert talk(clients[1], b"BARRIER b 2 EPOCH 5") == b"-ERR barrier 'b' is at epoch 3, not 5\r\n"
    assert talk(clients[1], b"BARRIER b 2 EPOCH 3") == passed(3, 1)
    assert received(clients[0]) == passed(3, 0)
    assert talk(clients[1], b"BARRIER b 2 EPOCH 3") == passed(3, -1)  # the reply was lost, say


def test_a_retry_does_not_count_twice(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 3 MEMBER 0 EPOCH 0")
    arrive(clients[1], b"BARRIER b 3 MEMBER 0 EPOCH 0")
    arrive(clients[2], b"BARRIER b 3 MEMBER 1 EPOCH 0")
    assert talk(clients[3], b"BARRIER b 3 MEMBER 2 EPOCH 0") == passed(0, 2)


def test_a_server_that_lost_the_counter_learns_it_from_the_first(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 3 EPOCH 7")
    arrive(clients[1], b"BARRIER b 3")
    assert talk(clients[2], b"BARRIER b 3 EPOCH 8") == b"-ERR barrier 'b' is at epoch 7, not 8\r\n"
    assert talk(clients[2], b"BARRIER b 3 EPOCH 6") == passed(6, -1)
    assert talk(clients[2], b"BARRIER b 3 EPOCH 7") == passed(7, 2)
    assert [received(client) for client in clients[:2]] == [passed(7, 0), passed(7, 1)]
    assert talk(clients[2], b"GET b") == bulk(b"8")


def test_an_epoch_is_not_adopted_from_a_second(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 2")
    assert talk(clients[1], b"BARRIER b 2 EPOCH 7") == b"-ERR barrier 'b' is at epoch 0, not 7\r\n"


def test_an_epoch_is_forgotten_with_those_who_named_it(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 2 EPOCH 7")
    clients[0].receive_eof()
    assert is_empty(clients[1].engine)
    assert talk(clients[1], b"BARRIER b 1") == passed(0, 0)


# The counter changes while somebody waits


BEYOND = b"-ERR barrier 'b' is at epoch 1, not 3\r\n"
GONE = [
    [b"DEL b"],
    [b"UNLINK b"],
    [b"FLUSHDB"],
    [b"FLUSHALL"],
    [b"RENAME b elsewhere"],
    [b"MOVE b 1"],
    [b"SWAPDB 0 1"],
    [b"PEXPIREAT b 1"],
    [b"MULTI", b"SET b 9", b"DEL b", b"EXEC"],
]


@pytest.mark.parametrize("requests", GONE)
def test_a_counter_that_goes_leaves_those_who_name_the_epoch_where_they_are(
    clients: list[Session], requests: list[bytes]
) -> None:
    doer = clients[5]
    talk(doer, b"SET b 3")
    arrive(clients[0], b"BARRIER b 3 EPOCH 3")
    arrive(clients[1], b"BARRIER b 3")
    for each in requests:
        talk(doer, each)
    assert talk(clients[2], b"BARRIER b 3") == passed(3, 2)
    assert [received(client) for client in clients[:2]] == [passed(3, 0), passed(3, 1)]
    assert talk(clients[2], b"GET b") == bulk(b"4")
    assert is_empty(doer.engine)


@pytest.mark.parametrize("requests", GONE)
def test_a_counter_that_goes_takes_those_who_name_none_to_the_start(
    clients: list[Session], requests: list[bytes]
) -> None:
    doer = clients[5]
    talk(doer, b"SET b 3")
    arrive(clients[0], b"BARRIER b 2")
    for each in requests:
        talk(doer, each)
    assert talk(clients[2], b"BARRIER b 2") == passed(0, 1)
    assert received(clients[0]) == passed(0, 0)
    assert talk(clients[2], b"GET b") == bulk(b"1")


def test_a_counter_that_expires(clients: list[Session], engine: Engine) -> None:
    talk(clients[5], b"SET b 3 EX 5")
    arrive(clients[0], b"BARRIER b 2")
    pass_time(engine, 5)
    assert info(clients[5]) is not None
    assert talk(clients[2], b"BARRIER b 2") == passed(0, 1)


@pytest.mark.parametrize(
    ("request_", "named", "unnamed"),
    [
        (b"SET b 4", passed(3, -1), passed(4, 0)),
        (b"INCR b", passed(3, -1), passed(4, 0)),
        (b"SET b 1", BEYOND, passed(1, 0)),
        (b"DECRBY b 2", BEYOND, passed(1, 0)),
        (b"SET b 3", passed(3, 0), passed(3, 1)),
        (b"APPEND b 0", passed(3, -1), passed(30, 0)),
        (b"COPY four b REPLACE", passed(3, -1), passed(4, 0)),
        (b"RENAME four b", passed(3, -1), passed(4, 0)),
    ],
)
def test_a_counter_that_is_set_decides_as_on_arrival(
    clients: list[Session], request_: bytes, named: bytes, unnamed: bytes
) -> None:
    doer = clients[5]
    talk(doer, b"MSET b 3 four 4")
    arrive(clients[0], b"BARRIER b 3 EPOCH 3")
    arrive(clients[1], b"BARRIER b 3")
    talk(doer, request_)
    heard = received(clients[0])
    for client in clients[2:5]:
        if talk(client, b"BARRIER b 3") != PARKED:
            break
    assert heard + received(clients[0]) == named
    assert received(clients[1]) == unnamed


@pytest.mark.parametrize(
    ("requests", "error"),
    [
        ([b"DEL b", b"RPUSH b x"], WRONG_TYPE),
        ([b"SET b x"], NOT_AN_INTEGER),
        ([b"APPEND b x"], NOT_AN_INTEGER),
        ([b"SET b 9223372036854775807"], b"-ERR increment or decrement would overflow\r\n"),
    ],
)
def test_a_counter_that_becomes_none(clients: list[Session], requests: list[bytes], error: bytes) -> None:
    talk(clients[5], b"SET b 3")
    arrive(clients[0], b"BARRIER b 3 EPOCH 3")
    arrive(clients[1], b"BARRIER b 3")
    for each in requests:
        talk(clients[5], each)
    assert [received(client) for client in clients[:2]] == [error, error]
    assert is_empty(clients[0].engine)


def test_databases_swapped_leave_waiters_where_they_are(clients: list[Session]) -> None:
    talk(clients[3], b"SET b 1")
    talk(clients[5], b"SELECT 1")
    talk(clients[5], b"SET b 9")
    arrive(clients[0], b"BARRIER b 2")
    arrive(clients[5], b"BARRIER b 2 EPOCH 9")
    talk(clients[3], b"SWAPDB 0 1")
    assert received(clients[5]) == b"-ERR barrier 'b' is at epoch 1, not 9\r\n"
    assert talk(clients[3], b"BARRIER b 2") == passed(9, 1)
    assert received(clients[0]) == passed(9, 0)


def test_a_transaction_that_changes_the_counter_and_then_arrives(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 2 EPOCH 0")
    arrive(clients[1], b"BARRIER c 2")
    for each in (b"MULTI", b"SET b 4", b"BARRIER b 2", b"SET c 4", b"BARRIER c 2", b"EXEC"):
        reply = talk(clients[5], each)
    assert reply == b"*4\r\n" + OK + NULL + OK + passed(4, 1)
    assert received(clients[0]) == passed(0, -1)
    assert received(clients[1]) == passed(4, 0)


# Ends without the others


def timed_out(name: bytes, epoch: int, state: bytes) -> bytes:
    return b"-TIMEOUT barrier '%b' epoch %d: %b\r\n" % (name, epoch, state)


def test_who_is_missing_is_said_when_the_time_is_over(clients: list[Session], engine: Engine) -> None:
    talk(clients[0], b"SET x 3")
    for rank, client in zip((0, 1, 3), clients, strict=False):
        arrive(client, b"BARRIER x 4 MEMBER %d%b" % (rank, b" TIMEOUT 10" if rank == 0 else b""))
    pass_time(engine, 9.999)
    assert received(clients[0]) == NOTHING_YET
    pass_time(engine, 0.001)
    assert received(clients[0]) == timed_out(b"x", 3, b"3 of 4 arrived after 10.0s; missing: 2")
    assert [received(client) for client in clients[1:3]] == [NOTHING_YET] * 2


def test_who_gave_up_is_not_missing(clients: list[Session], engine: Engine) -> None:
    for rank, client in zip((0, 1, 3), clients, strict=False):
        arrive(client, b"BARRIER x 4 MEMBER %d TIMEOUT %d" % (rank, 10 + rank))
    pass_time(engine, 10)
    assert received(clients[0]) == timed_out(b"x", 0, b"3 of 4 arrived after 10.0s; missing: 2")
    pass_time(engine, 1)
    assert received(clients[1]) == timed_out(b"x", 0, b"2 of 4 arrived after 11.0s; missing: 2; gave up before: 0")
    assert info(clients[5], b"x") == {
        "epoch": 0,
        "parties": 4,
        "arrived": 1,
        "members": ["3"],
        "missing": [2],
        "waiting_s": "11",
        "clients": [3],
        "gave_up": ["0", "1"],
    }
    arrive(clients[0], b"BARRIER x 4 MEMBER 0")  # there it is again
    pass_time(engine, 2)
    assert received(clients[2]) == timed_out(b"x", 0, b"2 of 4 arrived after 13.0s; missing: 2; gave up before: 1")
    arrive(clients[2], b"BARRIER x 4 MEMBER 2 TIMEOUT 1")
    pass_time(engine, 1)
    assert received(clients[2]) == timed_out(b"x", 0, b"2 of 4 arrived after 1.0s; gave up before: 1, 3")


def test_those_whose_time_is_over_at_once_hear_the_same(clients: list[Session], engine: Engine) -> None:
    for rank, client in zip((0, 1, 3), clients, strict=False):
        arrive(client, b"BARRIER x 4 MEMBER %d TIMEOUT 10" % rank)
    pass_time(engine, 10)
    expected = timed_out(b"x", 0, b"3 of 4 arrived after 10.0s; missing: 2")
    assert [received(client) for client in clients[:3]] == [expected] * 3
    assert is_empty(engine)


def test_who_gave_up_is_forgotten_with_the_epoch(clients: list[Session], engine: Engine) -> None:
    arrive(clients[0], b"BARRIER x 3 MEMBER 0 TIMEOUT 1")
    arrive(clients[1], b"BARRIER x 3 MEMBER 1 TIMEOUT 9")
    pass_time(engine, 1)
    received(clients[0])
    talk(clients[5], b"SET x 4")
    pass_time(engine, 8)
    assert received(clients[1]) == timed_out(b"x", 4, b"1 of 3 arrived after 9.0s; missing: 0, 2")


@pytest.mark.parametrize(
    ("members", "state"),
    [
        ([b"MEMBER 0", b"MEMBER 4"], b"present: 0, 4"),
        ([b"MEMBER 0", b"MEMBER 01"], b"present: 0, 01"),
        ([b"MEMBER -1", b"MEMBER host-a/1"], b"present: -1, host-a/1"),
        ([b"", b"MEMBER 0"], b"present: client:1, 0"),
        ([b"MEMBER a,b", b"MEMBER \xff"], rb"present: 'a,b', \xff"),
    ],
)
def test_where_members_are_no_ranks_those_present_are_named(
    clients: list[Session], engine: Engine, members: list[bytes], state: bytes
) -> None:
    for client, member in zip(clients, members, strict=False):
        arrive(client, b"BARRIER x 4 TIMEOUT 0.25 " + member)
    pass_time(engine, 0.25)
    assert received(clients[0]) == timed_out(b"x", 0, b"2 of 4 arrived after 0.25s; " + state)


def test_long_lists_are_cut(engine: Engine) -> None:
    first, *others = (Session(engine) for _ in range(30))
    arrive(first, b"BARRIER x 60 MEMBER 0 TIMEOUT 1")
    for rank, client in enumerate(others, start=1):
        arrive(client, b"BARRIER x 60 MEMBER %d TIMEOUT 2" % (2 * rank))
    pass_time(engine, 1)
    odd = b", ".join(b"%d" % rank for rank in range(1, 40, 2))
    assert received(first) == timed_out(b"x", 0, b"30 of 60 arrived after 1.0s; missing: " + odd + b" ... and 10 more")
    talk(first, b"BARRIER x 60 MEMBER host TIMEOUT 1")
    pass_time(engine, 1)
    even = b", ".join(b"%d" % rank for rank in range(2, 42, 2))
    assert received(first) == timed_out(
        b"x", 0, b"30 of 60 arrived after 1.0s; present: " + even + b" ... and 10 more; gave up before: 0"
    )


def test_a_million_parties_cost_no_list_of_them(session: Session, engine: Engine) -> None:
    arrive(session, b"BARRIER x 1000000 MEMBER 0 TIMEOUT 1")
    pass_time(engine, 1)
    assert received(session).endswith(b"18, 19, 20 ... and 999979 more\r\n")


LEAVING: dict[str, tuple[Callable[[Session, Session], object], bytes]] = {
    "timeout": (lambda waiter, other: pass_time(waiter.engine, 9), b"-TIMEOUT "),
    "disconnect": (lambda waiter, other: waiter.receive_eof(), b""),
    "CLIENT KILL": (lambda waiter, other: talk(other, b"CLIENT KILL ID %d" % waiter.id), b""),
    "CLIENT UNBLOCK": (lambda waiter, other: talk(other, b"CLIENT UNBLOCK %d" % waiter.id), b"-TIMEOUT "),
    "CLIENT UNBLOCK ERROR": (
        lambda waiter, other: talk(other, b"CLIENT UNBLOCK %d ERROR" % waiter.id),
        b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n",
    ),
    "replaced": (lambda waiter, other: talk(Session(other.engine), b"BARRIER b 3 MEMBER 0"), b"-REPLACED "),
    "reset": (lambda waiter, other: talk(other, b"BARRIERRESET b"), b"-BROKENBARRIER "),
    "DEL": (lambda waiter, other: talk(other, b"DEL b"), b""),
    "FLUSHALL": (lambda waiter, other: talk(other, b"FLUSHALL"), b""),
    "SWAPDB": (lambda waiter, other: talk(other, b"SWAPDB 0 1"), b""),
    "SET": (lambda waiter, other: talk(other, b"SET b 5"), b"*2\r\n:3\r\n:-1\r\n"),
    "stop": (lambda waiter, other: waiter.engine.stop(), b"-ERR the server is shutting down\r\n"),
}


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("end", LEAVING)
def test_whoever_leaves_has_not_arrived(clients: list[Session], end: str, protocol: int) -> None:
    waiter, other, third, *_ = clients
    waiter.protocol = protocol
    talk(other, b"SET b 3")
    arrive(waiter, b"BARRIER b 3 MEMBER 0 EPOCH 3 TIMEOUT 9")
    action, heard = LEAVING[end]
    action(waiter, other)
    assert received(waiter).startswith(heard)
    stays = end in ("DEL", "FLUSHALL", "SWAPDB", "replaced")
    assert stays != is_empty(other.engine)
    if not stays and end != "stop":
        epoch = 5 if end == "SET" else 3
        arrive(other, b"BARRIER b 2")
        assert talk(third, b"BARRIER b 2") == passed(epoch, 1)
        assert received(other) == passed(epoch, 0)


def test_unblocking_as_if_the_time_were_over(clients: list[Session], engine: Engine) -> None:
    arrive(clients[0], b"BARRIER b 3 MEMBER 0")
    arrive(clients[1], b"BARRIER b 3 MEMBER 2")
    pass_time(engine, 2.5)
    talk(clients[5], b"CLIENT UNBLOCK %d TIMEOUT" % clients[0].id)
    assert received(clients[0]) == timed_out(b"b", 0, b"2 of 3 arrived after 2.5s; missing: 1")
    talk(clients[5], b"CLIENT UNBLOCK %d TIMEOUT" % clients[1].id)
    assert received(clients[1]) == timed_out(b"b", 0, b"1 of 3 arrived after 2.5s; missing: 1; gave up before: 0")


def test_a_wait_for_ever(session: Session, engine: Engine) -> None:
    arrive(session, b"BARRIER b 2 TIMEOUT 0")
    pass_time(engine, 1e9)
    assert received(session) == NOTHING_YET


def test_a_muted_client_hears_nothing(clients: list[Session]) -> None:
    talk(clients[0], b"CLIENT REPLY OFF")
    arrive(clients[0], b"BARRIER b 2")
    assert talk(clients[1], b"BARRIER b 2") == passed(0, 1)
    assert received(clients[0]) == b""


# Many rounds


@pytest.mark.slow
def test_every_round_is_passed_once_by_every_member_though_connections_break(engine: Engine) -> None:
    """Members name themselves and their epoch, and come again whenever their connection or a reply was lost."""
    members, rounds, random = 64, 1000, Random(1)
    sessions = [Session(engine) for _ in range(members)]
    passes: list[list[int]] = [[] for _ in range(members)]  # the index of each pass, -1 if its reply was lost
    breaks = lost = 0

    def reconnect(member: int) -> None:
        sessions[member].receive_eof()
        sessions[member] = Session(engine)

    def hear(member: int) -> None:
        nonlocal lost
        reply = received(sessions[member])
        if reply and random.random() < 0.02:
            lost += 1
            reconnect(member)
        elif reply:
            _, epoch, index, _ = reply.split(b"\r\n")
            assert int(epoch[1:]) == len(passes[member])
            passes[member].append(int(index[1:]))

    while min(map(len, passes)) < rounds:
        turn = [member for member in range(members) if len(passes[member]) < rounds]
        random.shuffle(turn)
        for member in turn:
            hear(member)
            if sessions[member].is_parked:
                if random.random() < 0.03:
                    breaks += 1
                    reconnect(member)
                continue
            if len(passes[member]) == rounds:
                continue
            words = b"BARRIER b %d MEMBER %d EPOCH %d TIMEOUT 9\r\n" % (members, member, len(passes[member]))
            sessions[member].receive_data(words)
            engine.end_of_turn()
            hear(member)

    assert talk(sessions[0], b"GET b") == bulk(b"%d" % rounds)
    for indices in zip(*passes, strict=True):
        told = [index for index in indices if index >= 0]
        assert len(set(told)) == len(told)
        assert set(told) <= set(range(members))
    assert 0 < sum(indices.count(-1) for indices in passes) <= lost
    assert breaks > 0
    assert is_empty(engine)


# Transactions


def test_in_a_transaction_only_the_last_arrives(clients: list[Session]) -> None:
    doer = clients[5]
    arrive(clients[0], b"BARRIER b 3 MEMBER 0")
    for each in (b"MULTI", b"BARRIER b 3 MEMBER 1", b"BARRIER b 3 MEMBER 0", b"BARRIER other 2", b"EXEC"):
        reply = talk(doer, each)
    assert reply == b"*3\r\n" + NULL * 3
    arrive(clients[1], b"BARRIER b 3 MEMBER 1")
    for each in (b"MULTI", b"BARRIER b 3 MEMBER 2", b"GET b", b"BARRIER b 1", b"EXEC"):
        reply = talk(doer, each)
    assert reply == b"*3\r\n" + passed(0, 2) + bulk(b"1") + passed(1, 0)
    assert [received(client) for client in clients[:2]] == [passed(0, 0), passed(0, 1)]
    assert is_empty(doer.engine)


def test_null_in_a_transaction_in_resp3(session: Session) -> None:
    session.protocol = 3
    for each in (b"MULTI", b"BARRIER b 3", b"EXEC"):
        reply = talk(session, each)
    assert reply == b"*1\r\n_\r\n"


# BARRIERINFO, BARRIERLIST, BARRIERRESET


def test_info_of_what_nobody_waits_at(session: Session) -> None:
    assert info(session) is None
    talk(session, b"BARRIER b 1")
    assert info(session) == {
        "epoch": 1,
        "parties": None,
        "arrived": 0,
        "members": [],
        "missing": None,
        "waiting_s": None,
        "clients": [],
        "gave_up": [],
    }


def test_info_names_who_is_there_and_who_is_missing(clients: list[Session], engine: Engine) -> None:
    arrive(clients[2], b"BARRIER b 4 MEMBER 3 EPOCH 7")
    pass_time(engine, 1.25)
    arrive(clients[0], b"BARRIER b 4 MEMBER 0")
    told = info(clients[5])
    assert told is not None
    assert list(told) == ["epoch", "parties", "arrived", "members", "missing", "waiting_s", "clients", "gave_up"]
    assert list(told.values()) == [7, 4, 2, ["3", "0"], [1, 2], "1.25", [3, 1], []]
    arrive(clients[1], b"BARRIER b 4 MEMBER 3")  # again: it has waited since it came first
    arrive(clients[3], b"BARRIER b 4")
    told = info(clients[5])
    assert told is not None
    assert list(told.values()) == [7, 4, 3, ["3", "0", "client:4"], None, "1.25", [2, 1, 4], []]


def test_info_is_a_map_in_resp3(session: Session) -> None:
    session.protocol = 3
    talk(session, b"SET b 2")
    assert talk(session, b"BARRIERINFO b").startswith(b"%8\r\n$5\r\nepoch\r\n:2\r\n$7\r\nparties\r\n_\r\n")
    assert talk(session, b"BARRIERINFO c") == b"_\r\n"


def test_list_names_where_somebody_waits_now(clients: list[Session]) -> None:
    talk(clients[0], b"BARRIER passed 1")
    assert talk(clients[0], b"BARRIERLIST") == array()
    talk(clients[3], b"SELECT 1")
    for client, name in zip(clients, (b"epoch", b"save", b"epoch", b"elsewhere"), strict=False):
        arrive(client, b"BARRIER %b 9" % name)
    assert talk(clients[5], b"BARRIERLIST") == array(b"epoch", b"save")
    assert talk(clients[5], b"BARRIERLIST s*") == array(b"save")
    assert talk(clients[5], b"BARRIERLIST x*") == array()


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ((), b""),
        ((b"",), b""),
        ((b"rank 3 ran out of memory",), b": rank 3 ran out of memory"),
        ((b"a\r\n+OK\x00",), rb": a\r\n+OK\x00"),
    ],
)
def test_reset(clients: list[Session], reason: tuple[bytes, ...], told: bytes) -> None:
    talk(clients[5], b"SET x 3")
    for client in clients[:2]:
        arrive(client, b"BARRIER x 3")
    arrive(clients[2], b"BARRIER other 3")
    assert talk(clients[5], b"BARRIERRESET", b"x", *reason) == b":2\r\n"
    assert [received(client) for client in clients[:2]] == [b"-BROKENBARRIER barrier 'x' was reset%b\r\n" % told] * 2
    assert received(clients[2]) == NOTHING_YET
    assert talk(clients[5], b"GET x") == bulk(b"3")
    assert talk(clients[5], b"BARRIERRESET x") == b":0\r\n"


# What is told about them


def test_clients_at_a_barrier_count_as_blocked(clients: list[Session]) -> None:
    arrive(clients[0], b"BARRIER b 2 TIMEOUT 5")
    assert b"blocked_clients:1\r\nclients_in_timeout_table:1\r\n" in talk(clients[5], b"INFO clients").replace(
        b"tracking_clients:0\r\n", b""
    )
    assert b"flags=b " in talk(clients[5], b"CLIENT LIST ID %d" % clients[0].id)


@pytest.mark.parametrize("request_", [b"BARRIER b 2 MEMBER x", b"BARRIERINFO b", b"BARRIERRESET b reason"])
def test_command_knows_the_key(session: Session, request_: bytes) -> None:
    assert talk(session, b"COMMAND GETKEYS " + request_) == array(b"b")


def test_categories(session: Session) -> None:
    listed = talk(session, b"COMMAND LIST FILTERBY ACLCAT coordination")
    assert all(bulk(name) in listed for name in (b"barrier", b"barrierinfo", b"barrierlist", b"barrierreset"))
    assert bulk(b"barrier") in talk(session, b"COMMAND LIST FILTERBY ACLCAT blocking")


def test_two_engines_know_nothing_of_each_other() -> None:
    one, other = Session(make_engine()), Session(make_engine())
    arrive(one, b"BARRIER b 2")
    arrive(other, b"BARRIER b 2")
