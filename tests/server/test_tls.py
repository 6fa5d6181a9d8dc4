"""TLS: who gets in, what the options mean, and that nobody is held up by those who do not."""

import contextlib
import logging
import socket
import ssl
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
import trio

import respstore
from respstore.exceptions import ConfigError
from respstore.server import tls
from respstore.server.tls import make_context
from tests.authority import Authority
from tests.server import test_backends
from tests.server.serving import make_config, quiet_port, serving, until
from tests.talk import OK, PONG, array


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def options(authority: Authority) -> dict[str, Any]:
    return authority.options(quiet_port())


@pytest.fixture
def both(options: dict[str, Any]) -> dict[str, Any]:
    """Options of a server that has a port for plain TCP, too."""
    return options | {"port": quiet_port()}


async def set_option(client: Any, *words: str) -> bytes:
    return await client.ask(*(word.encode() for word in ("CONFIG", "SET", *words)))


# Beside plain TCP and without it


async def test_beside_plain_tcp(use_poller, authority, both):
    async with serving(use_poller, authority.client(), **both) as running:
        safe, plain = await running.connect(), await running.connect(running.address.port)
        await safe.send(b"BLPOP q 0")
        await until(lambda: running.engine.waiting)

        assert await plain.ask(b"LPUSH q job") == b":1\r\n"
        assert await safe.read(20) == array(b"q", b"job")
        await plain.send(b"BLPOP q 0")
        await until(lambda: running.engine.waiting)
        assert await safe.ask(b"LPUSH q other") == b":1\r\n"
        assert await plain.read(22) == array(b"q", b"other")


async def test_alone(use_poller, authority, options):
    async with serving(use_poller, authority.client(), **options) as running:  # with port 0
        assert (running.address.port, running.address.tls_port) == (0, options["tls_port"])
        assert running.address.url == f"rediss://127.0.0.1:{options['tls_port']}"
        assert str(running.address) == f"127.0.0.1:{options['tls_port']}"
        assert b"tcp_port:%d\r\n" % options["tls_port"] in await (await running.connect()).ask(b"INFO server")


async def test_a_large_value_and_a_pipeline(authority, options):
    async with serving(None, authority.client(), **options) as running:
        client = await running.connect()
        value = bytes(range(256)) * 20_000
        assert await client.ask(b"SET", b"k", value) == OK
        for _ in range(3):
            await client.send(b"GET", b"k")
        for _ in range(3):
            assert await client.read(len(value) + 12) == b"$%d\r\n%b\r\n" % (len(value), value)


async def test_the_end_of_a_connection_is_said(authority, options):
    async with serving(None, authority.client(), **options) as running:
        client = await running.connect()
        await client.send(b"QUIT")
        assert await client.rest() == OK
        await until(lambda: not len(running.server._backend))


@pytest.mark.parametrize(
    "behaviour",
    [
        test_backends.test_answers_who_sends_a_byte_at_a_time,
        test_backends.test_a_pipeline_of_slow_requests_holds_up_nobody_else,
        test_backends.test_releases_who_waits_in_the_turn_of_who_pushes,
        test_backends.test_ends_a_wait_at_its_deadline,
        test_backends.test_serves_others_while_one_floods,
        test_backends.test_releases_a_barrier_in_the_turn_of_who_comes_last,
        test_backends.test_tells_who_waits_that_it_stops,
        test_backends.test_keeps_all_replies_for_a_slow_reader,
        test_backends.test_hangs_up_on_a_reader_beyond_the_soft_limit_though_nothing_more_is_asked,
        test_backends.test_forgets_the_wait_of_who_goes,
        test_backends.test_closes_after_the_replies_to_all_that_came_before_quit,
        test_backends.test_says_what_was_wrong_before_it_closes,
    ],
)
async def test_behaves_as_plain_tcp_does(behaviour, authority, options, monkeypatch):
    monkeypatch.setattr(test_backends, "serving", partial(serving, tls=authority.client(), **options))

    await behaviour(use_poller=None)


# Who gets in


async def test_certificates_of_clients(tmp_path, authority, both):
    stranger = Authority(tmp_path / "other").issue("client")
    async with serving(None, **both | {"tls_auth_clients": "yes"}) as running:
        running.tls = authority.client(authority.issue("client"))
        assert await (await running.connect()).ask(b"PING") == PONG
        for certificate in (None, stranger):
            running.tls = authority.client(certificate)
            client = await running.connect()
            with contextlib.suppress(trio.BrokenResourceError):
                await client.send(b"PING")
            assert await client.rest() == b""  # with TLS 1.3 the client hears of it late

        plain = await running.connect(both["port"])
        assert await set_option(plain, "tls-auth-clients", "optional") == OK
        running.tls = authority.client()
        assert await (await running.connect()).ask(b"PING") == PONG


async def test_who_speaks_no_tls_is_sent_away(authority, options, caplog):
    caplog.set_level(logging.INFO, "respstore")
    async with serving(None, authority.client(), **options) as running:
        client = await running.connect(options["tls_port"])
        await client.send(b"PING")
        assert b"PONG" not in await client.rest()
        assert "no TLS handshake" in caplog.text
        assert await (await running.connect()).ask(b"PING") == PONG


async def test_who_says_nothing_holds_up_nobody_and_must_go(authority, options, monkeypatch):
    async with serving(None, authority.client(), **options) as running:
        for _ in range(50):
            await running.connect(options["tls_port"])
        await until(lambda: len(running.server._tls) == 50)
        assert await (await running.connect()).ask(b"PING") == PONG

        monkeypatch.setattr(tls, "HANDSHAKE_SECONDS", 0.05)  # for those who come from now on
        for client in [await running.connect(options["tls_port"]) for _ in range(50)]:
            assert await client.rest() == b""
        await until(lambda: len(running.server._tls) == 50)


