import pytest

from compat.bench.pipeline import in_parts, pack, run_all, send_batches, set_small_keys
from compat.servers import ServerError, redis_server


def test_keys_and_lists_are_filled_as_redis_benchmark_would() -> None:
    with redis_server() as server, server.client() as client:
        set_small_keys(server, 2_500)
        run_all(server, in_parts((b"RPUSH", b"mylist"), [b"VXK"] * 1_500))
        assert client.dbsize() == 2_501
        assert client.get("key:000000002499") == b"xxx"
        assert client.llen("mylist") == 1_500


def test_an_error_reply_is_not_overlooked() -> None:
    with redis_server() as server, pytest.raises(ServerError, match="unknown command 'NONSENSE'"):
        send_batches(server, [(pack(b"PING") + pack(b"NONSENSE"), 2)])
