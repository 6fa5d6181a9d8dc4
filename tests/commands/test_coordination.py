"""Waiting for keys that others set, and setting one on condition of what it holds."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.keyspace import Database, Value
from tests.talk import NULL, OK, WRONG_TYPE, array, bulk, pass_time, received, talk

PARKED = b""
NOTHING_YET = b""


@pytest.fixture
def clients(engine: Engine) -> list[Session]:
    return [Session(engine) for _ in range(3)]


def is_empty(engine: Engine) -> bool:
    """Whether nobody waits, and nothing that somebody waited for is kept."""
    return not engine.waiting and not any(db.observed for db in engine.keyspace.databases)


# Keys that are there


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"BGET a 0", array(b"1")),
        (b"BGET a b a 0", array(b"1", b"two", b"1")),
        (b"BGET n raw 9", array(b"5", b"text")),
        (b"BEXISTS a 0", b":1\r\n"),
        (b"BEXISTS a b l 1.5", b":3\r\n"),
        (b"BEXISTS a a 0", b":2\r\n"),
    ],
)
def test_nobody_waits_for_what_is_there(session: Session, request_: bytes, reply: bytes) -> None:
    talk(session, b"MSET a 1 b two raw te")
    talk(session, b"INCRBY n 5")
    talk(session, b"APPEND raw xt")
    talk(session, b"RPUSH l x")
    assert talk(session, request_) == reply
    assert is_empty(session.engine)


@pytest.mark.parametrize("request_", [b"BGET l 0", b"BGET a l 0", b"BGET missing l 0", b"BGET l missing 0"])
def test_a_list_is_nothing_to_get_whatever_else_is_missing(session: Session, request_: bytes) -> None:
    talk(session, b"SET a 1")
    talk(session, b"RPUSH l x")
    assert talk(session, request_) == WRONG_TYPE
    assert is_empty(session.engine)


def test_reads_count_as_hits_and_misses(session: Session) -> None:
    talk(session, b"SET a 1")
    talk(session, b"BGET a b 0")
    assert (session.db.hits, session.db.misses) == (1, 1)


# Keys that are missing


@pytest.mark.parametrize("order", [[b"a", b"b", b"c"], [b"c", b"b", b"a"], [b"b", b"c", b"a"]])
def test_waits_until_the_last_key_is_set_in_whatever_order(clients: list[Session], order: list[bytes]) -> None:
    getter, counter, setter = clients
    assert talk(getter, b"BGET a b c 0") == PARKED
    assert talk(counter, b"BEXISTS a b c 0") == PARKED
    for key in order[:-1]:
        assert talk(setter, b"SET %b of-%b" % (key, key)) == OK
        assert received(getter) == received(counter) == NOTHING_YET
    talk(setter, b"SET %b of-%b" % (order[-1], order[-1]))
    assert received(getter) == array(b"of-a", b"of-b", b"of-c")
    assert received(counter) == b":3\r\n"
    assert is_empty(setter.engine)


def test_values_are_those_of_the_moment_in_which_the_last_key_comes(clients: list[Session]) -> None:
    getter, setter, _ = clients
    talk(getter, b"BGET a b 0")
    talk(setter, b"SET a old")
    talk(setter, b"SET a new")
    talk(setter, b"SET b 1")
    assert received(getter) == array(b"new", b"1")


@pytest.mark.parametrize("gone", [b"DEL a", b"RENAME a elsewhere", b"MOVE a 1", b"FLUSHALL"])
def test_a_key_that_went_meanwhile_is_waited_for_anew(clients: list[Session], gone: bytes) -> None:
    getter, counter, setter = clients
    talk(getter, b"BGET a b 0")
    talk(counter, b"BEXISTS a b 0")
    talk(setter, b"SET a 1")
    talk(setter, gone)
    talk(setter, b"SET b 2")
    assert received(getter) == received(counter) == NOTHING_YET
    talk(setter, b"SET a 3")
    assert received(getter) == array(b"3", b"2")
    assert received(counter) == b":2\r\n"
    assert is_empty(setter.engine)


def test_a_key_that_was_there_and_expires_is_waited_for_anew(clients: list[Session], engine: Engine) -> None:
    getter, setter, _ = clients
    engine.active_expiry = False
    talk(setter, b"SET a 1 EX 5")
    talk(getter, b"BGET a b 0")
    pass_time(engine, 5)
    talk(setter, b"SET b 2")
    assert received(getter) == NOTHING_YET
    talk(setter, b"SET a 3")
    assert received(getter) == array(b"3", b"2")


@pytest.mark.parametrize("first", [b"a", b"b"])
def test_a_list_that_appears_ends_the_wait_of_who_would_get_it(clients: list[Session], first: bytes) -> None:
    getter, counter, setter = clients
    talk(getter, b"BGET a b 0")
    talk(counter, b"BEXISTS a b 0")
    talk(setter, b"RPUSH %b x" % first)
    assert received(getter) == WRONG_TYPE
    assert received(counter) == NOTHING_YET
    talk(setter, b"MSETNX a 1 other 1" if first == b"b" else b"MSETNX b 1 other 1")
    assert received(counter) == b":2\r\n"
    assert is_empty(setter.engine)


def test_the_same_key_twice(clients: list[Session]) -> None:
    getter, counter, setter = clients
    talk(getter, b"BGET a a b a 0")
    talk(counter, b"BEXISTS a a 0")
    talk(setter, b"SET a 1")
    assert received(getter) == NOTHING_YET
    assert received(counter) == b":2\r\n"
    talk(setter, b"SET b 2")
    assert received(getter) == array(b"1", b"1", b"2", b"1")
    assert is_empty(setter.engine)


@pytest.mark.parametrize(
    "requests",
    [
        [b"MSET a 1 b 2"],
        [b"SET src 1", b"RENAME src a", b"SET b 2"],
        [b"SET b 2", b"SET src 1", b"COPY src a"],
        [b"SELECT 1", b"MSET a 1 b 2", b"MOVE a 0", b"MOVE b 0"],
        [b"SELECT 1", b"MSET a 1 b 2", b"SWAPDB 0 1"],
        [b"INCR a", b"INCRBY b 2"],
        [b"APPEND a 1", b"SETRANGE b 0 2"],
        [b"MULTI", b"SET a 0", b"DEL a", b"SET b 2", b"SET a 1", b"EXEC"],
        [b"CAS b z 0", b"CAS a", b"SET a 1", b"SET b 2"],
    ],
)
def test_keys_may_appear_in_any_way(clients: list[Session], requests: list[bytes]) -> None:
    getter, setter, _ = clients
    talk(getter, b"BGET a b 0")
    for each in requests[:-1]:
        talk(setter, each)
    assert received(getter) == NOTHING_YET
    assert not talk(setter, requests[-1]).startswith(b"-")
    assert received(getter) == array(b"1", b"2")


def test_a_key_that_is_gone_at_the_end_of_a_transaction_was_never_there(clients: list[Session]) -> None:
    getter, setter, _ = clients
    talk(getter, b"BGET a 0")
    for each in (b"MULTI", b"SET a 1", b"DEL a", b"EXEC"):
        talk(setter, each)
    assert received(getter) == NOTHING_YET
    talk(setter, b"SET a 2")
    assert received(getter) == array(b"2")


def test_a_list_may_be_waited_for_and_taken_by_others_at_once(clients: list[Session]) -> None:
    taker, counter, pusher = clients
    talk(taker, b"BLPOP l 0")
    talk(counter, b"BEXISTS l 0")
    talk(pusher, b"RPUSH l x")
    assert received(taker) == array(b"l", b"x")
    assert received(counter) == NOTHING_YET  # it came second, when the list was gone again
    talk(pusher, b"RPUSH l y")
    assert received(counter) == b":1\r\n"


def test_waits_in_its_own_database(clients: list[Session]) -> None:
    getter, setter, _ = clients
    talk(getter, b"SELECT 1")
    talk(getter, b"BGET a 0")
    talk(setter, b"SET a zero")
    assert received(getter) == NOTHING_YET
    talk(setter, b"MOVE a 1")
    assert received(getter) == array(b"zero")


# Ends without a value


@pytest.mark.parametrize("request_", [b"BGET a 9", b"BGET a b 9", b"BEXISTS a b 9"])
@pytest.mark.parametrize(("protocol", "null"), [(2, NULL), (3, b"_\r\n")])
def test_null_when_the_time_is_over(clients: list[Session], request_: bytes, protocol: int, null: bytes) -> None:
    waiter, setter, _ = clients
    waiter.protocol = protocol
    assert talk(waiter, request_) == PARKED
    pass_time(waiter.engine, 5)
    talk(setter, b"SET b 1")  # the deadline stays
    pass_time(waiter.engine, 3.999)
    assert received(waiter) == NOTHING_YET
    pass_time(waiter.engine, 0.001)
    assert received(waiter) == null
    assert is_empty(waiter.engine)


def test_the_deadline_stays_when_a_key_is_waited_for_anew(clients: list[Session]) -> None:
    waiter, setter, _ = clients
    talk(waiter, b"BGET a b 9")
    talk(setter, b"SET a 1")
    talk(setter, b"DEL a")
    pass_time(waiter.engine, 5)
    talk(setter, b"SET b 2")
    pass_time(waiter.engine, 4)
    assert received(waiter) == NULL
    assert is_empty(waiter.engine)


@pytest.mark.parametrize("request_", [b"BGET a b 0", b"BEXISTS a b 0"])
def test_clients_may_leave_in_any_way(clients: list[Session], request_: bytes) -> None:
    waiter, other, _ = clients
    for end, reply in (
        (b"CLIENT UNBLOCK %d TIMEOUT" % waiter.id, NULL),
        (b"CLIENT UNBLOCK %d ERROR" % waiter.id, b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"),
        (b"CLIENT KILL ID %d" % waiter.id, b""),
    ):
        assert talk(waiter, request_) == PARKED
        assert talk(other, b"SET a 1") == OK
        assert talk(other, end) == b":1\r\n"
        assert received(waiter) == reply
        assert is_empty(waiter.engine)


def test_a_server_that_stops_says_so(clients: list[Session], engine: Engine) -> None:
    talk(clients[0], b"BGET a 0")
    engine.stop()
    assert received(clients[0]) == b"-ERR the server is shutting down\r\n"


def test_nothing_waits_in_a_transaction(session: Session) -> None:
    for each in (b"MULTI", b"BGET a 0", b"BEXISTS a 0", b"SET a 1", b"BGET a 0", b"BEXISTS a 0", b"BGET l a x"):
        talk(session, each)
    assert talk(session, b"EXEC") == (
        b"*6\r\n" + NULL + NULL + OK + array(b"1") + b":1\r\n" + b"-ERR timeout is not a float or out of range\r\n"
    )


@pytest.mark.parametrize("name", [b"BGET", b"BEXISTS"])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (b"l x", b"-ERR timeout is not a float or out of range\r\n"),
        (b"l -1", b"-ERR timeout is negative\r\n"),
        (b"l", b"-ERR wrong number of arguments for '%b' command\r\n"),
    ],
)
def test_errors_are_those_of_blpop(session: Session, name: bytes, arguments: bytes, error: bytes) -> None:
    talk(session, b"RPUSH l x")
    assert talk(session, name + b" " + arguments) == (error % name.lower() if b"%" in error else error)


# What it costs


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The keys that were looked up from now on."""
    keys: list[bytes] = []
    get = Database.get

    def note(db: Database, key: bytes) -> Value | None:
        keys.append(key)
        return get(db, key)

    monkeypatch.setattr(Database, "get", note)
    return keys


