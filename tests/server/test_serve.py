"""The life of a server: it starts where it is told or says why not, and stops so that nobody is left without answer."""

import logging
import os
import socket
import stat

import hiredis
import pytest
import trio
import trio.testing

import respstore
from respstore.config import Config
from respstore.exceptions import ConfigError, HolderKind, PortInUseError
from respstore.ports import listen_tcp
from respstore.server.serve import Server
from tests.server.serving import DEADLINE, MB, Client, make_config, noise, open_stream, serving, settled, until
from tests.talk import request

# Inside a trio program


async def test_starts_and_ends_with_a_nursery():
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            address = await nursery.start(respstore.serve, "--port", "0", "--bind", "127.0.0.1")
            async with Client(await open_stream(address.port)) as client:
                assert await client.ask(b"PING") == b"+PONG\r\n"
            assert address.url == f"redis://127.0.0.1:{address.port}"
            nursery.cancel_scope.cancel()

    for sock in listen_tcp(["127.0.0.1"], address.port, 1):  # it is free again
        sock.close()


async def test_who_waits_is_told_when_the_server_is_cancelled(use_poller):
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            address = await nursery.start(Server(make_config(), use_poller).run)
            async with Client(await open_stream(address.port)) as client:
                await client.send(b"BLPOP q 0")
                await settled()

                nursery.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    assert await client.rest() == b"-ERR the server is shutting down\r\n"


async def test_two_servers_live_in_one_process(use_poller):
    async with serving(use_poller) as one, serving(use_poller) as other:
        for running, value in ((one, b"1"), (other, b"2")):
            assert await (await running.connect()).ask(b"SET", b"k", value) == b"+OK\r\n"

        assert one.address != other.address
        assert await (await one.connect()).ask(b"GET k") == b"$1\r\n1\r\n"


async def test_says_who_holds_the_port(monkeypatch):
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 0.01)  # nobody will answer: the loop stands still
    with trio.fail_after(DEADLINE):
        async with serving() as running, trio.open_nursery() as nursery:
            port = str(running.address.port)

            with pytest.raises(PortInUseError) as caught:
                await nursery.start(respstore.serve, "--port", port, "--bind", "127.0.0.1")

            assert f"127.0.0.1:{port} is taken by this very process" in str(caught.value)
            assert caught.value.holder.kind is HolderKind.SILENT


async def test_says_what_is_wrong_with_its_options():
    async with trio.open_nursery() as nursery:
        with pytest.raises(ConfigError, match="--no-such-directive"):
            await nursery.start(respstore.serve, "--no-such-directive", "1")
        with pytest.raises(OSError, match="there is no address to listen on"):
            await nursery.start(respstore.serve, "--bind", "")


async def test_warns_of_options_that_have_no_effect(caplog):
    with trio.fail_after(DEADLINE), caplog.at_level(logging.INFO):
        async with trio.open_nursery() as nursery:
            await nursery.start(respstore.serve, "--port", "0", "--bind", "127.0.0.1", "--io-threads", "4")
            nursery.cancel_scope.cancel()

    first, *_ = caplog.records
    assert (first.levelname, first.message) == ("WARNING", "'io-threads' has no effect in respstore")


async def test_logs_its_start_and_its_end_in_a_line_each(caplog):
    with caplog.at_level(logging.INFO):
        async with serving() as running:
            address = running.address

    start, end = caplog.records
    assert start.message == f"respstore {respstore.__version__} listens on {address} (pid {os.getpid()})"
    assert end.message == "respstore is down"


async def test_leaves_nothing_open(use_poller):
    def open_files() -> set[str]:
        return set(os.listdir("/dev/fd"))  # noqa: PTH208 - names are all that is wanted

    before = open_files()
    for _ in range(3):
        async with serving(use_poller) as running:
            client = await running.connect()
            assert await client.ask(b"PING") == b"+PONG\r\n"

    assert len(open_files()) <= len(before)


# Unix sockets


async def test_serves_a_unix_socket_and_no_tcp_port(use_poller, tmp_path):
    async with serving(use_poller, unixsocket="s", unixsocketperm=0o700, dir=tmp_path) as running:
        path = tmp_path / "s"
        assert str(running.address) == f"unix:{path}"
        assert running.address.url == f"unix://{path}"
        assert running.address.port == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o700

        client = await running.connect()

        assert await client.ask(b"PING") == b"+PONG\r\n"
        assert b" addr=s:0 laddr=s:0 " in await client.ask(b"CLIENT INFO")
        assert b"tcp_port:0\r\n" in await client.ask(b"INFO server")
    assert not path.exists()


