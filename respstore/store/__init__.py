"""The Store: what workers share and where they meet, for Python programs without an event loop.

    store.py        the API: keys, values, time limits, errors
    create.py       the store of a job: its server, and waiting for its workers
    operations.py   what a store needs beyond single commands; on a respstore (native.py) it is one command each, on
                    stock servers (portable.py) a script (scripts.py) and, for waits, looking again
    barriers.py     epochs and members: what makes a barrier safe to retry
    queues.py       to take from a queue within a time limit
    link.py         the way to a server: idle connections, new ones with pauses, what may be sent twice
    sentinel.py, cluster.py, slots.py   where there are several servers
    connection.py   one connection: a socket, a request, its reply
    target.py       URLs

A request's bytes are packed and its reply is read by hiredis, on a socket of our own. redis-py was measured and not
taken: importing it takes 0.1 s and making one of its connections 0.4 ms, which a job of 1,000 workers pays 1,000 times,
and its send and read add a third to the time of a round trip on loopback.
"""

from respstore.store.create import create_store
from respstore.store.store import Store

__all__ = ["Store", "create_store"]