@pytest.mark.parametrize("backwards", [False, True])
def test_many_keys_set_one_after_the_other_cost_no_look_at_all_of_them_each_time(
    clients: list[Session], backwards: bool, lookups: list[bytes]
) -> None:
    waiter, setter, _ = clients
    keys = [b"%d" % number for number in range(1000)]
    talk(waiter, b"BGET", *keys, b"0")
    for key in reversed(keys) if backwards else keys:
        talk(setter, b"SET", key, b"v")
    assert received(waiter) == array(*[b"v"] * 1000)
    assert len(lookups) < 5 * 1000


def test_one_set_releases_many_with_some_looks_each(engine: Engine, lookups: list[bytes]) -> None:
    waiters = [Session(engine) for _ in range(1000)]
    for waiter in waiters:
        assert talk(waiter, b"BGET k 0") == PARKED
    lookups.clear()
    talk(Session(engine), b"SET k v")
    assert {received(waiter) for waiter in waiters} == {array(b"v")}
    assert len(lookups) < 5 * 1000


def test_a_key_that_was_seen_wakes_nobody_again(clients: list[Session], engine: Engine) -> None:
    waiter, setter, _ = clients
    talk(waiter, b"BEXISTS a b c 0")
    talk(setter, b"INCR a")
    assert engine.keyspace.databases[0].observed.keys() == {b"b", b"c"}


