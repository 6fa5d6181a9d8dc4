"""When effects are written, what is promised to whom, and what follows if the disk does not do its part."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respstore.engine.append_only import BUSY_SECONDS, SYNC_SECONDS
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.protocol import tcpstore
from tests.talk import OK, FakeAppendFiles, FakeSystem, make_engine, pass_time, talk
from tests.wire import READY, ask, torch_client

TICK = 0.1
FULL = OSError(28, "No space left on device")
MISCONF = b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"
SET = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"


@pytest.fixture
def engine() -> Engine:
    return started()


def started(**options: object) -> Engine:
    engine = make_engine(appendonly=True, **options)
    engine.append_only.start()
    return engine


def files(engine: Engine) -> FakeAppendFiles:
    assert isinstance(engine.system, FakeSystem)
    return engine.system.append_files


def status(engine: Engine, field: str) -> str:
    info = talk(Session(engine), b"INFO persistence").decode()
    return info.partition(f"{field}:")[2].partition("\r\n")[0]


# Writing


def test_effects_are_written_at_the_end_of_the_turn(engine: Engine) -> None:
    session = Session(engine)
    engine.begin_turn()
    session.receive_data(b"SET a 1\r\n")
    assert files(engine).data == b""
    engine.end_of_turn()
    assert files(engine).data == SET
    assert files(engine).calls == ["open"]


def test_with_always_they_are_on_disk_before_replies_leave() -> None:
    engine = started(appendfsync="always")
    assert talk(Session(engine), b"SET a 1") == OK
    assert files(engine).calls == ["open", "sync"]


def test_with_everysec_a_thread_brings_them_to_disk_once_a_second(engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"SET a 1")
    pass_time(engine, 1.0)
    files(engine).synced = ""
    pass_time(engine, 0.1)
    talk(session, b"SET a 1")
    pass_time(engine, 0.8)
    assert files(engine).calls == ["open", "start_sync"]
    pass_time(engine, 0.1)
    assert files(engine).calls == ["open", "start_sync", "start_sync"]
    pass_time(engine, 2.0)
    assert files(engine).calls == ["open", "start_sync", "start_sync"]  # nothing new was written


def test_as_long_as_the_disk_is_busy_writing_waits_but_not_for_ever(engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"SET a 1")
    pass_time(engine, 1.0)
    written = len(files(engine).data)
    talk(session, b"SET a 2")
    pass_time(engine, 1.0)
    assert len(files(engine).data) == written
    assert status(engine, "aof_pending_bio_fsync") == "1"
    pass_time(engine, 1.1)
    assert len(files(engine).data) > written
    assert status(engine, "aof_delayed_fsync") == "1"


class SlowFiles(FakeAppendFiles):
    """An append-only file on a disk that needs `seconds` for each sync, and keeps those waiting who write meanwhile.

    Attributes:
        on_disk: how much a loss of power leaves.
        waited: seconds in which the server could do nothing.
    """

    def __init__(self, system: FakeSystem) -> None:
        super().__init__()
        self.seconds = 0.0
        self.on_disk = b""
        self.waited = 0.0
        self._system = system
        self._syncing: tuple[float, bytes] | None = None

    def append(self, data: bytes) -> None:
        if self.poll_sync() is None and self._syncing is not None:
            rest = self._syncing[0] - self._system.seconds
            self._system.advance(rest)
            self.waited += rest
        super().append(data)

    def start_sync(self) -> None:
        self._syncing = self._system.seconds + self.seconds, self.data

    def poll_sync(self) -> str | None:
        if self._syncing is not None:
            end, data = self._syncing
            if self._system.seconds < end:
                return None
            self.on_disk, self._syncing = data, None
        return ""


@given(
    turns=st.lists(
        st.tuples(
            st.integers(1, 3),  # ticks before it
            st.booleans(),  # somebody writes
            st.sampled_from([0.0, 0.05, 0.5, 0.9, 1.5, 30.0]),  # how long a sync takes from now on
        ),
        min_size=1,
        max_size=100,
    )
)
@example(turns=[(1, True, 0.0)] * 25)
@example(turns=[(1, True, 0.9)] * 50)
@example(turns=[(1, True, 30.0)] * 100)
def test_with_everysec_no_more_than_a_second_is_lost_and_what_the_disk_takes(
    turns: list[tuple[int, bool, float]],
) -> None:
    """Whenever the power fails: what was acknowledged before the last second is on disk.

    A sync that is under way adds its time: at most `BUSY_SECONDS`, for then writing waits for it. So does the one
    before, if it took longer than the second after which this one was due.
    """
    engine = make_engine(appendonly=True)
    assert isinstance(engine.system, FakeSystem)
    slow = SlowFiles(engine.system)
    engine.system.append_files = slow
    engine.append_only.start()
    session = Session(engine)
    acknowledged: list[float] = []  # when each write was, on a clock that stands still while the server does
    slowest = 0.0
    for ticks, writes, seconds in turns:
        for _ in range(ticks):
            pass_time(engine, TICK)
        slow.seconds = seconds
        slowest = max(slowest, seconds)
        before = engine.system.seconds - slow.waited
        assert talk(session, b"INCR a" if writes else b"GET a")
        if writes:
            acknowledged.append(before)
        slow.poll_sync()
        lost = acknowledged[slow.on_disk.count(b"INCR") :]
        # The first write that waits for the disk may come a few ticks after the sync has begun.
        busy = 0.0 if not slowest else min(slowest, BUSY_SECONDS + 3 * TICK)
        assert not lost or before - lost[0] <= max(SYNC_SECONDS, busy) + busy + 2 * TICK


def test_times_are_written_if_that_is_asked_for() -> None:
    engine = started(aof_timestamp_enabled=True)
    session = Session(engine)
    talk(session, b"SET a 1")
    talk(session, b"SET a 1")
    assert files(engine).data.startswith(b"#TS:1700000000\r\n" + SET)
    assert files(engine).data.count(b"#TS") == 1


def test_who_reads_writes_nothing(engine: Engine) -> None:
    talk(Session(engine), b"GET a")
    assert files(engine).data == b""


# Errors


def test_with_everysec_writes_are_refused_until_the_disk_has_room(engine: Engine) -> None:
    session = Session(engine)
    files(engine).problem = FULL
    assert talk(session, b"SET a 1") == OK  # as in Redis: it is kept, and tried again
    for line in (b"SET b 1", b"PING"):
        assert talk(session, line) == MISCONF
    talk(session, b"MULTI")
    assert talk(session, b"SET b 1") == MISCONF
    assert talk(session, b"EXEC").startswith(b"-EXECABORT")
    assert talk(session, b"GET a") == b"$1\r\n1\r\n"
    assert (status(engine, "aof_last_write_status"), status(engine, "aof_buffer_length")) == ("err", str(len(SET)))
    files(engine).problem = None
    pass_time(engine, 0.1)
    assert files(engine).data == SET
    assert talk(session, b"SET b 1") == OK
    assert status(engine, "aof_last_write_status") == "ok"


def test_a_torch_client_that_would_write_then_is_sent_away(engine: Engine) -> None:
    client, other = torch_client(engine), torch_client(engine)
    ask(client, tcpstore.SET, b"/k", b"v")
    files(engine).problem = FULL
    ask(client, tcpstore.SET, b"/k", b"w")
    assert ask(other, tcpstore.CHECK, [b"/k"]) == READY
    ask(client, tcpstore.SET, b"/k", b"x")
    assert client.is_closing
    assert talk(Session(engine), b"GET k") == b"$1\r\nw\r\n"


def test_what_a_thread_could_not_bring_to_disk_refuses_writes(engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"SET a 1")
    pass_time(engine, 1.0)
    files(engine).synced = "Input/output error"
    pass_time(engine, 0.1)
    assert talk(session, b"SET a 2") == b"-MISCONF Errors writing to the AOF file: Input/output error\r\n"
    files(engine).synced = ""
    pass_time(engine, 1.0)
    pass_time(engine, 0.1)
    assert talk(session, b"SET a 2") == OK


def test_with_always_the_server_ends_and_nobody_hears_of_what_is_not_on_disk() -> None:
    engine = started(appendfsync="always")
    session, other = Session(engine), Session(engine)
    talk(other, b"SUBSCRIBE channel")
    files(engine).problem = FULL
    assert talk(session, b"SET a 1") == b""
    assert session.is_aborted
    assert other.is_aborted
    assert isinstance(engine.system, FakeSystem)
    assert str(engine.system.failure) == str(FULL)
    engine.append_only.finish()
    assert files(engine).data == b""


# Rewriting


def test_a_rewrite_goes_on_in_a_new_file(engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"SET a 1")
    assert talk(session, b"BGREWRITEAOF") == b"+Background append only file rewriting started\r\n"
    refused = b"-ERR Background append only file rewriting already in progress\r\n"
    assert talk(session, b"BGREWRITEAOF") == refused
    assert talk(session, b"BGSAVE").startswith(b"-ERR Another child process is active (AOF?)")
    assert status(engine, "aof_rewrite_in_progress") == "1"
    talk(session, b"SET a 1")
    assert files(engine).data == SET  # its database is said again
    pass_time(engine, 3)
    files(engine).rewritten = ""
    pass_time(engine, 0.1)
    names = ("aof_rewrite_in_progress", "aof_last_rewrite_time_sec", "aof_last_bgrewrite_status", "aof_rewrites")
    assert [status(engine, name) for name in names] == ["0", "3", "ok", "1"]


def test_saving_and_rewriting_wait_for_each_other(engine: Engine) -> None:
    session = Session(engine)
    engine.append_only.rewrite()
    assert talk(session, b"BGSAVE SCHEDULE") == b"+Background saving scheduled\r\n"
    files(engine).rewritten = ""
    pass_time(engine, 0.1)
    pass_time(engine, 0.1)
    assert status(engine, "rdb_bgsave_in_progress") == "1"
    assert talk(session, b"BGREWRITEAOF") == b"+Background append only file rewriting scheduled\r\n"
    assert status(engine, "aof_rewrite_scheduled") == "1"
    assert isinstance(engine.system, FakeSystem)
    engine.system.disk.ended = ""
    pass_time(engine, 0.1)
    pass_time(engine, 0.1)
    assert status(engine, "aof_rewrite_in_progress") == "1"


def test_in_a_transaction_a_rewrite_waits_for_its_end(engine: Engine) -> None:
    session = Session(engine)
    for line in (b"MULTI", b"INCR a", b"BGREWRITEAOF", b"INCR a"):
        talk(session, line)
    assert b"rewriting scheduled" in talk(session, b"EXEC")
    pass_time(engine, 0.1)
    assert status(engine, "aof_rewrite_in_progress") == "1"
    assert files(engine).data == b""
    assert files(engine).base.count(b"SET") == 1


def test_a_file_that_has_grown_is_rewritten_by_itself() -> None:
    engine = started(auto_aof_rewrite_min_size=100, auto_aof_rewrite_percentage=100)
    session = Session(engine)
    talk(session, b"SET a 1")
    pass_time(engine, 0.1)
    assert status(engine, "aof_rewrites") == "0"
    for _ in range(5):
        talk(session, b"SET a 1")
    pass_time(engine, 0.1)
    assert status(engine, "aof_rewrites") == "1"


def test_after_some_failures_the_next_rewrite_is_not_at_once() -> None:
    engine = started(auto_aof_rewrite_min_size=1, auto_aof_rewrite_percentage=1)
    files(engine).base_size = 1
    talk(Session(engine), b"SET a 1")
    for _ in range(10):
        files(engine).data = b"x" * 1000
        files(engine).base_size = 1
        files(engine).rewritten = "a disk"
        pass_time(engine, 0.1)
    assert status(engine, "aof_rewrites_consecutive_failures") == "3"
    assert status(engine, "aof_last_bgrewrite_status") == "err"
    pass_time(engine, 61)
    assert status(engine, "aof_rewrite_in_progress") == "1"


def test_a_rewrite_that_cannot_begin_is_an_error(engine: Engine) -> None:
    files(engine).problem = FULL
    assert talk(Session(engine), b"BGREWRITEAOF").startswith(b"-ERR Can't execute an AOF background rewriting")


# On and off


def test_it_is_switched_on_by_a_rewrite() -> None:
    session = Session(make_engine())
    engine = session.engine
    talk(session, b"SET a 1")
    assert talk(session, b"CONFIG SET appendonly yes") == OK
    assert files(engine).calls == ["start_rewrite anew"]
    talk(session, b"SET a 1")
    assert files(engine).data == SET
    assert status(engine, "aof_enabled") == "1"
    assert talk(session, b"CONFIG SET appendonly no") == OK
    assert files(engine).calls[1:] == ["stop_rewrite", "sync", "close"]
    talk(session, b"SET a 1")
    assert files(engine).data == SET
    assert status(engine, "aof_enabled") == "0"


def test_a_first_rewrite_that_fails_is_begun_again() -> None:
    session = Session(make_engine())
    engine = session.engine
    talk(session, b"CONFIG SET appendonly yes")
    files(engine).rewritten = "a disk"
    pass_time(engine, 0.1)
    pass_time(engine, 0.1)
    assert files(engine).calls == ["start_rewrite anew"] * 2


def test_it_stays_off_where_it_cannot_begin() -> None:
    session = Session(make_engine())
    files(session.engine).problem = FULL
    reply = talk(session, b"CONFIG SET appendonly yes")
    assert reply == (
        b"-ERR CONFIG SET failed (possibly related to argument 'appendonly') - "
        b"Unable to turn on AOF. Check server logs.\r\n"
    )
    files(session.engine).problem = None
    assert talk(session, b"SET a 1") == OK
    assert files(session.engine).data == b""


def test_the_end_of_the_server_writes_what_there_is(engine: Engine) -> None:
    files(engine).problem = FULL
    talk(Session(engine), b"SET a 1")
    files(engine).problem = None
    engine.append_only.finish()
    assert files(engine).data == SET
    assert files(engine).calls[-2:] == ["sync", "close"]


# Loading


def load(engine: Engine, data: bytes) -> None:
    files(engine).data = data
    found = engine.append_only.load()
    assert found is not None
    for _ in found[1]:
        pass


def test_what_was_done_is_done_again_whatever_the_time_is(engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"SET a 1 PX 10")
    talk(session, b"INCR a")
    talk(session, b"PERSIST a")
    talk(session, b"SET b 1 PX 10")
    other = make_engine()
    assert isinstance(other.system, FakeSystem)
    other.system.advance(100)
    load(other, files(engine).data)
    client = Session(other)
    assert talk(client, b"MGET a b") == b"*2\r\n$1\r\n2\r\n$-1\r\n"
    assert client.id == 1  # nobody was there before
    assert other.statistics.connections == 1


def test_an_unknown_command_is_refused(engine: Engine) -> None:
    with pytest.raises(LookupError, match="the unknown command 'NONE'"):
        load(engine, b"*1\r\n$4\r\nNONE\r\n")
    with pytest.raises(LookupError, match="XGROUP"):
        load(engine, b"*2\r\n$6\r\nXGROUP\r\n$4\r\nNONE\r\n")


def test_it_can_be_loaded_again_while_the_server_runs() -> None:
    engine = started(enable_debug_command="yes")
    session = Session(engine)
    talk(session, b"SET a 1")
    written = files(engine).data
    assert talk(session, b"DEBUG LOADAOF") == OK
    assert talk(session, b"GET a") == b"$1\r\n1\r\n"
    assert files(engine).data == written
    files(engine).load = broken  # type: ignore[method-assign]
    assert talk(session, b"DEBUG LOADAOF") == b"-ERR Error trying to load the AOF files, check server logs.\r\n"
    assert not engine.append_only.is_replaying


def broken(*args: object) -> None:
    raise OSError(5, "Input/output error")


def test_functions_are_there_once_however_often_all_is_loaded_again() -> None:
    engine = started(enable_debug_command="yes")
    session = Session(engine)
    code = b"#!lua name=l\nredis.register_function('f', function() return 7 end)"
    assert talk(session, b"FUNCTION", b"LOAD", code) == b"$1\r\nl\r\n"
    for line in (b"DEBUG LOADAOF", b"DEBUG RELOAD", b"DEBUG RELOAD"):
        assert talk(session, line) == OK
    assert engine.keyspace.libraries == (code,)
    assert talk(session, b"FCALL f 0") == b":7\r\n"