async def test_who_waits_at_a_unix_socket_is_told_when_the_server_stops(use_poller, tmp_path):
    async with serving(use_poller, unixsocket=tmp_path / "s") as running:
        client = await running.connect()
        await client.send(b"BLPOP q 0")
        await settled()

        await running.stop()

        assert await client.rest() == b"-ERR the server is shutting down\r\n"


async def test_leaves_a_unix_socket_that_is_not_its_own_any_more(tmp_path):
    path = tmp_path / "s"
    async with serving(unixsocket=path) as running:
        path.unlink()
        async with serving(unixsocket=path) as other:
            await running.stop()
            await until(lambda: len(running.server._backend) == 0 and not running.server._listeners._sockets())

            assert await (await other.connect()).ask(b"PING") == b"+PONG\r\n"
            assert path.exists()
    assert not path.exists()


# Who is let in


async def test_refuses_more_clients_than_maxclients(use_poller):
    async with serving(use_poller, maxclients=2) as running:
        first, second = await running.connect(), await running.connect()
        assert await first.ask(b"PING") == await second.ask(b"PING") == b"+PONG\r\n"

        third = await running.connect()
        await third.send(b"PING")
        assert await third.rest() == b"-ERR max number of clients reached\r\n"

        assert b"rejected_connections:1\r\n" in await first.ask(b"INFO stats")
        assert await second.ask(b"QUIT") == b"+OK\r\n"
        await until(lambda: len(running.server._backend) == 1)
        assert await (await running.connect()).ask(b"PING") == b"+PONG\r\n"


async def test_counts_clients_whose_session_is_over_until_they_are_gone(use_poller):
    async with serving(use_poller, maxclients=2) as running:
        first, second = await running.connect(), await running.connect()
        assert await first.ask(b"SET", b"k", bytes(MB)) == b"+OK\r\n"
        await second.stream.send_all(request(b"GET k") * 20 + request(b"QUIT"))
        await until(lambda: len(running.engine.sessions) == 1)

        assert await (await running.connect()).rest() == b"-ERR max number of clients reached\r\n"


async def test_protects_a_server_without_a_password_from_other_machines(use_poller, monkeypatch):
    monkeypatch.setattr("respstore.server.accepting._is_local", lambda sock: False)
    async with serving(use_poller) as running:
        assert (await (await running.connect()).rest()).startswith(b"-DENIED respstore runs in protected mode")

        running.engine.acl.change(b"default", [b">secret"])
        assert (await (await running.connect()).ask(b"PING")).startswith(b"-NOAUTH")

        running.engine.acl.change(b"default", [b"nopass"])
        running.server.config.protected_mode = False
        assert await (await running.connect()).ask(b"PING") == b"+PONG\r\n"


def test_does_not_start_with_users_that_make_no_sense(tmp_path):
    (tmp_path / "users.acl").write_text("user alice foo\n")

    with pytest.raises(ConfigError, match=r"redis.conf, line 1: 'user x foo': Error in user declaration 'x'"):
        Server(Config.from_text("user x foo"))
    with pytest.raises(ConfigError, match=r"aclfile: users\.acl:1: Syntax error"):
        Server(make_config(dir=str(tmp_path), aclfile="users.acl"))
    with pytest.raises(ConfigError, match=r"opening file 'none\.acl': No such file or directory"):
        Server(make_config(dir=str(tmp_path), aclfile="none.acl"))


