"""`respstore ping`: is there a server, which one, and how far away."""

import sys
import time
from collections.abc import Sequence

from respstore.cli.addresses import UsageError, connect, full_address, server_name


def ping(arguments: Sequence[str]) -> int:
    """Ask a server for a PONG.

    Args:
        arguments: an address, see `full_address`; a URL is one that redis-py takes (`redis://:password@host:6379/0`,
            `unix:///run/respstore.sock`).

    Returns:
        The exit status: 0 if it answered, 1 if it did not, 2 for other arguments.
    """
    import redis  # noqa: PLC0415 - `serve`, which does without, would take longer to start

    try:
        address = full_address(arguments)
    except UsageError as error:
        print(f"respstore ping: {error}", file=sys.stderr)
        return 2
    try:
        with connect(address) as client:
            client.ping()
            start = time.perf_counter()
            client.ping()
            elapsed = time.perf_counter() - start
            server = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        print(f"respstore ping: {address}: {error}", file=sys.stderr)
        return 1
    name = server_name(server)
    if "respstore_version" in server:
        name += f" (Redis {server['redis_version']} compatible)"
    print(f"PONG from {name} at {address} in {elapsed * 1000:.2f} ms")
    return 0
