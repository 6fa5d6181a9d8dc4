import subprocess
from pathlib import Path
from typing import cast

import pytest

from compat.bench import benchmark
from compat.bench.benchmark import ONE_BY_ONE, TESTS, Comparison, Load, Sample, Test, parse_csv
from compat.servers import RunningServer, ServerError

HEADER = (
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"'
)
ROW = '"LRANGE mylist 0 99","40096.23","0.802","0.120","0.767","1.231","1.391","5.311"'


def test_a_csv_row_is_read_by_column_name_whatever_is_printed_around_it() -> None:
    row = parse_csv(f"WARNING: Could not fetch server CONFIG\n{HEADER}\n{ROW}\n")
    assert (row["rps"], row["p99_latency_ms"]) == ("40096.23", "1.391")


@pytest.mark.parametrize("rows", ["", f"{ROW}\n{ROW}\n"])
def test_anything_but_one_row_is_an_error_that_shows_the_output(rows: str) -> None:
    with pytest.raises(ServerError, match='"test","rps"'):
        parse_csv(f"{HEADER}\n{rows}")


def test_slices_alternate_and_each_server_is_the_first_of_a_pair_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def measure(_test: Test, _load: Load, server: RunningServer, _requests: int) -> Sample:
        taken.append(server.name)
        return Sample(1.0, float(len(taken)), 1.0)

    monkeypatch.setattr(benchmark, "measure", measure)
    process = cast("subprocess.Popen[bytes]", None)
    servers = RunningServer("A", 1, process, Path()), RunningServer("B", 2, process, Path())
    comparison = benchmark.compare(TESTS[0], ONE_BY_ONE, servers, 1, lambda: None)
    assert "".join(taken) == "AB" + "ABBAABBA"
    assert comparison.cpu.peer == (3.0, 6.0, 7.0, 10.0)  # the pilots do not count
    assert comparison.cpu.respstore == (4.0, 5.0, 8.0, 9.0)


def test_figures_pair_the_slices_of_both_servers() -> None:
    redis = [Sample(100.0, 2.0, 1.0), Sample(200.0, 4.0, 2.0)]
    respstore = [Sample(90.0, 3.0, 1.0), Sample(220.0, 4.0, 3.0)]
    comparison = Comparison.of("GET", ONE_BY_ONE, redis, respstore)
    assert comparison.throughput.ratios == [0.9, 1.1]
    assert comparison.cpu.ratios == [1.5, 1.0]
    assert comparison.p99.ratios == [1.0, 1.5]


def test_pops_find_an_element_for_every_request() -> None:
    words = {"LPOP": 1, "RPOP": 1, "SPOP": 1, "ZPOPMIN": 2}
    for test in TESTS:
        if test.name in words:
            elements = sum(len(request) - 2 for request in test.before(2_500)) // words[test.name]
            assert (test.name, elements) == (test.name, 2_500)


def test_what_is_read_by_a_group_lasts_for_every_request() -> None:
    (test,) = (test for test in TESTS if test.name == "XREADGROUP_10")
    assert sum(request[0] == b"XADD" for request in test.before(100)) == 1000
    assert test.most is not None
