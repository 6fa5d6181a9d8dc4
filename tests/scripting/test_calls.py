"""redis.call, as a script of a client runs it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import FakeSystem, make_engine, talk

FULL = OSError(28, "No space left on device")


def error_of(session: Session, script: bytes) -> bytes:
    """What a script fails with, without what is said of its place."""
    return talk(session, b"EVAL", script, b"0").partition(b" script: ")[0]


def test_a_command_that_cannot_be_is_refused_as_by_redis(session: Session) -> None:
    talk(session, b"SET s x")
    for script, text in {
        b"redis.call('foo')": b"-ERR Unknown Redis command called from script",
        b"redis.call('client', 'foo')": b"-ERR Unknown Redis command called from script",
        b"redis.call('get')": b"-ERR Wrong number of args calling Redis command from script",
        b"redis.call('client')": b"-ERR Wrong number of args calling Redis command from script",
        b"redis.call('subscribe', 'x')": b"-ERR This Redis command is not allowed from script",
        b"redis.call('blpop', 'x', 0)": b"-ERR This Redis command is not allowed from script",
        b"redis.call('xRead', 'block', 1, 'streams', 'x', 0)": (
            b"-ERR xRead command is not allowed with BLOCK option from scripts"
        ),
        b"redis.call('lpush', 's', 1)": b"-WRONGTYPE Operation against a key holding the wrong kind of value",
    }.items():
        assert (script, error_of(session, script)) == (script, text)


def test_numbers_are_written_as_c_writes_them(session: Session) -> None:
    for number, text in {b"3.1": b"3.1000000000000001", b"1e17": b"1e+17", b"-0.5": b"-0.5", b"10": b"10"}.items():
        assert talk(session, b"EVAL", b"redis.call('set', 'k', %b) return redis.call('get', 'k')" % number, b"0") == (
            b"$%d\r\n%b\r\n" % (len(text), text)
        )


def test_what_a_script_selects_holds_until_it_is_over(session: Session) -> None:
    talk(session, b"EVAL", b"redis.call('select', 3) redis.call('set', 'k', 'v')", b"0")

    assert talk(session, b"EXISTS k") == b":0\r\n"
    talk(session, b"SELECT 3")
    assert talk(session, b"EXISTS k") == b":1\r\n"


def test_who_may_only_read_may_only_read_by_a_script(session: Session) -> None:
    for name, script in ((b"EVAL_RO", b"redis.call('set', 'k', 1)"),
                         (b"EVAL", b"#!lua flags=no-writes\nredis.call('set', 'k', 1)")):  # fmt: skip
        assert talk(session, name, script, b"0").startswith(
            b"-ERR Write commands are not allowed from read-only scripts. script: "
        )
    assert talk(session, b"EVAL_RO", b"#!lua\nreturn 1", b"0") == (
        b"-ERR Can not execute a script with write flag using *_ro command.\r\n"
    )


def test_a_user_may_do_by_a_script_what_it_may_do_at_all(engine: Engine, session: Session) -> None:
    talk(session, b"ACL SETUSER bob on nopass ~a* resetchannels +eval +get +publish")
    bob = Session(engine)
    talk(bob, b"AUTH bob x")

    assert talk(bob, b"EVAL", b"return redis.call('get', 'a')", b"0") == b"$-1\r\n"
    assert error_of(bob, b"redis.call('get', 'b')") == (
        b"-ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"
    )
    assert error_of(bob, b"redis.call('set', 'a', 1)") == (
        b"-ERR The user executing the script can't run this command or subcommand"
    )
    assert error_of(bob, b"redis.call('publish', 'c', 1)") == (
        b"-ERR The user executing the script can't publish to the channel mentioned in the command"
    )
    assert b"context\r\n$3\r\nlua" in talk(session, b"ACL LOG")
    script = b"return {redis.acl_check_cmd('get', 'a'), redis.acl_check_cmd('get', 'b')}"
    assert talk(bob, b"EVAL", script, b"0") == b"*2\r\n:1\r\n$-1\r\n"


def test_where_memory_is_short_only_scripts_that_say_so_write() -> None:
    session = Session(make_engine(maxmemory=1))
    out_of_memory = b"-OOM command not allowed when used memory > 'maxmemory'."

    assert error_of(session, b"redis.call('set', 'k', 1)") == out_of_memory
    assert talk(session, b"EVAL", b"return redis.call('get', 'k')", b"0") == b"$-1\r\n"
    assert talk(session, b"EVAL", b"#!lua\nreturn redis.call('get', 'k')", b"0") == out_of_memory + b"\r\n"
    assert talk(session, b"EVAL", b"#!lua flags=allow-oom\nreturn redis.call('set', 'k', 1)", b"0") == b"+OK\r\n"
    assert talk(session, b"EVAL", b"#!lua flags=no-writes\nreturn redis.call('get', 'k')", b"0") == b"$1\r\n1\r\n"


@pytest.mark.parametrize("is_log", [False, True], ids=["dump.rdb", "append-only file"])
def test_while_the_disk_fails_only_scripts_that_read_are_run(*, is_log: bool) -> None:
    engine = make_engine(appendonly=is_log)
    session = Session(engine)
    assert isinstance(engine.system, FakeSystem)
    if is_log:
        engine.append_only.start()
        engine.system.append_files.problem = FULL
        talk(session, b"SET a 1")
    else:
        talk(session, b"SET a 1")
        engine.system.disk.problem = FULL
        talk(session, b"BGSAVE")
    refusal = talk(session, b"SET b 1").removesuffix(b"\r\n")

    assert refusal.startswith(b"-MISCONF")
    assert error_of(session, b"redis.call('set', 'b', 1)") == refusal
    assert talk(session, b"EVAL", b"return redis.call('get', 'a')", b"0") == b"$1\r\n1\r\n"
    assert talk(session, b"EVAL", b"#!lua\nreturn redis.call('get', 'a')", b"0") == refusal + b"\r\n"
    assert talk(session, b"EVAL", b"#!lua flags=no-writes\nreturn redis.call('get', 'a')", b"0") == b"$1\r\n1\r\n"


def test_nothing_waits_in_a_script(session: Session) -> None:
    assert talk(session, b"EVAL", b"return redis.call('BARRIER', 'b', 2)", b"0") == b"$-1\r\n"
    assert talk(session, b"EVAL", b"return redis.call('BGET', 'k', 0)", b"0") == b"$-1\r\n"


def test_what_a_script_pushes_is_given_to_who_waits_when_it_is_over(engine: Engine, session: Session) -> None:
    waiting = Session(engine)
    talk(waiting, b"BLPOP k 0")

    assert talk(session, b"EVAL", b"redis.call('rpush', 'k', 'a') return redis.call('llen', 'k')", b"0") == b":1\r\n"
    assert waiting.data_to_send() == b"*2\r\n$1\r\nk\r\n$1\r\na\r\n"
