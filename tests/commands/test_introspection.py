"""COMMAND and its subcommands, asked about a small table of commands made for these tests."""

from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from respstore import errors
from respstore.commands import introspection
from respstore.config import Config
from respstore.engine.command import build_table, command, container
from respstore.engine.dispatch import dispatch
from respstore.engine.engine import Engine
from respstore.engine.keyspecs import FoundKey, counted, first, keyword, span, unknown
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol.replies import SetOf, encode
from tests.talk import FakeSystem

Ask = Callable[[str], Any]


@command(
    "put key value condition=[NX | XX]@2.6.12",
    group="string",
    since="1.0.0",
    flags="write denyoom",
    keys=first("RW access update variable_flags"),
    key_finder=lambda request: [FoundKey(1, frozenset({"OW"}))],
    tips="request_policy:special",
)
def put(session, key, value, *options):
    """Put."""


@command(
    "fetch key...", group="string", since="1.0.0", flags="readonly fast", keys=span("RO access"), complexity="O(N)"
)
def fetch(session, key, *keys):
    """Fetch."""


@command("run numkeys [key]...", group="scripting", since="2.6.0", flags="no_mandatory_keys", keys=counted("RW", at=1))
def run(session, numkeys, *keys):
    """Run."""


@command(
    "arrange key [STORE destination]",
    group="generic",
    since="1.0.0",
    keys=(first("RO"), keyword("STORE", "OW", search_from=2), unknown("RO")),
)
def arrange(session, key, *options):
    """Arrange."""


@command("say message", group="pubsub", since="2.0.0", keys=first("not_key"))
def say(session, message):
    """Say."""


@command(
    "old",
    group="server",
    since="1.0.0",
    flags="admin",
    categories="keyspace",
    deprecated_since="2.0.0",
    replaced_by="`NEW`",
    is_syscmd=True,
)
def old(session):
    """Be old."""


@command("config|get parameter", group="server", since="2.0.0", flags="admin")
def config_get(session, parameter):
    """Get."""


CONFIG = container("config", summary="Configure.", group="server", since="2.0.0")


@pytest.fixture
def ask() -> Ask:
    """Ask COMMAND; give its value."""
    own = SimpleNamespace(a=put, b=fetch, c=run, d=arrange, e=say, f=old, g=config_get, h=CONFIG)
    session = Session(Engine(Config(), build_table((own, introspection)), FakeSystem(), Random(0)))

    def ask(line: str) -> object:
        return dispatch(session, [b"COMMAND", *line.encode().split()])

    return ask


def wire(value: object, protocol: int = 3) -> bytes:
    output: list[bytes] = []
    encode(value, protocol, output)
    return b"".join(output)


def test_info_of_a_command_has_ten_fields(ask: Ask) -> None:
    (info,) = ask("INFO put")
    *fields, keys, subcommands = info
    assert fields == [
        b"put",
        -3,
        {"write", "denyoom"},
        1,
        1,
        1,
        {"@write", "@string", "@slow"},
        {b"request_policy:special"},
    ]
    assert [spec[b"flags"] for spec in keys.items] == [{"RW", "access", "update", "variable_flags"}]
    assert subcommands == set()


def test_on_the_wire_resp3_has_sets_and_resp2_arrays(ask: Ask) -> None:
    info = ask("INFO say")
    specification = (
        b"%3\r\n$5\r\nflags\r\n~1\r\n+not_key\r\n"
        b"$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:1\r\n"
        b"$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n"
        b"%3\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n"
    )
    assert wire(info[0][7:]) == b"*3\r\n~0\r\n~1\r\n" + specification + b"~0\r\n"
    assert wire(info[0][7:], protocol=2).startswith(b"*3\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*1\r\n+not_key\r\n")


def test_keys_that_only_arguments_tell_are_movable(ask: Ask) -> None:
    flags = {info[0]: "movablekeys" in info[2] for info in ask("INFO run arrange fetch")}
    assert flags == {b"run": True, b"arrange": True, b"fetch": False}


def test_info_of_a_container_has_its_subcommands(ask: Ask) -> None:
    (info,) = ask("INFO CONFIG")
    assert info[:2] == [b"config", -2]
    assert [subcommand[0] for subcommand in info[-1]] == [b"config|get"]


def test_info_of_what_does_not_exist_is_null(ask: Ask) -> None:
    infos = ask("INFO nosuch config|nosuch Config|GET config|get|x put|x")
    assert [info and info[0] for info in infos] == [None, None, b"config|get", None, None]


