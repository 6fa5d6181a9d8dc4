"""What a user may give for an address, and what servers call themselves."""

import pytest

from respstore.cli.addresses import UsageError, connect, full_address, server_name


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        ([], "127.0.0.1:6379"),
        (["7000"], "127.0.0.1:7000"),
        (["--port", "7000"], "127.0.0.1:7000"),
        (["-p", "7000"], "127.0.0.1:7000"),
        (["node:7000"], "node:7000"),
        (["/run/s"], "/run/s"),
        (["redis://node"], "redis://node"),
    ],
)
def test_says_the_whole_address(arguments, address):
    assert full_address(arguments) == address


@pytest.mark.parametrize("arguments", [["7000", "7001"], ["--port"], ["--port", "x"], ["-x"], ["-p", "1", "2"]])
def test_takes_nothing_else_for_an_address(arguments):
    with pytest.raises(UsageError, match="one address, please: PORT, HOST:PORT"):
        full_address(arguments)


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("node:7000", {"host": "node", "port": 7000}),
        ("[::1]:7000", {"host": "::1", "port": 7000}),
        ("/run/s", {"path": "/run/s"}),
        ("redis://:secret@node:7000/3", {"host": "node", "port": 7000, "password": "secret", "db": 3}),
    ],
)
def test_makes_a_client_of_an_address(address, where):
    with connect(address) as client:
        options = client.connection_pool.connection_kwargs

    assert where.items() <= options.items()
    assert options["socket_timeout"] == options["socket_connect_timeout"] == 2


def test_takes_no_other_url():
    with pytest.raises(ValueError, match="Redis URL must specify"):
        connect("http://node")


def test_names_servers():
    assert server_name({"redis_version": "7.0.15"}) == "Redis 7.0.15"
    assert server_name({"redis_version": "7.2.4", "valkey_version": "8.0.1"}) == "Valkey 8.0.1"
    assert server_name({"redis_version": "7.0.15", "respstore_version": "0.1.0"}) == "respstore 0.1.0"
