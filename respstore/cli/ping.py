"""`respstore ping`: is there a server, which one, and how far away."""

import sys
import time
from collections.abc import Sequence

from respstore.cli.addresses import connect, full_address, server_name


def ping(arguments: Sequence[str]) -> int:
    """Ask a server for a PONG.

    Args:
        arguments: nothing for `127.0.0.1:6379`, else `PORT`, `HOST:PORT`, the path of a unix socket, or a URL as
            redis-py takes it (`redis://:password@host:6379/0`, `unix:///run/respstore.sock`).

    Returns:
        The exit status: 0 if it answered.
    """
    import redis  # noqa: PLC0415 - `serve`, which does without, would take longer to start

    if len(arguments) > 1:
        print("respstore ping: one address, please", file=sys.stderr)
        return 2
    address = full_address(arguments[0] if arguments else None)
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
