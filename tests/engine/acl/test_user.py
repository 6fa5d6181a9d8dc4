"""A user: passwords, and several selectors together."""

import pytest

from respstore.commands import TABLE
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.acl.rules import change_user
from respstore.engine.acl.selector import READ, Denial, Reason
from respstore.engine.acl.user import User, hash_password
from respstore.engine.channels import Subscriptions

CATALOGUE = Catalogue(TABLE)


def make_user(rules: bytes) -> User:
    user = User(b"alice")
    change_user(user, rules.split(), CATALOGUE, all_channels=False)
    return user


def denial(user: User, line: bytes) -> Denial | None:
    args = line.split()
    return user.denial(TABLE[args[0].decode()], args)


def test_a_password_is_kept_as_its_hash() -> None:
    assert hash_password(b"p") == b"148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"
    assert make_user(b">p").passwords == [hash_password(b"p")]


@pytest.mark.parametrize(
    ("rules", "accepted"),
    [
        (b"on >p", {b"p"}),
        (b"on >p >q", {b"p", b"q"}),
        (b"off >p", set()),
        (b"on", set()),
        (b"on nopass", {b"p", b"q", b""}),
        (b"off nopass", set()),
    ],
)
def test_who_is_accepted(rules: bytes, accepted: set[bytes]) -> None:
    user = make_user(rules)
    assert {password for password in (b"p", b"q", b"") if user.accepts(hash_password(password))} == accepted


def test_one_selector_must_permit_all_of_a_request() -> None:
    user = make_user(b"~a* +get (~b* +set) (%R~c* +get +set)")
    assert denial(user, b"get a") is None
    assert denial(user, b"set b 1") is None
    assert denial(user, b"get c") is None
    assert denial(user, b"set a 1") == denial(user, b"set c 1") == denial(user, b"get b") == Denial(Reason.KEY, 1)
    assert denial(user, b"del a") == Denial(Reason.COMMAND, 0)


@pytest.mark.parametrize(
    ("rules", "line", "expected"),
    [
        (b"+get (~a +mget) (~a ~b +mget)", b"mget a b c", Denial(Reason.KEY, 3)),
        (b"~a ~b +mget (~a +mget)", b"mget a b c", Denial(Reason.KEY, 3)),
        (b"+get (&a +subscribe) (&a &b +subscribe)", b"subscribe a b c", Denial(Reason.CHANNEL, 3)),
    ],
)
def test_of_several_selectors_the_one_that_goes_furthest_tells_why(rules: bytes, line: bytes, expected: Denial) -> None:
    assert denial(make_user(rules), line) == expected


def test_a_copy_has_the_same_name_and_a_life_of_its_own() -> None:
    user = make_user(b"on >p ~a +get (~b +set)")
    copy = user.copy()
    change_user(copy, [b"reset"], CATALOGUE, all_channels=False)
    assert copy.name == b"alice"
    assert denial(user, b"set b 1") is None
    assert user.accepts(hash_password(b"p"))


def test_it_is_unrestricted_if_one_selector_is() -> None:
    assert not make_user(b"~* &* +@all").is_restricted
    assert not make_user(b"(~* &* +@all)").is_restricted
    for rules in (b"~* &* +@all -get", b"~a &* +@all", b"~* &a +@all", b"~* +@all (&* +@all)"):
        assert make_user(rules).is_restricted


def test_all_keys_must_be_permitted_by_the_selector_that_permits_the_request() -> None:
    sort = TABLE["sort"]
    for rules, expected in ((b"%R~* +sort", True), (b"~a +sort (~* +get)", False), (b"~a +sort (~* +sort)", True)):
        assert make_user(rules).may_touch_all(sort, [b"sort", b"a"], READ) is expected
    assert not make_user(b"%R~* ~b +sort").may_touch_all(sort, [b"sort", b"a", b"store", b"x"], READ)


def test_who_may_go_on_listening() -> None:
    subscriptions = Subscriptions()
    assert make_user(b"").may_go_on_listening(subscriptions)
    subscriptions.channels[b"news.a"] = None
    assert make_user(b"&news.*").may_go_on_listening(subscriptions)
    assert make_user(b"&other (&news.a)").may_go_on_listening(subscriptions)
    assert not make_user(b"&other").may_go_on_listening(subscriptions)
    subscriptions.patterns[b"news.?"] = None
    assert not make_user(b"&news.*").may_go_on_listening(subscriptions)
    assert make_user(b"&news.* &news.?").may_go_on_listening(subscriptions)
    assert make_user(b"&*").may_go_on_listening(subscriptions)
    subscriptions.shard_channels[b"shard"] = None
    assert not make_user(b"&news.* &news.?").may_go_on_listening(subscriptions)
