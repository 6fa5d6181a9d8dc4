"""Nodes of a list: what is packed comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.keyspace.list_node import NODE_ELEMENTS, PACKED_BYTES, Node, nodes_of


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=50))
def test_what_is_packed_comes_back(elements: list[bytes]) -> None:
    node = Node(elements)
    assert node.packed is not None
    assert node.count == len(elements)
    assert node.elements() == elements
    assert set(map(type, node.elements())) == {bytes}


@pytest.mark.parametrize(("length", "is_packed"), [(PACKED_BYTES - 16, True), (PACKED_BYTES, False), (10**6, False)])
def test_much_data_is_not_packed(length: int, is_packed: bool) -> None:
    elements = [b"x", b"y" * (length - 1)]
    node = Node(elements)
    assert (node.packed is not None) == is_packed
    assert node.elements() == elements
    node.elements().clear()
    assert node.elements() == elements


def test_small_elements_take_five_bytes_more_each() -> None:
    node = Node([b"%015d" % number for number in range(NODE_ELEMENTS)])
    assert node.packed is not None
    assert len(node.packed) <= NODE_ELEMENTS * (15 + 5) + 10


@pytest.mark.parametrize("count", [0, 1, NODE_ELEMENTS, NODE_ELEMENTS + 1, 3 * NODE_ELEMENTS])
def test_many_elements_go_into_full_nodes(count: int) -> None:
    elements = [b"%d" % number for number in range(count)]
    nodes = nodes_of(elements)
    assert [element for node in nodes for element in node.elements()] == elements
    assert all(node.count == NODE_ELEMENTS for node in nodes[:-1])
