import pytest

from compat.bench.benchmark import TESTS, Comparison, Sample, parse_csv
from compat.servers import ServerError

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


def test_figures_pair_the_rounds_of_both_servers() -> None:
    redis = [Sample(100.0, 2.0, 1.0), Sample(200.0, 4.0, 2.0)]
    respstore = [Sample(90.0, 3.0, 1.0), Sample(220.0, 4.0, 3.0)]
    comparison = Comparison.of("GET", 1, redis, respstore)
    assert comparison.throughput.ratios == [0.9, 1.1]
    assert comparison.cpu.ratios == [1.5, 1.0]
    assert comparison.p99.ratios == [1.0, 1.5]


def test_pops_find_an_element_for_every_request() -> None:
    pops = [test for test in TESTS if test.name in ("LPOP", "RPOP")]
    assert [test.list_length(5_000_000) for test in pops] == [5_000_000, 5_000_000]
