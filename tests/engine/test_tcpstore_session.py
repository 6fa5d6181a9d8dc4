import logging

import pytest

from respstore.engine.session import Session
from respstore.engine.tcpstore_session import TCPStoreSession, take_over
from respstore.protocol import tcpstore
from tests.talk import NULL, OK, array, bulk, make_engine, pass_time, received, talk
from tests.wire import (
    CANCELED,
    NOT_READY,
    PING,
    PONG,
    READY,
    STOP,
    VALIDATE,
    ask,
    feed,
    number,
    operation,
    string,
    torch_client,
)

SET, COMPARE_SET, GET, ADD, CHECK, WAIT = (
    *(tcpstore.SET, tcpstore.COMPARE_SET, tcpstore.GET),
    *(tcpstore.ADD, tcpstore.CHECK, tcpstore.WAIT),
)


@pytest.fixture
def engine():
    return make_engine()


@pytest.fixture
def client(engine):
    return torch_client(engine)


@pytest.fixture
def redis(engine):
    return Session(engine)


# Values, as both sides see them


def test_a_key_is_the_same_for_both_sides(client, redis) -> None:
    assert ask(client, SET, b"/k", b"a\0b") == b""
    assert talk(redis, b"GET k") == bulk(b"a\0b")
    assert talk(redis, b"SET", b"", b"empty") == OK
    assert ask(client, GET, b"/") == string(b"empty")
    assert talk(redis, b"SET", b"/k", b"slash") == OK
    assert ask(client, GET, b"//k") == string(b"slash")


def test_get(client, redis) -> None:
    assert ask(client, GET, b"/missing") == string(b"")
    talk(redis, b"RPUSH q item")
    assert ask(client, GET, b"/q") == string(b"")
    talk(redis, b"APPEND k abc")
    assert ask(client, GET, b"/k") == string(b"abc")


def test_set_takes_the_place_of_anything_and_lives_for_ever(client, redis) -> None:
    talk(redis, b"RPUSH k item")
    ask(client, SET, b"/k", b"")
    assert talk(redis, b"GET k") == bulk(b"")
    talk(redis, b"EXPIRE k 100")
    ask(client, SET, b"/k", b"v")
    assert talk(redis, b"TTL k") == b":-1\r\n"


def test_add(client, redis) -> None:
    assert ask(client, ADD, b"/n", 5) == number(5)
    assert ask(client, ADD, b"/n", -7) == number(-2)
    assert ask(client, ADD, b"/zero", 0) == number(0)
    assert talk(redis, b"MGET n zero") == array(b"-2", b"0")
    talk(redis, b"SET n 10")
    assert ask(client, ADD, b"/n", 2000) == number(2010)
    assert ask(client, GET, b"/n") == string(b"2010")


@pytest.mark.parametrize("value", [b"abc", b"", b" 12abc", b"1" * 40])
def test_what_is_no_number_ends_only_who_adds_to_it(engine, client, redis, value: bytes, caplog) -> None:
    talk(redis, b"SET", b"n", value)

    with caplog.at_level(logging.INFO):
        assert feed(client, operation(ADD, b"/n", 1) + PING) == b""

    assert client.is_closing
    assert client.id not in engine.sessions
    (record,) = caplog.records
    assert "INCRBY: ERR value is not an integer or out of range" in record.getMessage()
    assert talk(redis, b"GET n") == bulk(value)
    assert b"errorstat_ERR:count=1" in talk(redis, b"INFO errorstats")


def test_a_sum_that_is_too_large_changes_nothing(client, redis) -> None:
    assert ask(client, ADD, b"/n", 2**63 - 1) == number(2**63 - 1)
    assert ask(client, ADD, b"/n", 1) == b""
    assert client.is_closing
    assert talk(redis, b"GET n") == bulk(b"%d" % (2**63 - 1))


