from itertools import pairwise
from random import Random

import pytest

from compat.bench import growth
from compat.bench.figures import Bar, Growth
from compat.bench.growth import COLLECTIONS, SIZES, Collection, time_requests
from compat.bench.pipeline import run_all
from compat.servers import redis_server


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda collection: collection.name)
def test_a_collection_keeps_its_size_while_it_is_measured(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "REQUESTS", 5)
    with redis_server() as server, server.client() as client:
        run_all(server, collection.fill(0, 700))
        run_all(server, collection.fill(700, 1000))
        size = {"keys": client.dbsize, "list": lambda: client.llen("l"), "hash": lambda: client.hlen("h")}
        size |= {"set": lambda: client.scard("s"), "sorted set": lambda: client.zcard("z")}
        measure = size.get(collection.name, lambda: client.xlen("x"))
        assert measure() == 1000
        for make in collection.commands.values():
            assert time_requests(server, make, 1000) > 0
            assert make(1000, Random(1))
        assert measure() == pytest.approx(1000, abs=100)


def test_sizes_double_up_to_a_million() -> None:
    assert (SIZES[0], SIZES[-1]) == (1000, 1_000_000)
    assert all(high <= 2 * low for low, high in pairwise(SIZES))


def test_growth_is_from_the_first_to_the_last() -> None:
    bar = Bar(10.0, at_least=False)
    assert Growth("GET", (1.0, 1.0, 1.0), (2.0, 9.0, 4.0), bar).ratio == 2.0
    assert Growth("GET", (1.0, 1.0), (1.0, 11.0), bar).missed
