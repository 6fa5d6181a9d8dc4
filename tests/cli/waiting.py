"""Clients that wait at a server, and what there is to tell of some that do not exist."""

import contextlib
from collections.abc import Iterator, Sequence

import redis

from respstore.cli.waits import Barrier, Waiter
from respstore.server.listeners import Address
from tests.ports.strangers import Handler

Request = Sequence[str | bytes | int]


@contextlib.contextmanager
def parked(address: Address, *requests: Request) -> Iterator[list[redis.Connection]]:
    """A client for each request, which waits for its reply: each comes when the one before is there.

    Instead of its command, the first word of a request may be a database and a name for the client: `"3 trainer"`.
    """
    with contextlib.ExitStack() as opened:
        watcher = opened.enter_context(redis.Redis(address.host, address.port))
        clients = []
        for request in requests:
            first, *rest = request
            db, _, name = str(first).partition(" ") if str(first)[:1].isdigit() else ("0", "", "")
            client = redis.Connection(address.host, address.port, db=int(db), client_name=name or None)
            opened.callback(client.disconnect)
            clients.append(client)
            client.connect()
            client.send_command(*(rest if str(first)[:1].isdigit() else request))
            while watcher.info("clients")["blocked_clients"] < len(clients):
                pass
        yield clients


def knowing(**answers: bytes) -> Handler:
    """A handler for `answering`: a server that knows some words, and none of redis-py's CLIENT SETINFO."""
    known = {b"CLIENT": b"-ERR unknown subcommand\r\n", **{word.encode(): reply for word, reply in answers.items()}}
    return lambda data: b"".join(known.get(word, b"") for word in data.split(b"\r\n"))


def waiter(client: int, **fields: object) -> Waiter:
    known = {"name": "", "addr": f"127.0.0.1:{client}", "command": "blpop", "db": 0, "keys": ["q"]}
    return Waiter(client=client, **{**known, "member": None, "waiting_s": 1.0, **fields})  # type: ignore[arg-type]


def barrier(name: str = "epoch", **fields: object) -> Barrier:
    """A barrier of four at which 0 and 3 wait."""
    waiters = [
        waiter(7, command="barrier", keys=[name], member="0", name="trainer-0", waiting_s=12.34),
        waiter(8, command="barrier", keys=[name], member="3"),
    ]
    known = {"db": 0, "epoch": 3, "parties": 4, "members": ["0", "3"], "missing": [1, 2], "gave_up": []}
    return Barrier(name=name, **{**known, "waiting_s": 12.34, "waiters": waiters, **fields})  # type: ignore[arg-type]
