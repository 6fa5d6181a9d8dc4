"""When data is saved, and what follows. Texts and conditions are those of redis-server 7.0.15."""

import pytest

from respstore.config.values import SavePoint
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol import tcpstore
from tests.talk import OK, FakeDisk, FakeSystem, make_engine, pass_time, talk
from tests.wire import NOT_READY, ask, torch_client

FAILED = OSError(28, "No space left on device", "/data/dump.rdb")
MISCONF = b"-MISCONF Redis is configured to save RDB snapshots"


@pytest.fixture
def engine() -> Engine:
    return make_engine(save=(SavePoint(60, 2),))


def disk(engine: Engine) -> FakeDisk:
    assert isinstance(engine.system, FakeSystem)
    return engine.system.disk


def fail(engine: Engine) -> None:
    """Let a background save fail."""
    engine.snapshots.start()
    disk(engine).ended = "No space left on device"
    engine.snapshots.tick()


def test_it_saves_after_so_many_changes_and_so_long(engine: Engine, session: Session) -> None:
    talk(session, b"SET a 1")
    pass_time(engine, 61)
    assert disk(engine).data is None  # one change is not enough
    talk(session, b"SET b 1")
    pass_time(engine, 0.1)
    assert disk(engine).data is not None
    assert engine.snapshots.seconds_running() == 0
    talk(session, b"SET c 1")
    pass_time(engine, 2)
    disk(engine).ended = ""
    pass_time(engine, 0.1)
    snapshots = engine.snapshots
    assert (snapshots.seconds_running(), snapshots.seconds, snapshots.saves, snapshots.changes()) == (None, 2, 1, 1)


def test_a_save_in_the_background_is_one_at_a_time(engine: Engine, session: Session) -> None:
    engine.snapshots.start()
    for request in (b"SAVE", b"BGSAVE"):
        assert talk(session, request) == b"-ERR Background save already in progress\r\n"


def test_in_a_transaction_a_save_waits_for_its_end(engine: Engine, session: Session) -> None:
    for line in (b"MULTI", b"BGSAVE", b"SET a 1"):
        talk(session, line)

    assert talk(session, b"EXEC") == b"*2\r\n+Background saving scheduled\r\n+OK\r\n"
    assert engine.snapshots.seconds_running() is None
    pass_time(engine, 1)
    assert engine.snapshots.seconds_running() is not None


def test_to_remove_all_data_is_saved_at_once(engine: Engine, session: Session) -> None:
    engine.snapshots.save()
    empty = disk(engine).data
    talk(session, b"SET a 1")
    engine.snapshots.start()
    assert disk(engine).data != empty
    talk(session, b"FLUSHALL")

    assert disk(engine).stopped == 1
    assert engine.snapshots.seconds_running() is None
    assert engine.snapshots.changes() == 0
    assert disk(engine).data == empty


def test_what_is_removed_stays_removed_even_if_that_cannot_be_saved(engine: Engine, session: Session) -> None:
    talk(session, b"SET a 1")
    disk(engine).problem = FAILED

    assert talk(session, b"FLUSHALL") == OK
    assert talk(session, b"DBSIZE") == b":0\r\n"


def test_without_save_points_it_is_not(engine: Engine, session: Session) -> None:
    engine.config.save = ()
    talk(session, b"SET a 1")
    talk(session, b"FLUSHALL")

    assert disk(engine).data is None


def test_nor_does_a_save_go_on_that_would_bring_it_back(engine: Engine, session: Session) -> None:
    engine.config.save = ()
    talk(session, b"SET a 1")
    engine.snapshots.start()
    talk(session, b"FLUSHALL")

    assert disk(engine).stopped == 1
    assert engine.snapshots.seconds_running() is None
    assert engine.snapshots.changes() == 2


def test_after_a_failure_nothing_is_written_until_it_succeeds(engine: Engine, session: Session) -> None:
    talk(session, b"SET a 1")
    fail(engine)
    assert talk(session, b"SET a 2").startswith(MISCONF)
    assert talk(session, b"PING").startswith(MISCONF)
    assert talk(Session(engine), b"SET a 2").startswith(MISCONF)
    assert talk(session, b"GET a") == b"$1\r\n1\r\n"
    engine.config.stop_writes_on_bgsave_error = False
    assert talk(session, b"SET a 2") == OK
    engine.config.stop_writes_on_bgsave_error = True
    engine.snapshots.save()
    assert talk(session, b"SET a 3") == OK


def test_a_failure_refuses_transactions_that_write(engine: Engine, session: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"SET a 1")
    fail(engine)
    assert talk(session, b"EXEC").startswith(b"-EXECABORT Transaction discarded because of: MISCONF")
    talk(session, b"MULTI")
    assert talk(session, b"GET a") == b"+QUEUED\r\n"
    assert talk(session, b"EXEC") == b"*1\r\n$-1\r\n"


