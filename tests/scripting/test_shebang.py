"""The first line of scripts."""

import pytest

from respstore.errors import RespError
from respstore.scripting.shebang import parse_script_head


def test_a_script_without_such_a_line_is_code() -> None:
    assert parse_script_head(b"return 1\n#!lua") == (None, b"return 1\n#!lua")


def test_flags_are_read_and_the_line_is_left_empty() -> None:
    assert parse_script_head(b"#!lua flags=no-writes,allow-oom\nreturn 1") == (
        {"no-writes", "allow-oom"},
        b"\nreturn 1",
    )
    assert parse_script_head(b"#!lua\n") == (frozenset(), b"\n")
    assert parse_script_head(b"#!lua flags=\n") == (frozenset(), b"\n")


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"#!lua", "ERR Invalid script shebang"),
        (b"#!js\n", "ERR Unexpected engine in script shebang: #!js"),
        (b"#! lua\n", "ERR Unexpected engine in script shebang: #!"),
        (b"#!lua name=x\n", "ERR Unknown lua shebang option: name=x"),
        (b"#!lua flags\n", "ERR Unknown lua shebang option: flags"),
        (b"#!lua flags=foo\n", "ERR Unexpected flag in script shebang: foo"),
        (b"#!lua flags=no-writes,\n", "ERR Unexpected flag in script shebang: "),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(head: bytes, text: str) -> None:
    with pytest.raises(RespError) as caught:
        parse_script_head(head)
    assert caught.value.text == text