# CAS


@pytest.mark.parametrize(
    ("before", "arguments", "reply", "after"),
    [
        (b"old", (b"old", b"new"), b"new", b"new"),
        (b"old", (b"other", b"new"), b"old", b"old"),
        (b"old", (b"", b"new"), b"old", b"old"),
        (b"5", (b"5", b"6"), b"6", b"6"),
        (b"5", (b"05", b"6"), b"5", b"5"),
        (None, (b"", b"new"), b"new", b"new"),
        (None, (b"old", b"new"), b"old", None),
        (b"", (b"", b"new"), b"new", b"new"),
        (b"old", (b"old", b""), b"", b""),
    ],
)
def test_compare_and_set(
    session: Session, before: bytes | None, arguments: tuple[bytes, bytes], reply: bytes, after: bytes | None
) -> None:
    if before is not None:
        talk(session, b"SET", b"k", before)
    assert talk(session, b"CAS", b"k", *arguments) == bulk(reply)
    assert talk(session, b"GET k") == (NULL if after is None else bulk(after))


def test_cas_compares_with_numbers_and_raw_strings(session: Session) -> None:
    talk(session, b"INCR n")
    talk(session, b"APPEND s text")
    assert talk(session, b"CAS n 1 2") == bulk(b"2")
    assert talk(session, b"CAS s text new") == bulk(b"new")


