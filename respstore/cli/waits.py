"""Who waits on a server for what, read by WAITLIST and BARRIERINFO; `barriers` prints it and `top` shows it.

Names are any bytes. They are text here by `printable`, which loses nothing; what goes to a terminal passes `shown`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from respstore.cli.addresses import server_name
from respstore.errors import printable
from respstore.wording import listed

if TYPE_CHECKING:
    import redis


class NoWaitsError(Exception):
    """The server cannot tell who waits. The text says why, as a part of a sentence."""


@attrs.frozen
class Waiter:
    """A client that waits.

    `member` is who it is at a barrier, and None elsewhere; `waiting_s` is how long it has waited, in seconds.
    """

    client: int
    name: str
    addr: str
    command: str
    db: int
    keys: list[str]
    member: str | None
    waiting_s: float


@attrs.frozen
class Barrier:
    """A barrier at which somebody waits.

    `members` have arrived, in this order; `missing` is None where nobody can tell; `gave_up` were there until their
    time was over; `waiting_s` is how long the first has waited, in seconds; `waiters` are the clients.
    """

    name: str
    db: int
    epoch: int
    parties: int
    members: list[str]
    missing: list[int] | None
    gave_up: list[str]
    waiting_s: float
    waiters: list[Waiter]

    @property
    def arrived(self) -> str:
        """`3 of 4`."""
        return f"{len(self.members)} of {self.parties}"

    @property
    def absent(self) -> str:
        """Who is missing, or how many are if nobody can tell who."""
        if self.missing is None:
            count = self.parties - len(self.members) - len(self.gave_up)
            parts = [f"{count} more"] if count > 0 else []
        else:
            parts = [listed(map(str, self.missing), len(self.missing))] if self.missing else []
        if self.gave_up:
            parts.append(f"gave up: {listed(self.gave_up, len(self.gave_up))}")
        return ", ".join(parts)


def read_waits(client: "redis.Redis") -> tuple[list[Barrier], list[Waiter]]:
    """The barriers at which somebody waits, and all clients that wait, on any database, in order of arrival.

    Args:
        client: whose selected database may be another one afterwards. Its replies are bytes, as RESP2 has them.

    Raises:
        NoWaitsError: it is no respstore, or does not let this user see who waits.
        redis.RedisError, OSError: as for any request.
    """
    import redis  # noqa: PLC0415 - `serve`, which does without, would take longer to start

    try:
        rows = [_fields(row) for row in _ask(client, "WAITLIST")]
    except redis.ResponseError as error:
        if not str(error).lower().startswith("unknown command"):
            raise NoWaitsError(f"it does not tell who waits: {error}") from None
        name = server_name(client.info("server"))
        raise NoWaitsError(f"this is {name}, which has no barriers and does not tell who waits") from None
    waiters = [_waiter(row) for row in rows]
    names: dict[tuple[int, bytes], list[Waiter]] = {}
    for row, waiter in zip(rows, waiters, strict=True):
        if waiter.member is not None:
            names.setdefault((waiter.db, row["keys"][0]), []).append(waiter)
    return _read_barriers(client, names), waiters


def _read_barriers(client: "redis.Redis", names: Mapping[tuple[int, bytes], list[Waiter]]) -> list[Barrier]:
    with client.pipeline() as pipe:  # MULTI ... EXEC: SELECT must not come between others' requests
        for db, name in names:
            _ask(pipe, "SELECT", db)
            _ask(pipe, "BARRIERINFO", name)
        replies = pipe.execute(raise_on_error=False)[1::2]
    found = []
    for ((db, name), waiters), reply in zip(names.items(), replies, strict=True):
        fields = _fields(reply) if isinstance(reply, list) else {}
        if not fields.get("clients"):
            continue  # it was released a moment ago
        members = list(map(printable, fields["members"]))
        found.append(
            Barrier(
                name=printable(name),
                db=db,
                epoch=fields["epoch"],
                parties=fields["parties"],
                members=members,
                missing=fields["missing"],
                gave_up=list(map(printable, fields["gave_up"])),
                waiting_s=float(fields["waiting_s"]),
                waiters=waiters,
            )
        )
    return found


def _waiter(row: Mapping[str, Any]) -> Waiter:
    return Waiter(
        client=row["client"],
        name=printable(row["name"]),
        addr=printable(row["addr"]),
        command=printable(row["command"] or b""),
        db=row["db"],
        keys=list(map(printable, row["keys"])),
        member=None if row["member"] is None else printable(row["member"]),
        waiting_s=float(row["waiting_s"]),
    )


def _ask(client: "redis.Redis", *words: object) -> Any:
    return client.execute_command(*words)  # type: ignore[no-untyped-call] # redis-py says no types of it


def _fields(reply: Sequence[Any]) -> dict[str, Any]:
    """A map, which RESP2 has as an array."""
    words = iter(reply)
    return {name.decode(): value for name, value in zip(words, words, strict=True)}


def shown(text: str) -> str:
    """Text as a terminal may print it, what would move its cursor or change its colours escaped."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def duration(seconds: float) -> str:
    """`12.3 s`, `4 min 5 s`, `3 h 4 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
