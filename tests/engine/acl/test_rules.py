"""The words of ACL SETUSER, one by one. All expectations are what redis-server 7.0.15 makes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore import errors
from respstore.commands import TABLE
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.acl.describing import user_rules
from respstore.engine.acl.rules import (
    UnmatchedParenthesisError,
    change_user,
    check_name,
    merge_selectors,
)
from respstore.engine.acl.user import User
from respstore.errors import RespError

CATALOGUE = Catalogue(TABLE)
HASH = b"148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"  # of p


def made_by(*rules: bytes, all_channels: bool = False) -> bytes:
    """What rules make of a user, as rules; without what a new user has, too."""
    user = User(b"u", all_channels=all_channels)
    change_user(user, rules, CATALOGUE, all_channels=all_channels)
    return b" ".join(user_rules(user, CATALOGUE)).removeprefix(b"off ")


NOTHING = b"resetchannels -@all"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (b"on", b"on " + NOTHING),
        (b"ON off On", b"on " + NOTHING),
        (b"nopass", b"nopass " + NOTHING),
        (b">p", b"#%b " % HASH + NOTHING),
        (b"#" + HASH, b"#%b " % HASH + NOTHING),
        (b">p >p nopass", b"nopass " + NOTHING),
        (b"nopass >p", b"#%b " % HASH + NOTHING),
        (b">p <p", NOTHING),
        (b">p !" + HASH, NOTHING),
        (b">p nopass resetpass", NOTHING),
        (b"sanitize-payload", b"sanitize-payload " + NOTHING),
        (b"sanitize-payload skip-sanitize-payload", b"skip-sanitize-payload " + NOTHING),
        (b"~a ~b ~a", b"~a ~b " + NOTHING),
        (b"%R~a %w~b %RW~c %wr~d", b"%R~a %W~b ~c ~d " + NOTHING),
        (b"%W~a %R~b %R~a", b"~a %R~b " + NOTHING),
        (b"%R", b"%R~ " + NOTHING),
        (b"~", b"~ " + NOTHING),
        (b"~a allkeys ~*", b"~* " + NOTHING),
        (b"%R~* ~*", b"~* " + NOTHING),
        (b"~* ResetKeys ~a", b"~a " + NOTHING),
        (b"&a &b &a", b"resetchannels &a &b -@all"),
        (b"&a &* allchannels", b"&* -@all"),
        (b"&* resetchannels &a", b"resetchannels &a -@all"),
        (b"+get +CONFIG|GET", b"resetchannels -@all +config|get +get"),
        (b"+@string -get +get", b"resetchannels -@all +@string"),
        (b"+@STRING", b"resetchannels -@all +@string"),
        (b"+@all -get", b"resetchannels +@all -get"),
        (b"+@all -get +get", b"resetchannels +@all"),
        (b"allcommands nocommands", NOTHING),
        (b"+@read -@read +get", b"resetchannels -@all +get"),
        (b"+config -config|get", b"resetchannels -@all +config -config|get"),
        (b"+config|get +config -config", NOTHING),
        (b"+select|0 +select|1", b"resetchannels -@all +select|0 +select|1"),
        (b"+select|0 +select", b"resetchannels -@all +select"),
        (b"+select|0 -select", NOTHING),
        (b"+select|0 -@connection", NOTHING),
        (b"+select|0 -@all", NOTHING),
        (b"+@all -select +select|0", b"resetchannels +@all -select +select|0"),
        (b"+@all +select|0", b"resetchannels +@all"),
        (b"(~a +get)", NOTHING + b" (~a resetchannels -@all +get)"),
        (b"( ~a +get )", NOTHING + b" (~a resetchannels -@all +get)"),
        (b"()", NOTHING + b" (resetchannels -@all)"),
        (b"(~'a b)", NOTHING + b" (resetchannels -@all)"),
        (b"(~a) (~a) clearselectors (~b)", NOTHING + b" (~b resetchannels -@all)"),
        (b"on >p ~a &b +get (~c) reset", b"sanitize-payload " + NOTHING),
        (b"", NOTHING),
    ],
)
def test_what_rules_make(rules: bytes, expected: bytes) -> None:
    assert made_by(*rules.split()) == expected


def test_an_empty_rule_is_none() -> None:
    assert made_by(b"", b"on", b"") == b"on " + NOTHING


def test_new_users_and_selectors_may_be_given_all_channels() -> None:
    assert made_by(b"(+get)", all_channels=True) == b"&* -@all (&* -@all +get)"
    assert made_by(b"resetchannels", b"reset", all_channels=True) == b"sanitize-payload &* -@all"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        *((rule, errors.ACL_SYNTAX) for rule in (b"foo", b")", b"%~a", b"%", b"%Rfoo", b"%RR~a", b"%RWR~a", b"%X~a")),
        *((rule, errors.ACL_SYNTAX) for rule in (b"~a\tb", b"&a\nb", b"~a\0", b"+get|", b"+config|", b"(on)", b"(>p)")),
        *((rule, errors.ACL_UNKNOWN_NAME) for rule in (b"+", b"-", b"+@", b"-@", b"+nosuch", b"-nosuch", b"+@nosuch")),
        *((rule, errors.ACL_UNKNOWN_NAME) for rule in (b"+|x", b"+config|nosuch", b"-select|0", b"+select|0|1")),
        (b"+config|get|x", errors.ACL_ARGUMENT_OF_SUBCOMMAND),
        *((rule, errors.ACL_NOT_A_HASH) for rule in (b"#", b"#abc", b"!abc", b"#" + HASH.upper(), b"#" + HASH + b"0")),
        *((rule, errors.ACL_NO_SUCH_PASSWORD) for rule in (b"<", b"<q", b"!" + HASH)),
    ],
)
def test_what_is_no_rule(rules: bytes, reason: str) -> None:
    with pytest.raises(RespError) as refusal:
        made_by(b"on", rules)
    shown = rules.partition(b"\0")[0].decode()
    assert refusal.value.text == f"ERR Error in ACL SETUSER modifier '{shown}': {reason}"


@pytest.mark.parametrize(
    ("rules", "wrong", "reason"),
    [
        (b"~* ~a", "~a", errors.ACL_ALL_KEYS_ALREADY),
        (b"allkeys %R~a", "%R~a", errors.ACL_ALL_KEYS_ALREADY),
        (b"&* &a", "&a", errors.ACL_ALL_CHANNELS_ALREADY),
        (b"(~* ~a)", "(~* ~a)", errors.ACL_ALL_KEYS_ALREADY),
        (b"(+get +nosuch )", "(+get +nosuch )", errors.ACL_UNKNOWN_NAME),
        (b"(~a (~b))", "(~a (~b)", errors.ACL_SYNTAX),
    ],
)
def test_what_is_no_rule_in_its_place(rules: bytes, wrong: str, reason: str) -> None:
    with pytest.raises(RespError) as refusal:
        made_by(*rules.split())
    assert wrong in refusal.value.text
    assert refusal.value.text.endswith(reason)


def test_a_selector_may_be_spread_over_several_words() -> None:
    assert merge_selectors([b"on", b"(~a", b"+get", b")", b"(~b)", b"off"]) == [b"on", b"(~a +get )", b"(~b)", b"off"]
    assert merge_selectors([b"(", b"~a", b"(~b", b")"]) == [b"(~b )"]


@pytest.mark.parametrize("words", [[b"("], [b"(~a"], [b"on", b"(~a", b"+get"], [b"(~a)", b"(", b"x"]])
def test_a_selector_needs_an_end(words: list[bytes]) -> None:
    with pytest.raises(UnmatchedParenthesisError):
        merge_selectors(words)
    begin = next(word for word in words if word.startswith(b"(") and not word.endswith(b")")).decode()
    with pytest.raises(RespError) as refusal:
        made_by(*words)
    assert refusal.value.text == f"ERR Unmatched parenthesis in acl selector starting at '{begin}'."


@pytest.mark.parametrize("name", [b"a b", b"a\0b", b"\t", b"a\n"])
def test_what_is_no_name(name: bytes) -> None:
    with pytest.raises(RespError, match="Usernames can't contain spaces or null characters"):
        check_name(name)


def test_any_other_name_will_do() -> None:
    for name in (b"", b"alice", b"\xff", b"user", b"("):
        check_name(name)


RULES = st.sampled_from(
    [
        *(b"on", b"off", b"nopass", b">p", b"<p", b"resetpass", b"sanitize-payload", b"reset", b"clearselectors"),
        *(b"~a*", b"%R~b", b"%W~b", b"~*", b"resetkeys", b"&c", b"&*", b"resetchannels"),
        *(b"+get", b"-get", b"+@string", b"-@string", b"+@all", b"-@all", b"+@slow", b"-@slow", b"+@admin", b"-@read"),
        *(b"+config", b"-config|get", b"+config|set", b"+select|0", b"+select|A", b"-select", b"+@coordination"),
        *(b"(~x +get)", b"(%R~* +@all -@write &c)", b"(", b"~y", b"+set", b")", b'(~"q)'),
    ]
)


@given(st.lists(RULES, max_size=12))
def test_what_is_described_can_be_made_again(rules: list[bytes]) -> None:
    user = User(b"u")
    for rule in rules:
        try:
            change_user(user, [rule], CATALOGUE, all_channels=False)
        except RespError:
            continue
    described = user_rules(user, CATALOGUE)
    again = User(b"u")
    change_user(again, described, CATALOGUE, all_channels=False)
    assert user_rules(again, CATALOGUE) == described
    for one, other in zip(user.selectors, again.selectors, strict=True):
        assert (one.commands, one.takes_future, one.all_keys, one.all_channels) == (
            *(other.commands, other.takes_future, other.all_keys, other.all_channels),
        )
        assert {key: access for key, (_, access) in one.keys.items()} == {
            key: access for key, (_, access) in other.keys.items()
        }
        assert one.channels.keys() == other.channels.keys()
