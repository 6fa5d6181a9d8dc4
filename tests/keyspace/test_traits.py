"""Traits of databases: given, taken away, and together."""

from respstore.keyspace import Database, Keyspace
from respstore.keyspace.traits import set_trait


class Loud(Database):
    __slots__ = ()

    def delete(self, key: bytes, event: str = "del") -> bool:
        return super().delete(key, event + " loud")


class Polite(Database):
    __slots__ = ()

    def delete(self, key: bytes, event: str = "del") -> bool:
        return super().delete(key, event + " polite")

    def changed(self, key: bytes, event: str) -> None:
        super().changed(key, event)
        self.hits = len(event)


def test_traits_come_and_go() -> None:
    keyspace = Keyspace(2)
    first, second = keyspace.databases
    first.put(b"k", b"v", "set")

    set_trait(keyspace, Loud, on=True)
    assert type(first) is type(second) is Loud
    set_trait(keyspace, Loud, on=True)
    assert type(first) is Loud
    set_trait(keyspace, Polite, on=True)
    assert isinstance(second, Loud)
    assert isinstance(second, Polite)
    assert first.delete(b"k")
    assert first.hits == len("del loud polite")

    set_trait(keyspace, Loud, on=False)
    assert type(first) is type(second) is Polite
    set_trait(keyspace, Loud, on=False)
    assert type(first) is Polite
    set_trait(keyspace, Polite, on=False)
    assert type(first) is type(second) is Database


def test_a_trait_that_comes_back_is_there_once() -> None:
    keyspace = Keyspace(1)
    (db,) = keyspace.databases
    for _ in range(3):
        set_trait(keyspace, Loud, on=True)
        set_trait(keyspace, Polite, on=True)
        assert [base.__name__ for base in type(db).__mro__[1:]] == ["Loud", "Polite", "Database", "object"]
        set_trait(keyspace, Loud, on=False)
        set_trait(keyspace, Polite, on=False)


def test_a_trait_may_ask_to_be_the_last_whenever_it_comes() -> None:
    keyspace = Keyspace(1)
    (db,) = keyspace.databases
    for first, second in ((Loud, Polite), (Polite, Loud)):
        set_trait(keyspace, first, on=True, is_last=first is Loud)
        set_trait(keyspace, second, on=True, is_last=second is Loud)
        db.put(b"k", b"v", "set")
        db.delete(b"k")
        assert db.hits == len("del loud polite")
        assert type(db).__mro__[1] is Loud
        for trait in (first, second):
            set_trait(keyspace, trait, on=False)
