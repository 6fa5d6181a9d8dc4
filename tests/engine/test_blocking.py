"""Taking from the first of several keys, without commands around it."""

from collections import deque
from typing import Any

import pytest

from respstore import errors
from respstore.engine.blocking import take_or_wait
from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.keyspace import Database, Keyspace


@pytest.fixture
def db() -> Database:
    return Keyspace(1).databases[0]


def take(db: Database, *keys: bytes, timeout: bytes = b"1.5", **options: Any) -> Any:
    return take_or_wait(db, deque, keys, timeout, lambda key, value: (key, value.popleft()), **options)


def test_the_first_key_that_holds_something_decides(db: Database) -> None:
    db.put(b"second", deque([b"x"]), "rpush")
    db.put(b"third", deque([b"y"]), "rpush")
    assert take(db, b"first", b"second", b"third") == (b"second", b"x")


def test_another_type_before_it_is_an_error(db: Database) -> None:
    db.put(b"string", b"text", "set")
    with pytest.raises(RespError) as caught:
        take(db, b"missing", b"string")
    assert caught.value.text == errors.WRONG_TYPE


def test_the_timeout_is_judged_first(db: Database) -> None:
    db.put(b"list", deque([b"x"]), "rpush")
    with pytest.raises(RespError) as caught:
        take(db, b"list", timeout=b"x")
    assert caught.value.text == errors.TIMEOUT_NOT_A_FLOAT


def test_who_waits_takes_from_the_key_that_appears(db: Database) -> None:
    park = take(db, b"first", b"second", if_denied=None)
    assert isinstance(park, Park)
    assert (park.keys, park.timeout, park.if_denied) == ((b"first", b"second"), 1.5, None)
    db.put(b"second", b"text", "set")
    assert park.retry(b"second") is PENDING
    db.put(b"second", deque([b"x"]), "rpush")
    assert park.retry(b"second") == (b"second", b"x")
