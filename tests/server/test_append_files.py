"""The append-only file on disk: what is there after a crash, a full disk, a rewrite, and what is refused."""

import errno
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
import trio.lowlevel
import trio.testing

from respstore.config import Config
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.persistence.aof.manifest import Manifest
from respstore.server.append_files import AppendFiles, LogFile
from tests.server.serving import serving
from tests.talk import OK, FakeSystem, make_engine, pass_time, talk

NAME = "appendonly.aof"


class FailingFile(LogFile):
    """A file on a disk that has room for `room` more bytes, and whose syncs fail if `is_broken`."""

    room = 1 << 30
    is_broken = False
    cuts = True

    def write(self, data: bytes | memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = super().write(data[: self.room])
        self.room -= written
        return written

    def truncate(self, size: int) -> None:
        if not self.cuts:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().truncate(size)

    def sync(self) -> None:
        if self.is_broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Starts an engine on the files in a folder."""
    engines: list[Engine] = []

    def start(open_log: type[LogFile] = LogFile, **options: object) -> Engine:
        engine = make_engine(appendonly=True, dir=str(tmp_path), enable_debug_command="yes", **options)
        assert isinstance(engine.system, FakeSystem)
        engine.system.append_files = AppendFiles(  # type: ignore[assignment]
            engine.config, may_fork=False, open_log=open_log
        )
        found = engine.append_only.load()
        if found is not None:
            for _ in found[1]:
                pass
        engine.append_only.start()
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.append_only.finish()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "appendonlydir").iterdir())


def increment(folder: Path) -> Path:
    path = folder / "appendonlydir" / f"{NAME}.manifest"
    return path.with_name(Manifest.parse(path.read_text()).increments[-1].name)


def finish_rewrite(engine: Engine) -> None:
    """Let time pass until the rewrite is done, however many slices of real time it takes."""
    while engine.append_only.seconds_rewriting() is not None:
        pass_time(engine, 0.1)


def test_what_was_done_is_there_after_a_crash(start: Callable[..., Engine], tmp_path: Path) -> None:
    talk(Session(start()), b"SET a 1")
    assert names(tmp_path) == [f"{NAME}.1.base.rdb", f"{NAME}.1.incr.aof", f"{NAME}.manifest"]
    session = Session(start())
    assert talk(session, b"GET a") == b"$1\r\n1\r\n"
    talk(session, b"SET a 2")
    assert talk(Session(start()), b"GET a") == b"$1\r\n2\r\n"


@pytest.mark.parametrize("preamble", [True, False])
def test_a_rewrite_leaves_a_short_base_and_what_came_since(
    start: Callable[..., Engine], tmp_path: Path, preamble: bool
) -> None:
    engine = start(aof_use_rdb_preamble=preamble)
    session = Session(engine)
    for number in range(100):
        talk(session, b"SET a %d" % number)
    size = engine.system.append_files.size
    talk(session, b"BGREWRITEAOF")
    talk(session, b"SET b 1")
    finish_rewrite(engine)
    base = f"{NAME}.2.base.{'rdb' if preamble else 'aof'}"
    assert names(tmp_path) == [base, f"{NAME}.2.incr.aof", f"{NAME}.manifest"]
    assert engine.system.append_files.size < size
    talk(session, b"SET c 1")
    assert engine.system.append_files.size == sum(
        path.stat().st_size for path in (tmp_path / "appendonlydir").iterdir() if path.suffix != ".manifest"
    )
    assert talk(Session(start()), b"MGET a b c") == b"*3\r\n$2\r\n99\r\n$1\r\n1\r\n$1\r\n1\r\n"


def test_until_a_rewrite_is_done_the_old_files_count(start: Callable[..., Engine], tmp_path: Path) -> None:
    engine = start()
    session = Session(engine)
    talk(session, b"SET a 1")
    talk(session, b"BGREWRITEAOF")
    talk(session, b"SET b 1")
    assert talk(Session(start()), b"MGET a b") == b"*2\r\n$1\r\n1\r\n$1\r\n1\r\n"


def test_a_base_of_what_was_done_since_is_none(start: Callable[..., Engine], tmp_path: Path) -> None:
    engine = start()
    session = Session(engine)
    for line in (b"INCR a", b"BGREWRITEAOF", b"INCR a", b"CONFIG SET maxmemory 1gb", b"INCR a"):
        assert not talk(session, line).startswith(b"-")
    finish_rewrite(engine)
    assert engine.append_only.failures == 1
    assert talk(Session(start()), b"GET a") == b"$1\r\n3\r\n"


def test_it_is_switched_off_and_on(start: Callable[..., Engine], tmp_path: Path) -> None:
    engine = start()
    session = Session(engine)
    talk(session, b"SET a 1")
    talk(session, b"CONFIG SET appendonly no")
    talk(session, b"SET a 2")
    assert talk(session, b"CONFIG SET appendonly yes") == OK
    talk(session, b"SET b 1")
    assert f"temp-{NAME}.incr" in names(tmp_path)
    finish_rewrite(engine)
    assert names(tmp_path) == [f"{NAME}.2.base.rdb", f"{NAME}.2.incr.aof", f"{NAME}.manifest"]
    talk(session, b"SET c 1")
    assert talk(Session(start()), b"MGET a b c") == b"*3\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n1\r\n"


def test_to_switch_it_off_again_leaves_nothing_half_done(start: Callable[..., Engine], tmp_path: Path) -> None:
    engine = start()
    session = Session(engine)
    for value in (b"no", b"yes", b"no"):
        talk(session, b"CONFIG SET appendonly", value)
        talk(session, b"CONFIG", b"SET", b"appendonly", value)
    assert names(tmp_path) == [f"{NAME}.1.base.rdb", f"{NAME}.1.incr.aof", f"{NAME}.manifest"]


def test_what_only_half_fits_on_the_disk_is_cut_off_and_written_later(
    start: Callable[..., Engine], tmp_path: Path
) -> None:
    class Full(FailingFile):
        room = 200

    engine = start(Full)
    session = Session(engine)
    talk(session, b"SET a 1")
    talk(session, b"SET", b"b", b"x" * 300)
    assert talk(session, b"SET c 1").startswith(b"-MISCONF Errors writing to the AOF file: No space left on device")
    Full.cuts = False  # from now on the disk does not even do that
    engine.append_only.write()
    Full.cuts = True
    engine.append_only._engine.system.append_files._log.room = 1 << 20  # type: ignore[attr-defined]
    pass_time(engine, 0.1)
    assert talk(session, b"SET c 1") == OK
    assert talk(Session(start()), b"STRLEN b") == b":300\r\n"


def test_a_sync_that_fails_under_always_ends_the_server(start: Callable[..., Engine]) -> None:
    engine = start(FailingFile, appendfsync="always")
    session = Session(engine)
    assert talk(session, b"SET a 1") == OK
    FailingFile.is_broken = True
    try:
        assert talk(session, b"SET a 2") == b""
    finally:
        FailingFile.is_broken = False
    assert isinstance(engine.system, FakeSystem)
    assert engine.system.failure is not None


def test_a_file_that_is_cut_anywhere_is_loaded_up_to_there_or_refused(
    start: Callable[..., Engine], tmp_path: Path
) -> None:
    session = Session(start())
    for line in (b"SET a 1", b"MULTI", b"INCR a", b"INCR b", b"EXEC"):
        talk(session, line)
    path = increment(tmp_path)
    data = path.read_bytes()
    selected, before = data.index(b"*3"), data.index(b"*1\r\n$5\r\nMULTI")
    for end in range(len(data)):
        path.write_bytes(data[:end])
        if end not in (0, selected, before):
            with pytest.raises(OSError, match=r"at byte \d+. 'redis-check-aof"):
                start(aof_load_truncated=False)
        engine = start()
        reply = talk(Session(engine), b"MGET a b")
        whole = b"*2\r\n$1\r\n1\r\n$-1\r\n"
        assert reply == (whole if end >= before else b"*2\r\n$-1\r\n$-1\r\n")
        engine.append_only.finish()
        assert talk(Session(start()), b"MGET a b") == reply


def test_a_file_that_is_cut_before_the_last_is_refused(start: Callable[..., Engine], tmp_path: Path) -> None:
    engine = start()
    session = Session(engine)
    talk(session, b"SET a 1")
    first = increment(tmp_path)
    talk(session, b"BGREWRITEAOF")
    talk(session, b"SET b 1")
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(OSError, match="cannot be loaded"):
        start()


@pytest.mark.parametrize("damage", [b"damage", b"*1\r\n$4\r\nNONE\r\n", b"\0" * 20])
def test_a_damaged_file_is_refused_and_stays(start: Callable[..., Engine], tmp_path: Path, damage: bytes) -> None:
    session = Session(start())
    talk(session, b"SET a 1")
    path = increment(tmp_path)
    data = path.read_bytes() + damage
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"cannot be loaded.* at byte") as caught:
        start()
    assert caught.value.filename == str(path)
    assert path.read_bytes() == data


@pytest.mark.slow
def test_whatever_byte_is_changed_it_loads_or_is_refused_and_stays(
    start: Callable[..., Engine], tmp_path: Path
) -> None:
    engine = start(aof_use_rdb_preamble=False)
    for line in (b"SET a 1", b"MULTI", b"INCR a", b"RPUSH l x", b"EXEC", b"SETEX t 100 v", b"XADD x 1-1 f v"):
        talk(Session(engine), line)
    engine.append_only.finish()
    outcomes = Counter[str]()
    for path in (increment(tmp_path), tmp_path / "appendonlydir" / f"{NAME}.manifest"):
        data = path.read_bytes()
        for at in range(len(data)):
            changed = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
            path.write_bytes(changed)
            try:
                start().append_only.finish()
                outcomes["loaded"] += 1
            except OSError:
                outcomes["refused"] += 1
                assert path.read_bytes() == changed
            path.write_bytes(data)
    assert outcomes.keys() == {"loaded", "refused"}


def test_a_base_of_requests_tells_when_it_was_written(start: Callable[..., Engine], tmp_path: Path) -> None:
    talk(Session(start(aof_use_rdb_preamble=False, aof_timestamp_enabled=True)), b"SET a 1")
    base = tmp_path / "appendonlydir" / f"{NAME}.1.base.aof"
    assert re.fullmatch(rb"#TS:\d+\r\n", base.read_bytes())


def test_a_missing_file_or_a_damaged_list_is_refused(start: Callable[..., Engine], tmp_path: Path) -> None:
    start()
    increment(tmp_path).unlink()
    with pytest.raises(FileNotFoundError):
        start()
    (tmp_path / "appendonlydir" / f"{NAME}.manifest").write_text("damage\n")
    with pytest.raises(OSError, match="list of the append-only files is damaged"):
        start()


def test_the_one_file_of_older_versions_is_taken_over(start: Callable[..., Engine], tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n")
    session = Session(start())
    assert talk(session, b"GET a") == b"$1\r\n1\r\n"
    talk(session, b"SET b 1")
    assert names(tmp_path) == [NAME, f"{NAME}.1.incr.aof", f"{NAME}.manifest"]
    assert not (tmp_path / NAME).exists()


def test_nor_is_it_lost_where_a_crash_came_in_between(start: Callable[..., Engine], tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n")
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / f"{NAME}.manifest").write_text(f"file {NAME} seq 1 type b\n")
    for _ in range(2):
        engine = start()
        assert talk(Session(engine), b"GET a") == b"$1\r\n1\r\n"
        assert names(tmp_path) == [NAME, f"{NAME}.1.incr.aof", f"{NAME}.manifest"]
        engine.append_only.finish()


async def test_a_thread_brings_files_to_disk(tmp_path: Path) -> None:
    async with serving(dir=tmp_path, appendonly=True) as running:
        files = running.server.engine.system.append_files
        talk(Session(running.server.engine), b"SET a 1")
        files.start_sync()
        while files.poll_sync() is None:
            await trio.lowlevel.checkpoint()
        assert files.poll_sync() == ""
        talk(Session(running.server.engine), b"BGREWRITEAOF")
        while running.server.engine.append_only.seconds_rewriting() is not None:
            running.server.engine.append_only.tick()
        talk(Session(running.server.engine), b"SET b 1")
    async with serving(dir=tmp_path, appendonly=True) as running:
        assert talk(Session(running.server.engine), b"MGET a b") == b"*2\r\n$1\r\n1\r\n$1\r\n1\r\n"


class SyncedFile(LogFile):
    """A file that knows how much of it a loss of power leaves: what was there when the last sync began."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.on_disk = 0

    def sync(self) -> None:
        size = self.size
        super().sync()
        self.on_disk = size


async def test_when_a_sync_has_ended_all_that_was_written_before_is_on_disk(tmp_path: Path) -> None:
    opened: list[SyncedFile] = []

    def open_log(path: Path) -> SyncedFile:
        opened.append(SyncedFile(path))
        return opened[-1]

    config, engine = Config(), make_engine()
    config.dir = str(tmp_path)
    files = AppendFiles(config, may_fork=False, open_log=open_log)
    files.open(engine.keyspace, {})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(files.run_syncs)
        await trio.testing.wait_all_tasks_blocked()
        files.append(b"one")
        files.start_sync()
        files.append(b"two")
        files.start_rewrite(engine.keyspace, {}, anew=False)  # from now on there is another file
        files.append(b"three")
        files.start_sync()
        while files.poll_sync() is None:
            await trio.lowlevel.checkpoint()
        assert [log.on_disk for log in opened] == [len(b"onetwo"), len(b"three")]
        nursery.cancel_scope.cancel()
    files.close()


async def test_a_server_that_cannot_keep_its_promise_ends_with_the_reason(tmp_path: Path) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match="full"), flatten_subgroups=True):
        async with serving(dir=tmp_path, appendonly=True, appendfsync="always") as running:
            client = await running.connect()
            running.server.engine.system.append_files.append = _full  # type: ignore[method-assign]
            await client.send(b"SET a 1")
            with pytest.raises(AssertionError, match="hung up after b''"):
                await client.line()


def _full(data: bytes) -> None:
    raise OSError(errno.ENOSPC, "full")


def test_the_folder_has_the_name_that_is_asked_for(tmp_path: Path) -> None:
    config = Config()
    config.dir, config.appenddirname, config.appendfilename = str(tmp_path), "log", "a.aof"
    files = AppendFiles(config, may_fork=False)
    engine = make_engine()
    files.open(engine.keyspace, {})
    files.close()
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == [
        "a.aof.1.base.rdb",
        "a.aof.1.incr.aof",
        "a.aof.manifest",
    ]
