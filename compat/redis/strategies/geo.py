"""Geo commands. Places are few and none twice, so that distances decide the order; near the poles as elsewhere."""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    count,
    geo_key,
    many,
    maybe,
    one_of,
    options,
    sorted_set_key,
    word,
)

place = one_of(
    [
        "13.361389 38.115556",
        "15.087269 37.502669",
        "12.758489 38.788135",
        "17.241510 38.788135",
        "-73.985 40.748",
        "0 0",
        "0.0001 0.0001",
        "-0.0002 0.0003",
        "179.9 -10.5",
        "-179.9 -10.4",
        "100 85",
        "-100 -84.9",
        "180 85.05112878",
        "-180 -85.05112878",
        "181 0",
        "0 86",
        "x 1",
        "1 nan",
        "inf 0",
    ]
)
member = word("a", "b", "c", "d", "e", "f", "g", "")
unit = word("m", "km", "KM", "ft", "mi", "m", "km", "km", "parsec", "")
radius = word(0, 1, 100, 200, 1000, 5000, 20000, "0.5", "1e7", "-1", "x", "1e308", "inf")
size = word(0, 1, 200, 400, 1000, 40000, "1e5", "1e7", "-1", "x")
show = word("WITHDIST", "WITHHASH", "WITHCOORD", "withdist")
order = word("ASC", "DESC", "asc")
geo_count = command("COUNT", one_of([count, "1", "2"]), maybe("ANY"))
circle = command("BYRADIUS", radius, unit)
box = command("BYBOX", size, size, unit)
centre = one_of([command("FROMMEMBER", member), command("FROMLONLAT", place)])
area = one_of(
    [command(centre, circle), command(centre, box), command(circle, centre), command(box, centre), options(centre, box)]
)
extra = many(one_of([show, order, order, geo_count, "ANY"]), 0, 3)
stored = one_of([command("STORE", geo_key), command("STOREDIST", sorted_set_key), "STORE", "STOREDIST"])
around = command(geo_key, place, radius, unit)
around_member = command(geo_key, member, radius, unit)

STRATEGIES: dict[str, Strategy] = {
    "geoadd": command("GEOADD", geo_key, options(word("NX", "XX", "CH", "ch")), many(command(place, member))),
    "geodist": command("GEODIST", geo_key, member, member, maybe(unit)),
    "geohash": command("GEOHASH", geo_key, many(member, 0)),
    "geopos": command("GEOPOS", geo_key, many(member, 0)),
    "georadius": command("GEORADIUS", around, extra, maybe(maybe(stored))),
    "georadius_ro": command("GEORADIUS_RO", around, extra),
    "georadiusbymember": command("GEORADIUSBYMEMBER", around_member, extra, maybe(maybe(stored))),
    "georadiusbymember_ro": command("GEORADIUSBYMEMBER_RO", around_member, extra),
    "geosearch": command("GEOSEARCH", geo_key, area, extra),
    "geosearchstore": command("GEOSEARCHSTORE", geo_key, geo_key, area, extra, maybe("STOREDIST")),
}
