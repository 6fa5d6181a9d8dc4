"""Places as scores: the numbers of redis-server 7.0.15, and searches that find all that a look at every place finds."""

from math import inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.keyspace.geohash import (
    LATITUDE_LIMIT,
    LONGITUDE_LIMIT,
    Area,
    Box,
    Circle,
    decode,
    distance,
    encode,
    ranges_of,
    text_of,
)

LONGITUDES = st.floats(-LONGITUDE_LIMIT, LONGITUDE_LIMIT)
LATITUDES = st.floats(-LATITUDE_LIMIT, LATITUDE_LIMIT)
PALERMO, CATANIA = 3479099956230698.0, 3479447370796909.0


@pytest.mark.parametrize(
    ("longitude", "latitude", "score", "text"),
    [
        (13.361389, 38.115556, PALERMO, b"sqc8b49rny0"),
        (15.087269, 37.502669, CATANIA, b"sqdtr74hyu0"),
        (-120.0, -40.0, 431960121445517.0, b"32fsmq4xj70"),
        (0.0, 0.0, 3377699720527872.0, b"s0000000000"),
    ],
)
def test_places(longitude: float, latitude: float, score: float, text: bytes) -> None:
    assert encode(longitude, latitude) == score
    assert text_of(score) == text
    assert decode(score) == pytest.approx((longitude, latitude), abs=6e-6)


def test_the_middle_of_a_cell_to_the_last_bit() -> None:
    assert decode(PALERMO) == (13.36138933897018433, 38.11555639549629859)


@given(LONGITUDES, LATITUDES)
def test_a_place_is_found_again_nearby(longitude: float, latitude: float) -> None:
    assert decode(encode(longitude, latitude)) == pytest.approx((longitude, latitude), abs=6e-6)


@pytest.mark.parametrize(
    ("score", "place"),
    [
        (1.5, (-179.99999731779098511, -85.05112497791824921)),
        (-1.0, (LONGITUDE_LIMIT, LATITUDE_LIMIT)),
        (2.0**52, (-179.99999731779098511, LATITUDE_LIMIT)),
        (inf, (-179.99999731779098511, -85.05112751263942528)),
        (1e300, (-179.99999731779098511, -85.05112751263942528)),
    ],
)
def test_any_score_is_a_place(score: float, place: tuple[float, float]) -> None:
    assert decode(score) == place


@given(st.floats(allow_nan=False))
def test_no_score_is_beyond_the_map(score: float) -> None:
    longitude, latitude = decode(score)
    assert abs(longitude) <= LONGITUDE_LIMIT
    assert abs(latitude) <= LATITUDE_LIMIT
    assert len(text_of(score)) == 11


def test_distances() -> None:
    assert f"{distance(*decode(PALERMO), *decode(CATANIA)):.4f}" == "166274.1516"
    assert distance(5, 7, 5, 7) == 0
    assert distance(0, -1, 0, 1) == pytest.approx(distance(-1, 0, 1, 0))
    assert distance(179, 0, -179, 0) == pytest.approx(distance(-1, 0, 1, 0))
    assert distance(0, 0, 180, 0) == pytest.approx(6372797.560856 * 3.141592653589793)


def test_the_edge_of_an_area_belongs_to_it() -> None:
    meters = distance(0, 0, 1, 0)
    assert Circle(0, 0, meters, 1.0).distance_of(1, 0) == meters
    assert Circle(0, 0, meters / 1000 - 0.001, 1000.0).distance_of(1, 0) is None
    assert Box(0, 0, 2 * meters, 0, 1.0).distance_of(1, 0) == meters
    assert Box(0, 0, 2 * meters, 0, 1.0).distance_of(1, 1e-9) is None
    assert Box(0, 0, 2 * meters - 0.1, 0, 1.0).distance_of(1, 0) is None


AREAS = st.one_of(
    st.builds(Circle, LONGITUDES, LATITUDES, st.floats(0, 5000), st.just(1000.0)),
    st.builds(Box, LONGITUDES, LATITUDES, st.floats(0, 5000), st.floats(0, 5000), st.just(1000.0)),
)


@given(AREAS, st.integers(0, 2**32))
def test_ranges_hold_all_places_of_an_area(area: Area, seed: int) -> None:
    """Not across the poles, nor the meridian where the map ends: there Redis, too, misses some."""
    rng = Random(seed)
    ranges = list(ranges_of(area))
    assert len(ranges) <= 9
    for _ in range(50):
        longitude = max(-175.0, min(rng.gauss(area.longitude, 10), 175.0))
        latitude = max(-60.0, min(rng.gauss(area.latitude, 10), 60.0))
        score = encode(longitude, latitude)
        is_inside = area.distance_of(*decode(score)) is not None
        if is_inside and abs(area.longitude) < 120 and abs(area.latitude) < 45:
            assert any(low <= score < high for low, high in ranges)


def test_a_small_area_has_small_ranges() -> None:
    for low, high in ranges_of(Circle(13.36, 38.11, 100, 1.0)):
        assert 0 < high - low < 2**20


@pytest.mark.parametrize("size", [0.0, 1e308, inf])
def test_areas_of_any_size(size: float) -> None:
    for area in (Circle(1, 1, size, 1000.0), Box(1, 1, size, 5, 1000.0), Box(1, 1, 5, size, 1000.0)):
        assert 1 <= len(list(ranges_of(area))) <= 9
        assert area.distance_of(1, 1) == 0