async def test_reads_and_writes_the_file_of_users(use_poller, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text("user alice on nopass +@all ~*\n")
    path.chmod(0o600)
    async with serving(use_poller, dir=str(tmp_path), aclfile="users.acl") as running:
        admin, alice = await running.connect(), await running.connect()
        assert await alice.ask(b"AUTH alice x") == b"+OK\r\n"
        assert await admin.ask(b"ACL SETUSER bob on") == b"+OK\r\n"
        assert await admin.ask(b"ACL SAVE") == b"+OK\r\n"
        assert await admin.ask(b"ACL LOAD") == b"+OK\r\n"
        assert await alice.rest() == b""
    assert path.read_text().splitlines()[1] == "user bob on resetchannels -@all"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_answers_late_who_guesses_passwords_and_nobody_else(use_poller):
    async with serving(use_poller, requirepass=b"secret") as running:
        guessing, other = await running.connect(), await running.connect()
        for _ in range(11):
            assert (await guessing.ask(b"AUTH wrong")).startswith(b"-WRONGPASS")
        await guessing.send(b"AUTH secret")
        assert await other.ask(b"PING") == b"-NOAUTH Authentication required.\r\n"
        assert len(running.engine.waiting) == 1
        assert await guessing.line() == b"+OK\r\n"


async def test_hangs_up_on_who_is_idle(use_poller):
    async with serving(use_poller, timeout=60) as running:
        idle, waiting, busy = [await running.connect() for _ in range(3)]
        assert await idle.ask(b"PING") == b"+PONG\r\n"
        await waiting.send(b"BLPOP q 0")
        await until(lambda: len(running.engine.waiting) == 1)
        running.pass_time(50)
        assert await busy.ask(b"PING") == b"+PONG\r\n"

        running.pass_time(20)

        assert await idle.rest() == b""
        assert await busy.ask(b"RPUSH q 1") == b":1\r\n"
        assert (await waiting.line()) == b"*2\r\n"


async def test_survives_who_is_gone_before_it_is_let_in(use_poller):
    async with serving(use_poller) as running:
        gone = [socket.create_connection(("127.0.0.1", running.address.port)) for _ in range(20)]
        for sock in gone:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
        await settled()

        assert await (await running.connect()).ask(b"PING") == b"+PONG\r\n"
        assert len(running.engine.sessions) == 1


async def test_closes_a_connection_that_the_backend_cannot_take(use_poller, monkeypatch):
    async with serving(use_poller) as running:

        def fail(sock, session):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(running.server._backend, "add", fail)
            assert await (await running.connect()).rest() == b""

        assert running.engine.sessions == {}
        assert await (await running.connect()).ask(b"PING") == b"+PONG\r\n"


# CONFIG SET


async def test_moves_to_another_port_and_keeps_its_clients(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()
        (sock,) = listen_tcp(["127.0.0.1"], 0, 1)
        port = sock.getsockname()[1]
        sock.close()

        assert await client.ask(b"CONFIG SET port %d" % port) == b"+OK\r\n"

        assert await (await running.connect(port)).ask(b"PING") == b"+PONG\r\n"
        assert b"tcp_port:%d\r\n" % port in await client.ask(b"INFO server")
        with pytest.raises(ConnectionRefusedError):
            await open_stream(running.address.port)


async def test_stays_at_its_port_if_the_other_is_taken(use_poller, caplog, monkeypatch):
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 0.01)
    async with serving(use_poller) as running:
        client = await running.connect()
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]

            reply = await client.ask(b"CONFIG SET port %d" % port)

        failed = b"-ERR CONFIG SET failed (possibly related to argument 'port') - "
        assert reply == failed + b"Unable to listen on this port. Check server logs.\r\n"
        assert f"127.0.0.1:{port} is taken by" in caplog.text
        assert await (await running.connect()).ask(b"CONFIG GET port") == b"*2\r\n"


