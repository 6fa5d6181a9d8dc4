"""A server that starts with data: it has it, or it does not start, and never writes over what it could not read."""

import contextlib
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio

from respstore.config import Config
from respstore.engine.session import Session
from respstore.keyspace import Keyspace
from respstore.persistence.rdb.file import FileReader, write_file
from respstore.server.append_files import AppendFiles
from respstore.server.disk import Disk
from respstore.server.loading import Loaded, LogReport, load
from respstore.server.serve import Server
from tests.server.serving import make_config, serving
from tests.talk import make_engine, request, talk


@pytest.mark.parametrize(
    "options", [{"save": ((3600, 1),)}, {"appendonly": True}], ids=["dump.rdb", "append-only file"]
)
async def test_a_server_has_what_the_last_one_had(tmp_path: Path, options: dict[str, Any]) -> None:
    for epoch in range(3):  # of a barrier goes on, too
        async with serving(dir=tmp_path, dbfilename="dump.rdb", **options) as running:
            session = Session(running.server.engine)
            assert talk(session, b"BARRIER b 1") == b"*2\r\n:%d\r\n:0\r\n" % epoch
            assert talk(session, b"INCR a") == b":%d\r\n" % (epoch + 1)


async def test_without_save_points_it_writes_nothing(tmp_path: Path) -> None:
    async with serving(dir=tmp_path, dbfilename="dump.rdb") as running:
        talk(Session(running.server.engine), b"SET a 1")
    assert not (tmp_path / "dump.rdb").exists()


async def test_a_signal_does_not_end_it_where_that_would_lose_data(tmp_path: Path) -> None:
    async with serving(dir=tmp_path / "missing", dbfilename="dump.rdb", save=((3600, 1),)) as running:
        running.server.stop()
        assert not running.server.stopping.is_set()
        running.server.config.save = ()
        running.server.stop()
        assert running.server.stopping.is_set()


async def test_a_damaged_file_ends_it_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    path.write_bytes(b"damaged")
    server = Server(make_config(dir=tmp_path, dbfilename="dump.rdb", save=((3600, 1),)))
    with pytest.raises(OSError, match="cannot be loaded"):
        await server.run()
    assert path.read_bytes() == b"damaged"


async def test_nobody_is_served_by_a_server_that_could_not_load(tmp_path: Path, use_poller: bool) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_bytes(b"damaged")
    for _ in range(20):  # who runs first when it ends is left to chance
        server = Server(make_config(dir=tmp_path, appendonly=True), use_poller)
        async with await trio.open_tcp_stream("127.0.0.1", server.listen().port) as stream:
            await stream.send_all(request(b"SET a 1"))
            with pytest.raises(OSError, match="is damaged"):
                await server.run()
            with contextlib.suppress(trio.BrokenResourceError):
                assert not (await stream.receive_some(1000)).startswith(b"+OK")


class Notes:
    """Notes how far loading is: how many keys of how many bytes; and when it ends."""

    seconds = 2.0

    def __init__(self) -> None:
        self.told: list[tuple[int, int] | None] = []

    def tell(self, loaded: Loaded) -> None:
        self.told.append((loaded.keys, loaded.at))

    def end(self) -> None:
        self.told.append(None)


@pytest.mark.parametrize("name", ["appendonlydir", "appendonlydir/appendonly.aof.manifest"])
async def test_where_the_append_only_file_cannot_be_read_the_other_stays(tmp_path: Path, name: str) -> None:
    files = {"dump.rdb": b"the data of yesterday", name: b"damaged"}
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for path, data in files.items():
        (tmp_path / path).write_bytes(data)
    server = Server(make_config(dir=tmp_path, dbfilename="dump.rdb", save=((3600, 1),), appendonly=True))
    with pytest.raises(OSError, match=r"Not a directory|is damaged"):
        await server.run()
    assert {path: (tmp_path / path).read_bytes() for path in files} == files


async def test_a_file_that_is_not_loaded_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "dump.rdb").write_bytes(b"the data of yesterday")
    for told in (1, 1):  # the second time there is an append-only file
        async with serving(dir=tmp_path, dbfilename="dump.rdb", appendonly=True):
            pass
        assert caplog.text.count("dump.rdb is not loaded, and overwritten when the data is saved") == told


@pytest.mark.parametrize("appends", [False, True], ids=["dump.rdb", "append-only file"])
async def test_how_far_it_is_is_told_after_a_second_and_then_again_and_again(tmp_path: Path, appends: bool) -> None:
    engine = make_engine(appendonly=appends, dir=str(tmp_path))
    for number in range(20_000):
        engine.keyspace.databases[0].put(b"%d" % number, b"x", "set")
    files = AppendFiles(engine.config, may_fork=False)
    files.open(engine.keyspace, {})
    files.close()
    engine.system.disk = Disk(engine.config, may_fork=False)
    engine.system.disk.save(engine.keyspace, {})
    other = make_engine(appendonly=appends, dir=str(tmp_path))
    other.system.disk, other.system.append_files = engine.system.disk, files
    moments = count(0.0, 0.4)
    other.system.monotonic = lambda: next(moments)
    notes = Notes()
    await load(other, trio.Event(), notes)
    assert notes.told.pop() is None
    assert 1 < len(notes.told) < 12
    assert notes.told == sorted(set(notes.told))
    assert notes.told[-1] < (20_000, files.size)
    quick = make_engine(appendonly=appends, dir=str(tmp_path))
    quick.system.disk, quick.system.append_files = engine.system.disk, AppendFiles(quick.config, may_fork=False)
    notes = Notes()
    await load(quick, trio.Event(), notes)
    assert notes.told == [None]
    assert len(quick.keyspace.databases[0].data) == 20_000


def test_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    keyspace = Keyspace(1)
    keyspace.databases[0].put(b"a", b"x", "set")
    reader = FileReader(b"".join(write_file(keyspace, {}, Config())), keyspace, Config())
    with caplog.at_level("INFO", "respstore"):
        LogReport().tell(reader)
    assert caplog.messages == ["loading the data: 0 keys so far, 0 % of 28 bytes"]


async def test_who_stops_it_while_it_loads_need_not_wait(tmp_path: Path) -> None:
    config = Config()
    config.dir = str(tmp_path)
    keyspace = Keyspace(16)
    for number in range(100_000):
        keyspace.databases[0].put(b"%d" % number, b"x", "set")
    disk = Disk(config, may_fork=False)
    disk.save(keyspace, {})
    engine = make_engine()
    engine.system.disk = disk
    engine.system.monotonic = trio.current_time
    stopping = trio.Event()
    stopping.set()
    await load(engine, stopping, LogReport())
    assert engine.snapshots.is_loading
    assert len(engine.keyspace.databases[0].data) < 100_000
