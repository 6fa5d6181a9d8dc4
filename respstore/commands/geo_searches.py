"""Searches for places in an area: https://redis.io/docs/latest/commands/geosearch/

GEOSEARCH says all with options; of GEORADIUS and its like, which are older, the first arguments tell the area. All is
read in Redis's order, so that a request that is wrong in several ways gets the same error.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

import attrs

from respstore import errors
from respstore.commands.geo import distance_text, meters_per, place
from respstore.commands.sorted_sets import as_sorted_set, store
from respstore.engine.arguments import Words, double, integer
from respstore.engine.command import command
from respstore.engine.keyspecs import FoundKey, at, first, keyword
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import SortedSet
from respstore.keyspace.geohash import Area, Box, Circle, decode, ranges_of
from respstore.protocol.replies import PlainDouble

_PIECE: Final = 256
"""How many places to look at before asking whether enough are found."""

_UNIT: Final = "unit=(M | KM | FT | MI)"
_WITH: Final = "[WITHCOORD] [WITHDIST] [WITHHASH]"
_ORDER: Final = "order=[ASC | DESC]"
_COUNT: Final = "count=[COUNT count [ANY]]"
_STORE: Final = "[STORE key] [STOREDIST key]"
_FROM_AND_BY: Final = (
    "from=(FROMMEMBER member | FROMLONLAT (longitude latitude)) "
    f"by=(circle=(BYRADIUS radius {_UNIT}) | box=(BYBOX width height {_UNIT}))"
)
_COMPLEXITY: Final = "O(N+log(M)), N the number of places around the area and M that of all"


class Found(NamedTuple):
    """A place in the area."""

    member: bytes
    score: float
    meters: float
    longitude: float
    latitude: float


@attrs.define
class Search:
    """What a request asks for, filled in as it is read.

    Attributes:
        value: where to search; None if there is no such key.
        stores: which options say that the result is to be stored: those of GEORADIUS, or those of GEOSEARCHSTORE.
        origin: FROMMEMBER or FROMLONLAT, empty until one is read.
        center: longitude and latitude.
        shape: BYRADIUS or BYBOX, empty until one is read.
        size: the radius, or width and height, in units of so many meters.
        unit: how many.
        shown: of WITHCOORD, WITHDIST, WITHHASH.
        order: ASC or DESC, empty for none.
        count: how many places to give; 0 for all.
        any: any so many will do, not the nearest.
        target: the key to store them at.
        stores_distance: ... with their distances as scores.
    """

    value: SortedSet | None
    origin: bytes = b""
    center: tuple[float, float] = (0.0, 0.0)
    shape: bytes = b""
    size: tuple[float, ...] = ()
    unit: float = 1.0
    shown: set[bytes] = attrs.field(factory=set)
    order: bytes = b""
    count: int = 0
    any: bool = False
    target: bytes | None = None
    stores_distance: bool = False

    @property
    def area(self) -> Area:
        """Where to search."""
        if self.shape == b"BYRADIUS":
            return Circle(*self.center, self.size[0], self.unit)
        return Box(*self.center, self.size[0], self.size[1], self.unit)

    # Reading

    def read_options(self, words: Iterable[bytes], *, searches: bool = False, stores: bool = False) -> None:
        """Read what says how to answer.

        Args:
            words: the options.
            searches: the area is told by options, too.
            stores: the result may be stored: with `searches` it is, and there may be a STOREDIST; else where STORE or
                STOREDIST say.
        """
        options = Words(words)
        for word in options:
            option = word.upper()
            if option in (b"WITHDIST", b"WITHHASH", b"WITHCOORD"):
                self.shown.add(option)
            elif option == b"ANY":
                self.any = True
            elif option in (b"ASC", b"DESC"):
                self.order = option
            elif option == b"COUNT":
                self.count = integer(options.argument())
                if self.count <= 0:
                    raise RespError(errors.COUNT_NOT_ABOVE_ZERO)
            elif option in (b"STORE", b"STOREDIST") and stores and not searches:
                self.target = options.argument()
                self.stores_distance = option == b"STOREDIST"
            elif option == b"STOREDIST" and stores:
                self.stores_distance = True
            elif not searches or not self._read_area(option, options):
                raise RespError(errors.SYNTAX)

    def check(self, name: str) -> None:
        """Refuse options that do not go together; `name` is what says that the result is stored."""
        if self.target is not None and self.shown:
            raise errors.geo_store_option(name)
        if not self.origin:
            raise errors.exactly_one_of("FROMMEMBER or FROMLONLAT")
        if not self.shape:
            raise errors.exactly_one_of("BYRADIUS and BYBOX")
        if self.any and not self.count:
            raise RespError(errors.ANY_WITHOUT_COUNT)

    def _read_area(self, option: bytes, options: Words) -> bool:
        """Read an option that tells the area; answer whether it is one."""
        match option:
            case b"FROMMEMBER" if self.origin != b"FROMLONLAT":
                self.start_from(options.argument())
            case b"FROMLONLAT" if self.origin != b"FROMMEMBER":
                longitude, latitude = options.argument(), options.argument()
                self.center = place(longitude, latitude)
                self.origin = option
            case b"BYRADIUS" if self.shape != b"BYBOX":
                radius, unit = options.argument(), options.argument()
                self.reach(radius, unit)
            case b"BYBOX" if self.shape != b"BYRADIUS":
                width, height, unit = options.argument(), options.argument(), options.argument()
                self.size = (
                    double(width, errors.NEED_NUMERIC_WIDTH),
                    double(height, errors.NEED_NUMERIC_HEIGHT),
                )
                if min(self.size) < 0:
                    raise RespError(errors.BOX_NEGATIVE)
                self.unit = meters_per(unit)
                self.shape = option
            case _:
                return False
        return True

    def start_from(self, member: bytes) -> None:
        """The centre is where a member is; anywhere, if there is no place at all."""
        self.origin = b"FROMMEMBER"
        if self.value is not None:
            score = self.value.scores.get(member)
            if score is None:
                raise RespError(errors.MEMBER_NOT_A_PLACE)
            self.center = decode(score)

    def reach(self, radius: bytes, unit: bytes) -> None:
        """The area is a circle."""
        self.size = (double(radius, errors.NEED_NUMERIC_RADIUS),)
        if self.size[0] < 0:
            raise RespError(errors.RADIUS_NEGATIVE)
        self.unit = meters_per(unit)
        self.shape = b"BYRADIUS"

    # Answering

    def found(self) -> list[Found]:
        """The places in the area, in the order asked for, and not more of them."""
        if self.value is None:
            return []
        found = list(self._walk(self.value, self.count if self.any else 0))
        order = self.order or (b"ASC" if self.count and not self.any else b"")
        if order:
            found.sort(key=lambda one: one.meters, reverse=order == b"DESC")
        return found[: self.count or None]

    def _walk(self, value: SortedSet, limit: int) -> Iterator[Found]:
        """Places in the area, as they come; no more than the limit, if there is one."""
        area = self.area
        count = 0
        for low, high in ranges_of(area):
            start, stop = value.before(low), value.before(high)
            for piece in range(start, stop, _PIECE):
                for member, score in zip(*value.slice(piece, min(piece + _PIECE, stop)), strict=True):
                    longitude, latitude = decode(score)
                    meters = area.distance_of(longitude, latitude)
                    if meters is not None:
                        yield Found(member, score, meters, longitude, latitude)
                        count += 1
                        if count == limit:
                            return

    def answer(self, session: Session, event: str) -> int | list[bytes] | list[list[object]]:
        """Store the places, or show them."""
        found = self.found()
        if self.target is not None:
            unit = self.unit
            scores = {one.member: one.meters / unit if self.stores_distance else one.score for one in found}
            return store(session, self.target, scores, event)
        return [self._shown(one) for one in found] if self.shown else [one.member for one in found]

    def _shown(self, one: Found) -> list[object]:
        row: list[object] = [one.member]
        if b"WITHDIST" in self.shown:
            row.append(distance_text(one.meters, self.unit))
        if b"WITHHASH" in self.shown:
            row.append(int(one.score))
        if b"WITHCOORD" in self.shown:
            row.append([PlainDouble(one.longitude), PlainDouble(one.latitude)])
        return row


Answer = int | list[bytes] | list[list[object]]


@command(
    f"geosearch key {_FROM_AND_BY} {_ORDER} {_COUNT} {_WITH}",
    group="geo",
    since="6.2.0",
    flags="readonly",
    keys=first("RO access"),
    complexity=_COMPLEXITY,
)
def geosearch(session: Session, key: bytes, a: bytes, b: bytes, c: bytes, d: bytes, e: bytes, *more: bytes) -> Answer:
    """Find members of a sorted set in a circle or a box around one of them or around a place."""
    search = Search(as_sorted_set(session.db.read(key)))
    search.read_options((a, b, c, d, e, *more), searches=True)
    search.check("GEOSEARCH")
    return search.answer(session, "")


@command(
    f"geosearchstore destination source {_FROM_AND_BY} {_ORDER} {_COUNT} [STOREDIST]",
    group="geo",
    since="6.2.0",
    flags="write denyoom",
    keys=(first("OW update"), at(2, "RO access")),
    complexity=_COMPLEXITY,
)
def geosearchstore(
    session: Session, destination: bytes, source: bytes, a: bytes, b: bytes, c: bytes, d: bytes, e: bytes, *more: bytes
) -> Answer:
    """Store the members that GEOSEARCH finds, with their places or distances, as another sorted set."""
    search = Search(as_sorted_set(session.db.read(source)), target=destination)
    search.read_options((a, b, c, d, e, *more), searches=True, stores=True)
    search.check("GEOSEARCHSTORE")
    return search.answer(session, "geosearchstore")


# The older ones


def keys_of_georadius(request: Sequence[bytes], options_from: int) -> list[FoundKey]:
    """The sorted set, and whatever STORE and STOREDIST name, however often they are there: the last one is written."""
    targets: dict[bytes, list[FoundKey]] = {b"STORE": [], b"STOREDIST": []}
    position = options_from
    while position < len(request):
        word = request[position].upper()
        if word in targets and position + 1 < len(request):
            targets[word].append(FoundKey(position + 1, frozenset(("OW", "update"))))
        position += 2 if word in targets or word == b"COUNT" else 1
    return [FoundKey(1, frozenset(("RO", "access"))), *targets[b"STORE"], *targets[b"STOREDIST"]]


def _around_place(session: Session, args: Sequence[bytes], options: Sequence[bytes], *, stores: bool) -> Answer:
    key, longitude, latitude, radius, unit = args
    search = Search(as_sorted_set(session.db.read(key)), origin=b"FROMLONLAT")
    search.center = place(longitude, latitude)
    search.reach(radius, unit)
    search.read_options(options, stores=stores)
    search.check("STORE option in GEORADIUS")
    return search.answer(session, "georadiusstore")


def _around_member(session: Session, args: Sequence[bytes], options: Sequence[bytes], *, stores: bool) -> Answer:
    key, member, radius, unit = args
    search = Search(as_sorted_set(session.db.read(key)))
    search.start_from(member)
    if search.value is None:
        search.shape = b"BYRADIUS"  # whatever it is: nobody asks
    else:
        search.reach(radius, unit)
    search.read_options(options, stores=stores)
    search.check("STORE option in GEORADIUS")
    return search.answer(session, "georadiusstore")


@command(
    f"georadius key longitude latitude radius {_UNIT} {_WITH} count=[COUNT count [ANY]@6.2.0] {_ORDER} {_STORE}",
    group="geo",
    since="3.2.0",
    flags="write denyoom",
    keys=(
        first("RO access"),
        keyword("STORE", "OW update", search_from=6),
        keyword("STOREDIST", "OW update", search_from=6),
    ),
    key_finder=partial(keys_of_georadius, options_from=6),
    complexity=_COMPLEXITY,
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
)
def georadius(
    session: Session, key: bytes, longitude: bytes, latitude: bytes, radius: bytes, unit: bytes, *options: bytes
) -> Answer:
    """Find members of a sorted set in a circle around a place, or store them."""
    return _around_place(session, (key, longitude, latitude, radius, unit), options, stores=True)


@command(
    f"georadius_ro key longitude latitude radius {_UNIT} {_WITH} count=[COUNT count [ANY]@6.2.0] {_ORDER}",
    group="geo",
    since="3.2.10",
    flags="readonly",
    keys=first("RO access"),
    complexity=_COMPLEXITY,
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` with the `BYRADIUS` argument",
)
def georadius_ro(
    session: Session, key: bytes, longitude: bytes, latitude: bytes, radius: bytes, unit: bytes, *options: bytes
) -> Answer:
    """Find members of a sorted set in a circle around a place."""
    return _around_place(session, (key, longitude, latitude, radius, unit), options, stores=False)


@command(
    f"georadiusbymember key member radius {_UNIT} {_WITH} {_COUNT} {_ORDER} {_STORE}",
    group="geo",
    since="3.2.0",
    flags="write denyoom",
    keys=(
        first("RO access"),
        keyword("STORE", "OW update", search_from=5),
        keyword("STOREDIST", "OW update", search_from=5),
    ),
    key_finder=partial(keys_of_georadius, options_from=5),
    complexity=_COMPLEXITY,
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
)
def georadiusbymember(
    session: Session, key: bytes, member: bytes, radius: bytes, unit: bytes, *options: bytes
) -> Answer:
    """Find members of a sorted set in a circle around one of them, or store them."""
    return _around_member(session, (key, member, radius, unit), options, stores=True)


@command(
    f"georadiusbymember_ro key member radius {_UNIT} {_WITH} {_COUNT} {_ORDER}",
    group="geo",
    since="3.2.10",
    flags="readonly",
    keys=first("RO access"),
    complexity=_COMPLEXITY,
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
)
def georadiusbymember_ro(
    session: Session, key: bytes, member: bytes, radius: bytes, unit: bytes, *options: bytes
) -> Answer:
    """Find members of a sorted set in a circle around one of them."""
    return _around_member(session, (key, member, radius, unit), options, stores=False)