async def test_listens_on_other_addresses_at_the_same_port(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()
        port = running.address.port

        assert await client.ask(b"CONFIG", b"SET", b"bind", b"127.0.0.2 127.0.0.1") == b"+OK\r\n"

        stream = await trio.open_tcp_stream("127.0.0.2", port)
        async with Client(stream) as other:
            assert await other.ask(b"PING") == b"+PONG\r\n"
        assert await (await running.connect()).ask(b"PING") == b"+PONG\r\n"
        reply = await client.ask(b"CONFIG SET bind 192.0.2.254")
        failed = b"-ERR CONFIG SET failed (possibly related to argument 'bind') - "
        assert reply == failed + b"Failed to bind to specified addresses.\r\n"
        assert await (await running.connect()).ask(b"PING") == b"+PONG\r\n"


async def test_replies_leave_at_once(use_poller):
    async with serving(use_poller) as running:
        _, session = await running.connect_session()

        with socket.fromfd(session.fd, socket.AF_INET, socket.SOCK_STREAM) as sock:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_obeys_new_limits(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()

        assert await client.ask(b"CONFIG SET maxclients 1 tcp-keepalive 33") == b"+OK\r\n"
        assert (await (await running.connect()).rest()).startswith(b"-ERR max number of clients")
        assert await client.ask(b"CONFIG SET maxclients 2 timeout 5") == b"+OK\r\n"
        other, session = await running.connect_session()
        with socket.fromfd(session.fd, socket.AF_INET, socket.SOCK_STREAM) as sock:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            if hasattr(socket, "TCP_KEEPIDLE"):
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 33
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 11
        running.pass_time(6)
        assert await other.rest() == b""


# The end


def replies_in(data: bytes) -> int:
    """How many replies there are, each of them whole."""
    reader = hiredis.Reader()
    reader.feed(data)
    count = 0
    while reader.gets() is not False:
        count += 1
    assert not reader.has_data(), "a reply was cut"
    return count


async def test_who_waits_is_told_when_the_server_stops(use_poller):
    async with serving(use_poller) as running:
        clients = [await running.connect() for _ in range(3)]
        for client in clients:
            await client.send(b"BLPOP q 0")
        await until(lambda: len(running.engine.waiting) == 3)

        await running.stop()

        for client in clients:
            assert await client.rest() == b"-ERR the server is shutting down\r\n"


@pytest.fixture
def long_grace(monkeypatch):
    """However long a busy machine takes to read."""
    monkeypatch.setattr("respstore.server.serve.GRACE_SECONDS", 60.0)


async def test_no_reply_is_cut_when_the_server_stops(use_poller, long_grace):
    """They have sent requests for more than the system holds, and only read when the server is on its way out."""
    async with serving(use_poller) as running:
        clients = [await running.connect() for _ in range(4)]
        assert await clients[0].ask(b"SET", b"k", noise(MB)) == b"+OK\r\n"
        for client in clients:
            await client.stream.send_all((request(b"GET k") + request(b"PING") * 50) * 8)
        await settled()
        assert all(session.unsent for session in running.engine.sessions.values())

        await running.stop()

        for client in clients:
            assert replies_in(await client.rest()) == 8 * 51


async def drain_goes_on() -> None:
    """Until a server that stops has looked several times whether its clients have all."""
    for _ in range(4):
        await trio.testing.wait_all_tasks_blocked(0.004)


@pytest.fixture
def short_quiet(monkeypatch):
    for name in ("poller", "streams"):
        monkeypatch.setattr(f"respstore.server.{name}.QUIET_SECONDS", 0.005)


async def test_waits_for_who_reads_after_a_pause(use_poller, short_quiet, long_grace):
    async with serving(use_poller) as running:
        client, session = await running.connect_session()
        assert await client.ask(b"SET", b"k", noise(MB)) == b"+OK\r\n"
        await client.stream.send_all(request(b"GET k") * 8)
        await until(lambda: session.unsent)

        await running.stop()
        await drain_goes_on()

        assert len(running.server._backend) == 1
        assert replies_in(await client.rest()) == 8


async def test_waits_for_what_the_system_has_not_delivered(use_poller, short_quiet, long_grace, monkeypatch):
    delivered = False
    for name in ("poller", "streams"):
        monkeypatch.setattr(f"respstore.server.{name}.is_delivered", lambda fd: delivered)
    async with serving(use_poller) as running:
        client = await running.connect()
        assert await client.ask(b"PING") == b"+PONG\r\n"

        await running.stop()
        await drain_goes_on()
        assert len(running.server._backend) == 1

        delivered = True
        await until(lambda: not len(running.server._backend))


async def test_who_sends_without_reading_gets_whole_replies_when_the_server_stops(use_poller, long_grace):
    async with serving(use_poller) as running:
        client = await running.connect()
        assert await client.ask(b"SET", b"k", noise(MB)) == b"+OK\r\n"
        many = (request(b"GET k") + request(b"PING") * 50) * 8
        await client.stream.send_all(many)
        await settled()

        await running.stop()
        # More than the system holds, and never whole: who is quick would answer it.
        await client.stream.send_all(request(b"ECHO", bytes(8 * MB))[:-1])

        assert replies_in(await client.rest()) == 8 * 51


async def test_stops_at_the_command_of_a_client(use_poller):
    async with serving(use_poller) as running:
        client, waiter = await running.connect(), await running.connect()
        await waiter.send(b"BLPOP q 0")
        await until(lambda: len(running.engine.waiting) == 1)

        await client.send(b"SHUTDOWN NOSAVE")

        assert await client.rest() == b""
        assert await waiter.rest() == b"-ERR the server is shutting down\r\n"


async def test_does_not_wait_for_who_never_reads(use_poller, monkeypatch):
    monkeypatch.setattr("respstore.server.serve.GRACE_SECONDS", 0.05)
    async with serving(use_poller) as running:
        client, session = await running.connect_session()
        assert await client.ask(b"SET", b"k", bytes(MB)) == b"+OK\r\n"
        await client.stream.send_all(request(b"GET k") * 20)
        await until(lambda: session.unsent)

        await running.stop()
        await until(lambda: not len(running.server._backend))


async def test_requests_that_come_while_the_server_stops_are_not_run(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()
        assert await client.ask(b"PING") == b"+PONG\r\n"

        await running.stop()
        await client.send(b"SET k v")

        assert await client.rest() in (b"", b"+OK\r\n")
        assert (b"k" in running.engine.keyspace.databases[0].data) == (b"+OK" in await client.rest())
