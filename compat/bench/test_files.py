import os
from pathlib import Path

import pytest

from compat.bench import files
from compat.bench.figures import Bar, Figure, Measure
from compat.bench.files import (
    FileCosts,
    compare_saving,
    memory_while_overwriting,
    memory_while_saving,
    proportional_bytes,
    seconds_to_load,
)
from compat.bench.pipeline import set_small_keys
from compat.bench.tables import files_table
from compat.servers import ServerError, respstore_server

KEYS = 100_000  # to save them takes longer than a few GETs


@pytest.fixture(autouse=True)
def few_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "KEYS", KEYS)
    monkeypatch.setattr(files, "READS", 50)


def test_saving_is_measured_on_both_servers() -> None:
    steps: list[int] = []
    costs = compare_saving(2, lambda: steps.append(1))
    assert len(steps) == 2
    assert [figure.name.split()[0] for figure in costs.compared] == ["SAVE", "BGSAVE", "start"]
    assert all(len(figure.ratios) == 2 and figure.ratio > 0 for figure in costs.compared)
    assert all(len(measure.values) == 2 and min(measure.values) > 0 for measure in costs.own)


def test_a_server_that_has_not_loaded_all_is_no_measure(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=f"0 keys instead of {KEYS}"):
        seconds_to_load(respstore_server, str(tmp_path))


def test_memory_that_is_shared_is_counted_once() -> None:
    with respstore_server() as server:
        set_small_keys(server, KEYS)
        usual = memory_while_saving(server)
        assert 0.5 < usual < 2
        assert usual < memory_while_overwriting(server) < 3


def test_memory_under_load_is_none_if_the_load_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ENDLESS", 1)
    with respstore_server() as server:
        set_small_keys(server, KEYS)
        with pytest.raises(ServerError, match="respstore had no clients any more that write"):
            memory_while_overwriting(server)


def test_a_process_that_has_ended_takes_no_memory() -> None:
    assert proportional_bytes(os.getpid()) > 1_000_000
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    assert proportional_bytes(child) == 0


def test_what_has_no_peer_stands_in_the_same_table() -> None:
    figures = (Figure("SAVE, s", (0.5,), (1.0,), Bar(4.0, at_least=False)),)
    bar = Bar(1.6, at_least=False)
    measures = (Measure("memory", (1.7,), bar), Measure("under load", (1.6,), bar, peer=(1.75,)))
    assert files_table(FileCosts(figures, measures)).rows == [
        ["SAVE, s", "0.50", "1.00", "2.00", "at most 4.0", "met"],
        ["memory", "", "1.70 (1.70-1.70)", "", "at most 1.6", "missed"],
        ["under load", "1.75", "1.60 (1.60-1.60)", "", "at most 1.6", "met"],
    ]
