import pytest

from respstore import Store
from respstore.exceptions import StoreError
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


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (float("inf"), "0"),
        (300.0, "300"),
        (299.9999, "300"),
        (0.9999, "1"),
        (0.25, "0.250"),
        (1.0625, "1.062"),
        (1e9 - 1, "999999999"),
        (0.0001, "0.001"),
        (1e-300, "0.001"),
        (0.0, "0.001"),
    ],
)
def test_seconds_are_digits_where_they_are_whole_and_never_for_ever_by_mistake(limit: float, text: str) -> None:
    assert seconds(limit) == text
