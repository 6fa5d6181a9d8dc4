"""Django's cache for Redis, and its sessions in that cache."""

from __future__ import annotations

import pytest
import redis
from django.conf import settings

from compat.apps.program import run, url

settings.configure(
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url()}},
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    USE_TZ=True,
)

from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402 # the settings come first
from django.core.cache import cache  # noqa: E402


def values(client: redis.Redis) -> None:
    cache.set("key", {"a": [1, "b", None]}, timeout=100)
    assert cache.get("key") == {"a": [1, "b", None]}
    assert cache.get("missing", "default") == "default"
    assert 0 < client.ttl(":1:key") <= 100
    assert cache.add("key", 1) is False
    assert cache.add("other", 1) is True
    assert cache.touch("other", 50)
    assert not cache.touch("missing")
    assert cache.has_key("other")
    assert cache.get_or_set("third", lambda: 3) == 3
    assert cache.delete("other")
    assert not cache.delete("other")
    cache.set("forever", 1, timeout=None)
    assert client.ttl(":1:forever") == -1
    cache.set("never", 1, timeout=0)
    assert cache.get("never") is None


def counters(client: redis.Redis) -> None:
    cache.set("hits", 5)
    assert cache.incr("hits") == 6
    assert cache.decr("hits", 2) == 4
    with pytest.raises(ValueError, match="not found"):
        cache.incr("missing")


def many(client: redis.Redis) -> None:
    assert cache.set_many({f"k{number}": number for number in range(100)}, timeout=60) == []
    assert cache.get_many(["k1", "k2", "missing"]) == {"k1": 1, "k2": 2}
    cache.delete_many(["k1", "k2"])
    assert cache.get_many(["k1", "k2", "k3"]) == {"k3": 3}
    assert client.dbsize() == 98
    cache.clear()
    assert client.dbsize() == 0


def versions(client: redis.Redis) -> None:
    cache.set("page", "old")
    assert cache.incr_version("page") == 2
    assert cache.get("page") is None
    assert cache.get("page", version=2) == "old"


def sessions(client: redis.Redis) -> None:
    session = SessionStore()
    session["user"] = 42
    session.save()
    again = SessionStore(session.session_key)
    assert again["user"] == 42
    again.cycle_key()
    assert not SessionStore().exists(session.session_key)
    again.flush()
    assert client.dbsize() == 0


if __name__ == "__main__":
    run(values, counters, many, versions, sessions)
