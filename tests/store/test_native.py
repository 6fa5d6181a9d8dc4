import pytest

from respstore import Store
from respstore.exceptions import StoreError
from respstore.store.native import Native
from tests.store.servers import Background


def test_fetch_and_wait(store: Store) -> None:
    native = Native(store._link)
    assert native.fetch(["k"], 0.001) is None
    assert not native.wait(["k"], 0.001)
    fetching, waiting = Background(native.fetch, [b"k", "k"], float("inf")), Background(native.wait, ["k"], 60.0)
    store.set("k", "v")

    assert fetching.result() == [b"v", b"v"]
    assert waiting.result() is True


def test_look_tells_what_is_there_at_one_moment(store: Store) -> None:
    native = Native(store._link)
    store.set("k", "v")
    store.queue_push("q", "item")

    assert native.look(["k", b"k"], values=True) == ([b"v", b"v"], [])
    assert native.look(["k", b"gone", "q"], values=False) == ([], [b"gone"])
    assert native.look(["k", b"gone"], values=True) == ([], [b"gone"])
    with pytest.raises(StoreError, match="WRONGTYPE"):
        native.look(["k", "q"], values=True)


def test_compare_set(store: Store) -> None:
    native = Native(store._link)
    assert native.compare_set("k", b"", "v", 1.0) == b"v"
    assert native.compare_set("k", "x", "w", 1.0) == b"v"
