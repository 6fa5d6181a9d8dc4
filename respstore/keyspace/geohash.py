"""Places on the earth as scores of a sorted set, as Redis calculates them, to the last bit.

The world is halved in turn from west to east and from south to north, 26 times each; what side a place is on, bit after
bit, makes a number of 52 bits, which a score holds exactly. So places with the same first bits are in one cell, and a
cell is a range of scores. To search an area, one takes cells about as large as the area, goes through the one of its
centre and the eight around it, and looks at each place in them.

Distances are those on a sphere (the haversine formula). The world ends at 85.05112878 degrees north and south, as in
the maps of EPSG:3857. The order of calculation is Redis's throughout: so are its roundings, and what it finds first.
"""

from collections.abc import Iterator
from math import asin, cos, fabs, inf, isinf, pi, sin, sqrt
from typing import Final

import attrs

LONGITUDE_LIMIT: Final = 180.0
LATITUDE_LIMIT: Final = 85.05112878
METERS_PER: Final = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}
"""Units of distance, in capitals."""

_STEPS: Final = 26
_EARTH_RADIUS: Final = 6372797.560856
_MERCATOR_MAX: Final = 20037726.37
_RADIANS: Final = pi / 180.0
_ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"

_SPREADS: Final = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)
"""How far to move which bits, step by step, to leave a gap before each bit of a number of 32."""

