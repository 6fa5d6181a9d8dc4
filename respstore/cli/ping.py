"""`respstore ping`: is there a server, which one, and how far away."""

import sys
import time
from collections.abc import Sequence
from typing import Final

TIME_LIMIT: Final = 2.0
"""How long to wait for the connection and for each reply, in seconds."""


def ping(arguments: Sequence[str]) -> int:
    """Ask a server for a PONG.

    Args:
        arguments: nothing for `127.0.0.1:6379`, else `PORT`, `HOST:PORT`, the path of a unix socket, or a URL as
            redis-py takes it (`redis://:password@host:6379/0`, `unix:///run/respstore.sock`).

    Returns:
        The exit status: 0 if it answered.
    """
    import redis  # noqa: PLC0415 - `serve`, which does without, would take longer to start
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    if len(arguments) > 1:
        print("respstore ping: one address, please", file=sys.stderr)
        return 2
    address = arguments[0] if arguments else "127.0.0.1:6379"
    if address.isdigit():
        address = f"127.0.0.1:{address}"
    url = address if "://" in address else f"unix://{address}" if address.startswith("/") else f"redis://{address}"
    try:
        with redis.Redis.from_url(
            url,
            protocol=2,  # which servers older than Redis 6 speak, too
            socket_timeout=TIME_LIMIT,
            socket_connect_timeout=TIME_LIMIT,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.ping()
            start = time.perf_counter()
            client.ping()
            elapsed = time.perf_counter() - start
            server = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        print(f"respstore ping: {address}: {error}", file=sys.stderr)
        return 1
    if "respstore_version" in server:
        name = f"respstore {server['respstore_version']} (Redis {server['redis_version']} compatible)"
    elif "valkey_version" in server:
        name = f"Valkey {server['valkey_version']}"
    else:
        name = f"Redis {server['redis_version']}"
    print(f"PONG from {name} at {address} in {elapsed * 1000:.2f} ms")
    return 0