def test_compare_set(client, redis) -> None:
    assert ask(client, COMPARE_SET, b"/k", b"x", b"new") == string(b"x")
    assert talk(redis, b"GET k") == NULL
    assert ask(client, COMPARE_SET, b"/k", b"", b"new") == string(b"new")
    assert ask(client, COMPARE_SET, b"/k", b"other", b"newer") == string(b"new")
    assert ask(client, COMPARE_SET, b"/k", b"new", b"newer") == string(b"newer")
    assert ask(client, COMPARE_SET, b"/e", b"", b"") == string(b"")
    assert talk(redis, b"MGET k e") == array(b"newer", b"")


def test_check(client, redis) -> None:
    assert ask(client, CHECK, []) == READY
    assert ask(client, CHECK, [b"/a"]) == NOT_READY
    talk(redis, b"SET a 1")
    talk(redis, b"RPUSH q 1")
    assert ask(client, CHECK, [b"/a", b"/a", b"/q"]) == READY
    assert ask(client, CHECK, [b"/a", b"/b"]) == NOT_READY


def test_delete_and_append(client, redis) -> None:
    assert ask(client, tcpstore.DELETE_KEY, b"/k") == number(0)
    assert ask(client, tcpstore.APPEND, b"/k", b"") == b""
    assert ask(client, CHECK, [b"/k"]) == READY
    assert ask(client, tcpstore.APPEND, b"/k", b"ab") == b""
    assert ask(client, ADD, b"/n", 4) == number(4)
    assert ask(client, tcpstore.APPEND, b"/n", b"2") == b""
    assert talk(redis, b"MGET k n") == array(b"ab", b"42")
    assert ask(client, tcpstore.DELETE_KEY, b"/k") == number(1)
    assert ask(client, CHECK, [b"/k"]) == NOT_READY


def test_several_at_once(client, redis) -> None:
    assert ask(client, tcpstore.MULTI_SET, [b"/a", b"1", b"/b", b"", b"/a", b"2"]) == b""
    assert talk(redis, b"MGET a b") == array(b"2", b"")
    assert ask(client, tcpstore.MULTI_GET, [b"/a", b"/nothing", b"/a"]) == string(b"2") + string(b"") + string(b"2")
    assert ask(client, tcpstore.MULTI_GET, []) == b""
    talk(redis, b"INCRBY n 42")
    talk(redis, b"APPEND b bb")
    talk(redis, b"RPUSH q 1")
    for others in ([], [b"/q"], [b"/nothing"]):
        expected = string(b"42") + string(b"bb") + string(b"") * len(others)
        assert ask(client, tcpstore.MULTI_GET, [b"/n", b"/b", *others]) == expected
    assert ask(client, tcpstore.MULTI_SET, []) == b""


def test_clients_count_themselves_under_a_key_that_they_do_not_list(client, redis) -> None:
    """The C++ client leaves out what has no `/` in front; num_keys counts it, as torch's server does."""
    assert ask(client, ADD, b"init/", 1) == number(1)
    talk(redis, b"MSET a 1 b/c 2")
    talk(redis, b"RPUSH q 1")

    assert talk(redis, b"GET init/") == bulk(b"1")
    assert ask(client, tcpstore.GET_NUM_KEYS) == number(3)
    assert ask(client, tcpstore.LIST_KEYS) == number(3) + string(b"init/") + string(b"/a") + string(b"/b/c")


def test_keys_whose_time_is_over_are_none(client, redis) -> None:
    talk(redis, b"SET k v PX 100")
    pass_time(client.engine, 1)

    assert ask(client, tcpstore.GET_NUM_KEYS) == number(0)
    assert ask(client, CHECK, [b"/k"]) == NOT_READY


# Waiting


def test_a_wait_for_what_is_there(client, redis) -> None:
    talk(redis, b"MSET a 1 b 2")
    assert ask(client, WAIT, []) == STOP
    assert ask(client, WAIT, [b"/a"]) == STOP
    assert ask(client, WAIT, [b"/a", b"/b", b"/a"]) == STOP


