"""The fixtures, in a project that knows nothing of respstore but that it is installed."""

import pytest

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.slow

TESTS = """
import os

import redis


def test_sets(respstore_client, respstore_server):
    assert respstore_client.set("k", "v")
    assert respstore_client.get("k") == b"v"
    assert respstore_server.port == respstore_client.connection_pool.connection_kwargs["port"]


def test_starts_empty(respstore_client):
    assert respstore_client.dbsize() == 0


def test_serves_others(respstore_server):
    assert redis.Redis.from_url(respstore_server.url).info("server")["process_id"] == os.getpid()
"""

IMPORTS = """
import sys


def test_imports():
    assert {name for name in sys.modules if name.startswith("respstore")} == {"respstore", "respstore.pytest_plugin"}
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


@pytest.mark.parametrize("others", [["no:trio", "no:xdist", "no:timeout"], []], ids=["alone", "with other plugins"])
def test_gives_each_test_a_server_of_its_own(project, others):
    project.makepyfile(TESTS)

    result = project.runpytest_subprocess(*(f"-p{other}" for other in others))

    result.assert_outcomes(passed=3)
    result.stderr.no_fnmatch_line("*")


def test_serves_tests_that_run_on_trio(project):
    project.makepyfile("""
        import trio

        async def test_pings(respstore_server):
            async with await trio.open_tcp_stream(respstore_server.host, respstore_server.port) as stream:
                await stream.send_all(b"PING\\r\\n")
                assert await stream.receive_some() == b"+PONG\\r\\n"
    """)

    result = project.runpytest_subprocess("-otrio_mode=true")

    result.assert_outcomes(passed=1)


def test_imports_no_server_unless_a_test_asks_for_one(project):
    project.makepyfile(IMPORTS)

    result = project.runpytest_subprocess()

    result.assert_outcomes(passed=1)


def test_tells_what_its_fixtures_are(project):
    result = project.runpytest_subprocess("--fixtures")

    result.stdout.fnmatch_lines(
        [
            "respstore_server -- *pytest_plugin.py:*",
            "*A server of this test's own, empty, on a free port: `.host`, `.port`, `.url`*",
            "respstore_client -- *pytest_plugin.py:*",
        ]
    )
