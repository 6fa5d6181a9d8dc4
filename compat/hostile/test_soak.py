"""With LONG=1: a minute with two hundred clients that behave badly leaves nothing behind, and holds up nobody."""

import os

import pytest
import redis
import trio

from compat.hostile.pinging import pinging
from compat.hostile.soak import soak
from compat.patience import until
from compat.servers import RunningServer, respstore_server

__test__ = bool(os.environ.get("LONG"))

SECONDS = 60
WARM_UP_SECONDS = 5
LONGEST_WAIT = 250  # ms
GROWTH = 1.10


def empty(server: RunningServer, client: redis.Redis) -> int:
    """The server's memory once all others are gone, all data is deleted, and what is free is given back."""
    until(lambda: client.info("clients")["connected_clients"] == 1)
    client.flushall()
    client.memory_purge()
    return server.resident_bytes()


@pytest.mark.timeout(300)
def test_nothing_is_left_of_a_crowd() -> None:
    with respstore_server() as server, server.client() as client:
        client.ping()  # it is there from the start: what the server holds for it lies apart from the crowd's
        trio.run(soak, server.port, WARM_UP_SECONDS)  # what is imported late, and what tables grow to
        before = empty(server, client)
        with pinging(server.port) as worst:
            lives = trio.run(soak, server.port, SECONDS, 200, 1)
        after = empty(server, client)
        log = server.log.read_text()

    print(f"{lives} lives, {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after, longest wait {worst():.0f} ms")
    assert lives > 200
    assert "Traceback" not in log
    assert "bug:" not in log
    assert after <= before * GROWTH
    assert worst() <= LONGEST_WAIT