@pytest.mark.parametrize("set_it", [b"SET k v", b"RPUSH k v", b"INCR k", b"CAS", b"RENAME other k"])
def test_a_wait_ends_when_a_redis_client_makes_the_key(client, redis, set_it: bytes) -> None:
    talk(redis, b"SET other v")
    assert ask(client, WAIT, [b"/k"]) == b""
    talk(redis, *((b"CAS", b"k", b"", b"v") if set_it == b"CAS" else (set_it,)))
    assert received(client) == STOP


def test_a_redis_client_waits_for_what_a_torch_client_sets(client, redis) -> None:
    assert talk(redis, b"BGET k 0") == b""
    ask(client, SET, b"/k", b"v")
    assert received(redis) == array(b"v")
    assert talk(redis, b"BLPOP q 0") == b""
    ask(client, tcpstore.QUEUE_PUSH, b"/q", b"i")
    assert received(redis) == array(b"q", b"i")


def test_a_wait_ends_when_all_keys_are_there_at_one_moment(client, redis) -> None:
    """TCPStore counts each key once, and would release it without `a` (C10D.md, section 4)."""
    talk(redis, b"SET c 1")
    assert ask(client, WAIT, [b"/a", b"/b", b"/c"]) == b""
    talk(redis, b"SET a 1")
    talk(redis, b"DEL a")
    talk(redis, b"SET b 1")
    assert received(client) == b""
    talk(redis, b"SET a 1")
    assert received(client) == STOP


def test_a_wrong_expectation_wakes_nobody(engine, client) -> None:
    other = torch_client(engine)
    assert ask(client, WAIT, [b"/k"]) == b""
    assert ask(other, COMPARE_SET, b"/k", b"x", b"y") == string(b"x")
    assert received(client) == b""
    ask(other, COMPARE_SET, b"/k", b"", b"y")
    assert received(client) == STOP


@pytest.mark.parametrize("keys", [[b"/k"], [b"/k", b"/l"]])
def test_a_wait_is_canceled(client, redis, keys) -> None:
    assert ask(client, WAIT, keys) == b""
    assert ask(client, tcpstore.CANCEL_WAIT) == CANCELED
    talk(redis, b"MSET k v l v")
    assert received(client) == b""
    assert feed(client, PING) == PONG
    assert not client.engine.keyspace.databases[0].observed


def test_a_wait_is_canceled_in_the_same_breath(client) -> None:
    both = operation(WAIT, [b"/k"]) + operation(tcpstore.CANCEL_WAIT)
    assert feed(client, both + PING + both) == CANCELED + PONG + CANCELED
    assert not client.is_parked


def test_cancelling_crosses_the_end_of_the_wait(client, redis) -> None:
    assert ask(client, WAIT, [b"/k"]) == b""
    client.engine.begin_turn()
    redis.receive_data(array(b"SET", b"k", b"v"))
    client.receive_data(operation(tcpstore.CANCEL_WAIT))
    client.engine.end_of_turn()
    assert received(client) == STOP + CANCELED
    assert ask(client, tcpstore.CANCEL_WAIT) == CANCELED


def test_other_operations_wait_behind_a_wait(client, redis) -> None:
    assert feed(client, operation(WAIT, [b"/k"]) + PING) == b""
    assert feed(client, operation(GET, b"/k")) == b""
    assert client.unread() == len(PING + operation(GET, b"/k"))
    talk(redis, b"SET k v")
    assert received(client) == STOP + PONG + string(b"v")
    assert client.unread() == 0


