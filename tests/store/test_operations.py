import pytest

from respstore import Store
from respstore.errors import StoreError
from respstore.store.operations import UnknownCommandError, answer, read_epoch, seconds


def test_an_unknown_command_is_told_from_other_errors(store: Store) -> None:
    with pytest.raises(UnknownCommandError):
        store._ask("NIX", "k")
    with pytest.raises(StoreError, match="wrong number of arguments"):
        store._ask("GET", "k", "x")
    assert answer(None) is None


def test_read_epoch() -> None:
    assert [read_epoch(counter) for counter in (None, b"0", b"12", 3)] == [0, 0, 12, 3]
    with pytest.raises(StoreError, match="not an integer"):
        read_epoch(b"x")


def test_seconds() -> None:
    assert seconds(float("inf")) == "0"
    assert seconds(0.001) == "0.001000"
    assert seconds(300.0) == "300"
    assert seconds(0.25) == "0.250000"