def test_command_and_info_without_names_tell_of_all_but_subcommands(ask: Ask) -> None:
    names = [info[0] for info in ask("")]
    assert sorted(names) == [b"arrange", b"command", b"config", b"fetch", b"old", b"put", b"run", b"say"]
    assert [info[0] for info in ask("INFO")] == names
    assert ask("COUNT") == len(names)
    assert list(ask("DOCS")) == names


def test_docs_leave_out_what_has_no_value(ask: Ask) -> None:
    docs = ask("DOCS fetch")
    key = {b"name": b"key", b"type": b"key", b"key_spec_index": 0, b"flags": {"multiple"}}
    assert docs == {
        b"fetch": {
            b"summary": b"Fetch.",
            b"since": b"1.0.0",
            b"group": b"string",
            b"complexity": b"O(N)",
            b"arguments": [key],
        }
    }


def test_docs_tell_what_is_deprecated(ask: Ask) -> None:
    assert ask("DOCS old")[b"old"] == {
        b"summary": b"Be old.",
        b"since": b"1.0.0",
        b"group": b"server",
        b"doc_flags": {"deprecated", "syscmd"},
        b"deprecated_since": b"2.0.0",
        b"replaced_by": b"`NEW`",
    }


def test_docs_of_a_container_hold_those_of_its_subcommands(ask: Ask) -> None:
    assert list(ask("DOCS config")[b"config"][b"subcommands"]) == [b"config|get"]
    assert list(ask("DOCS CONFIG|get nosuch")) == [b"config|get"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("FILTERBY PATTERN *GET*", "command|getkeys command|getkeysandflags config|get"),
        ("filterby pattern CONFIG*", "config config|get"),
        ("FILTERBY ACLCAT STRING", "put fetch"),
        ("FILTERBY ACLCAT keyspace", "arrange old"),
        ("FILTERBY ACLCAT @string", ""),
        ("FILTERBY MODULE any", ""),
    ],
)
def test_list_is_filtered(ask: Ask, options: str, names: str) -> None:
    assert sorted(ask(f"LIST {options}")) == sorted(names.encode().split())


def test_list_without_a_filter_names_subcommands_too(ask: Ask) -> None:
    assert {b"put", b"config", b"config|get", b"command|list"} <= set(ask("LIST"))


@pytest.mark.parametrize(
    "options", ["x", "FILTERBY", "FILTERBY PATTERN", "FILTERBY NOSUCH x", "BY PATTERN x", "FILTERBY PATTERN a b"]
)
def test_list_refuses_other_options(ask: Ask, options: str) -> None:
    with pytest.raises(RespError, match="syntax error"):
        ask(f"LIST {options}")


@pytest.mark.parametrize(
    ("request_line", "keys"),
    [("fetch a b", "a b"), ("FETCH a", "a"), ("run 2 a b c", "a b"), ("run 0", ""), ("run 3 a", ""), ("put a b", "a")],
)
def test_keys_are_picked_out(ask: Ask, request_line: str, keys: str) -> None:
    assert ask(f"GETKEYS {request_line}") == keys.encode().split()


def test_keys_come_with_what_is_done_to_them(ask: Ask) -> None:
    assert ask("GETKEYSANDFLAGS put a b") == [[b"a", SetOf(["OW"])]]
    assert ask("GETKEYSANDFLAGS fetch a") == [[b"a", SetOf(["RO", "access"])]]


@pytest.mark.parametrize(
    ("request_line", "error"),
    [
        ("nosuch a", errors.GETKEYS_NO_SUCH_COMMAND),
        ("config nosuch", errors.GETKEYS_NO_SUCH_COMMAND),
        ("config|get a", errors.GETKEYS_NO_SUCH_COMMAND),
        ("config get", errors.GETKEYS_NO_KEYS),
        ("say a", errors.GETKEYS_NO_KEYS),
        ("put a", errors.GETKEYS_WRONG_ARITY),
        ("arrange a", errors.GETKEYS_INVALID_ARGUMENTS),
        ("put", "ERR wrong number of arguments for 'command|getkeys' command"),
    ],
)
def test_requests_without_keys_to_tell(ask: Ask, request_line: str, error: str) -> None:
    with pytest.raises(RespError) as raised:
        ask(f"GETKEYS {request_line}")
    assert raised.value.text == error


def test_help(ask: Ask) -> None:
    lines = ask("HELP")
    assert lines[:2] == ["COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "(no subcommand)"]
    assert lines[-2] == "HELP"
    assert "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]" in lines
