"""Session: bytes in, bytes out, whatever the bytes and whatever the handlers do."""

import logging
import tracemalloc

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import BATCH, Session
from respstore.engine.waiting import Park
from respstore.protocol.replies import NO_REPLY
from tests.talk import OK, PING, PONG, array, check_wire, make_engine, received, request, talk

INTERNAL = b"-ERR internal error; the server's log has the details\r\n"


# Requests and replies


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (PING, PONG),
        (b"PING\r\n", PONG),
        (b"PING\n", PONG),
        (b"  pInG  \r\n", PONG),
        (b"\r\n\n\r\nPING\r\n", PONG),
        (b"*0\r\n*-1\r\nPING\r\n", PONG),
        (b'ECHO "a\\x41\\n b"\r\n', b"$5\r\naA\n b\r\n"),
        (array(b"ECHO", b""), b"$0\r\n\r\n"),
        (array(b"ECHO", b"*1\r\n$4\r\nPING\r\n"), b"$14\r\n*1\r\n$4\r\nPING\r\n\r\n"),
        (array(b"ECHO", bytes(range(256))), b"$256\r\n" + bytes(range(256)) + b"\r\n"),
        (array(b"ECHO", b"x" * 5000), b"$5000\r\n" + b"x" * 5000 + b"\r\n"),
        (
            request(b"SET k 1") + request(b"INCR k") + request(b"GET k") + request(b"GET n"),
            b"+OK\r\n:2\r\n$1\r\n2\r\n$-1\r\n",
        ),
        (
            request(b"SET k v") + request(b"INCR k") + PING,
            b"+OK\r\n-ERR value is not an integer or out of range\r\n" + PONG,
        ),
        (request(b"GET") + PING, b"-ERR wrong number of arguments for 'get' command\r\n" + PONG),
        (request(b"NO a") + PING, b"-ERR unknown command 'NO', with args beginning with: 'a' \r\n" + PONG),
        (PING * 3000, PONG * 3000),
    ],
)
def test_requests_are_answered_in_order(sent: bytes, expected: bytes) -> None:
    check_wire(sent, expected)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"*x\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n!4\r\n", b"-ERR Protocol error: expected '$', got '!'\r\n"),
        (b'ECHO "x\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
        (PING + request(b"SET k v") + b"*1\r\n$-1\r\n", PONG + b"+OK\r\n-ERR Protocol error: invalid bulk length\r\n"),
    ],
)
def test_a_protocol_error_ends_the_stream_after_the_requests_before_it(sent: bytes, expected: bytes) -> None:
    check_wire(sent, expected)
    session = Session(make_engine())
    session.receive_data(sent + PING)
    assert session.data_to_send() == expected
    assert session.is_closing
    session.receive_data(PING)
    assert session.data_to_send() == b""


def test_nothing_is_answered_before_a_request_is_complete(session: Session) -> None:
    session.receive_data(PING[:-1])
    assert session.data_to_send() == b""
    assert session.unread() > 0
    session.receive_data(PING[-1:])
    assert session.output_length() == len(PONG)
    assert session.data_to_send() == PONG
    assert session.data_to_send() == b""
    assert session.unread() == 0


def test_the_replies_are_in_the_protocol_of_their_moment(session: Session) -> None:
    session.receive_data(request(b"GET k") + request(b"HELLO 3 SETNAME x") + request(b"GET k") + request(b"HELLO 9"))
    replies = session.data_to_send()
    assert replies.startswith(b"$-1\r\n%7\r\n")
    assert replies.endswith(b"*0\r\n_\r\n-NOPROTO unsupported protocol version\r\n")


