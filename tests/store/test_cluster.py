"""Nodes that play their parts; compat/store/ has a real cluster."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from respstore import Store
from respstore.exceptions import StoreConnectionError
from respstore.store.cluster import node_named, read_slots, slot_of
from respstore.store.target import Node
from tests.store.servers import PATIENCE, fake_server
from tests.talk import bulk


class Nodes:
    """Nodes that answer GET as scripts would, by a function each, and say who has which slots."""

    def __init__(self, count: int) -> None:
        self.ports: list[int] = []
        self.owners = [(0, 8191, 0), (8192, 16383, 1)][:count]
        self.heard: list[tuple[int, list[bytes]]] = []
        self.answers: dict[int, Callable[[list[bytes]], bytes]] = {}

    def slots(self) -> bytes:
        ranges = b"".join(
            b"*3\r\n:%d\r\n:%d\r\n*2\r\n%b:%d\r\n" % (first, last, bulk(b"127.0.0.1"), self.ports[owner])
            for first, last, owner in self.owners
        )
        return b"*%d\r\n%b" % (len(self.owners), ranges)

    def answer(self, place: int, request: list[bytes]) -> bytes:
        if request == [b"CLUSTER", b"SLOTS"]:
            return self.slots()
        self.heard.append((place, request))
        return self.answers[place](request)


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    some = Nodes(2)
    with contextlib.ExitStack() as stack:
        for place in range(2):
            some.ports.append(
                stack.enter_context(fake_server(lambda request, place=place: some.answer(place, request)))
            )
        some.answers = {place: lambda request, place=place: b":%d\r\n" % (100 + place) for place in range(2)}
        yield some


@pytest.fixture
def store(nodes: Nodes) -> Iterator[Store]:
    with Store(f"redis+cluster://127.0.0.1:{nodes.ports[0]}", timeout=PATIENCE) as store:
        yield store


LOW, HIGH = "b", "a"
"""Keys of the first and of the second node."""


def test_a_request_goes_to_the_node_of_its_key(nodes: Nodes, store: Store) -> None:
    assert slot_of(LOW) < 8192 <= slot_of(HIGH)
    assert [store.add(LOW, 1), store.add(HIGH, 1), store.add(LOW.encode(), 1)] == [100, 101, 100]


def test_keys_go_to_their_nodes_apart(nodes: Nodes, store: Store) -> None:
    nodes.answers = {place: lambda request: b":%d\r\n" % (len(request) - 1) for place in range(2)}
    assert store.check([LOW, HIGH, LOW])
    assert nodes.heard == [(0, [b"EXISTS", b"b", b"b"]), (1, [b"EXISTS", b"a"])]
    nodes.heard.clear()
    store.multi_set([LOW, HIGH, LOW], ["1", "2", "3"])
    assert nodes.heard == [(0, [b"MSET", b"b", b"1", b"b", b"3"]), (1, [b"MSET", b"a", b"2"])]


def test_keys_are_listed_from_all_masters(nodes: Nodes, store: Store) -> None:
    nodes.answers = {
        0: lambda request: b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n",
        1: lambda request: b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n",
    }
    assert sorted(store.list_keys()) == ["a", "b"]
    assert store.num_keys() == 2


def test_a_slot_that_has_moved_is_asked_for_again(nodes: Nodes, store: Store) -> None:
    assert store.add(LOW, 1) == 100
    nodes.answers[0] = lambda request: b"-MOVED 3300 127.0.0.1:%d\r\n" % nodes.ports[1]
    nodes.owners = [(0, 16383, 1)]
    assert store.add(LOW, 1) == 101
    nodes.heard.clear()
    assert store.add(LOW, 1) == 101
    assert [place for place, _ in nodes.heard] == [1]


def test_a_slot_that_is_on_its_way_is_asked_for_once(nodes: Nodes, store: Store) -> None:
    nodes.answers[0] = lambda request: b"-ASK 3300 127.0.0.1:%d\r\n" % nodes.ports[1]
    nodes.answers[1] = lambda request: b"+OK\r\n" if request == [b"ASKING"] else b":7\r\n"
    assert store.add(LOW, 1) == 7
    assert store.add(LOW, 1) == 7
    assert [(place, request[0]) for place, request in nodes.heard] == [
        (0, b"INCRBY"),
        (1, b"ASKING"),
        (1, b"INCRBY"),
    ] * 2


def test_a_slot_that_nobody_has_is_waited_for(nodes: Nodes, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, gaps = nodes.owners, iter([[(8192, 16383, 1)]] * 2)

    def slots() -> bytes:
        nodes.owners = next(gaps, whole)
        return Nodes.slots(nodes)

    monkeypatch.setattr(nodes, "slots", slots)
    assert store.add(LOW, 1) == 100
    assert next(gaps, None) is None


def test_a_slot_that_nobody_ever_gets_is_named(nodes: Nodes, store: Store) -> None:
    nodes.owners = [(8192, 16383, 1)]
    store.set_timeout(0.1)
    # On a busy machine the time limit may cut the last question short, and what came of that is told.
    reason = r"cannot reach the cluster of .* (no node serves the slot of the key|timed out\))"
    with pytest.raises(StoreConnectionError, match=reason):
        store.add(LOW, 1)


def test_no_node_answers() -> None:
    reason = r"within .* s: no node says who has which keys \(127\.0\.0\.1:1: Connection refused\)"
    with Store("redis+cluster://127.0.0.1:1", timeout=0.05) as store, pytest.raises(StoreConnectionError, match=reason):
        store.get("k")


def test_a_server_that_is_no_cluster() -> None:
    with (
        fake_server(lambda request: b"-ERR This instance has cluster support disabled\r\n") as port,
        Store(f"redis+cluster://127.0.0.1:{port}", timeout=0.05) as store,
        pytest.raises(StoreConnectionError, match="This instance has cluster support disabled"),
    ):
        store.get("k")


def test_read_slots() -> None:
    asked = Node("10.0.0.1", 7000)
    owners = read_slots(
        [[0, 1, [b"10.0.0.2", 7001, b"id", []], [b"10.0.0.3", 7002, b"id", []]], [3, 3, [b"", 7003]]], asked
    )

    assert owners[:5] == [Node("10.0.0.2", 7001), Node("10.0.0.2", 7001), None, Node("10.0.0.1", 7003), None]
    assert len(owners) == 16384


def test_node_named() -> None:
    asked = Node("10.0.0.1", 7000)
    assert node_named("10.0.0.2:7001", asked) == Node("10.0.0.2", 7001)
    assert node_named("::1:7001", asked) == Node("::1", 7001)
    assert node_named(":7001", asked) == Node("10.0.0.1", 7001)