_AROUND: Final = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""A cell and those around it, by how many cells east and north, in the order in which Redis searches them."""


# Places


def encode(longitude: float, latitude: float) -> float:
    """The score of a place; both angles in degrees, within their limits."""
    return float(_interleave(*_cell(longitude, latitude, _STEPS)))


def decode(score: float) -> tuple[float, float]:
    """Longitude and latitude in degrees, at the middle of the smallest cell. Any score at all has them."""
    bits = _as_unsigned(score)
    west, east = _edges(_gather(bits >> 1), _STEPS, LONGITUDE_LIMIT)
    south, north = _edges(_gather(bits), _STEPS, LATITUDE_LIMIT)
    longitude, latitude = (west + east) / 2, (south + north) / 2
    return (
        max(-LONGITUDE_LIMIT, min(longitude, LONGITUDE_LIMIT)),
        max(-LATITUDE_LIMIT, min(latitude, LATITUDE_LIMIT)),
    )


def text_of(score: float) -> bytes:
    """The standard geohash of a place, 11 letters and digits: its world ends at the poles. The last one is always 0."""
    bits = _interleave(*_cell(*decode(score), _STEPS, latitude_limit=90.0))
    return bytes(_ALPHABET[bits >> 47 - 5 * place & 31] for place in range(10)) + b"0"


def distance(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """The distance of two places in meters."""
    v = sin((other_longitude * _RADIANS - longitude * _RADIANS) / 2)
    if not v:
        return _distance_north(latitude, other_latitude)
    here, there = latitude * _RADIANS, other_latitude * _RADIANS
    u = sin((there - here) / 2)
    return 2.0 * _EARTH_RADIUS * asin(sqrt(u * u + cos(here) * cos(there) * v * v))


def _distance_north(latitude: float, other: float) -> float:
    return _EARTH_RADIUS * fabs(other * _RADIANS - latitude * _RADIANS)


# Areas


@attrs.frozen
class Circle:
    """All that is not farther from a place than a radius, which is given in units of so many meters."""

    longitude: float
    latitude: float
    radius: float
    unit: float

    @property
    def half_size(self) -> tuple[float, float]:
        """How far it reaches to the east and to the north, in meters."""
        return self.radius * self.unit, self.radius * self.unit

    @property
    def reach(self) -> float:
        """How far its farthest point is from the centre, in meters."""
        return self.radius * self.unit

    def distance_of(self, longitude: float, latitude: float) -> float | None:
        """How far a place is from the centre, in meters; None if it is outside."""
        meters = distance(self.longitude, self.latitude, longitude, latitude)
        return meters if meters <= self.radius * self.unit else None


@attrs.frozen
class Box:
    """All that is not farther to the north, south, east and west of a place than half a height or width."""

    longitude: float
    latitude: float
    width: float
    height: float
    unit: float

    @property
    def half_size(self) -> tuple[float, float]:
        """How far it reaches to the east and to the north, in meters."""
        return self.unit * (self.width / 2), self.unit * (self.height / 2)

    @property
    def reach(self) -> float:
        """How far its corners are from the centre, in meters, roughly."""
        return sqrt((self.width / 2) * (self.width / 2) + (self.height / 2) * (self.height / 2)) * self.unit

    def distance_of(self, longitude: float, latitude: float) -> float | None:
        """How far a place is from the centre, in meters; None if it is outside."""
        half_width, half_height = self.half_size
        if (
            _distance_north(latitude, self.latitude) > half_height
            or distance(longitude, latitude, self.longitude, latitude) > half_width
        ):
            return None
        return distance(self.longitude, self.latitude, longitude, latitude)


Area = Circle | Box


def ranges_of(area: Area) -> Iterator[tuple[float, float]]:
    """The scores among which all places of an area are, from one up to another: at most nine ranges, some empty."""
    west, south, east, north = _bounds(area)
    steps = _steps_for(area.reach, area.latitude)
    cell = _cell(area.longitude, area.latitude, steps)
    # Near the edge of its cell, an area may reach beyond the cells around it.
    if steps > 1 and not _covers(cell, steps, (west, south, east, north)):
        steps -= 1
        cell = _cell(area.longitude, area.latitude, steps)
    left, right = _edges(cell[0], steps, LONGITUDE_LIMIT)
    bottom, top = _edges(cell[1], steps, LATITUDE_LIMIT)
    useless = set()
    if steps >= 2:
        useless |= {(0, -1)} if bottom < south else set()
        useless |= {(0, 1)} if top > north else set()
        useless |= {(-1, 0)} if left < west else set()
        useless |= {(1, 0)} if right > east else set()
    last = -1
    for place, (to_east, to_north) in enumerate(_AROUND):
        if (to_east, 0) in useless or (0, to_north) in useless:
            continue
        bits = _interleave(*_neighbour(cell, steps, to_east, to_north))
        # Where there are few cells, those around are the same again. As in Redis, one is left out if it is the one
        # that was just searched, but not right after the first.
        if place > 1 and bits == last:
            continue
        last = bits
        shift = 2 * (_STEPS - steps)
        yield float(bits << shift), float(bits + 1 << shift)


def _bounds(area: Area) -> tuple[float, float, float, float]:
    """West, south, east and north of a box, in degrees, that holds the area."""
    width, height = area.half_size
    if isinf(width) or isinf(height):  # the cells are as large as can be then, and no bounds matter
        return -inf, -inf, inf, inf
    to_north = height / _EARTH_RADIUS / _RADIANS
    # Meridians are closest at the end that is nearer to a pole.
    widest = area.latitude - to_north if area.latitude < 0 else area.latitude + to_north
    to_east = width / _EARTH_RADIUS / cos(widest * _RADIANS) / _RADIANS
    return area.longitude - to_east, area.latitude - to_north, area.longitude + to_east, area.latitude + to_north


def _steps_for(meters: float, latitude: float) -> int:
    """How often to halve the world for cells that are about as large as what reaches so far."""
    if not meters:
        return _STEPS
    steps = 1
    while meters < _MERCATOR_MAX:
        meters *= 2
        steps += 1
    steps -= 2
    if fabs(latitude) > 66:  # meridians converge
        steps -= 2 if fabs(latitude) > 80 else 1
    return max(1, min(steps, _STEPS))


# Cells are pairs of numbers: how many are to the west, and how many to the south.


def _cell(longitude: float, latitude: float, steps: int, latitude_limit: float = LATITUDE_LIMIT) -> tuple[int, int]:
    return (
        int((longitude + LONGITUDE_LIMIT) / (2 * LONGITUDE_LIMIT) * (1 << steps)),
        int((latitude + latitude_limit) / (2 * latitude_limit) * (1 << steps)),
    )


def _edges(number: int, steps: int, limit: float) -> tuple[float, float]:
    """The degrees at which a cell begins and ends, in one direction."""
    cells, size = 1 << steps, 2 * limit
    return -limit + number / cells * size, -limit + (number + 1) / cells * size


def _neighbour(cell: tuple[int, int], steps: int, to_east: int, to_north: int) -> tuple[int, int]:
    """A cell next to another; the world is round in both directions."""
    mask = (1 << steps) - 1
    east, north = cell
    return east + to_east & mask if to_east else east, north + to_north & mask if to_north else north


def _covers(cell: tuple[int, int], steps: int, bounds: tuple[float, float, float, float]) -> bool:
    """Whether a cell and those around it reach as far as a box."""
    west, south, east, north = bounds
    return (
        _edges(_neighbour(cell, steps, 0, 1)[1], steps, LATITUDE_LIMIT)[1] >= north
        and _edges(_neighbour(cell, steps, 0, -1)[1], steps, LATITUDE_LIMIT)[0] <= south
        and _edges(_neighbour(cell, steps, 1, 0)[0], steps, LONGITUDE_LIMIT)[1] >= east
        and _edges(_neighbour(cell, steps, -1, 0)[0], steps, LONGITUDE_LIMIT)[0] <= west
    )


def _interleave(east: int, north: int) -> int:
    """The bits of both numbers in turn, the lowest one from the south."""
    for shift, mask in _SPREADS:
        east = (east | east << shift) & mask
        north = (north | north << shift) & mask
    return north | east << 1


def _gather(bits: int) -> int:
    """Every second bit of a number of 64, from the lowest on."""
    bits &= _SPREADS[-1][1]
    for shift, mask in ((1, 0x3333333333333333), (2, 0x0F0F0F0F0F0F0F0F), (4, 0x00FF00FF00FF00FF)):
        bits = (bits | bits >> shift) & mask
    for shift, mask in ((8, 0x0000FFFF0000FFFF), (16, 0x00000000FFFFFFFF)):
        bits = (bits | bits >> shift) & mask
    return bits


def _as_unsigned(score: float) -> int:
    """A score as an unsigned integer of 64 bits, as x86 converts them: what cannot be one is 2**63 or 0."""
    if score >= 2.0**64:
        return 0
    if score <= -(2.0**63):
        return 1 << 63
    return int(score) % (1 << 64)