def test_after_a_failure_a_torch_client_that_would_write_is_sent_away(engine: Engine, session: Session) -> None:
    client, other = torch_client(engine), torch_client(engine)
    fail(engine)
    assert ask(other, tcpstore.CHECK, [b"/k"]) == NOT_READY
    ask(client, tcpstore.SET, b"/k", b"v")
    assert client.is_closing
    assert talk(session, b"EXISTS k") == b":0\r\n"
    engine.config.stop_writes_on_bgsave_error = False
    ask(other, tcpstore.SET, b"/k", b"v")
    assert talk(session, b"GET k") == b"$1\r\nv\r\n"


def test_after_a_failure_it_tries_again_soon_but_not_at_once(engine: Engine, session: Session) -> None:
    talk(session, b"MSET a 1 b 2")
    talk(session, b"MSET a 1 b 2")
    pass_time(engine, 61)
    disk(engine).ended = "signal 9 ended the process"
    pass_time(engine, 0.1)
    assert not engine.snapshots.succeeded
    pass_time(engine, 5)
    assert engine.snapshots.seconds_running() is None
    pass_time(engine, 1)
    assert engine.snapshots.seconds_running() == 0


def test_what_cannot_be_begun_has_failed(engine: Engine, session: Session) -> None:
    disk(engine).problem = FAILED
    assert talk(session, b"BGSAVE") == b"-ERR\r\n"
    assert not engine.snapshots.succeeded


def test_the_end_saves_if_there_are_save_points(engine: Engine, session: Session) -> None:
    engine.snapshots.start()
    talk(session, b"SET a 1")
    engine.snapshots.prepare_exit()
    assert disk(engine).stopped == 1
    assert engine.snapshots.changes() == 0
    talk(session, b"SET b 1")
    engine.snapshots.finish_exit()
    assert engine.snapshots.changes() == 0


def test_the_end_saves_nothing_if_it_is_told_so_or_nothing_is_ever_saved(engine: Engine) -> None:
    engine.snapshots.prepare_exit(["nosave"])
    engine.snapshots.finish_exit()
    assert disk(engine).data is None
    other = make_engine(save=())
    other.snapshots.finish_exit()
    assert disk(other).data is None


def test_the_end_may_be_told_to_save_and_to_end_all_the_same(engine: Engine) -> None:
    engine.config.save = ()
    engine.snapshots.prepare_exit(["save", "now"])
    assert disk(engine).data is not None
    disk(engine).problem = FAILED
    with pytest.raises(RespError):
        engine.snapshots.prepare_exit(["save"])
    engine.snapshots.prepare_exit(["save", "force"])
    engine.snapshots.finish_exit()


def test_who_ends_it_unasked_saves_as_well(engine: Engine, session: Session, caplog: pytest.LogCaptureFixture) -> None:
    talk(session, b"SET a 1")
    engine.snapshots.finish_exit()
    assert disk(engine).data is not None
    disk(engine).problem = FAILED
    talk(session, b"SET a 1")
    engine.snapshots.finish_exit()
    assert "the last changes are lost" in caplog.text


def test_while_it_loads_clients_are_asked_to_wait(engine: Engine, session: Session) -> None:
    talk(session, b"SET a 1")
    engine.snapshots.save()
    talk(session, b"DEL a")
    found = disk(engine).load(engine.keyspace)
    assert found is not None
    loaded, steps = found
    engine.snapshots.begin_loading(loaded)
    assert talk(session, b"GET a") == b"-LOADING Redis is loading the dataset in memory\r\n"
    assert talk(Session(engine), b"GET a").startswith(b"-LOADING")
    assert talk(session, b"INFO persistence").find(b"\nloading:1\r") > 0
    pass_time(engine, 3)
    told = talk(session, b"INFO persistence").partition(b"loading_start_time:")[2].split()
    assert told == [
        *(b"1700000000", b"loading_total_bytes:%d" % loaded.size, b"loading_rdb_used_mem:0"),
        *(b"loading_loaded_bytes:%d" % loaded.at, b"loading_loaded_perc:%.2f" % (100 * loaded.at / loaded.size)),
        b"loading_eta_seconds:%d" % (3 * (loaded.size - loaded.at) // (loaded.at + 1)),
    ]
    engine.snapshots.finish_exit()  # what is not whole is not saved
    for _ in steps:
        pass
    told = talk(session, b"INFO persistence").partition(b"loading_rdb_used_mem:")[2].split()
    assert [told[0], *told[2:]] == [b"10000000", b"loading_loaded_perc:100.00", b"loading_eta_seconds:0"]
    engine.snapshots.end_loading()
    assert talk(session, b"GET a") == b"$1\r\n1\r\n"
    assert engine.snapshots.changes() == 0
    assert b"loading_" not in talk(session, b"INFO persistence")


def test_reload(engine: Engine, session: Session) -> None:
    engine.config.enable_debug_command = "yes"
    talk(session, b"SET a 1")
    assert talk(session, b"DEBUG RELOAD") == OK
    assert talk(session, b"GET a") == b"$1\r\n1\r\n"
    talk(session, b"SET a 2")
    assert talk(session, b"DEBUG RELOAD NOSAVE") == OK
    assert talk(session, b"GET a") == b"$1\r\n1\r\n"
