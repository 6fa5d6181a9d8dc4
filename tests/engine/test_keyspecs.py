"""Key specifications: which arguments are keys, and what COMMAND shows of them."""

import pytest

from respstore.engine.keyspecs import (
    FoundKey,
    KeyFinder,
    KeySpec,
    at,
    counted,
    find_keys,
    first,
    has_keys,
    has_movable_keys,
    keyword,
    legacy_range,
    span,
    unknown,
)

READ = "RO access"
WRITE = "OW update"


def keys(request: str, *specs: KeySpec, finder: KeyFinder | None = None) -> list[str]:
    args = request.encode().split()
    return [args[key.position].decode() for key in find_keys(args, specs, finder)]


@pytest.mark.parametrize(
    ("request_line", "specs", "found"),
    [
        ("get a", [first(READ)], "a"),
        ("object encoding a", [at(2, READ)], "a"),
        ("mget a b c", [span(READ)], "a b c"),
        ("blpop a b 0", [span(READ, last=-2)], "a b"),
        ("mset a 1 b 2", [span(WRITE, step=2)], "a b"),
        ("lcs a b LEN", [span(READ, last=1)], "a b"),
        ("lmove a b LEFT LEFT", [first(READ), at(2, WRITE)], "a b"),
        ("lmpop 2 a b LEFT", [counted(READ, at=1)], "a b"),
        ("zunionstore d 2 a b WEIGHTS 1 2", [first(WRITE), counted(READ, at=2)], "d a b"),
        ("xread COUNT 1 streams a b 0 0", [keyword("STREAMS", READ, search_from=1, last=-1, limit=2)], "a b"),
        ("sort a Store b", [first(READ), keyword("STORE", WRITE, search_from=2)], "a b"),
        ("migrate h p 0 1 KEYS a b", [keyword("KEYS", WRITE, search_from=-3, last=-1)], "a b"),
    ],
)
def test_keys_are_found(request_line: str, specs: list[KeySpec], found: str) -> None:
    assert keys(request_line, *specs) == found.split()


@pytest.mark.parametrize(
    ("request_line", "spec"),
    [
        ("get", first(READ)),
        ("blpop 0", span(READ, last=-2)),
        ("lmpop", counted(READ, at=1)),
        ("lmpop x a", counted(READ, at=1)),
        ("lmpop -1 a", counted(READ, at=1)),
        ("lmpop 0 a", counted(READ, at=1)),
        ("lmpop 2 a", counted(READ, at=1)),
        ("lmpop 99999999999999999999 a", counted(READ, at=1)),
        ("sort a STORE", keyword("STORE", WRITE, search_from=2)),
        ("sort a", keyword("STORE", WRITE, search_from=2)),
        ("sort a", unknown(READ)),
    ],
)
def test_arguments_that_break_the_syntax_have_no_keys(request_line: str, spec: KeySpec) -> None:
    assert keys(request_line, spec) == []


@pytest.mark.parametrize(
    ("request_line", "specs", "found"),
    [
        ("lmpop 1x a b", [counted(READ, at=1)], "a"),
        ("lmpop +2 a b", [counted(READ, at=1)], "a b"),
        ("zunionstore d 02 a b", [first(WRITE), counted(READ, at=2)], "a b d"),
    ],
)
def test_a_careless_number_of_keys_is_read_and_nothing_told_of_them(
    request_line: str, specs: list[KeySpec], found: str
) -> None:
    args = request_line.encode().split()
    assert [(args[at].decode(), flags) for at, flags in find_keys(args, specs)] == [
        (name, frozenset()) for name in found.split()
    ]


def test_one_specification_that_does_not_fit_spoils_all() -> None:
    assert keys("lcs a", first(READ), at(2, WRITE)) == []


def test_a_keyword_that_is_missing_spoils_nothing() -> None:
    specs = first(READ), keyword("STORE", WRITE, search_from=2)
    assert keys("georadius a", *specs) == ["a"]
    assert keys("georadius a STORE", *specs) == ["a"]
    assert keys("georadius a STORE b", *specs) == ["a", "b"]


def test_found_keys_carry_the_flags_of_their_specification() -> None:
    found = find_keys([b"lmove", b"a", b"b", b"LEFT", b"LEFT"], [first("RW access delete"), at(2, "RW insert")])
    assert found == [
        FoundKey(1, frozenset({"RW", "access", "delete"})),
        FoundKey(2, frozenset({"RW", "insert"})),
    ]


@pytest.mark.parametrize(
    "specs",
    [
        [first("RW access update variable_flags")],
        [first(READ), unknown(WRITE)],
        [keyword("KEYS", "RW incomplete", search_from=1)],
    ],
)
def test_a_finder_tells_where_specifications_cannot(specs: list[KeySpec]) -> None:
    assert keys("c KEYS a", *specs, finder=lambda args: [FoundKey(2, frozenset())]) == ["a"]


def test_a_shard_channel_is_no_key() -> None:
    channel = first("not_key")
    assert not has_keys([channel])
    assert keys("spublish a m", channel) == []
    assert has_keys([channel, first(READ)])


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ([], (0, 0, 0)),
        ([first(READ)], (1, 1, 1)),
        ([span(READ, last=-2)], (1, -2, 1)),
        ([span(WRITE, step=2)], (1, -1, 2)),
        ([first(READ), at(2, WRITE)], (1, 2, 1)),
        ([first(WRITE), at(3, READ)], (1, 1, 1)),
        ([first(WRITE), span(READ, start=2)], (1, -1, 1)),
        ([first(WRITE), counted(READ, at=2)], (1, 1, 1)),
        ([counted(READ, at=1)], (0, 0, 0)),
    ],
)
def test_first_last_and_step_follow(specs: list[KeySpec], expected: tuple[int, ...]) -> None:
    assert legacy_range(specs) == expected


def test_keys_behind_a_count_or_a_keyword_are_movable() -> None:
    assert not has_movable_keys([first(READ), at(2, WRITE)])
    for spec in (counted(READ, at=1), keyword("STORE", WRITE, search_from=2), unknown(READ)):
        assert has_movable_keys([first(READ), spec])


def test_info_has_the_shape_of_redis() -> None:
    flags = frozenset({"RO", "access"})
    assert first(READ).info() == {
        b"flags": flags,
        b"begin_search": {b"type": b"index", b"spec": {b"index": 1}},
        b"find_keys": {b"type": b"range", b"spec": {b"lastkey": 0, b"keystep": 1, b"limit": 0}},
    }
    assert counted(READ, at=2).info()[b"find_keys"] == {
        b"type": b"keynum",
        b"spec": {b"keynumidx": 0, b"firstkey": 1, b"keystep": 1},
    }
    assert keyword("STORE", READ, search_from=6).info()[b"begin_search"] == {
        b"type": b"keyword",
        b"spec": {b"keyword": b"STORE", b"startfrom": 6},
    }
    assert unknown(READ).info() == {
        b"flags": flags,
        b"begin_search": {b"type": b"unknown", b"spec": {}},
        b"find_keys": {b"type": b"unknown", b"spec": {}},
    }


def test_a_misspelt_flag_is_refused() -> None:
    with pytest.raises(ValueError, match="ACCESS"):
        first("RO ACCESS")