def test_monitors_see_what_torch_clients_do(engine, client) -> None:
    monitor = Session(engine)
    assert talk(monitor, b"MONITOR") == OK
    ask(client, SET, b"/k", b"v")
    ask(client, ADD, b"/n", 2)
    ask(client, WAIT, [b"/k", b"/later"])
    engine.take_touched()
    lines = received(monitor).split(b"\r\n")[:-1]
    assert [line.partition(b"] ")[2] for line in lines] == [
        b'"SET" "k" "v"',
        b'"INCRBY" "n" "2"',
        b'"BEXISTS" "k" "later"',
    ]


def test_a_torch_client_wakes_a_torch_client(engine, client) -> None:
    others = [torch_client(engine) for _ in range(10)]
    assert [ask(other, WAIT, [b"/k"]) for other in others] == [b""] * 10
    ask(client, tcpstore.MULTI_SET, [b"/k", b"v"])
    assert [received(other) for other in others] == [STOP] * 10


@pytest.mark.parametrize("how", [b"", b" TIMEOUT", b" ERROR"])
def test_client_unblock_lets_a_wait_fail(client, redis, how: bytes) -> None:
    assert ask(client, WAIT, [b"/k"]) == b""
    assert talk(redis, b"CLIENT UNBLOCK %d%b" % (client.id, how)) == b":1\r\n"
    assert received(client) == CANCELED
    assert ask(client, WAIT, [b"/k", b"/l"]) == b""
    assert talk(redis, b"CLIENT UNBLOCK %d%b" % (client.id, how)) == b":1\r\n"
    assert received(client) == CANCELED
    assert feed(client, PING) == PONG


def test_who_waits_when_the_server_stops_hears_the_end_of_the_connection(engine, client) -> None:
    assert ask(client, WAIT, [b"/k"]) == b""
    engine.stop()
    assert client.is_closing
    assert received(client) == b""


# Queues


def push(client: Session, key: bytes, item: bytes) -> None:
    assert ask(client, tcpstore.QUEUE_PUSH, key, item) == b""


def pop(client: Session, key: bytes) -> bytes:
    return ask(client, tcpstore.QUEUE_POP, key)


def test_a_queue_is_a_list(client, redis) -> None:
    assert pop(client, b"/q") == number(0)
    assert ask(client, tcpstore.QUEUE_LEN, b"/q") == number(0)
    push(client, b"/q", b"one")
    push(client, b"/q", b"")
    talk(redis, b"RPUSH q three")
    assert ask(client, tcpstore.QUEUE_LEN, b"/q") == number(3)
    assert talk(redis, b"LRANGE q 0 -1") == array(b"one", b"", b"three")
    assert pop(client, b"/q") == number(3) + string(b"one")
    assert pop(client, b"/q") == number(2) + string(b"")
    assert pop(client, b"/q") == number(1) + string(b"three")
    assert talk(redis, b"EXISTS q") == b":0\r\n"


def test_a_string_is_no_queue(client, redis) -> None:
    talk(redis, b"SET k v")
    assert pop(client, b"/k") == number(0)
    assert ask(client, tcpstore.QUEUE_LEN, b"/k") == number(0)
    assert ask(client, tcpstore.QUEUE_PUSH, b"/k", b"i") == b""
    assert client.is_closing
    assert talk(redis, b"GET k") == bulk(b"v")


def test_an_item_is_for_one_of_those_who_wait(engine, client) -> None:
    first, second = torch_client(engine), torch_client(engine)
    ask(first, WAIT, [b"/q"])
    ask(second, WAIT, [b"/q"])

    push(client, b"/q", b"1")
    assert (received(first), received(second)) == (STOP, b"")
    push(client, b"/q", b"2")
    assert (received(first), received(second)) == (b"", STOP)
    assert pop(second, b"/q") == number(2) + string(b"1")
    assert pop(first, b"/q") == number(1) + string(b"2")
    assert not engine.waiting.promised


