"""What the exceptions of the Python API say and carry; who raises one has the tests of when."""

import pickle

import pytest

from respstore.exceptions import ConfigError, Holder, HolderKind, PortInUseError, UnknownOptionError


def test_a_config_error_says_where() -> None:
    error = UnknownOptionError("no such option", "prot", "redis.conf:3 'prot 5'")
    assert isinstance(error, ConfigError)
    assert str(error) == "redis.conf:3 'prot 5': no such option"
    assert (error.reason, error.directive) == ("no such option", "prot")
    assert str(ConfigError("no such option")) == "no such option"


# Ports


@pytest.mark.parametrize(
    ("holder", "text"),
    [
        (Holder(HolderKind.OTHER, "something"), "something"),
        (Holder(HolderKind.HTTP, "an HTTP server", pid=5, program="httpd"), "an HTTP server (pid 5, httpd)"),
        (Holder(HolderKind.HTTP, "an HTTP server", program="httpd"), "an HTTP server (httpd)"),
        (
            Holder(HolderKind.REDIS, "redis 7", pid=5, program="redis-server", uptime=7199),
            "redis 7 (pid 5, up 119 min)",
        ),
        (Holder(HolderKind.REDIS, "redis 7", uptime=7200), "redis 7 (up 2 h)"),
        (Holder(HolderKind.REDIS, "redis 7", uptime=172800), "redis 7 (up 2 days)"),
        (Holder(HolderKind.REDIS, "redis 7", uptime=119), "redis 7 (up 119 s)"),
        (Holder(HolderKind.REDIS, "redis 7", uptime=0), "redis 7 (up 0 s)"),
    ],
)
def test_who_holds_a_port(holder: Holder, text: str) -> None:
    assert str(holder) == text


@pytest.mark.parametrize(
    ("host", "port", "wanted", "text"),
    [
        ("127.0.0.1", 6379, None, "127.0.0.1:6379 is taken by it"),
        ("::1", 6379, None, "[::1]:6379 is taken by it"),
        ("/run/x.sock", None, None, "/run/x.sock is taken by it"),
        (
            "127.0.0.1",
            6379,
            "[::1]:6379",
            "[::1]:6379 is free, but a client of localhost:6379 may get to 127.0.0.1:6379, which is taken by it",
        ),
    ],
)
def test_a_taken_port(host: str, port: int | None, wanted: str | None, text: str) -> None:
    error = PortInUseError(host, port, Holder(HolderKind.OTHER, "it"), wanted)
    for same in (error, pickle.loads(pickle.dumps(error))):
        assert str(same) == text
        assert (same.host, same.port, same.holder, same.wanted) == (host, port, error.holder, wanted)
        assert same.errno == error.errno
