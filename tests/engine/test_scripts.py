"""A script that takes too long: what others hear meanwhile, and how it ends."""

import gc
import weakref
from collections.abc import Callable

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol.tcpstore import ADD
from tests.talk import FakeSystem, array, make_engine, received, talk
from tests.wire import ask, number, torch_client

BUSY = b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n"
FOREVER = b"while true do end"
KILLED = b"-ERR Script killed by user with SCRIPT KILL..."


@pytest.fixture
def engine() -> Engine:
    """Its clock goes on a millisecond with each look at it."""
    engine = make_engine(busy_reply_threshold=50)
    engine.system.monotonic = ticking(engine.system.monotonic)  # type: ignore[method-assign]
    return engine


def ticking(clock: Callable[[], float]) -> Callable[[], float]:
    looks = 0

    def monotonic() -> float:
        nonlocal looks
        looks += 1
        return clock() + looks / 1000

    return monotonic


def taken(engine: Engine) -> bytes:
    """The effects since the last time."""
    assert isinstance(engine.system, FakeSystem)
    files = engine.system.append_files
    data, files.data = files.data + engine.effects.take(), b""
    return data


@pytest.fixture
def other(engine: Engine) -> Session:
    return Session(engine)


def test_others_are_told_that_the_server_is_busy_until_the_script_is_killed(
    engine: Engine, session: Session, other: Session
) -> None:
    assert talk(session, b"EVAL", FOREVER, b"0") == b""
    assert talk(other, b"GET k") == BUSY
    engine.tick()
    assert talk(other, b"PING") == BUSY
    assert talk(other, b"SCRIPT KILL") == b"+OK\r\n"
    engine.between_ticks()
    assert received(session).startswith(KILLED)
    assert talk(other, b"PING") == b"+PONG\r\n"
    assert talk(other, b"SCRIPT KILL") == b"-NOTBUSY No scripts in execution right now.\r\n"


def test_what_was_done_before_is_on_disk_within_a_second_however_long_the_script_takes(
    engine: Engine, session: Session, other: Session
) -> None:
    engine.append_only.start()
    assert isinstance(engine.system, FakeSystem)
    talk(other, b"SET k v")
    assert talk(session, b"EVAL", FOREVER, b"0") == b""
    engine.system.advance(1.0)
    engine.tick()
    assert engine.scripts.is_suspended
    assert engine.system.append_files.calls == ["open", "start_sync"]


def test_a_slow_script_ends_by_itself_and_requests_behind_it_run(engine: Engine, session: Session) -> None:
    assert talk(session, b"EVAL", b"for i = 1, 2000000 do end return redis.call('incr', 'n')", b"0") == b""
    assert talk(session, b"INCR n") == b""
    while engine.scripts.is_suspended:
        engine.between_ticks()
    assert received(session) == b":1\r\n:2\r\n"


def test_a_script_that_has_written_is_not_killed(engine: Engine, session: Session, other: Session) -> None:
    talk(session, b"EVAL", b"redis.call('set', 'k', 1) " + FOREVER, b"0")

    assert talk(other, b"SCRIPT KILL").startswith(b"-UNKILLABLE Sorry the script already executed write commands")
    engine.stop()
    assert received(session).startswith(KILLED)


def test_nothing_expires_while_a_script_is_in_the_midst_of_its_work(
    engine: Engine, session: Session, other: Session
) -> None:
    talk(session, b"SET k v PX 1")
    waiting = Session(engine)
    talk(waiting, b"BLPOP q 0.001")
    script = b"for i = 1, 2000000 do end return {redis.call('pttl', 'k'), redis.call('get', 'k')}"
    talk(session, b"EVAL", script, b"0")
    engine.system.wall_us += 1_000_000  # type: ignore[attr-defined]
    engine.tick()
    assert received(waiting) == b""
    while engine.scripts.is_suspended:
        engine.between_ticks()
    assert received(session) == b"*2\r\n:1\r\n$1\r\nv\r\n"
    engine.tick()
    assert received(waiting) == b"*-1\r\n"
    assert talk(session, b"EXISTS k") == b":0\r\n"


