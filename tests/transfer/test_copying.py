"""A copy has all keys, and tells which are not the same."""

from respstore.transfer.copying import EXAMPLES, copy
from respstore.transfer.entries import Entry
from tests.transfer.ends import FakeEnd, keys_of

A, B = Entry(0, b"a", b"x", None), Entry(3, b"b", b"y", 5000)


def test_all_keys_arrive() -> None:
    source, target = FakeEnd(A, B), FakeEnd()
    told: list[int] = []
    copied = copy(source, target, lambda: 0, told.append, replaces=False)
    assert target.keys == source.keys
    assert target.finished
    assert (copied.given.keys, copied.found.keys, copied.present, copied.different) == (2, 2, 0, 0)
    assert copied.given.digest == copied.found.digest
    assert told == [1, 2]


def test_what_is_there_already_stays_and_is_compared() -> None:
    other = Entry(0, b"a", b"another", None)
    source, target = FakeEnd(A, B), FakeEnd(other, B)
    copied = copy(source, target, lambda: 0, lambda keys: None, replaces=False)
    assert target.keys == keys_of(other, B)
    assert (copied.present, copied.different, copied.examples) == (2, 1, ["'a' of db 0"])
    assert copied.given.digest != copied.found.digest


def test_or_is_replaced() -> None:
    source, target = FakeEnd(A, B), FakeEnd(Entry(0, b"a", b"another", None))
    copied = copy(source, target, lambda: 0, lambda keys: None, replaces=True)
    assert target.keys == source.keys
    assert (copied.present, copied.different) == (1, 0)


def test_libraries_of_functions_arrive() -> None:
    source, target = FakeEnd(), FakeEnd()
    source.code = [b"code"]
    assert copy(source, target, lambda: 0, lambda keys: None, replaces=False).libraries == 1
    assert target.code == [b"code"]


class Forgetful(FakeEnd):
    def read(self, entries: object) -> list[Entry | None]:
        return [None]


def test_what_does_not_arrive_is_told_unless_its_time_is_over() -> None:
    copied = copy(FakeEnd(A, B), Forgetful(), lambda: 5000, lambda keys: None, replaces=False)
    assert (copied.different, copied.examples) == (1, ["'a' of db 0"])
    assert (copied.given.keys, copied.found.keys) == (1, 0)


def test_only_some_that_are_not_the_same_are_named() -> None:
    entries = [Entry(0, b"%d" % number, b"x", None) for number in range(20)]
    copied = copy(FakeEnd(*entries), Forgetful(), lambda: 0, lambda keys: None, replaces=False)
    assert copied.different == 20
    assert copied.examples == [str(entry) for entry in entries[:EXAMPLES]]
