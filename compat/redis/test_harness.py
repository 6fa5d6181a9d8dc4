"""The harness itself: it must see every difference on the wire, and read scripts as they are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat.redis import rules
from compat.redis.script import alternatives, load, sequence, words
from compat.redis.wire import Incomplete, Reply, parse, request


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"+OK\r\n", "+OK"),
        (b"-ERR no\r\n", "-ERR no"),
        (b":-5\r\n", ":-5"),
        (b"$2\r\nOK\r\n", '$"OK"'),
        (b"$0\r\n\r\n", '$""'),
        (b'$4\r\n\r\n\x00"\r\n', '$"\\x0d\\x0a\\x00\\x22"'),
        (b"$-1\r\n", "$-1"),
        (b"*-1\r\n", "*-1"),
        (b"_\r\n", "_"),
        (b",3.10\r\n", ",3.10"),
        (b"#t\r\n", "#t"),
        (b"(123\r\n", "(123"),
        (b"=7\r\ntxt:abc\r\n", '="txt:abc"'),
        (b"*2\r\n:1\r\n*0\r\n", "*[:1, *[]]"),
        (b"~1\r\n+a\r\n", "~[+a]"),
        (b">1\r\n+a\r\n", ">[+a]"),
        (b"%1\r\n+a\r\n:1\r\n", "%[+a, :1]"),
    ],
)
def test_each_reply_keeps_its_type(data: bytes, shown: str) -> None:
    reply, end = parse(data + b"+next\r\n")

    assert str(reply) == shown
    assert end == len(data)


@pytest.mark.parametrize("data", [b"+OK\r\n", b"$5\r\nhello\r\n", b"%1\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n"])
def test_a_reply_that_has_not_arrived_whole_is_no_reply(data: bytes) -> None:
    for end in range(len(data)):
        with pytest.raises(Incomplete):
            parse(data[:end])


def test_what_is_no_resp_is_an_error() -> None:
    with pytest.raises(ValueError, match="not RESP"):
        parse(b"HTTP/1.1 200 OK\r\n")


def test_a_request() -> None:
    assert request([b"GET", b"\r\n"]) == b"*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("SET k v", [b"SET", b"k", b"v"]),
        ('SET k ""', [b"SET", b"k", b""]),
        (r'ECHO "a b\r\n\x00\"\\"', [b"ECHO", b'a b\r\n\x00"\\']),
        (r"ECHO 'a\n'", [b"ECHO", b"a\\n"]),
        ('ECHO a"b c"d', [b"ECHO", b"ab cd"]),
        ("ECHO {ab*3}x", [b"ECHO", b"abababx"]),
        ('ECHO "{ab*3}"', [b"ECHO", b"{ab*3}"]),
    ],
)
def test_words_of_a_line(text: str, arguments: list[bytes]) -> None:
    assert words(text) == arguments


def test_alternatives_multiply() -> None:
    assert alternatives("A> {GET|SET k} {a|{x*2}}") == ["A> GET a", "A> GET {x*2}", "A> SET k a", "A> SET k {x*2}"]
    assert alternatives('A> ECHO "{a|b}" {"|"|}') == ['A> ECHO "{a|b}" "|"', 'A> ECHO "{a|b}" ']


def test_a_sequence_keeps_its_client_until_another_is_named() -> None:
    assert sequence("A> GET k // B> GET k // TTL k") == ["A> GET k", "B> GET k", "B> TTL k"]


@pytest.mark.parametrize("line", ["A GET k", "A> ECHO {unknown}", 'A> ECHO "', "A> ECHO {a|b", "A> GET k ;; junk"])
def test_a_line_that_is_not_understood_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "broken.txt"
    path.write_text(f"== title\n{line}\n", "utf-8")

    with pytest.raises(ValueError, match=r"broken\.txt:2"):
        load(path)


def reply(text: bytes) -> Reply:
    return parse(text)[0]


def test_rules_see_what_they_should() -> None:
    one_two, two_one = reply(b"*2\r\n+1\r\n+2\r\n"), reply(b"*2\r\n+2\r\n+1\r\n")

    assert rules.unordered(one_two, two_one)
    assert not rules.exact(one_two, two_one)
    assert not rules.unordered(one_two, reply(b"*2\r\n+2\r\n$1\r\n1\r\n"))
    assert rules.within(5)(reply(b":100\r\n"), reply(b":105\r\n"))
    assert not rules.within(5)(reply(b":100\r\n"), reply(b":106\r\n"))
    assert not rules.within(5)(reply(b":-1\r\n"), reply(b":-2\r\n"))
    assert rules.shape(reply(b"*1\r\n:1\r\n"), reply(b"*1\r\n:2\r\n"))
    assert not rules.shape(reply(b"*1\r\n:1\r\n"), reply(b"*1\r\n$1\r\n2\r\n"))
    assert not rules.kind(reply(b"$-1\r\n"), reply(b"$1\r\na\r\n"))
    assert not rules.shape(reply(b"-ERR a\r\n"), reply(b"-ERR b\r\n"))


def test_execs_reply_is_compared_by_the_rules_of_what_was_queued() -> None:
    rule = rules.each([rules.exact, rules.unordered])

    assert rule(reply(b"*2\r\n:1\r\n*2\r\n:1\r\n:2\r\n"), reply(b"*2\r\n:1\r\n*2\r\n:2\r\n:1\r\n"))
    assert not rule(reply(b"*2\r\n:1\r\n*2\r\n:1\r\n:2\r\n"), reply(b"*2\r\n:2\r\n*2\r\n:1\r\n:2\r\n"))
