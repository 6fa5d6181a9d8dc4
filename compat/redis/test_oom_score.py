"""Both servers move their scores by which Linux chooses whom to end for want of memory, as the options say."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from compat.servers import RunningServer, redis_server, respstore_server

ALL_IN_MEMORY = ("--save", "", "--oom-score-adj-values", "7 8 9")


@pytest.fixture(params=[respstore_server, redis_server])
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with request.param(*ALL_IN_MEMORY, "--oom-score-adj", "yes") as server:
        yield server


def score(pid: int | str) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_scores(server: RunningServer) -> None:
    own = score("self")
    with server.client() as client:
        assert score(server.pid) == own + 7
        client.config_set("oom-score-adj-values", "10 20 30")
        assert score(server.pid) == own + 10
        client.config_set("oom-score-adj", "absolute")
        assert score(server.pid) == 10
        client.config_set("oom-score-adj", "no")
        assert score(server.pid) == own


def test_refusals(server: RunningServer) -> None:
    with server.client() as client:
        for values in ("1 2", "1 2 2001", "a b c"):
            with pytest.raises(redis.ResponseError, match="oom-score-adj-values") as refusal:
                client.config_set("oom-score-adj-values", values)
            assert re.search("wrong number|must be between -2000 and 2000", str(refusal.value))
        assert client.config_get("oom-score-adj-values") == {"oom-score-adj-values": "7 8 9"}
