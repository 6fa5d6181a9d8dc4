"""`respstore barriers`: the barriers at which somebody waits, printed once, for people or for scripts."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence

import attrs

from respstore.cli.addresses import UsageError, connect, full_address
from respstore.cli.waits import Barrier, NoWaitsError, duration, read_waits, shown


def barriers(arguments: Sequence[str]) -> int:
    """Print the barriers of all databases, with those who have come and those who are missing.

    Args:
        arguments: an address as for `ping`, and `--json` for an array of objects (see `to_json`).

    Returns:
        The exit status: 0 if the server told, 1 if it did not, 2 for other arguments.
    """
    import redis  # noqa: PLC0415 - `serve`, which does without, would take longer to start

    try:
        address = full_address([argument for argument in arguments if argument != "--json"])
    except UsageError as error:
        print(f"respstore barriers: {error}; and perhaps --json", file=sys.stderr)
        return 2
    try:
        with connect(address) as client:
            found, _ = read_waits(client)
    except (redis.RedisError, OSError, ValueError, NoWaitsError) as error:
        print(f"respstore barriers: {address}: {error}", file=sys.stderr)
        return 1
    print(to_json(found) if "--json" in arguments else "\n".join(to_text(found)))
    return 0


def to_text(found: Iterable[Barrier]) -> Iterator[str]:
    """A paragraph for each barrier: a line about it, then a line for each client that waits there."""
    nobody = True
    for barrier in found:
        nobody = False
        yield shown(
            f"{barrier.name} (db {barrier.db}): epoch {barrier.epoch}, {barrier.arrived} arrived, "
            f"waiting {duration(barrier.waiting_s)}, missing: {barrier.absent}"
        )
        for waiter in barrier.waiters:
            name = f" {waiter.name}" if waiter.name else ""
            time = duration(waiter.waiting_s)
            yield shown(f"    {waiter.member}: client {waiter.client}{name} at {waiter.addr}, waiting {time}")
    if nobody:
        yield "nobody waits at a barrier"


def to_json(found: Iterable[Barrier]) -> str:
    """An array of objects; seconds are numbers, `missing` is null where nobody can tell."""
    return json.dumps([_as_object(barrier) for barrier in found], indent=2)


def _as_object(barrier: Barrier) -> dict[str, object]:
    fields = attrs.asdict(barrier)
    waiters = fields.pop("waiters")
    clients = [{name: waiter[name] for name in ("client", "name", "addr", "member", "waiting_s")} for waiter in waiters]
    return {**fields, "arrived": len(barrier.members), "clients": clients}
