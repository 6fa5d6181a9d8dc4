from pathlib import Path

import pytest
from rich.console import Console

from compat.bench.__main__ import Results, parse_arguments, report
from compat.report import FRONT_PAGE, README


def test_only_a_run_of_everything_may_stand_on_the_page() -> None:
    assert parse_arguments([]).is_full
    assert parse_arguments(["--rounds", "5"]).is_full
    for smaller in (["--quick"], ["--tests", "get"], ["--rounds", "2"]):
        assert not parse_arguments(smaller).is_full


def test_stores_are_measured_alone_or_with_all_else() -> None:
    assert parse_arguments([]).has_full_stores
    assert parse_arguments(["--stores"]).has_full_stores
    assert not parse_arguments(["--stores"]).tests
    assert not parse_arguments(["--stores", "--rounds", "1"]).has_full_stores
    for smaller in (["--quick"], ["--tests", "get"]):
        assert not parse_arguments(smaller).stores
        assert not parse_arguments(smaller).growth
        assert not parse_arguments(smaller).scripts
        assert not parse_arguments(smaller).files
    assert parse_arguments([]).has_full_scripts
    assert not parse_arguments(["--scripts"]).tests
    assert not parse_arguments(["--scripts", "--rounds", "1"]).has_full_scripts
    assert parse_arguments([]).has_full_files
    assert not parse_arguments(["--files"]).tests
    assert not parse_arguments(["--files", "--rounds", "1"]).has_full_files
    assert parse_arguments([]).has_full_growth
    assert parse_arguments(["--growth"]).has_full_growth
    assert not parse_arguments(["--growth"]).stores


def test_tests_are_named_as_for_redis_benchmark() -> None:
    plan = parse_arguments(["--tests", "get,LRANGE_300"])
    assert [test.name for test in plan.tests] == ["GET", "LRANGE_300"]


def test_a_test_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--tests", "get,zrank"])
    assert "no such test: ZRANK; there are PING_INLINE, " in capsys.readouterr().err


@pytest.mark.parametrize("section", ["bench", "scripts", "files", "growth", "stores"])
def test_a_full_run_is_written_down_and_in_short_on_the_front_page(
    section: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {page: page.read_text() for page in (README, FRONT_PAGE)}
    monkeypatch.setattr(Path, "read_text", lambda path, **_: pages[path])
    monkeypatch.setattr(Path, "write_text", lambda path, text, **_: pages.update({path: text}))
    report(Console(quiet=True), section, Results("On a machine.", [], [], "In short."), is_full=True)

    assert f"<!-- {section} -->\n\nOn a machine." in pages[README]
    assert "<!-- speed -->\n\nIn short." in pages[FRONT_PAGE]