def test_as_many_are_told_as_there_are_items(engine, client, redis) -> None:
    waiting = [torch_client(engine) for _ in range(4)]
    for one in waiting:
        ask(one, WAIT, [b"/q"])
    talk(redis, b"RPUSH q 1 2 3")
    assert [received(one) for one in waiting] == [STOP, STOP, STOP, b""]
    assert [pop(one, b"/q")[:8] for one in waiting[:3]] == [number(3), number(2), number(1)]
    assert received(waiting[3]) == b""
    push(client, b"/q", b"4")
    assert received(waiting[3]) == STOP


@pytest.mark.parametrize(
    ("wait", "reply"),
    [
        (b"BLPOP q 0", array(b"q", b"2")),
        (b"BRPOP q 0", array(b"q", b"2")),
        (b"BLMPOP 0 1 q LEFT", b"*2\r\n" + bulk(b"q") + array(b"2")),
        (b"BLMOVE q other LEFT LEFT 0", bulk(b"2")),
    ],
)
def test_a_redis_client_that_waits_takes_no_item_of_which_a_torch_client_was_told(
    engine, client, redis, wait: bytes, reply: bytes
) -> None:
    first, second = torch_client(engine), Session(engine)
    ask(first, WAIT, [b"/q"])
    assert talk(second, wait) == b""
    push(client, b"/q", b"1")
    assert (received(first), received(second)) == (STOP, b"")
    assert pop(first, b"/q") == number(1) + string(b"1")
    assert received(second) == b""
    push(client, b"/q", b"2")
    assert received(second) == reply


def test_a_redis_client_takes_the_item_for_which_a_torch_client_does_not_come(engine, client, redis) -> None:
    first, second = torch_client(engine), Session(engine)
    ask(first, WAIT, [b"/q"])
    talk(second, b"BLPOP q 0")
    push(client, b"/q", b"1")
    assert feed(first, PING) == STOP + PONG
    assert received(second) == array(b"q", b"1")


def test_who_does_not_come_for_its_item_gives_way_to_the_next(engine, client) -> None:
    first, second, third = (torch_client(engine) for _ in range(3))
    for one in (first, second, third):
        ask(one, WAIT, [b"/q"])
    push(client, b"/q", b"1")
    assert received(first) == STOP
    assert feed(first, PING) == PONG
    assert received(second) == STOP
    second.receive_eof()
    engine.end_of_turn()
    assert received(third) == STOP
    assert pop(third, b"/q") == number(1) + string(b"1")
    assert not engine.waiting.promised


def test_a_later_push_ends_no_other_wait(engine, client) -> None:
    """TCPStore remembers that a client once waited for a queue (C10D.md, section 4)."""
    consumer = torch_client(engine)
    ask(consumer, WAIT, [b"/q"])
    push(client, b"/q", b"1")
    assert received(consumer) == STOP
    pop(consumer, b"/q")
    assert ask(consumer, WAIT, [b"/k"]) == b""
    push(client, b"/q", b"2")
    assert received(consumer) == b""


# Greeting, and what does not


def test_the_greeting_comes_first(engine) -> None:
    client = TCPStoreSession(engine)
    assert feed(client, VALIDATE) == b""
    assert feed(client, PING) == PONG
    assert feed(client, VALIDATE + PING) == PONG


