"""MULTI, EXEC, DISCARD, WATCH and UNWATCH, as their clients and others see them."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import pass_time, talk

ABORTED = b"-EXECABORT Transaction discarded because of previous errors.\r\n"
VOID = b"*-1\r\n"


@pytest.fixture
def other(engine: Engine) -> Session:
    return Session(engine)


def ask_all(session: Session, *requests: bytes) -> list[bytes]:
    return [talk(session, request) for request in requests]


def run(session: Session) -> bytes:
    """A transaction of one PING, as what WATCH guards."""
    assert ask_all(session, b"MULTI", b"PING") == [b"+OK\r\n", b"+QUEUED\r\n"]
    return talk(session, b"EXEC")


RAN = b"*1\r\n+PONG\r\n"


# MULTI, EXEC, DISCARD


def test_a_transaction_runs_at_exec(session: Session, other: Session) -> None:
    assert (
        ask_all(session, b"MULTI", b"SET k 1", b"incr k", b"GET k", b"GET missing")
        == [b"+OK\r\n"] + [b"+QUEUED\r\n"] * 4
    )
    assert talk(other, b"EXISTS k") == b":0\r\n"
    assert talk(session, b"EXEC") == b"*4\r\n+OK\r\n:2\r\n$1\r\n2\r\n$-1\r\n"
    assert talk(session, b"GET k") == b"$1\r\n2\r\n"


def test_an_empty_transaction(session: Session) -> None:
    assert ask_all(session, b"MULTI", b"EXEC") == [b"+OK\r\n", b"*0\r\n"]


def test_a_transaction_in_one_packet_with_more_behind_it(session: Session) -> None:
    session.receive_data(b"MULTI\r\nSET k 1\r\nINCR k\r\nEXEC\r\nGET k\r\n")
    assert session.data_to_send() == b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:2\r\n$1\r\n2\r\n"


def test_discard_forgets_the_queue(session: Session) -> None:
    assert ask_all(session, b"MULTI", b"SET k 1", b"DISCARD", b"EXISTS k") == [
        b"+OK\r\n",
        b"+QUEUED\r\n",
        b"+OK\r\n",
        b":0\r\n",
    ]


def test_there_must_be_a_transaction_to_end(session: Session) -> None:
    assert talk(session, b"EXEC") == b"-ERR EXEC without MULTI\r\n"
    assert talk(session, b"DISCARD") == b"-ERR DISCARD without MULTI\r\n"
    assert ask_all(session, b"MULTI", b"EXEC", b"EXEC")[2] == b"-ERR EXEC without MULTI\r\n"


def test_multi_and_watch_are_refused_inside_and_abort_nothing(session: Session) -> None:
    assert ask_all(session, b"MULTI", b"MULTI", b"WATCH k", b"UNWATCH", b"EXEC") == [
        b"+OK\r\n",
        b"-ERR MULTI calls can not be nested\r\n",
        b"-ERR WATCH inside MULTI is not allowed\r\n",
        b"+QUEUED\r\n",
        b"*1\r\n+OK\r\n",
    ]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (b"FOO", b"-ERR unknown command 'FOO', with args beginning with: \r\n"),
        (b"GET", b"-ERR wrong number of arguments for 'get' command\r\n"),
        (b"OBJECT ENCODING", b"-ERR wrong number of arguments for 'object|encoding' command\r\n"),
        (b"OBJECT JUNK k", b"-ERR unknown subcommand 'JUNK'. Try OBJECT HELP.\r\n"),
        (b"MULTI x", b"-ERR wrong number of arguments for 'multi' command\r\n"),
        (b"DISCARD x", b"-ERR wrong number of arguments for 'discard' command\r\n"),
        (b"WATCH", b"-ERR wrong number of arguments for 'watch' command\r\n"),
    ],
)
def test_a_command_that_cannot_be_queued_aborts_all(session: Session, request_: bytes, error: bytes) -> None:
    assert ask_all(session, b"MULTI", b"SET k v", request_, b"SET j v", b"EXEC") == [
        b"+OK\r\n",
        b"+QUEUED\r\n",
        error,
        b"+QUEUED\r\n",
        ABORTED,
    ]
    assert talk(session, b"EXISTS k j") == b":0\r\n"
    assert run(session) == RAN


def test_an_exec_that_is_refused_ends_the_transaction(session: Session) -> None:
    error = b"-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n"
    assert talk(session, b"EXEC x") == error
    talk(session, b"WATCH k")
    talk(session, b"SET k v")
    assert ask_all(session, b"MULTI", b"EXEC x", b"EXEC") == [b"+OK\r\n", error, b"-ERR EXEC without MULTI\r\n"]
    assert run(session) == RAN


def test_a_command_that_fails_does_not_stop_the_rest(session: Session) -> None:
    talk(session, b"SET k text")
    assert ask_all(session, b"MULTI", b"INCR k", b"RPUSH k x", b"RENAME missing x", b"SET j 1", b"EXEC")[-1] == (
        b"*4\r\n-ERR value is not an integer or out of range\r\n"
        b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n-ERR no such key\r\n+OK\r\n"
    )
    assert talk(session, b"GET j") == b"$1\r\n1\r\n"


def test_select_lasts(session: Session) -> None:
    talk(session, b"MULTI")
    ask_all(session, b"SELECT 3", b"SET k v", b"EXEC")
    assert ask_all(session, b"EXISTS k", b"SELECT 0", b"EXISTS k") == [b":1\r\n", b"+OK\r\n", b":0\r\n"]


# WATCH

TOUCHING = {
    b"SET k w": True,
    b"SET k v": True,
    b"APPEND k x": True,
    b"DEL k": True,
    b"UNLINK k": True,
    b"EXPIRE k 100": True,
    b"EXPIRE k -1": True,
    b"RENAME k j": True,
    b"RENAME j k": True,
    b"MOVE k 1": True,
    b"COPY j k REPLACE": True,
    b"FLUSHDB": True,
    b"FLUSHALL": True,
    b"SWAPDB 0 1": True,
    b"GET k": False,
    b"TTL k": False,
    b"TOUCH k": False,
    b"PERSIST k": False,
    b"EXPIRE k 100 XX": False,
    b"RENAME k k": False,
    b"RENAMENX j k": False,
    b"COPY j k": False,
    b"COPY k l": False,
    b"COPY missing k REPLACE": False,
    b"DEL j": False,
    b"SWAPDB 1 2": False,
    b"SWAPDB 0 0": False,
    b"SCAN 0": False,
}


@pytest.mark.parametrize("request_", TOUCHING)
@pytest.mark.parametrize("by_itself", [False, True])
def test_what_touches_a_watched_key(session: Session, other: Session, request_: bytes, *, by_itself: bool) -> None:
    talk(other, b"MSET k v j v")
    assert talk(session, b"WATCH k") == b"+OK\r\n"
    talk(session if by_itself else other, request_)
    assert run(session) == (VOID if TOUCHING[request_] else RAN)
    assert run(session) == RAN


def test_a_key_that_is_not_there_can_be_watched(session: Session, other: Session) -> None:
    for appears in (b"SET k v", b"RPUSH k v", b"RENAME j k", b"COPY j k", b"SWAPDB 0 1"):
        talk(other, b"FLUSHALL")
        talk(other, b"SET j v")
        ask_all(other, b"SELECT 1", b"SET k v", b"SELECT 0")
        talk(session, b"WATCH other k")
        talk(other, appears)
        assert run(session) == VOID
    talk(other, b"FLUSHALL")
    talk(session, b"WATCH k")
    ask_all(other, b"FLUSHALL", b"FLUSHDB", b"DEL k", b"EXPIRE k 100")
    assert run(session) == RAN


@pytest.mark.parametrize("end", [b"UNWATCH", b"EXEC", b"DISCARD"])
def test_watching_ends(session: Session, other: Session, end: bytes) -> None:
    talk(session, b"WATCH k")
    if end != b"UNWATCH":
        talk(session, b"MULTI")
    talk(session, end)
    talk(other, b"SET k v")
    assert run(session) == RAN


def test_unwatch_makes_up_for_a_change(session: Session, other: Session) -> None:
    talk(session, b"WATCH k")
    talk(other, b"SET k v")
    assert talk(session, b"UNWATCH") == b"+OK\r\n"
    assert run(session) == RAN
    assert talk(session, b"UNWATCH") == b"+OK\r\n"


def test_a_refused_command_weighs_more_than_a_changed_key(session: Session, other: Session) -> None:
    talk(session, b"WATCH k")
    talk(other, b"SET k v")
    ask_all(session, b"MULTI", b"FOO")
    assert talk(session, b"EXEC") == ABORTED


def test_a_key_is_watched_in_its_database(session: Session, other: Session) -> None:
    ask_all(session, b"WATCH k", b"SELECT 1")
    ask_all(other, b"SELECT 1", b"SET k v")
    assert run(session) == RAN
    ask_all(session, b"WATCH k", b"SELECT 0")
    talk(other, b"SET k w")
    assert run(session) == VOID


def test_several_clients_watch_a_key(session: Session, other: Session, engine: Engine) -> None:
    third = Session(engine)
    talk(session, b"WATCH k k")
    talk(third, b"WATCH k")
    talk(session, b"WATCH k")
    talk(other, b"SET k v")
    assert run(session) == run(third) == VOID
    talk(other, b"SET k v")
    assert run(session) == run(third) == RAN


def test_of_two_transactions_on_one_key_the_first_wins(session: Session, other: Session) -> None:
    for client in (session, other):
        assert ask_all(client, b"WATCH k", b"MULTI", b"INCR k") == [b"+OK\r\n", b"+OK\r\n", b"+QUEUED\r\n"]
    assert talk(other, b"EXEC") == b"*1\r\n:1\r\n"
    assert talk(session, b"EXEC") == VOID
    assert talk(session, b"GET k") == b"$1\r\n1\r\n"


@pytest.mark.parametrize("is_active", [True, False])
def test_a_watched_key_expires(session: Session, engine: Engine, *, is_active: bool) -> None:
    engine.active_expiry = is_active
    talk(session, b"SET k v PX 10")
    talk(session, b"WATCH k")
    pass_time(engine, 0.01)
    assert run(session) == VOID


@pytest.mark.parametrize("then", [b"EXISTS k", b"DEL k", b"FLUSHALL", b"SWAPDB 0 1", b"PERSIST k"])
def test_a_key_that_was_dead_when_it_was_watched_is_not_touched_by_its_deletion(
    session: Session, other: Session, engine: Engine, then: bytes
) -> None:
    engine.active_expiry = False
    talk(session, b"SET k v PX 10")
    pass_time(engine, 0.01)
    talk(session, b"WATCH k")
    talk(other, then)
    assert run(session) == RAN
