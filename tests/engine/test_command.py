"""The decorator, and the table that is built of what it declares."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from respstore.engine.command import UNLIMITED, Command, build_table, command, container
from respstore.engine.keyspecs import at, first
from respstore.engine.session import Session
from respstore.engine.syntax import parse_syntax


def declare(syntax: str, handler: Callable[..., Any], **options: Any) -> Command:
    """The record that the decorator puts on a handler."""
    handler.__doc__ = handler.__doc__ or "Do."
    return command(syntax, group="string", since="1.0.0", **options)(handler).command  # type: ignore[attr-defined]


def module(**values: object) -> Any:
    return SimpleNamespace(**values)


@command("twice key [TIMES times]", group="list", since="7.0.0", flags="write denyoom fast", keys=first("RW insert"))
def twice(session: Session, key: bytes, *options: bytes) -> int:
    """Say it twice.

    More about it.
    """
    return 2


def test_the_decorator_leaves_the_function_as_it_was() -> None:
    assert twice(None, b"key") == 2  # type: ignore[arg-type]


def test_a_record_says_what_was_declared() -> None:
    record: Command = twice.command  # type: ignore[attr-defined]
    assert record.name == "twice"
    assert record.arguments == parse_syntax("twice key [TIMES times]").arguments
    assert record.handler is twice
    assert (record.group, record.since, record.flags) == ("list", "7.0.0", {"write", "denyoom", "fast"})
    assert record.categories == {"list", "write", "fast"}
    assert record.summary == "Say it twice."
    assert record.keys == (first("RW insert"),)
    assert record.tips == frozenset()
    assert record.subcommands == {}


def test_options_of_the_decorator() -> None:
    record = declare(
        "old",
        lambda session: None,
        keys=[first("RO"), at(2, "OW")],
        key_finder=lambda request: [],
        categories="admin",
        tips="a b:c",
        complexity="O(1)",
        deprecated_since="2.0.0",
        replaced_by="`NEW`",
        is_syscmd=True,
    )
    assert record.keys == (first("RO"), at(2, "OW"))
    assert record.key_finder is not None
    assert record.key_finder([]) == []
    assert record.categories == {"admin", "slow"}
    assert record.tips == {"a", "b:c"}
    assert (record.complexity, record.deprecated_since, record.replaced_by) == ("O(1)", "2.0.0", "`NEW`")
    assert record.is_syscmd


@pytest.mark.parametrize(
    ("handler", "minimum", "maximum", "arity"),
    [
        (lambda session: None, 1, 1, 1),
        (lambda session, key: None, 2, 2, 2),
        (lambda session, key, count=None: None, 2, 3, -2),
        (lambda session, *keys: None, 1, UNLIMITED, -1),
        (lambda session, key, *keys: None, 2, UNLIMITED, -2),
        (lambda session, key, count=None, *keys: None, 2, UNLIMITED, -2),
    ],
)
def test_the_signature_is_the_arity(handler: Callable[..., Any], minimum: int, maximum: int, arity: int) -> None:
    """The session stands where a request has the command's name; a subcommand's name has two words."""
    record = declare("c", handler)
    assert (record.minimum, record.maximum, record.arity) == (minimum, maximum, arity)
    record = declare("c|sub", handler)
    assert record.minimum == minimum + 1
    assert record.maximum == (UNLIMITED if maximum == UNLIMITED else maximum + 1)
    assert record.arity == (arity + 1 if arity > 0 else arity - 1)


@pytest.mark.parametrize("documentation", [None, "", "   \n  "])
def test_a_handler_needs_a_summary(documentation: str | None) -> None:
    def silent(session: Session) -> None: ...

    silent.__doc__ = documentation
    with pytest.raises(ValueError, match="'silent' has no docstring"):
        command("silent", group="string", since="1.0.0")(silent)


def test_records_are_equal_only_to_themselves() -> None:
    assert declare("c", lambda session: None) != declare("c", lambda session: None)


# Containers and tables


def test_a_container_holds_its_subcommands() -> None:
    holder = container("box", summary="Hold.", group="connection", since="2.0.0", flags="admin")
    get, put = declare("box|get key", lambda session, key: None), declare("box|put", lambda session: None)
    table = build_table([module(BOX=holder, get=SimpleNamespace(command=get)), module(put=put)])
    assert list(table) == ["box"]
    box = table["box"]
    assert box.subcommands == {"get": get, "put": put}
    assert (box.handler, box.minimum, box.maximum, box.arity) == (None, 2, UNLIMITED, -2)
    assert (box.summary, box.complexity) == ("Hold.", "Depends on subcommand.")
    assert box.categories == {"admin", "dangerous", "slow"}  # its group gives it none
    assert box.arguments == ()
    assert holder.subcommands == {}  # another table may be built of the same module


def test_a_command_may_have_subcommands_and_a_meaning_of_its_own() -> None:
    alone, sub = declare("both", lambda session: None), declare("both|sub", lambda session: None)
    table = build_table([module(a=alone, b=sub)])
    assert table["both"].handler is alone.handler
    assert table["both"].minimum == 1
    assert table["both"].maximum == UNLIMITED
    assert table["both"].subcommands == {"sub": sub}


def test_a_table_takes_what_is_declared_and_nothing_else() -> None:
    one = declare("one", lambda session: None)
    table = build_table([module(a=one, same=one, number=5, text="get", function=len), module(again=one)])
    assert table == {"one": one}
    assert build_table([]) == {}


@pytest.mark.parametrize("name", ["c", "c|sub"])
def test_a_name_is_declared_once(name: str) -> None:
    holder = container("c", summary="Hold.", group="server", since="1.0.0")
    twins = [declare(name, lambda session: None) for _ in range(2)]
    with pytest.raises(ValueError, match=r"'c.*' is declared twice"):
        build_table([module(a=twins[0]), module(b=twins[1], c=holder if name == "c|sub" else None)])


def test_a_subcommand_needs_a_container() -> None:
    with pytest.raises(ValueError, match="subcommands of 'c' are declared, but not the command itself"):
        build_table([module(a=declare("c|sub", lambda session: None))])