async def test_handshakes_count_as_clients(authority, options):
    async with serving(None, authority.client(), **options, maxclients=2) as running:
        for _ in range(2):
            await running.connect(options["tls_port"])
        await until(lambda: len(running.server._tls) == 2)
        late = await running.connect(options["tls_port"])
        assert await late.rest() == b""
        assert running.engine.statistics.rejected_connections == 1


async def test_a_stopping_server_waits_for_no_handshake(authority, options):
    async with serving(None, authority.client(), **options) as running:
        silent = await running.connect(options["tls_port"])
        await until(lambda: len(running.server._tls) == 1)
        await running.stop()
        assert await silent.rest() == b""


# While it runs


async def test_a_new_certificate_without_a_restart(tmp_path, authority, options):
    other = Authority(tmp_path / "other")
    certificate, key = other.issue("server")
    async with serving(None, authority.client(), **options) as running:
        old = await running.connect()
        assert await set_option(old, "tls-cert-file", str(certificate), "tls-key-file", str(key)) == OK
        assert await old.ask(b"PING") == PONG
        with pytest.raises(trio.BrokenResourceError):
            await running.connect()
        running.tls = other.client()
        assert await (await running.connect()).ask(b"PING") == PONG


async def test_a_bad_file_changes_nothing_and_says_why(tmp_path, authority, options):
    async with serving(None, authority.client(), **options) as running:
        client = await running.connect()
        answer = await set_option(client, "tls-cert-file", str(tmp_path / "missing"))
        assert answer.startswith(b"-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to")
        assert b"No such file" in answer
        assert running.server.config.tls_cert_file == options["tls_cert_file"]
        assert await (await running.connect()).ask(b"PING") == PONG


async def test_the_port_comes_and_goes(authority, both):
    async with serving(None, **both | {"tls_port": 0}) as running:
        plain = await running.connect()
        assert await set_option(plain, "tls-port", str(both["tls_port"])) == OK
        running.tls, running.address = authority.client(), running.server._listeners.address
        client = await running.connect()
        assert await set_option(plain, "tls-port", "0") == OK
        with pytest.raises(OSError, match=r"refused|reset"):
            await running.connect()
        assert await client.ask(b"PING") == PONG


async def test_no_port_without_a_certificate():
    async with serving() as running:
        answer = await set_option(await running.connect(), "tls-port", str(quiet_port()))
        assert b"No tls-cert-file configured!" in answer
        assert running.server.config.tls_port == 0


# The options


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"tls_cert_file": ""}, "No tls-cert-file configured!"),
        ({"tls_key_file": ""}, "No tls-key-file configured!"),
        ({"tls_cert_file": "/nowhere"}, "/nowhere cannot be read: No such file or directory"),
        ({"tls_key_file": "{authority}"}, "is no private key of the certificate"),
        ({"tls_ca_cert_file": "", "tls_auth_clients": "yes"}, "Either tls-ca-cert-file or tls-ca-cert-dir must be"),
        ({"tls_ca_cert_file": "{key}"}, "has no certificates of an authority"),
        ({"tls_protocols": "TLSv9"}, "Invalid tls-protocols specified"),
        ({"tls_protocols": "TLSv1.1 TLSv1.3"}, "the tls-protocols must follow one another"),
        ({"tls_ciphers": "nonsense"}, "no such cipher"),
        ({"tls_dh_params_file": "{key}"}, "has no DH parameters"),
    ],
)
def test_what_does_not_work(authority, options, changed, reason):
    paths = {"authority": authority.certificate, "key": options["tls_key_file"]}
    changed = {name: value.format(**paths) for name, value in changed.items()}
    with pytest.raises(ConfigError) as caught:
        make_context(make_config(**options | changed))
    assert reason in caught.value.reason


def test_a_key_with_a_password(tmp_path, authority, options):
    key = tmp_path / "locked.key"
    command = [
        "openssl",
        "pkcs8",
        "-topk8",
        "-in",
        options["tls_key_file"],
        "-passout",
        "pass:secret",
        "-out",
        str(key),
    ]
    subprocess.run(command, check=True)
    make_context(make_config(**options | {"tls_key_file": key, "tls_key_file_pass": "secret"}))
    for wrong in ("", "other"):
        with pytest.raises(ConfigError):
            make_context(make_config(**options | {"tls_key_file": key, "tls_key_file_pass": wrong}))


def test_versions_and_ciphers(options):
    context = make_context(make_config(**options))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    strict = {"tls_protocols": "TLSv1.3", "tls_prefer_server_ciphers": True, "tls_ciphers": "ECDHE+AESGCM"}
    context = make_context(make_config(**options | strict))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3
    assert context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert all("AES" in cipher["name"] or cipher["protocol"] == "TLSv1.3" for cipher in context.get_ciphers())


def test_a_folder_of_authorities(authority, options):
    folder = str(Path(options["tls_ca_cert_file"]).parent)
    changed = {"tls_ca_cert_file": "", "tls_ca_cert_dir": folder, "tls_auth_clients": "yes"}
    assert make_context(make_config(**options | changed)).verify_mode is ssl.CERT_REQUIRED


# Clients as they are


def test_redis_py_and_a_store(authority, both):
    arguments = [word for name, value in both.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    with respstore.Server(*arguments) as server:
        url = f"rediss://localhost:{both['tls_port']}?ssl_ca_certs={authority.certificate}"
        with redis.Redis.from_url(url) as client:
            assert client.set("k", "v")
        with respstore.Store(url) as store:
            store.set("greeting", "hello")
            assert store.get("greeting") == b"hello"
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.sendall(b"EXISTS k\r\n")
            assert plain.recv(100) == b":1\r\n"