@pytest.mark.parametrize(
    "data",
    [
        PING,
        operation(SET, b"/k", b"v"),
        b"GET / HTTP/1.0\r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"\x16\3\1\0",
        b"\x03\0\0\x13",
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_who_does_not_greet_is_sent_away_with_one_line(engine, data: bytes, size: int, caplog) -> None:
    client = TCPStoreSession(engine)

    with caplog.at_level(logging.INFO):
        assert [feed(client, data[place : place + size]) for place in range(0, len(data), size)]

    assert client.is_closing
    assert [record.getMessage() for record in caplog.records] == [
        "closing client 1 ( 'tcpstore'): it does not speak the protocol of torch's TCPStore"
    ]


@pytest.mark.parametrize("magic", [b"\xce\xf7\x85\x3d", bytes(4), b"GET "])
def test_a_wrong_magic_number_is_no_greeting(engine, magic: bytes, caplog) -> None:
    client = TCPStoreSession(engine)

    with caplog.at_level(logging.INFO):
        assert feed(client, b"\0" + magic + PING) == b""

    assert client.is_closing
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "data",
    [
        bytes([tcpstore.SET]) + number(2**63),
        bytes([tcpstore.WAIT]) + number(10**9),
        b"\x13",
        operation(ADD, b"/text", 1),
    ],
)
def test_what_cannot_be_done_ends_the_connection_with_one_line(client, redis, data: bytes, caplog) -> None:
    talk(redis, b"SET text text")

    with caplog.at_level(logging.INFO):
        assert feed(client, PING + data + PING) == PONG
        assert feed(client, PING) == b""

    assert client.is_closing
    assert len(caplog.records) == 1
    assert talk(redis, b"PING") == b"+PONG\r\n"


STREAM = (
    VALIDATE
    + PING
    + operation(ADD, b"init/", 1)
    + operation(SET, b"/k", b"v")
    + operation(WAIT, [b"/k", b"/k"])
    + operation(tcpstore.MULTI_GET, [b"/k", b"/k"])
    + operation(tcpstore.BARRIER, b"/b", 1)
    + operation(WAIT, [b"/never"])
)


@pytest.mark.parametrize("place", range(len(STREAM) + 1))
def test_a_client_that_leaves_at_any_byte_leaves_nothing(place: int, caplog) -> None:
    engine = make_engine()
    client = TCPStoreSession(engine)

    with caplog.at_level(logging.INFO):
        feed(client, STREAM[:place])
        client.receive_eof()

    assert len(caplog.records) <= 1
    assert not engine.sessions
    assert not len(engine.waiting)
    assert not engine.keyspace.databases[0].observed


def test_the_stream_byte_by_byte(engine) -> None:
    client = TCPStoreSession(engine)
    expected = PONG + number(1) + STOP + string(b"v") * 2 + STOP
    assert b"".join(feed(client, STREAM[place : place + 1]) for place in range(len(STREAM))) == expected


def test_replies_that_nobody_could_take_are_not_made(engine, client, redis, caplog) -> None:
    engine.config.client_query_buffer_limit = 1024**2
    talk(redis, b"SET", b"k", bytes(100_000))

    assert len(ask(client, tcpstore.MULTI_GET, [b"/k"] * 10)) == 10 * 100_008
    with caplog.at_level(logging.INFO):
        assert ask(client, tcpstore.MULTI_GET, [b"/k"] * 11) == b""
    assert client.is_closing
    assert "it asks for 1100000 bytes before it has read any" in caplog.records[0].getMessage()


def test_neither_are_many_replies(engine, client, redis) -> None:
    engine.config.client_query_buffer_limit = 1024**2
    talk(redis, b"SET", b"k", bytes(100_000))

    feed(client, operation(GET, b"/k") * 11)
    assert client.is_closing


def test_what_is_not_run_yet_is_bounded(engine, client, caplog) -> None:
    engine.config.client_query_buffer_limit = 1000
    feed(client, operation(WAIT, [b"/k"]))
    with caplog.at_level(logging.INFO):
        feed(client, PING * 201)
    assert client.is_aborted
    assert len(caplog.records) == 1


# As one of the server's clients


def test_it_is_shown_among_the_clients(engine, client, redis) -> None:
    client.peer = "127.0.0.1:5"
    ask(client, WAIT, [b"/k", b"/l"])

    line = talk(redis, b"CLIENT LIST ID %d" % client.id)
    assert b" addr=127.0.0.1:5 " in line
    assert b" name=tcpstore " in line
    assert b" flags=b " in line
    assert b" cmd=bexists " in line
    waits = talk(redis, b"WAITLIST k")
    assert bulk(b"bexists") + bulk(b"db") + b":0\r\n" + bulk(b"keys") + array(b"k", b"l") in waits
    info = talk(redis, b"INFO everything")
    assert b"connected_clients:2\r\n" in info
    assert b"blocked_clients:1\r\n" in info
    assert b"cmdstat_bexists:calls=1," in info


def test_it_may_be_killed(engine, client, redis) -> None:
    ask(client, WAIT, [b"/k"])
    assert talk(redis, b"CLIENT KILL ID %d" % client.id) == b":1\r\n"
    assert client.is_aborted
    assert not len(engine.waiting)


def test_a_pause_holds_it_up(engine, client, redis) -> None:
    assert talk(redis, b"CLIENT PAUSE 1000 WRITE") == OK
    assert ask(client, GET, b"/k") == string(b"")
    assert feed(client, operation(ADD, b"/k", 1) + operation(GET, b"/k")) == b""
    assert feed(client, PING) == b""
    assert client.unread() > 0
    assert feed(client, operation(tcpstore.CANCEL_WAIT)) == b""
    pass_time(engine, 2)
    assert received(client) == number(1) + string(b"1") + PONG + CANCELED
    talk(redis, b"CLIENT PAUSE 1000")
    assert ask(client, GET, b"/k") == b""
    pass_time(engine, 2)
    assert received(client) == string(b"1")


def test_it_has_no_password(redis, caplog) -> None:
    engine = make_engine(requirepass=b"secret")
    client = TCPStoreSession(engine)

    with caplog.at_level(logging.INFO):
        assert feed(client, VALIDATE + PING) == b""

    assert client.is_closing
    (record,) = caplog.records
    assert "which has no passwords, and this server requires one" in record.getMessage()


def test_who_was_there_before_the_password_stays(engine, client, redis) -> None:
    talk(redis, b"CONFIG SET requirepass secret")
    assert feed(client, PING) == PONG


def test_it_is_the_default_user_who_must_be_allowed_everything(engine, client, redis, caplog) -> None:
    assert feed(client, PING) == PONG
    talk(redis, b"ACL SETUSER default resetkeys ~a*")

    with caplog.at_level(logging.INFO):
        assert ask(client, SET, b"/a", b"1") == b""
        assert feed(TCPStoreSession(engine), VALIDATE + PING) == b""

    assert client.is_closing
    assert len([line for line in caplog.messages if "the default user may not do everything here" in line]) == 2
    assert redis.db.get(b"a") is None


def test_a_long_pipeline_lets_others_go_first(engine, client) -> None:
    engine.begin_turn()
    client.receive_data(operation(SET, b"/a", b"1") * 50)
    engine.system.wall_us += 20_000
    client.receive_data(operation(SET, b"/b", b"1") * 63 + operation(SET, b"/c", b"1") + operation(SET, b"/d", b"1"))
    data = engine.keyspace.databases[0].data
    assert b"d" not in data
    engine.end_of_turn()
    engine.between_ticks()
    assert b"d" in data
    assert client.unread() == 0


def test_a_bug_ends_the_connection_and_nothing_else(engine, client, redis, monkeypatch, caplog) -> None:
    def crash(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(engine.entries[b"get"], "plain", crash)
    assert ask(client, GET, b"/k") == b""
    assert client.is_closing
    assert "bug: an operation of client" in caplog.text


def test_it_takes_the_place_of_a_session_that_heard_nothing(engine, redis) -> None:
    session = Session(engine, "127.0.0.1:5", "127.0.0.1:6379", 7)
    connections = engine.statistics.connections
    client = take_over(session)

    assert engine.sessions[session.id] is client
    assert (client.id, client.peer, client.local, client.fd) == (session.id, "127.0.0.1:5", "127.0.0.1:6379", 7)
    assert client.created == session.created
    assert engine.statistics.connections == connections
    assert feed(client, VALIDATE + PING) == PONG
    assert take_over(client) is client