def test_who_waits_is_served_when_the_script_is_over(engine: Engine, session: Session, other: Session) -> None:
    talk(other, b"BLPOP q 0")
    script = b"redis.call('rpush', 'q', 'a') for i = 1, 2000000 do end return redis.call('lpop', 'q')"
    assert talk(session, b"EVAL", script, b"0") == b""
    assert talk(Session(engine), b"PING") == BUSY
    while engine.scripts.is_suspended:
        engine.between_ticks()
    assert received(session) == b"$1\r\na\r\n"
    assert received(other) == b""


def test_torch_clients_wait_for_the_script(engine: Engine, session: Session) -> None:
    torch = torch_client(engine)
    talk(session, b"EVAL", FOREVER, b"0")
    assert ask(torch, ADD, b"/n", 1) == b""
    engine.scripts.kill()
    engine.between_ticks()
    engine.between_ticks()
    assert received(torch) == number(1)


def test_a_transaction_of_scripts_waits_as_a_whole(engine: Engine, session: Session, other: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"EVAL", FOREVER, b"0")
    talk(session, b"INCR n")
    assert talk(session, b"EXEC") == b""
    assert talk(other, b"GET n") == BUSY
    talk(other, b"SCRIPT KILL")
    engine.between_ticks()
    assert received(session).startswith(b"*2\r\n" + KILLED)


def test_a_function_is_killed_by_a_command_of_its_own(engine: Engine, session: Session, other: Session) -> None:
    talk(session, b"FUNCTION", b"LOAD", b"#!lua name=l\nredis.register_function('f', function() " + FOREVER + b" end)")
    assert talk(session, b"FCALL f 1 k") == b""
    busy = BUSY.replace(b"SCRIPT", b"FUNCTION")
    assert talk(other, b"GET k") == talk(other, b"SCRIPT KILL") == busy
    assert b"$1\r\nf\r\n$7\r\ncommand\r\n*4\r\n$5\r\nfcall\r\n$1\r\nf\r\n$1\r\n1\r\n$1\r\nk\r\n" in talk(
        other, b"FUNCTION STATS"
    )
    assert talk(other, b"FUNCTION KILL") == b"+OK\r\n"
    engine.between_ticks()
    assert received(session).startswith(KILLED)


def test_the_server_can_be_shut_down_where_nothing_is_saved(engine: Engine, session: Session, other: Session) -> None:
    talk(session, b"EVAL", FOREVER, b"0")
    assert talk(other, b"SHUTDOWN") == BUSY
    assert talk(other, b"SHUTDOWN NOSAVE") == b""
    assert engine.system.stopped  # type: ignore[attr-defined]


def test_what_a_script_did_is_told_as_one(engine: Engine, session: Session, other: Session) -> None:
    engine.effects.listen(on=True)
    script = b"redis.call('set', 'k', 1) redis.call('incr', 'k') "
    talk(session, b"EVAL", script, b"0")
    unit = [array(b"MULTI"), array(b"SET", b"k", b"1"), array(b"INCR", b"k"), array(b"EXEC")]
    assert taken(engine) == b"".join([array(b"SELECT", b"0"), *unit])

    talk(session, b"EVAL", script + b"for i = 1, 2000000 do end", b"0")
    assert engine.scripts.is_suspended
    assert taken(engine) == b""
    while engine.scripts.is_suspended:
        engine.between_ticks()
    assert taken(engine) == b"".join(unit)

    talk(session, b"EVAL", script + FOREVER, b"0")
    engine.stop()
    assert taken(engine) == b""


def test_the_client_of_a_script_may_leave(engine: Engine, session: Session, other: Session) -> None:
    talk(session, b"EVAL", FOREVER, b"0")
    session.receive_eof()
    talk(other, b"SCRIPT KILL")
    engine.between_ticks()
    assert talk(other, b"PING") == b"+PONG\r\n"


def test_the_stack_that_stays_keeps_nothing(engine: Engine) -> None:
    def perform() -> "weakref.ref[Callable[[], None]]":
        def work() -> None:
            raise RespError("ERR no")

        with pytest.raises(RespError, match="no"):
            engine.scripts.perform(Session(engine), work)
        return weakref.ref(work)

    gone = perform()
    gc.collect()
    assert gone() is None
