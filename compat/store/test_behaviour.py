"""tests/store/behaviour.py on all kinds of servers, and what is different where respstore's commands do not exist."""

from compat.store.conftest import Kind
from respstore import Store
from respstore.store.native import Native
from respstore.store.portable import Portable
from tests.store.behaviour import *  # noqa: F403 - its tests run here


def test_a_store_finds_out_what_it_runs_on(kind: Kind, store: Store) -> None:
    store.set("k", "v")
    assert store.get("k") == b"v"
    assert isinstance(store._operations, Native if kind.name == "respstore" else Portable)
