from compat.bench.benchmark import ALONE, ONE_BY_ONE, PIPELINED, Comparison, Load, Sample
from compat.bench.figures import Bar, Figure, Measure
from compat.bench.tables import (
    IN_SHORT,
    markdown,
    memory_table,
    releases_table,
    speed_in_short,
    speed_table,
    stores_table,
    verdict,
)


def comparison(test: str = "GET", load: Load = ONE_BY_ONE, throughput: float = 1.0) -> Comparison:
    redis = [Sample(100_000.0, 8.0, 0.5)] * 3
    respstore = [Sample(100_000.0 * throughput, 8.0, 0.5)] * 3
    return Comparison.of(test, load, redis, respstore)


def test_a_row_shows_both_servers_the_ratio_with_its_spread_and_what_was_missed() -> None:
    table = speed_table(ONE_BY_ONE, [comparison(throughput=0.5), comparison(load=PIPELINED)])
    assert [row[:4] for row in table.rows] == [["GET", "100,000", "50,000", "0.50 (0.50-0.50)"]]
    assert table.rows[0][-1] == "missed: throughput"


def test_in_short_there_is_a_table_for_one_request_and_a_sentence_for_other_loads() -> None:
    one_at_a_time = [comparison(test, throughput=1.0) for test in IN_SHORT]
    many = [comparison(test, PIPELINED, share) for test, share in (("GET", 0.5), ("SET", 0.6), ("XADD", 0.3))]
    alone = [comparison("GET", ALONE, 0.9), comparison("SET", ALONE, 0.8)]
    table, sentence = speed_in_short([*one_at_a_time, *many, *alone]).split("\n\n")
    assert table.splitlines()[2] == "| SET | 100,000 | 100,000 | 1.00 (1.00-1.00) |"
    assert len(table.splitlines()) == 2 + len(IN_SHORT)
    assert (
        "serves 0.30 (XADD) to 0.60 (SET) times as many, GET 0.50 and SET 0.60; one client alone, 0.90 (GET)"
        in sentence
    )


def test_one_client_alone_is_shown_and_not_judged() -> None:
    table = speed_table(ALONE, [comparison(load=ALONE, throughput=0.5)])
    assert (table.title, table.rows[0][-1]) == ("1 client, P=1", "")
    assert len(table.rows[0]) == len(table.header)


def test_memory_without_a_bar_is_not_judged() -> None:
    figures = [Figure("key", (100.0,), (150.0,), Bar(1.4, at_least=False)), Figure("new", (100.0,), (900.0,), None)]
    assert [row[-2:] for row in memory_table(figures).rows] == [["at most 1.4", "missed"], ["", ""]]
    assert verdict(figures) == "0 of 1 bars met. Missed: key 1.50 (at most 1.4)."


def test_what_has_no_peer_is_judged_by_itself() -> None:
    measures = [
        Measure("barrier, ms", (10.0, 30.0, 20.0), Bar(25.0, at_least=False)),
        Measure("key, ms", (160.0,), Bar(150.0, at_least=False)),
    ]
    assert releases_table(measures).rows == [
        ["barrier, ms", "20.00 (10.00-30.00)", "at most 25.0", "met"],
        ["key, ms", "160.00 (160.00-160.00)", "at most 150.0", "missed"],
    ]
    assert verdict(measures) == "1 of 2 bars met. Missed: key, ms 160.00 (at most 150.0)."


def test_stores_are_shown_with_their_ratios() -> None:
    figures = [Figure("get, us", (40.0,), (30.0,), Bar(0.7, at_least=False)), Figure("set, us", (2.0,), (20.0,), None)]
    assert [row[1:] for row in stores_table("stores", figures).rows] == [
        ["40.00", "30.00", "0.75", "at most 0.7", "missed"],
        ["2.00", "20.00", "10.00", "", ""],
    ]


def test_markdown_has_one_line_per_row() -> None:
    page = markdown([speed_table(ONE_BY_ONE, [comparison()])])
    assert "### 50 clients, P=1" in page
    assert "| GET | 100,000 | 100,000 | 1.00 (1.00-1.00) |" in page
