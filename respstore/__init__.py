r"""respstore: a server that speaks Redis's protocol, written in Python on trio.

The rooms, each of which says in its first lines what it is for (`tests/test_layout.py` keeps the doors between them):

    errors, own_errors  what clients are told: Redis's words, and those of what respstore adds
    exceptions          of the Python API
    numbers, wording    numbers as Redis reads and prints them; how names stand in messages
    protocol/           bytes <-> values: requests.py, replies.py; tcpstore.py for torch's own clients
    keyspace/           the data: databases, expiry, who observes a key. Knows no client, no socket, no clock
    engine/             how a command lives: a client's session, dispatch, waiting, transactions, users (acl/), memory.
                        Sans-IO, like h11
    persistence/        Redis's formats of data outside of memory, sans-IO: what DUMP answers, dump.rdb, the AOF
    scripting/          Lua: EVAL, functions, what a script may see and do; imported by the first script
    commands/           one file per family; a handler is a function
    config/, ports/     the options of redis.conf; binding, and who holds a taken port
    server/             trio, sockets, signals; embedded.py is the server inside another program
    store/              the Store, the Python client, on any server; only `create_store` starts one
    torch/              torch's stores and rendezvous on top of the Store; nothing else imports torch
    transfer/           all data from a server or a file to another: `respstore import` and `export`
    cli/                the `respstore` command
    pytest_plugin       the fixtures

The way of one `SET k v`:

1. `server/poller.py` reads the client's bytes and gives them to its `Session` (engine/session.py).
2. `protocol/requests.py` makes `[b"SET", b"k", b"v"]` of them; the session looks `SET` up and calls `set_(session,
   b"k", b"v")` in commands/strings.py. What is unusual, such as a client in MULTI, goes through engine/dispatch.py.
3. The handler puts the value into `session.db`, a `Database` (keyspace/database.py), which tells whoever observes the
   key: a client that WATCHes it, one that waits for it (engine/waiting.py). It returns `"OK"`.
4. The session turns that into `+OK\r\n` (protocol/replies.py). At the end of the turn the poller sends it, after what
   was done is written to the append-only file, if there is one (engine/effects.py, engine/append_only.py).

Read in that order, with `commands/strings.py` as the model of a command family.
"""

__version__ = "0.1.0"

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from respstore.exceptions import (
        BrokenBarrierError,
        ConfigError,
        PortInUseError,
        QueueEmptyError,
        StoreConnectionError,
        StoreError,
        StoreTimeoutError,
    )
    from respstore.ports import get_free_port, get_socket_with_port
    from respstore.server.embedded import Server
    from respstore.server.serve import Address, serve
    from respstore.store import Store, create_store

__all__ = [
    "Address",
    "BrokenBarrierError",
    "ConfigError",
    "PortInUseError",
    "QueueEmptyError",
    "Server",
    "Store",
    "StoreConnectionError",
    "StoreError",
    "StoreTimeoutError",
    "__version__",
    "create_store",
    "get_free_port",
    "get_socket_with_port",
    "serve",
]

# Imported when they are asked for: who uses one of them need not wait for what the others import, and the pytest plugin
# costs a test run that does not use it nothing.
_HOMES: Final = {
    "Address": "respstore.server.serve",
    "BrokenBarrierError": "respstore.exceptions",
    "ConfigError": "respstore.exceptions",
    "PortInUseError": "respstore.exceptions",
    "QueueEmptyError": "respstore.exceptions",
    "Server": "respstore.server.embedded",
    "Store": "respstore.store",
    "StoreConnectionError": "respstore.exceptions",
    "StoreError": "respstore.exceptions",
    "StoreTimeoutError": "respstore.exceptions",
    "create_store": "respstore.store",
    "get_free_port": "respstore.ports",
    "get_socket_with_port": "respstore.ports",
    "serve": "respstore.server.serve",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
