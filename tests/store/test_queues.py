import pytest

from respstore import Store
from respstore.store import queues
from respstore.store.queues import pop
from tests.store.servers import PATIENCE, Background, until_blocked


@pytest.mark.parametrize("limit", [0.0, 0.02, 0.35])
def test_what_is_there_is_taken(store: Store, limit: float) -> None:
    store.queue_push("q", "item")

    assert pop(store._link, "q", limit) == b"item"
    assert pop(store._link, "q", min(limit, 0.02)) is None


def test_what_comes_is_waited_for(store: Store) -> None:
    waiting = Background(pop, store._link, "q", float("inf"))
    until_blocked(store, 1)
    store.queue_push("q", "item")

    assert waiting.result() == b"item"


def test_what_comes_when_the_wait_of_the_server_is_over_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "LATE_SECONDS", PATIENCE)
    waiting = Background(pop, store._link, "q", PATIENCE + 0.1)
    until_blocked(store, 1)
    until_blocked(store, 0)
    store.queue_push("q", "item")

    assert waiting.result() == b"item"