def test_two_sessions_do_not_mix(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    alice.receive_data(array(b"ECHO", b"alice")[:-3])
    bob.receive_data(array(b"ECHO", b"bob"))
    alice.receive_data(array(b"ECHO", b"alice")[-3:])
    assert bob.data_to_send() == b"$3\r\nbob\r\n"
    assert alice.data_to_send() == b"$5\r\nalice\r\n"
    assert alice.id != bob.id


# Bugs


def test_a_bug_in_a_handler_is_logged_and_answered_and_ends_nothing(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(session, message):
        raise ZeroDivisionError(message)

    session.engine.entries[b"ECHO"].use(echo)
    session.receive_data(request(b"SET k v") + request(b"ECHO x") + request(b"GET k") + request(b"EcHo x"))
    assert session.data_to_send() == b"+OK\r\n" + INTERNAL + b"$1\r\nv\r\n" + INTERNAL
    assert not session.is_closing
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert caplog.text.count("ZeroDivisionError: b'x'") == 2
    assert session.engine.entries[b"echo"].failed == 2


def test_a_bug_in_a_transaction_does_not_cost_the_other_replies(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.engine.entries[b"ECHO"].use(lambda session, message: 1 / 0)
    for line in (b"MULTI", b"SET k 1", b"ECHO x", b"INCR k"):
        talk(session, line)
    assert talk(session, b"EXEC") == b"*3\r\n+OK\r\n" + INTERNAL + b":2\r\n"
    assert len(caplog.records) == 1


def test_a_value_that_is_no_reply_leaves_no_half_reply_behind(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.engine.entries[b"ECHO"].use(lambda session, message: [b"begun", object()])
    assert talk(session, b"ECHO x") == INTERNAL
    assert talk(session, b"PING") == PONG
    assert "no reply is made of a object" in caplog.text


def test_who_waited_for_what_is_no_reply_hears_of_the_bug_and_nobody_else_does(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = Session(engine), Session(engine)
    engine.entries[b"ECHO"].use(lambda session, key: Park([key], lambda key: [b"begun", object()], timeout=None))
    assert talk(alice, b"ECHO k") == b""
    assert talk(bob, b"RPUSH k v") == b":1\r\n"
    assert received(alice) == INTERNAL
    assert talk(alice, b"LPOP k") == b"$1\r\nv\r\n"
    assert len(caplog.records) == 1


# Waiting


def test_what_came_while_it_waited_runs_after_its_release_in_order(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    alice.receive_data(request(b"BLPOP q 0") + request(b"ECHO 1") + request(b"ECHO 2"))
    assert talk(alice, b"ECHO 3") == b""
    assert alice.is_parked
    assert alice.unread() > len(request(b"ECHO 3"))
    bob.receive_data(request(b"RPUSH q v"))
    assert alice.is_released
    alice.receive_data(request(b"ECHO 4"))  # in the turn of its release
    assert received(alice) == b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n"
    engine.end_of_turn()
    assert received(alice) == b"$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n"
    assert not alice.is_released
    assert talk(alice, b"ECHO 5") == b"$1\r\n5\r\n"


def test_it_may_wait_again_and_again(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    alice.receive_data(request(b"BLPOP q 0") * 3 + PING)
    for _ in range(3):
        assert received(alice) == b""
        assert talk(bob, b"RPUSH q v") == b":1\r\n"
        assert received(alice).startswith(b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n")
    assert talk(bob, b"LLEN q") == b":0\r\n"
    assert not alice.is_parked


def test_a_protocol_error_behind_a_wait_is_found_when_the_wait_is_over(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    alice.receive_data(request(b"BLPOP q 0") + PING + b"*x\r\n")
    assert received(alice) == b""
    assert not alice.is_closing
    talk(bob, b"RPUSH q v")
    assert received(alice) == (
        b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n" + PONG + b"-ERR Protocol error: invalid multibulk length\r\n"
    )
    assert alice.is_closing


# Long pipelines


def slow_pipeline(count: int) -> bytes:
    """Requests of 4 ms each, and a PING."""
    return request(b"DEBUG SLEEP 0.004") * count + PING


def test_a_pipeline_of_slow_requests_lets_others_go_first() -> None:
    engine = make_engine(enable_debug_command="yes")
    alice, bob = Session(engine), Session(engine)
    alice.receive_data(slow_pipeline(40))
    engine.end_of_turn()
    assert received(alice) == OK * BATCH
    assert alice.unread() > 0
    assert talk(bob, b"PING") == PONG
    alice.receive_data(request(b"ECHO end"))
    assert received(alice) == b""

    engine.between_ticks()
    assert received(alice) == OK * BATCH
    engine.between_ticks()
    assert received(alice) == OK * (40 - 2 * BATCH) + PONG
    engine.between_ticks()
    assert received(alice) == b"$3\r\nend\r\n"
    assert engine.next_deadline() is None


def test_a_pipeline_of_quick_requests_runs_at_once(engine: Engine) -> None:
    session = Session(engine)
    session.receive_data(PING * 1000)
    assert received(session) == PONG * 1000


def test_pipelines_that_let_others_go_first_go_on_in_turn() -> None:
    engine = make_engine(enable_debug_command="yes")
    alice, bob = Session(engine), Session(engine)
    for client in (alice, bob):
        client.receive_data(slow_pipeline(20))
    assert received(alice) == OK * BATCH
    assert received(bob) == b""  # the turn was over before it began

    engine.between_ticks()
    assert received(alice) == OK * 4 + PONG
    assert received(bob) == b""
    assert engine.next_deadline() == engine.system.monotonic()
    engine.between_ticks()
    assert received(bob) == OK * BATCH
    engine.tick()
    assert received(bob) == OK * 4 + PONG


def test_a_pipeline_that_let_others_go_first_may_wait_and_end() -> None:
    engine = make_engine(enable_debug_command="yes")
    alice, bob = Session(engine), Session(engine)
    alice.receive_data(request(b"DEBUG SLEEP 0.004") * 20 + request(b"BLPOP q 0") + slow_pipeline(20))
    engine.between_ticks()
    assert received(alice) == OK * 20
    assert alice.is_parked
    talk(bob, b"RPUSH q v")
    assert received(alice) == b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n" + OK * BATCH
    alice.receive_eof()
    engine.between_ticks()
    assert received(alice) == b""
    assert engine.next_deadline() is None


# The end of a connection


def test_after_quit_nothing_is_run(engine: Engine) -> None:
    check_wire(PING + request(b"QUIT"), PONG + b"+OK\r\n")
    session = Session(engine)
    session.receive_data(request(b"QUIT") + request(b"SET k v") + b"*x\r\n")
    unread = session.unread()
    session.receive_data(request(b"SET k v"))
    assert session.unread() == unread  # what comes later is not even kept
    assert session.data_to_send() == b"+OK\r\n"
    assert session.is_closing
    assert not session.is_aborted
    assert talk(Session(engine), b"EXISTS k") == b":0\r\n"
    assert session.id not in engine.sessions


def test_a_peer_that_is_gone_waits_and_watches_no_more(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    talk(alice, b"WATCH w")
    talk(alice, b"BLPOP q 0")
    alice.receive_eof()
    assert alice.is_closing
    assert not engine.waiting
    assert talk(bob, b"RPUSH q v") == b":1\r\n"
    assert talk(bob, b"LLEN q") == b":1\r\n"
    assert alice.watch is None
    assert list(engine.sessions) == [bob.id]
    alice.receive_eof()  # once more does no harm
    assert list(engine.sessions) == [bob.id]


def test_an_aborted_session_says_no_more(engine: Engine) -> None:
    session = Session(engine)
    session.receive_data(PING)
    session.abort()
    assert session.data_to_send() == b""
    assert session.is_closing
    assert session.is_aborted
    assert engine.take_touched() == [session]


def test_a_request_that_is_longer_than_the_limit_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    session = Session(make_engine(client_query_buffer_limit=10_000), peer="127.0.0.1:5")
    session.receive_data(b"*2\r\n$4\r\nECHO\r\n$100000\r\n" + b"x" * 9_000)
    assert not session.is_closing
    session.receive_data(b"x" * 2_000)
    assert session.is_aborted
    assert "closing client 1 (127.0.0.1:5): its request is longer than client-query-buffer-limit" in caplog.text


def test_the_limit_holds_for_what_a_waiting_client_sends(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    engine.config.client_query_buffer_limit = 10_000
    session = Session(engine)
    talk(session, b"BLPOP q 0")
    session.receive_data(PING * 500)
    assert not session.is_closing
    session.receive_data(PING * 500)
    assert session.is_aborted
    assert not engine.waiting


def test_complete_requests_do_not_count_against_the_limit() -> None:
    session = Session(make_engine(client_query_buffer_limit=100))
    session.receive_data(PING * 1000)
    assert session.data_to_send() == PONG * 1000


# What commands do to it


def test_send_is_for_what_is_no_reply(session: Session) -> None:
    session.send(b"news")
    assert session.engine.take_touched() == [session]
    assert received(session) == b"$4\r\nnews\r\n"


def test_a_handler_may_say_nothing(session: Session) -> None:
    session.engine.entries[b"ECHO"].use(lambda session, message: NO_REPLY)
    assert talk(session, b"ECHO x") == b""
    assert talk(session, b"PING") == PONG


def test_who_it_is(engine: Engine) -> None:
    session = Session(engine, "127.0.0.1:50123", "127.0.0.1:6379", fd=7)
    assert session.describe() == "1 (127.0.0.1:50123)"
    talk(session, b"CLIENT SETNAME worker-1")
    assert session.describe() == "1 (127.0.0.1:50123 'worker-1')"


def test_memory_grows_with_what_is_held(engine: Engine) -> None:
    session = Session(engine)
    idle = session.memory()
    session.receive_data(b"*2\r\n$4\r\nECHO\r\n$1000\r\n" + b"x" * 500)
    assert session.memory() - idle >= 500
    session.receive_data(b"x" * 500 + b"\r\n")
    assert session.memory() - idle >= 1000
    session.data_to_send()
    assert session.memory() == idle
    session.unsent = 300
    talk(session, b"MULTI")
    talk(session, b"ECHO", b"y" * 100)
    assert session.memory() - idle >= 400


@pytest.mark.parametrize(
    ("command", "undo"),
    [
        (b"WATCH", b"UNWATCH"),
        (b"SUBSCRIBE", b"UNSUBSCRIBE"),
        (b"PSUBSCRIBE", b"PUNSUBSCRIBE"),
        (b"SSUBSCRIBE", b"SUNSUBSCRIBE"),
        (b"CLIENT TRACKING ON BCAST PREFIX", b"CLIENT TRACKING OFF"),
    ],
    ids=lambda text: text.decode(),
)
def test_memory_grows_with_what_is_remembered_for_a_client(engine: Engine, command: bytes, undo: bytes) -> None:
    session = Session(engine)
    talk(session, command + b" first")
    talk(session, undo)  # what is known of the command itself by now is not the client's
    idle = session.memory()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(500):
        talk(session, b"%b %020d" % (command, number))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown == pytest.approx(session.memory() - idle, rel=0.15)
    talk(session, undo)
    assert session.memory() == idle
