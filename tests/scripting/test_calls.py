"""redis.call, as a script of a client runs it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.scripting.calls import WRITES, Calls
from respstore.scripting.runtime import Runtime
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
                         (b"EVAL_RO", b"redis.call('publish', 'c', 'm')"),  # CLIENT PAUSE WRITE would not allow it
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


@pytest.mark.parametrize("length", [0, 1, 32_767, 32_768, 65_535, 65_536])
@pytest.mark.parametrize("count", [1, 2, 3, 200, 201])
def test_arrays_come_to_a_script_whole_however_long_they_are(session: Session, length: int, count: int) -> None:
    talk(session, b"SET", b"k", b"x" * length)
    keys = b"'nokey'" + b", 'k'" * (count - 1)
    script = b"local r = redis.call('mget', %b) local n = 0 for i = 2, #r do n = n + #r[i] end " % keys

    assert talk(session, b"EVAL", script + b"return {r[1], #r, n}", b"0") == (
        b"*3\r\n$-1\r\n:%d\r\n:%d\r\n" % (count, (count - 1) * length)
    )


def test_arrays_of_all_kinds_come_to_a_script(session: Session) -> None:
    talk(session, b"RPUSH l a b c")
    talk(session, b"XADD x 1-1 f v")
    for script, reply in {
        b"return redis.call('lrange', 'l', 0, -1)": b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
        b"return redis.call('lrange', 'nokey', 0, -1)": b"*0\r\n",
        b"return redis.call('smismember', 'nokey', 'a', 'b')": b"*2\r\n:0\r\n:0\r\n",
        b"return redis.call('xrange', 'x', '-', '+')[1][2]": b"*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
        b"return redis.call('lmpop', 1, 'nokey', 'left')": b"$-1\r\n",
        b"redis.setresp(3) return tostring(redis.call('hmget', 'nokey', 'f')[1])": b"$3\r\nnil\r\n",
        b"redis.setresp(3) return tostring(redis.call('get', 'nokey'))": b"$3\r\nnil\r\n",
    }.items():
        assert (script, talk(session, b"EVAL", script, b"0")) == (script, reply)


def test_commands_of_scripts_are_counted_as_others_are(session: Session) -> None:
    talk(session, b"EVAL", b"for i, name in ipairs({'get', 'GET', 'Get'}) do redis.call(name, 'k') end", b"0")
    talk(session, b"EVAL", b"redis.call('set', 'k', 1) redis.call('Get', 'k') redis.pcall('lpush', 'k', 1)", b"0")
    stats = talk(session, b"INFO commandstats")

    assert b"cmdstat_get:calls=4," in stats
    assert b"cmdstat_set:calls=1," in stats
    assert b"cmdstat_lpush:calls=1," in stats
    assert stats.count(b"failed_calls=0") == stats.count(b"cmdstat_") - 1


@pytest.mark.parametrize("name", [b"set", b"SET", b"Set"])
def test_who_has_written_is_known(engine: Engine, session: Session, name: bytes) -> None:
    talk(session, b"EVAL", b"redis.call('get', 'k')", b"0")
    assert not engine.scripts.has_written
    talk(session, b"EVAL", b"redis.call('%b', 'k', 'v')" % name, b"0")
    assert engine.scripts.has_written
    talk(session, b"EVAL", b"redis.pcall('%b', 'k')" % name, b"0")
    assert not engine.scripts.has_written


def test_a_bug_of_a_command_is_an_error_for_the_script(
    engine: Engine, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    entry = engine.entries[b"get"]
    for broken in (lambda session, key: 1 / 0, lambda session, key: object()):
        entry.use(broken)

        assert error_of(session, b"redis.call('get', 'k')").startswith(b"-ERR internal error")
    assert caplog.text.count("bug: ") == 2


def test_what_a_command_is_replaced_by_is_called_by_scripts_at_once(engine: Engine, session: Session) -> None:
    script = b"return redis.call('get', 'k')"
    talk(session, b"EVAL", script, b"0")
    engine.entries[b"get"].use(lambda session, key: b"another")

    assert talk(session, b"EVAL", script, b"0") == b"$7\r\nanother\r\n"


def test_words_that_were_gathered_for_nothing_are_no_words_of_the_next_command(engine: Engine) -> None:
    calls = Calls(engine)
    calls.begin(Session(engine), WRITES, Runtime(calls))
    calls.gather(True, b"SET", b"k")  # the memory of the script was full then
    calls.gather(True, b"PING")
    calls.gather(False, b"x")

    assert calls.call_gathered() == b"x"
