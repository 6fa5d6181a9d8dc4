"""Which key goes when memory is short: the policies of maxmemory-policy.

https://redis.io/docs/latest/develop/reference/eviction/. As Redis does, LRU and LFU look at some keys drawn by chance
(maxmemory-samples) and remember the best candidates of earlier draws. The next key to expire is known here, so that
volatile-ttl needs no samples.
"""

from bisect import insort
from collections.abc import Callable
from random import Random
from typing import Final

from respstore.config import Config
from respstore.keyspace import Database, Keyspace
from respstore.keyspace.usage import UsedKeys

Victim = tuple[Database, bytes]
Draw = Callable[[Database], bytes | None]

CANDIDATES: Final = 16
"""How many keys are remembered from earlier draws."""


class Evictor:
    """Chooses victims.

    Args:
        keyspace: among whose keys.
        config: says by which policy, and how carefully.
        random: draws keys.
    """

    __slots__ = ("_candidates", "_config", "_keyspace", "_next_index", "_random")

    def __init__(self, keyspace: Keyspace, config: Config, random: Random) -> None:
        self._keyspace = keyspace
        self._config = config
        self._random = random
        self._candidates: list[tuple[int, int, bytes]] = []  # evictability, number of the database, key; in order
        self._next_index = 0  # of the database that random policies draw from

    def forget_candidates(self) -> None:
        """The policy changed: what is known of candidates means nothing now."""
        self._candidates.clear()

    def victim(self) -> Victim | None:
        """The next key to evict, None if there is none that may be evicted."""
        scope, _, rule = self._config.maxmemory_policy.partition("-")
        draw: Draw = self._draw_expiring if scope == "volatile" else self._draw
        match rule:
            case "":  # noeviction
                return None
            case "ttl":
                return self._next_to_expire()
            case "random":
                return self._by_chance(draw)
            case _:
                return self._least_used(draw)

    def _draw(self, db: Database) -> bytes | None:
        return db.random_key(self._random) if db.data else None

    def _draw_expiring(self, db: Database) -> bytes | None:
        return db.random_expiring_key(self._random) if db.expires else None

    def _next_to_expire(self) -> Victim | None:
        soonest = [(found[0], db.index, found[1]) for db in self._keyspace.databases if (found := db.next_to_expire())]
        if not soonest:
            return None
        _, index, key = min(soonest)
        return self._keyspace.databases[index], key

    def _by_chance(self, draw: Draw) -> Victim | None:
        databases = self._keyspace.databases
        for _ in databases:
            db = databases[self._next_index]
            self._next_index = (self._next_index + 1) % len(databases)
            key = draw(db)
            if key is not None:
                return db, key
        return None

    def _least_used(self, draw: Draw) -> Victim | None:
        databases, candidates = self._keyspace.databases, self._candidates
        while True:
            drawn = 0
            for db in [db for db in databases if db.data]:
                for _ in range(min(self._config.maxmemory_samples, len(db.data))):
                    key = draw(db)
                    if key is None:
                        break
                    drawn += 1
                    self._consider(db, key)
            while candidates:
                _, index, key = candidates.pop()
                db = databases[index]
                if key in db.data and (draw == self._draw or key in db.expires):
                    return db, key
            if not drawn:
                return None

    def _consider(self, db: Database, key: bytes) -> None:
        keys = db.data
        assert isinstance(keys, UsedKeys)
        candidates = self._candidates
        candidate = keys.evictability(key), db.index, key
        if len(candidates) < CANDIDATES or candidate > candidates[0]:
            insort(candidates, candidate)
            if len(candidates) > CANDIDATES:
                del candidates[0]
