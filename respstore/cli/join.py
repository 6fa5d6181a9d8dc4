"""`serve --join`: may the server that holds our addresses stand in for the one that we were to start?

It may if our clients would not notice the difference: it is a respstore, each of our addresses leads to it, and it
wants the same password as we, or none if we want none. (Its data and its other options are its own: who joins takes
them as they are.)
"""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from respstore.config import Config
from respstore.exceptions import HolderKind, PortInUseError

START_SECONDS: Final = 5.0
"""How long a server that has our address may take to answer: it may be just starting, as we are."""
RETRY_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 2.0

_WILDCARDS: Final = {"*": "0.0.0.0", "0.0.0.0": "0.0.0.0", "::*": "::", "::": "::"}
_LOOPBACKS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class NotJoinedError(Exception):
    """The holder cannot stand in. The text says why, as a part of a sentence."""


def attempts() -> Iterator[bool]:
    """As many attempts to listen or to join as there is time for; the value tells whether there will be another."""
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        yield True
        sleep(RETRY_SECONDS)
    yield False


def may_be_starting(taken: PortInUseError) -> bool:
    """Whether the holder may soon turn out to be a server of ours, or to be gone."""
    return taken.holder.kind in {HolderKind.SILENT, HolderKind.NOT_LISTENING}


def join(config: Config, taken: PortInUseError) -> None:
    """Make sure that the holder can stand in.

    Args:
        config: the options of the server that was to be started.
        taken: why it cannot be.

    Raises:
        NotJoinedError: the holder cannot.
    """
    if taken.holder.kind not in {HolderKind.RESPSTORE, HolderKind.RESP}:
        raise NotJoinedError("it is no respstore")
    servers: set[str] = set()
    for host in config.bind if config.port else ():
        servers |= _servers_at(host, config)
    if config.unixsocket:
        path = str(Path(config.dir, config.unixsocket))
        servers.add(_ask(config, path, unix_socket_path=path) or "")
    if len(servers) != 1 or "" in servers:
        raise NotJoinedError("it does not have all of the addresses that are wanted")


def _servers_at(host: str, config: Config) -> set[str]:
    """The servers that a word of `bind` leads to; an empty one if it must lead to one and does not."""
    name = host.removeprefix("-")
    wildcard = _WILDCARDS.get(name)
    if wildcard is not None:
        found = {_ask(config, name, host=_LOOPBACKS[wildcard], port=config.port, wildcard=wildcard)}
    else:
        # A name may stand for addresses of both families; as when listening, one of them is enough.
        found = {_ask(config, name, host=address, port=config.port) for address in _addresses_of(name)}
    found.discard(None)
    return {server for server in found if server} or (set() if host.startswith("-") else {""})


def _addresses_of(name: str) -> Iterator[str]:
    """The IP addresses of a host that this machine has: nobody else's are asked."""
    with contextlib.suppress(OSError):
        for family, kind, _, _, address in socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM):
            with contextlib.suppress(OSError), socket.socket(family, kind) as sock:
                sock.bind(address)
                yield str(address[0])


def _ask(config: Config, name: str, *, wildcard: str | None = None, **where: Any) -> str | None:
    """The run id of the respstore at an address, None if nobody answers there.

    Raises:
        NotJoinedError: somebody answers, and cannot stand in.
    """
    import redis  # noqa: PLC0415 - it takes longer to import than a server that finds its port free needs to start
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    password = config.requirepass.decode("utf-8", "surrogateescape") or None
    client = redis.Redis(
        **where,
        password=password,
        protocol=2,
        decode_responses=True,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with client:
            server = client.info("server")
            bound = str(client.config_get("bind")["bind"]).split() if wildcard else []
    except redis.AuthenticationError:
        reason = "it does not want the same password" if password else "it wants a password"
        raise NotJoinedError(reason) from None
    except (redis.ResponseError, redis.BusyLoadingError, redis.TimeoutError, KeyError) as error:
        raise NotJoinedError(f"its answer is of no use: {error}") from None
    except redis.ConnectionError:
        return None
    if "respstore_version" not in server:
        raise NotJoinedError("it is no respstore")
    if wildcard and wildcard not in {_WILDCARDS.get(host.removeprefix("-")) for host in bound}:
        raise NotJoinedError(f"it does not listen on all addresses, as '{name}' asks")
    return str(server["run_id"])
