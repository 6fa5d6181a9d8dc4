"""The notation of command declarations: each form that its head describes, and what is refused."""

from typing import Any

import pytest

from respstore.engine.syntax import NotationError, parse_syntax


def trees(declaration: str) -> list[dict[str, object]]:
    """The argument trees of `c <declaration>`, as COMMAND DOCS would answer them but with strings for bytes."""
    return [plain(argument.docs()) for argument in parse_syntax(f"c {declaration}").arguments]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.decode(): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


def token(word: str, **fields: object) -> dict[str, object]:
    return {"name": word.lower(), "type": "pure-token", "token": word, **fields}


KEY = {"name": "key", "type": "key", "key_spec_index": 0}
OPTIONAL = frozenset({"optional"})
MULTIPLE = frozenset({"multiple"})


def test_name_and_arguments_are_split() -> None:
    assert parse_syntax("config|get parameter").name == "config|get"
    assert parse_syntax("dbsize").arguments == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("value", "string"),
        ("count", "integer"),
        ("longitude", "double"),
        ("pattern", "pattern"),
        ("unix-time-seconds", "unix-time"),
        ("ip:port", "string"),
        ("yes/no", "string"),
    ],
)
def test_the_name_tells_the_type(name: str, kind: str) -> None:
    assert trees(name) == [{"name": name, "type": kind}]


def test_a_type_may_be_said() -> None:
    assert trees("start:integer key:string") == [
        {"name": "start", "type": "integer"},
        {"name": "key", "type": "string"},
    ]


def test_keys_are_counted_in_reading_order() -> None:
    indices = [tree["key_spec_index"] for tree in trees("key [BY pattern#1] [GET pattern#1]... [STORE destination]")]
    assert indices == [0, 1, 1, 2]


def test_tokens_stand_alone_or_introduce_an_argument() -> None:
    assert trees('[NX] [EX seconds] approximately="~"') == [
        token("NX", flags=OPTIONAL),
        {"name": "seconds", "type": "integer", "token": "EX", "flags": OPTIONAL},
        token("~", name="approximately"),
    ]


def test_a_token_may_introduce_a_group() -> None:
    (limit,) = trees("[LIMIT (offset count)]")
    assert (limit["name"], limit["type"], limit["token"], limit["flags"]) == (
        "offset_count",
        "block",
        "LIMIT",
        OPTIONAL,
    )
    (full,) = trees("[FULL full=([COUNT count])]")
    assert (full["name"], full["type"], full["token"], len(full["arguments"])) == ("full", "block", "FULL", 1)


def test_a_token_before_an_optional_argument_stands_alone() -> None:
    assert trees("WITHSCORES order=[ASC | DESC]")[0] == token("WITHSCORES")
    assert trees("WITHSCORES [count]")[0] == token("WITHSCORES")


def test_alternatives() -> None:
    assert trees("condition=[NX | XX]@2.6.12") == [
        {
            "name": "condition",
            "type": "oneof",
            "since": "2.6.12",
            "flags": OPTIONAL,
            "arguments": [token("NX"), token("XX")],
        }
    ]


def test_an_alternative_of_several_is_a_block_named_by_its_parts() -> None:
    (where,) = trees("(host port | NO ONE)")
    assert where["name"] == "host_port_no_one"
    assert [part["type"] for part in where["arguments"]] == ["block", "block"]


def test_an_alternative_may_be_optional() -> None:
    (authentication,) = trees("[[AUTH password] | [AUTH2 (username password)]]")
    assert [part["flags"] for part in authentication["arguments"]] == [OPTIONAL, OPTIONAL]


def test_parentheses_round_one_thing_change_nothing_unless_named() -> None:
    assert trees("(value)") == trees("value")
    assert trees("parameter=(parameter)...") == [
        {
            "name": "parameter",
            "type": "block",
            "flags": MULTIPLE,
            "arguments": [{"name": "parameter", "type": "string"}],
        }
    ]


@pytest.mark.parametrize(
    ("declaration", "flags"),
    [
        ("key...", {"multiple"}),
        ("[key]...", {"multiple", "optional"}),
        ("(field value)...", {"multiple"}),
        ("[GET pattern]...", {"multiple", "optional", "multiple_token"}),
        ("[KEYS key...]", {"multiple", "optional"}),
    ],
)
def test_repetition(declaration: str, flags: set[str]) -> None:
    assert trees(declaration)[0]["flags"] == flags


def test_versions() -> None:
    assert trees("[GET]@6.2.0 ip:port@..2.8.12 old@2.0.0..3.0.0") == [
        token("GET", since="6.2.0", flags=OPTIONAL),
        {"name": "ip:port", "type": "string", "deprecated_since": "2.8.12"},
        {"name": "old", "type": "string", "since": "2.0.0", "deprecated_since": "3.0.0"},
    ]


def test_set_as_redis_documents_it() -> None:
    declaration = (
        "key value condition=[NX | XX]@2.6.12 [GET]@6.2.0 expiration=[EX seconds@2.6.12 | PX milliseconds@2.6.12 | "
        "EXAT unix-time-seconds@6.2.0 | PXAT unix-time-milliseconds@6.2.0 | KEEPTTL@6.0.0]"
    )
    assert trees(declaration) == [
        KEY,
        {"name": "value", "type": "string"},
        {
            "name": "condition",
            "type": "oneof",
            "since": "2.6.12",
            "flags": OPTIONAL,
            "arguments": [token("NX"), token("XX")],
        },
        token("GET", since="6.2.0", flags=OPTIONAL),
        {
            "name": "expiration",
            "type": "oneof",
            "flags": OPTIONAL,
            "arguments": [
                {"name": "seconds", "type": "integer", "token": "EX", "since": "2.6.12"},
                {"name": "milliseconds", "type": "integer", "token": "PX", "since": "2.6.12"},
                {"name": "unix-time-seconds", "type": "unix-time", "token": "EXAT", "since": "6.2.0"},
                {"name": "unix-time-milliseconds", "type": "unix-time", "token": "PXAT", "since": "6.2.0"},
                token("KEEPTTL", since="6.0.0"),
            ],
        },
    ]


@pytest.mark.parametrize(
    "declaration",
    [
        "",
        "Set key",
        "c [key",
        "c (key]",
        "c key]",
        "c a | b",
        "c ()",
        "c [a | ]",
        "c =a",
        "c a=b",
        "c a=",
        "c @1.0.0",
        "c ...",
        "c key#",
        "c {key}",
        "c LIMIT ([COUNT count])",
        "c a=LIMIT (offset count)",
    ],
)
def test_what_is_no_notation_is_refused(declaration: str) -> None:
    with pytest.raises(NotationError):
        parse_syntax(declaration)
