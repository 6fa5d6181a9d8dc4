"""The bar that a person sees while the data is loaded; nobody waits for rich where there is none."""

import io
import subprocess
import sys

from rich.console import Console

from respstore.cli.loading_bar import LoadingBar
from respstore.config import Config
from respstore.keyspace import Keyspace
from respstore.persistence.rdb.file import FileReader, write_file


def test_it_shows_keys_and_bytes_and_goes_away() -> None:
    keyspace = Keyspace(1)
    for number in range(1234):
        keyspace.databases[0].put(b"%d" % number, b"x", "set")
    data = b"".join(write_file(keyspace, {}, Config()))
    reader = FileReader(data, Keyspace(1), Config())
    for _ in reader.load():
        pass
    console = Console(file=io.StringIO(), force_terminal=True, width=100, _environ={})
    bar = LoadingBar(console)
    bar.tell(reader)
    bar.tell(reader)
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert "loading the data" in told
    assert f"{len(data) / 1000:.1f}/{len(data) / 1000:.1f} kB" in told
    assert "1,234 keys" in told
    bar.end()
    assert console.file.getvalue().endswith("\x1b[2K")


def test_where_there_is_nothing_to_show_nothing_happens() -> None:
    LoadingBar().end()


def test_a_server_that_starts_imports_no_rich() -> None:
    code = "import sys, respstore.cli.serve; sys.exit('rich' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
