import pytest

from respstore import Store
from respstore.errors import StoreError
from respstore.store.operations import UnknownCommandError, answer, read_epoch


def test_an_unknown_command_is_told_from_other_errors(store: Store) -> None:
    with pytest.raises(UnknownCommandError):
        store._ask(("NIX", "k"))
    with pytest.raises(StoreError, match="wrong number of arguments"):
        store._ask(("GET",))
    assert answer(None) is None


def test_read_epoch() -> None:
    assert [read_epoch(counter) for counter in (None, b"0", b"12", 3)] == [0, 0, 12, 3]
    with pytest.raises(StoreError, match="not an integer"):
        read_epoch(b"x")