def test_cas_discards_a_time_to_live_only_when_it_sets(session: Session) -> None:
    talk(session, b"SET k v EX 100")
    talk(session, b"CAS k w x")
    assert talk(session, b"TTL k") == b":100\r\n"
    talk(session, b"CAS k v x")
    assert talk(session, b"TTL k") == b":-1\r\n"


def test_cas_of_a_list(session: Session) -> None:
    talk(session, b"RPUSH l x")
    assert talk(session, b"CAS", b"l", b"", b"new") == WRONG_TYPE


def test_a_watched_key_changes_only_when_cas_sets(clients: list[Session]) -> None:
    watcher, setter, _ = clients
    for expected, reply in ((b"wrong", b"*1\r\n+PONG\r\n"), (b"1", b"*-1\r\n")):
        talk(setter, b"SET k 1")
        talk(watcher, b"WATCH k")
        talk(setter, b"CAS k %b 2" % expected)
        talk(watcher, b"MULTI")
        talk(watcher, b"PING")
        assert talk(watcher, b"EXEC") == reply


# WAITLIST


def row(*values: bytes) -> bytes:
    """One map of WAITLIST, of a client that has waited for 1.5 s."""
    names = (b"client", b"name", b"addr", b"command", b"db", b"keys", b"member", b"waiting_s")
    pairs = zip(map(bulk, names), (*values, bulk(b"1.5")), strict=True)
    return b"*16\r\n" + b"".join(name + value for name, value in pairs)


def test_waitlist_tells_who_waits_in_order_of_arrival(clients: list[Session], engine: Engine) -> None:
    first, second, third = clients
    third.peer = "127.0.0.1:50123"
    for session, requests in (
        (third, (b"CLIENT SETNAME trainer", b"SELECT 1", b"BARRIER epoch 4 MEMBER 3")),
        (first, (b"BGET a b 0",)),
    ):
        for each in requests:
            talk(session, each)
    pass_time(engine, 1.5)
    talk(second, b"SET a 1")
    rows = (
        row(
            b":3\r\n",
            bulk(b"trainer"),
            bulk(third.peer.encode()),
            bulk(b"barrier"),
            b":1\r\n",
            array(b"epoch"),
            bulk(b"3"),
        ),
        row(b":1\r\n", bulk(b""), bulk(b""), bulk(b"bget"), b":0\r\n", array(b"b"), NULL),
    )
    assert talk(second, b"WAITLIST") == b"*2\r\n" + rows[0] + rows[1]
    assert talk(second, b"WAITLIST ep*") == b"*1\r\n" + rows[0]
    assert talk(second, b"WAITLIST b") == b"*1\r\n" + rows[1]
    assert talk(second, b"WAITLIST a") == b"*0\r\n"  # it is there, and holds up nobody


def test_waitlist_of_lists_in_resp3(clients: list[Session]) -> None:
    waiter, asker, _ = clients
    asker.protocol = 3
    talk(waiter, b"BLPOP a b 0")
    assert talk(asker, b"WAITLIST").startswith(b"*1\r\n%8\r\n$6\r\nclient\r\n:1\r\n")
    assert array(b"a", b"b") in talk(asker, b"WAITLIST b")


# What is told about them


@pytest.mark.parametrize(
    ("request_", "keys"),
    [(b"BGET a b 0", (b"a", b"b")), (b"BEXISTS a 0", (b"a",)), (b"CAS k x y", (b"k",))],
)
def test_command_knows_the_keys(session: Session, request_: bytes, keys: tuple[bytes, ...]) -> None:
    assert talk(session, b"COMMAND GETKEYS " + request_) == array(*keys)


def test_they_have_a_category_of_their_own(session: Session) -> None:
    listed = talk(session, b"COMMAND LIST FILTERBY ACLCAT coordination")
    assert all(bulk(name) in listed for name in (b"bget", b"bexists", b"cas"))
