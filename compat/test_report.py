from pathlib import Path

import pytest

from compat.report import README, markdown_table, replace_section, write_section

PAGE = "# Page\n\n<!-- a -->\nold\n<!-- /a -->\n\nbetween\n\n<!-- b -->\n<!-- /b -->\n"


def test_only_the_named_section_changes() -> None:
    assert replace_section(PAGE, "a", "new") == PAGE.replace("old\n", "\nnew\n\n")
    assert replace_section(PAGE, "b", "new") == PAGE.replace("<!-- b -->\n", "<!-- b -->\n\nnew\n\n")


def test_writing_again_replaces_and_does_not_grow(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(PAGE)
    for _ in range(2):
        write_section("a", "\\1 is text\n", page)
    assert page.read_text() == PAGE.replace("old\n", "\n\\1 is text\n\n")


@pytest.mark.parametrize("page", ["no markers", PAGE + PAGE])
def test_a_page_without_the_section_or_with_two_is_refused(page: str) -> None:
    with pytest.raises(LookupError, match="must stand there once"):
        replace_section(page, "a", "new")


def test_our_own_page_has_the_sections_that_are_written() -> None:
    for name in ("redis", "bench"):
        replace_section(README.read_text(), name, "new")


def test_a_bar_inside_a_cell_does_not_end_it() -> None:
    assert markdown_table(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"
