"""One set of permissions."""

import pytest

from respstore.commands import TABLE
from respstore.engine.acl.selector import FULL, READ, WRITE, Denial, Reason, Selector


@pytest.fixture
def selector() -> Selector:
    selector = Selector()
    selector.permit_all(frozenset(TABLE))
    return selector


def denial(selector: Selector, line: bytes) -> Denial | None:
    args = line.split()
    return selector.denial(TABLE[args[0].decode()], args)


def test_a_new_one_permits_nothing_but_what_needs_no_user() -> None:
    assert denial(Selector(), b"get k") == denial(Selector(), b"ping") == Denial(Reason.COMMAND, 0)
    for line in (b"auth x", b"hello", b"quit", b"reset"):
        assert denial(Selector(), line) is None


def test_it_is_unrestricted_as_long_as_nothing_was_taken_away(selector: Selector) -> None:
    assert selector.is_restricted
    selector.all_keys = selector.all_channels = True
    assert not selector.is_restricted
    selector.forbid(frozenset({"get"}))
    selector.permit(frozenset({"get"}))
    assert selector.is_restricted
    assert selector.takes_future


def test_a_copy_is_changed_apart(selector: Selector) -> None:
    other = selector.copy()
    other.forbid(frozenset({"get"}))
    other.add_keys(b"k", FULL)
    other.add_channels(b"c")
    other.permit_first_argument(TABLE["select"], b"1")
    other.all_keys = True
    assert denial(selector, b"get k") == Denial(Reason.KEY, 1)
    assert (selector.keys, selector.channels, selector.first_arguments, selector.all_keys) == ({}, {}, {}, False)


@pytest.mark.parametrize(
    ("access", "permitted", "denied"),
    [
        (FULL, b"get k,set k v,getset k v,strlen k,del k,exists k,expire k 1,set k v get", b""),
        (READ, b"get k,strlen k,exists k,mget k k,type k", b"set k v,getset k v,del k,expire k 1,incr k,append k v"),
        (WRITE, b"set k v,del k,strlen k,exists k,append k v,lpush k v", b"get k,getset k v,incr k,lpop k,getdel k"),
    ],
)
def test_what_is_done_to_a_key_decides(selector: Selector, access: int, permitted: bytes, denied: bytes) -> None:
    selector.add_keys(b"k*", access)
    for line in permitted.split(b","):
        assert (line, denial(selector, line)) == (line, None)
        assert denial(selector, line.replace(b" k", b" x", 1)) == Denial(Reason.KEY, 1)
    for line in filter(None, denied.split(b",")):
        assert (line, denial(selector, line)) == (line, Denial(Reason.KEY, 1))


def test_one_pattern_must_give_all_the_access_that_is_needed(selector: Selector) -> None:
    selector.add_keys(b"k*", READ)
    selector.add_keys(b"*k", WRITE)
    assert denial(selector, b"getset k v") == Denial(Reason.KEY, 1)
    selector.add_keys(b"k*", WRITE)
    assert denial(selector, b"getset k v") is None


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (b"mget a x b", 2),
        (b"mset a 1 b 2 x 3", 5),
        (b"rename a x", 2),
        (b"zunionstore a 2 b x", 4),
        (b"zunionstore x 1 a", 1),
        (b"blpop a x 0", 2),
        (b"lmpop 2 a x LEFT", 3),
        (b"xread block 0 streams a x 0 0", 5),
        (b"sort a by w* get # store x", 7),
        (b"georadius a 0 0 1 m store x", 7),
        (b"bget a x 0", 2),
        (b"cas x a b", 1),
        (b"barrier x 2", 1),
        (b"barrierreset x", 1),
        (b"watch a x", 2),
    ],
)
def test_keys_are_found_wherever_they_stand(selector: Selector, line: bytes, place: int) -> None:
    selector.add_keys(b"[ab]", FULL)
    assert denial(selector, line) == Denial(Reason.KEY, place)
    assert denial(selector, line.replace(b" x", b" b")) is None


def test_a_barrier_is_broken_by_who_may_change_it(selector: Selector) -> None:
    selector.add_keys(b"*", READ)
    assert denial(selector, b"barrierinfo b") is None
    assert denial(selector, b"barrierreset b") == Denial(Reason.KEY, 1)


def test_channels_match_patterns_and_patterns_are_taken_as_they_are(selector: Selector) -> None:
    selector.add_channels(b"news.*")
    assert denial(selector, b"publish news.a hello") is None
    assert denial(selector, b"publish other news.a") == Denial(Reason.CHANNEL, 1)
    assert denial(selector, b"subscribe news.a other") == Denial(Reason.CHANNEL, 2)
    assert denial(selector, b"ssubscribe news.a other") == Denial(Reason.CHANNEL, 2)
    assert denial(selector, b"spublish other x") == Denial(Reason.CHANNEL, 1)
    assert denial(selector, b"psubscribe news.*") is None
    assert denial(selector, b"psubscribe news.a") == Denial(Reason.CHANNEL, 1)
    for line in (b"unsubscribe other", b"punsubscribe other", b"pubsub channels"):
        assert denial(selector, line) is None


def test_a_first_argument_lets_a_command_through() -> None:
    selector = Selector()
    selector.permit_first_argument(TABLE["select"], b"1")
    selector.permit_first_argument(TABLE["select"], b"Two")
    selector.permit_first_argument(TABLE["select"], b"TWO")
    assert denial(selector, b"select 1") is None
    assert denial(selector, b"select two") is None
    assert denial(selector, b"select 0") == denial(selector, b"select") == Denial(Reason.COMMAND, 0)
    assert selector.first_arguments == {"select": (b"1", b"Two")}
    selector.permit(frozenset({"select"}))
    selector.forbid(frozenset({"select"}))
    assert denial(selector, b"select 1") == Denial(Reason.COMMAND, 0)


@pytest.mark.parametrize(
    ("pattern", "prefix", "covers"),
    [
        (b"*", b"", True),
        (b"*", b"job/", True),
        (b"job/*", b"job/", True),
        (b"jo*", b"job/", True),
        (b"job/*", b"", False),
        (b"job/x*", b"job/", False),
        (b"job/", b"job/", False),
        (b"job/?*", b"job/", False),
        (b"**", b"", False),
        (b"j[o]*", b"job/", False),
        (rb"\*", b"", False),
    ],
)
def test_all_keys_of_a_prefix(pattern: bytes, prefix: bytes, covers: bool) -> None:
    selector = Selector()
    assert not selector.permits_prefix(prefix, READ)
    selector.add_keys(pattern, READ)
    assert selector.permits_prefix(prefix, READ) is covers
    assert not selector.permits_prefix(prefix, WRITE)
    selector.all_keys = True
    assert selector.permits_prefix(prefix, WRITE)
