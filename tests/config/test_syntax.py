"""Lines of redis.conf and command lines, to directives and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.config.syntax import parse_arguments, parse_text, quote, split_words
from respstore.exceptions import ConfigError

UNBALANCED = "Unbalanced quotes in configuration line"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        (" \t ", []),
        ("port 7000", ["port", "7000"]),
        ("  port\t 7000  ", ["port", "7000"]),
        ('save ""', ["save", ""]),
        ("save ''", ["save", ""]),
        ("\"a b\" 'c d'", ["a b", "c d"]),
        ("# no comment behind # a word", ["#", "no", "comment", "behind", "#", "a", "word"]),
        (r'"\xff"', ["\udcff"]),
        ("\udcff é", ["\udcff", "é"]),
        (r'"\xc3\xa9"', ["é"]),
    ],
)
def test_words_are_those_of_an_inline_command_as_text(line: str, words: list[str]) -> None:
    assert split_words(line) == words


@pytest.mark.parametrize("line", ['"', "'a", '"a"b', "a'b"])
def test_an_unbalanced_quote_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=f"^{UNBALANCED}$"):
        split_words(line)


@given(st.lists(st.binary()))
def test_quoted_words_are_read_back(words: list[bytes]) -> None:
    texts = [word.decode("utf-8", "surrogateescape") for word in words]
    assert split_words(" ".join(map(quote, texts))) == texts


@pytest.mark.parametrize("word", ["7000", "::1", "{title}", "yes", "a#b", "#a", "-1", "/var/log/x.log"])
def test_a_plain_word_needs_no_quotes(word: str) -> None:
    assert quote(word) == word


@pytest.mark.parametrize("word", ["", "a b", 'a"b', "a'b", "a\\b", "é", "a\nb"])
def test_other_words_are_quoted_in_ascii(word: str) -> None:
    assert quote(word).startswith('"')
    assert quote(word).isascii()
    assert "\n" not in quote(word)


def test_a_file_is_read_line_by_line() -> None:
    text = "# comment\n\nPort 7000\r\n \t#another\n  save 900 1  \n"
    assert [tuple(directive) for directive in parse_text(text, "redis.conf")] == [
        ("port", ["7000"], "redis.conf, line 3: 'Port 7000'"),
        ("save", ["900", "1"], "redis.conf, line 5: 'save 900 1'"),
    ]


def test_an_unreadable_line_is_named() -> None:
    with pytest.raises(ConfigError) as refusal:
        list(parse_text('port 1\ndir "x\n', "redis.conf"))
    assert str(refusal.value) == f"redis.conf, line 2: 'dir \"x': {UNBALANCED}"


# What redis-server 7.0.15 makes of the same command lines.
@pytest.mark.parametrize(
    ("arguments", "file", "stdin", "lines"),
    [
        ([], None, False, []),
        (["redis.conf"], "redis.conf", False, []),
        (["-"], None, True, []),
        (["redis.conf", "--port", "1"], "redis.conf", False, ["port 1"]),
        (["redis.conf", "--port", "1", "-"], "redis.conf", True, ["port 1"]),
        (["-", "--port", "1"], None, True, ["port 1"]),
        (["--port", "1", "--timeout", "2"], None, False, ["port 1", "timeout 2"]),
        (["--port 1", "--TIMEOUT 2"], None, False, ["port 1", "timeout 2"]),
        (["--port 1 --timeout 2"], None, False, ["port 1 --timeout 2"]),
        (["--bind", "a", "b"], None, False, ["bind a b"]),
        (["--bind", "a b"], None, False, ["bind 'a b'"]),
        (["--requirepass", "--x"], None, False, ["requirepass --x"]),
        (["--timeout", "--port", "5"], None, False, ["timeout --port 5"]),
        (["--save", ""], None, False, ["save ''"]),
        (["--save"], None, False, ["save ''"]),
        (["--save", "--port", "1"], None, False, ["save ''", "port 1"]),
        (["--save", "900 1"], None, False, ["save '900 1'"]),
        (["--timeout", '"5"'], None, False, [r'timeout "\"5\""']),
    ],
)
def test_command_line(arguments: list[str], file: str | None, stdin: bool, lines: list[str]) -> None:
    line = parse_arguments(arguments)
    assert (line.file, line.read_stdin) == (file, stdin)
    assert [[directive.name, *directive.words] for directive in line.directives] == list(map(split_words, lines))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-x"], "command line: '-x': Bad directive or wrong number of arguments"),
        (["redis.conf", "port", "1"], "command line: 'port': Bad directive or wrong number of arguments"),
        (["redis.conf", "-", "--port", "1"], "command line: '-': Bad directive or wrong number of arguments"),
        (["--", "x"], "command line: '--': Bad directive or wrong number of arguments"),
        (["--port 'x"], f"command line: '--port 'x': {UNBALANCED}"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_arguments(arguments)
    assert str(refusal.value) == message


def test_a_directive_of_the_command_line_is_shown_as_it_was_given() -> None:
    directive = parse_arguments(["--port", "7 0", "x"]).directives[0]
    assert directive.where == "command line: '--port \"7 0\" x'"
