"""Commands on places: https://redis.io/docs/latest/commands/?group=geo

Places are members of a sorted set whose scores tell where they are (keyspace/geohash.py), so ZREM takes one away and
ZRANGE lists all of them. Searches stand in `geo_searches.py`.
"""

from itertools import chain

from respstore import errors
from respstore.commands.sorted_sets import add, as_sorted_set
from respstore.engine.arguments import double
from respstore.engine.command import command
from respstore.engine.keyspecs import first
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace.geohash import LATITUDE_LIMIT, LONGITUDE_LIMIT, METERS_PER, decode, distance, encode, text_of
from respstore.protocol.replies import NULL_ARRAY, PlainDouble, Special


def place(longitude: bytes, latitude: bytes) -> tuple[float, float]:
    """Read a place.

    Raises:
        RespError: one of the two is no number, or there is no such place on the map.
    """
    east, north = double(longitude), double(latitude)
    if not (abs(east) <= LONGITUDE_LIMIT and abs(north) <= LATITUDE_LIMIT):
        raise errors.invalid_place(east, north)
    return east, north


def meters_per(unit: bytes) -> float:
    """Read a unit of distance: `m`, `km`, `ft` or `mi`, whatever the case."""
    meters = METERS_PER.get(unit.upper())
    if meters is None:
        raise RespError(errors.UNSUPPORTED_UNIT)
    return meters


def distance_text(meters: float, unit: float) -> bytes:
    """A distance as it is shown, in units of so many meters."""
    return b"%.4f" % (meters / unit)


@command(
    "geoadd key condition=[NX | XX]@6.2.0 [change=CH]@6.2.0 (longitude latitude member)...",
    group="geo",
    since="3.2.0",
    flags="write denyoom",
    keys=first("RW update"),
    complexity="O(log(N)) per member",
)
def geoadd(
    session: Session, key: bytes, longitude: bytes, latitude: bytes, member: bytes, *more: bytes
) -> int | float | None:
    """Give members of a sorted set places and answer how many are new; make the sorted set if there is none."""
    words = (longitude, latitude, member, *more)
    options: set[bytes] = set()
    start = 0
    while start < len(words) and (option := words[start].upper()) in (b"NX", b"XX", b"CH"):
        options.add(option)
        start += 1
    triples = words[start:]
    if not triples or len(triples) % 3 or {b"NX", b"XX"} <= options:
        raise RespError(errors.SYNTAX)
    places = map(place, triples[::3], triples[1::3])
    scores = [encode(east, north) for east, north in places]
    db, changes = session.db, session.db.keyspace.changes
    reply = add(session, key, options, zip(triples[2::3], scores, strict=True))
    if db.propagates and db.keyspace.changes != changes:
        pairs = zip(scores, triples[2::3], strict=True)
        db.propagate(b"ZADD", key, *words[:start], *chain.from_iterable((b"%d" % score, name) for score, name in pairs))
    return reply


@command(
    "geodist key member1 member2 unit=[M | KM | FT | MI]",
    group="geo",
    since="3.2.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(1)",
)
def geodist(session: Session, key: bytes, member1: bytes, member2: bytes, *unit: bytes) -> bytes | None:
    """Answer the distance of two members of a sorted set of places."""
    if len(unit) > 1:
        raise RespError(errors.SYNTAX)
    meters = meters_per(unit[0]) if unit else 1.0
    value = as_sorted_set(session.db.read(key))
    if value is None or member1 not in value.scores or member2 not in value.scores:
        return None
    return distance_text(distance(*decode(value.scores[member1]), *decode(value.scores[member2])), meters)


@command(
    "geohash key member...",
    group="geo",
    since="3.2.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(1) per member",
)
def geohash(session: Session, key: bytes, *members: bytes) -> list[bytes | None]:
    """Answer the places of members as standard geohashes."""
    scores = _scores(session, key, members)
    return [None if score is None else text_of(score) for score in scores]


@command(
    "geopos key member...",
    group="geo",
    since="3.2.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(1) per member",
)
def geopos(session: Session, key: bytes, *members: bytes) -> list[list[PlainDouble] | Special]:
    """Answer the longitudes and latitudes of members of a sorted set of places."""
    scores = _scores(session, key, members)
    return [NULL_ARRAY if score is None else [*map(PlainDouble, decode(score))] for score in scores]


def _scores(session: Session, key: bytes, members: tuple[bytes, ...]) -> list[float | None]:
    value = as_sorted_set(session.db.read(key))
    return [None if value is None else value.scores.get(member) for member in members]
