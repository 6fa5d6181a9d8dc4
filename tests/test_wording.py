"""How names stand in messages; where one is used, the tests of that show the whole message."""

import pytest

from respstore.wording import LISTED, escaped, listable, listed, shown_member


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain text", "plain text"),
        ("caf\u00e9".encode(), "caf\u00e9"),
        (b"a\0\r\n\x7f", r"a\x00\r\n\x7f"),
        (b"\xff'\\", r"\xff\'\\"),
        ("\u2028\u00a0".encode(), r"\u2028\xa0"),
        (b"x" * 128, "x" * 128),
        (b"x" * 129, "x" * 128 + "..."),
    ],
)
def test_escaped_is_one_printable_line(data: bytes, text: str) -> None:
    assert escaped(data) == text
    assert text.isprintable()


@pytest.mark.parametrize(
    ("name", "text"),
    [(b"3", "3"), (b"host-a/1:x", "host-a/1:x"), (b"", "''"), (b"a b", "'a b'"), (b"a,b", "'a,b'"), (b"a\0", r"a\x00")],
)
def test_a_name_in_a_list_is_quoted_where_it_must_be(name: bytes, text: str) -> None:
    assert listable(name) == text


def test_a_list_names_so_many_and_counts_the_rest() -> None:
    assert listed(["a"] * LISTED, LISTED) == ", ".join(["a"] * LISTED)
    assert listed((str(number) for number in range(LISTED + 5)), LISTED + 5).endswith(", 19 ... and 5 more")


def test_a_member_without_a_name_is_its_connection() -> None:
    assert (shown_member(7), shown_member(b"a b")) == ("client:7", "'a b'")
