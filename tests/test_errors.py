"""Errors with a variable part, and what may stand in one; where a command raises it, the command's tests show it."""

import pytest

from respstore import errors
from respstore.errors import RespError

CONSTANTS = {
    name: value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str) and name[0] != "_"
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_text_is_one_line(name: str) -> None:
    text = CONSTANTS[name]
    assert text.isprintable()
    assert text.isascii()
    assert text == text.strip()


def test_a_text_stands_once() -> None:
    assert len(set(CONSTANTS.values())) == len(CONSTANTS)


def test_an_error_knows_its_text() -> None:
    assert RespError("ERR no").text == str(RespError("ERR no")) == "ERR no"


# What peers sent


@pytest.mark.parametrize("data", [b"", b"text", "caf\u00e9".encode(), b"\xff\x00\xfe", bytes(range(256))])
def test_printable_loses_nothing(data: bytes) -> None:
    assert errors.printable(data).encode("utf-8", "surrogateescape") == data


@pytest.mark.parametrize(
    ("data", "text"), [(b"a\0b", "a"), (b"\0", ""), (b"", ""), (b"ab", "ab"), (b"\xff\0", "\udcff")]
)
def test_quotable_ends_where_a_string_of_c_ends(data: bytes, text: str) -> None:
    assert errors.quotable(data) == text


@pytest.mark.parametrize(
    ("args", "text"),  # as redis-server 7.0.15 sends them
    [
        ([b"NO"], "ERR unknown command 'NO', with args beginning with: "),
        ([b"no", b"a", b"b c", b""], "ERR unknown command 'no', with args beginning with: 'a' 'b c' '' "),
        ([b"a\0b", b"c\0d"], "ERR unknown command 'a', with args beginning with: 'c' "),
        ([b"x" * 200], f"ERR unknown command '{'x' * 128}', with args beginning with: "),
        ([b"x", b"y" * 200, b"z"], f"ERR unknown command 'x', with args beginning with: '{'y' * 128}' "),
        ([b"x", b"y" * 125, b"z"], f"ERR unknown command 'x', with args beginning with: '{'y' * 125}' "),
        (
            [b"x", b"y" * 120, b"abcdefgh", b"z"],
            f"ERR unknown command 'x', with args beginning with: '{'y' * 120}' 'abcde' ",
        ),
    ],
)
def test_unknown_command(args: list[bytes], text: str) -> None:
    assert errors.unknown_command(args).text == text


@pytest.mark.parametrize(
    ("error", "request_", "text"),
    [
        (errors.too_many_arguments("get"), [b"gEt"], "ERR wrong number of arguments for 'get' command"),
        (
            errors.too_many_arguments("client|list"),
            [b"client", b"LiST", b"a"],
            "ERR unknown subcommand or wrong number of arguments for 'LiST'. Try CLIENT HELP.",
        ),
        (
            errors.exactly_one_of("THIS or THAT"),
            [b"geoSEARCH", b"x"],
            "ERR exactly one of THIS or THAT can be specified for geoSEARCH",
        ),
    ],
)
def test_what_an_error_quotes_is_written_as_the_client_wrote_it(
    error: errors.RespError, request_: list[bytes], text: str
) -> None:
    error.quote(request_)
    assert error.text == text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.wrong_arity("config|get"), "ERR wrong number of arguments for 'config|get' command"),
        (errors.unknown_subcommand(b"NO\xff", "client"), "ERR unknown subcommand 'NO\udcff'. Try CLIENT HELP."),
        (errors.hello_option(b"no"), "ERR Syntax error in HELLO option 'no'"),
        (errors.unknown_client_type(b"no\0pe"), "ERR Unknown client type 'no'"),
        (errors.no_such_user(b"bob"), "ERR No such user 'bob'"),
        (errors.invalid_expire("set"), "ERR invalid expire time in 'set' command"),
        (errors.unsupported_expire_option(b"no"), "ERR Unsupported option no"),
        (errors.exec_refused(RespError("ERR no")), "EXECABORT Transaction discarded because of: no"),
        (errors.exec_refused(RespError("NOAUTH no")), "EXECABORT Transaction discarded because of: NOAUTH no"),
        (errors.unknown_option("no"), "ERR Unknown option or number of arguments for CONFIG SET - 'no'"),
        (
            errors.config_set_failed("port", "no"),
            "ERR CONFIG SET failed (possibly related to argument 'port') - no",
        ),
        (errors.config_rewrite_failed("no"), "ERR Rewriting config file: no"),
    ],
)
def test_texts_with_a_variable_part(error: RespError, text: str) -> None:
    assert error.text == text
