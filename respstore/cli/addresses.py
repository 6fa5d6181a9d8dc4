"""The server that a command talks to: how its address is given, a client of it, and what it calls itself."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import redis

DEFAULT: Final = "127.0.0.1:6379"

TIME_LIMIT: Final = 2.0
"""How long to wait for the connection and for each reply, in seconds."""


class UsageError(ValueError):
    """The arguments name no address."""


def full_address(arguments: Sequence[str]) -> str:
    """The address that the arguments of a command name.

    Args:
        arguments: nothing for `DEFAULT`, else `PORT`, `HOST:PORT`, the path of a unix socket, or a URL; a port also as
            `respstore serve` and redis-cli take it, `--port PORT` or `-p PORT`.

    Raises:
        UsageError: they are something else.
    """
    match arguments:
        case []:
            return DEFAULT
        case [port] | ["--port" | "-p", port] if port.isdigit():
            return f"127.0.0.1:{port}"
        case [address] if not address.startswith("-"):
            return address
    raise UsageError("one address, please: PORT, HOST:PORT, the path of a unix socket, or a URL")


def connect(address: str, time_limit: float = TIME_LIMIT) -> "redis.Redis":
    """A client that tries once and does not wait for long; its replies are bytes.

    Args:
        address: a full one. A URL is one that redis-py takes (`redis://:password@host:6379/0`,
            `unix:///run/respstore.sock`).
        time_limit: how long to wait for the connection and for each reply, in seconds.

    Raises:
        ValueError: it is no such URL.
    """
    import redis  # noqa: PLC0415 - `serve`, which does without, would take longer to start
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    url = address if "://" in address else f"unix://{address}" if address.startswith("/") else f"redis://{address}"
    return redis.Redis.from_url(
        url,
        protocol=2,  # which servers older than Redis 6 speak, too
        socket_timeout=time_limit,
        socket_connect_timeout=time_limit,
        retry=Retry(NoBackoff(), 0),
    )


def server_name(info: Mapping[str, Any]) -> str:
    """The name and version of a server, from the `server` section of its INFO."""
    if "respstore_version" in info:
        return f"respstore {info['respstore_version']}"
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info['redis_version']}"
