"""The Store: what workers share and where they meet, for Python programs without an event loop.

    store.py        the API: keys, values, time limits, errors
    create.py       the store of a job: its server, and waiting for its workers
    native.py       what waits or compares, by respstore's own commands: BGET, BEXISTS, CAS
    link.py         the way to a server: idle connections, new ones with backoff, what may be sent twice
    connection.py   one connection: a socket, a request, its reply
    target.py       URLs

A request's bytes are packed and its reply is read by hiredis, on a socket of our own. redis-py was measured and not
taken: importing it takes 0.1 s and making one of its connections 0.4 ms, which a job of 1,000 workers pays 1,000 times,
and its send and read add a third to the time of a round trip on loopback.
"""

from respstore.store.create import create_store
from respstore.store.store import Store

__all__ = ["Store", "create_store"]
