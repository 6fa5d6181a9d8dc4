"""Listening: what is free is taken, what is not is said in one line, and a client never reaches the wrong server."""

import contextlib
import errno
import os
import pickle
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from respstore.exceptions import Holder, HolderKind, PortInUseError
from respstore.ports import get_free_port, get_socket_with_port, listen_tcp, listen_unix, listening
from tests.ports.strangers import RESPSTORE, answering, has_ipv6, holding

ME = os.getpid()
LONGEST_WAIT = len(listening.LOOPBACKS) * listening.KNOCK_LIMIT + listening.ANSWER_LIMIT


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Who answers gets all the time that a busy machine may take; who does not is waited for only a moment."""
    monkeypatch.setattr(listening, "KNOCK_LIMIT", 10.0)
    monkeypatch.setattr(listening, "ANSWER_LIMIT", 0.01 if "silent" in request.fixturenames else 10.0)


@pytest.fixture
def silent() -> None:
    """For tests whose holder does not answer."""


@contextlib.contextmanager
def tcp(*hosts: str, port: int = 0) -> Iterator[list[socket.socket]]:
    sockets = listen_tcp(hosts, port, 16)
    try:
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


def port_of_nobody() -> int:
    """A port that no server has, on any loopback address, and no outgoing connection of this busy machine either."""
    with tcp("127.0.0.1", "127.0.0.2", "-::1") as sockets:
        return sockets[0].getsockname()[1]


def refused(*hosts: str, port: int) -> PortInUseError:
    with pytest.raises(PortInUseError) as caught, tcp(*hosts, port=port):
        pass
    assert caught.value.errno == errno.EADDRINUSE
    assert str(caught.value) == caught.value.strerror
    assert str(caught.value).isprintable()
    return caught.value


def problem(*hosts: str, port: int = 0) -> OSError:
    try:
        with tcp(*hosts, port=port):
            pytest.fail("it listens")
    except OSError as error:
        return error


# What is free


def test_listens_without_blocking_on_a_free_port() -> None:
    with tcp("127.0.0.1") as (sock,):
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert not sock.getblocking()
        assert not sock.get_inheritable()
        assert sock.getsockname()[1] > 0


def test_several_addresses_share_one_free_port() -> None:
    with tcp("127.0.0.1", "-::1", "127.0.0.2") as sockets:
        assert [sock.getsockname()[0] for sock in sockets] == ["127.0.0.1", *["::1"] * has_ipv6(), "127.0.0.2"]
        assert len({sock.getsockname()[1] for sock in sockets}) == 1


def test_all_wildcards() -> None:
    with tcp("*", "-::*") as sockets:
        names = [sock.getsockname()[0] for sock in sockets]
    assert names == ["0.0.0.0", "::"] or (not has_ipv6() and names == ["0.0.0.0"])


def test_an_address_twice_is_one_address() -> None:
    with tcp("127.0.0.1", "localhost", "127.0.0.1") as sockets:
        names = [sock.getsockname()[0] for sock in sockets]
    assert names.count("127.0.0.1") == 1
    assert set(names) <= {"127.0.0.1", "::1"}


def test_each_socket_is_prepared_before_anybody_can_connect() -> None:
    prepared: list[str] = []

    def prepare(sock: socket.socket) -> None:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(sock.getsockname())
        prepared.append(sock.getsockname()[0])

    for sock in listen_tcp(["127.0.0.1", "127.0.0.2"], 0, 16, prepare):
        sock.close()
    assert prepared == ["127.0.0.1", "127.0.0.2"]


def test_no_addresses() -> None:
    assert listen_tcp([], 6379, 16) == []


def test_port_of_a_server_that_has_just_ended_is_free() -> None:
    with tcp("127.0.0.1") as (sock,):
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            sock.setblocking(True)
            sock.accept()[0].close()  # closes first, and so is the one that TIME_WAIT keeps
    with tcp("127.0.0.1", port=port):
        pass


def test_port_out_of_range() -> None:
    for port in (-1, 65536):
        with pytest.raises(ValueError, match=f"from 0 to 65535, not {port}"):
            listen_tcp(["127.0.0.1"], port, 16)


# Who holds it is said


def test_another_respstore() -> None:
    with answering(RESPSTORE) as port:
        error = refused("127.0.0.1", port=port)
        assert str(error) == f"127.0.0.1:{port} is taken by respstore 0.1.0 (pid {ME}, up 3 h)"
        assert (error.host, error.port, error.wanted) == ("127.0.0.1", port, None)
        assert error.holder.kind is HolderKind.RESPSTORE


def test_silent_listener(silent: None) -> None:
    with holding() as sock:
        port = sock.getsockname()[1]
        assert str(refused("127.0.0.1", port=port)).startswith(f"127.0.0.1:{port} is taken by this very process (pid ")


def test_bound_socket_that_does_not_listen() -> None:
    with holding(listens=False) as sock:
        port = sock.getsockname()[1]
        text = str(refused("127.0.0.1", port=port))
    assert text == f"127.0.0.1:{port} is taken by a bound socket that does not listen"


def test_socket_that_listens_after_we_bound(monkeypatch: pytest.MonkeyPatch, silent: None) -> None:
    """SO_REUSEADDR on both sides lets two sockets bind; the second to listen is refused."""
    with holding(listens=False, reuse=True) as other:
        monkeypatch.setattr(listening, "_knock", lambda addresses, port: other.listen())
        error = refused("127.0.0.1", port=other.getsockname()[1])
    assert error.holder.kind is HolderKind.SILENT


def test_connections_left_by_a_server_that_does_not_reuse_addresses() -> None:
    # 127.0.0.3 as other connections of this machine may share the number of the port on 127.0.0.1.
    with holding("127.0.0.3") as sock, socket.create_connection(sock.getsockname()) as client, sock.accept()[0]:
        port = sock.getsockname()[1]
        sock.close()
        error = refused("127.0.0.3", port=port)
        far_end = "{}:{}".format(*client.getsockname())
    assert str(error).startswith(f"127.0.0.3:{port} is taken by a connection with {far_end} (pid {ME}, ")


def test_a_conflict_is_reported_within_a_second() -> None:
    assert LONGEST_WAIT <= 0.9  # what the system is asked comes on top of it: some hundredths


def test_all_or_none(silent: None) -> None:
    port = port_of_nobody()
    with holding("127.0.0.2", port):
        error = problem("127.0.0.1", "127.0.0.2", port=port)
        assert isinstance(error, PortInUseError)
        assert error.host == "127.0.0.2"
        with tcp("127.0.0.1", port=port):
            pass


def test_error_survives_the_way_to_another_process() -> None:
    error = PortInUseError("::1", 6379, Holder(HolderKind.REDIS, "Redis 7.0.15", pid=17, uptime=99), "127.0.0.1:6379")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert (copy.errno, copy.host, copy.port, copy.wanted) == (errno.EADDRINUSE, "::1", 6379, "127.0.0.1:6379")
    assert copy.holder == error.holder


# An address that only seems free

IPV4 = [("127.0.0.1", False), ("0.0.0.0", False)]
IPV6 = [("::1", False), ("::", False), ("::", True), ("::ffff:127.0.0.1", True)] if has_ipv6() else []
OURS = ["127.0.0.1", "0.0.0.0", *["::1", "::"] * has_ipv6()]


@pytest.mark.parametrize("reuse", [False, True])
@pytest.mark.parametrize("ours", OURS)
@pytest.mark.parametrize(("theirs", "dual"), IPV4 + IPV6)
def test_server_that_localhost_reaches_is_a_conflict_with_any_other(
    theirs: str, dual: bool, ours: str, reuse: bool, silent: None
) -> None:
    port = port_of_nobody()
    with holding(theirs, port, reuse=reuse, dual=dual):
        error = refused(ours, port=port)
    assert error.holder.kind is HolderKind.SILENT
    assert error.holder.pid == ME


@pytest.mark.parametrize("ours", [host for host in OURS if host != "0.0.0.0"])
def test_server_on_another_loopback_address_is_no_conflict(ours: str) -> None:
    port = port_of_nobody()
    with holding("127.0.0.2", port), tcp(ours, port=port):
        pass


def test_shadow_of_the_other_family_is_explained() -> None:
    if not has_ipv6():
        assert problem("::1").errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
        return
    with answering(RESPSTORE, ("::1", port_of_nobody())) as port:
        error = refused("127.0.0.1", port=port)
    assert str(error) == (
        f"127.0.0.1:{port} is free, but a client of localhost:{port} may get to [::1]:{port}, "
        f"which is taken by respstore 0.1.0 (pid {ME}, up 3 h)"
    )
    assert (error.host, error.port, error.wanted) == ("::1", port, f"127.0.0.1:{port}")


def test_free_port_is_free_in_both_families(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, True, False, False])
    ports = []

    def is_answered(family, address, limit):
        ports.append(address[1])
        return next(answers)

    monkeypatch.setattr(listening, "is_answered", is_answered)
    with tcp("127.0.0.1") as (sock,):
        assert sock.getsockname()[1] == ports[-1]


def test_no_free_port_in_both_families(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(listening, "is_answered", lambda *_: asked.append(1) or True)
    assert isinstance(problem("127.0.0.1"), PortInUseError)
    assert len(asked) == listening.FREE_PORT_ATTEMPTS


# Addresses that cannot be had


def test_address_that_is_not_ours() -> None:
    error = problem("192.0.2.1", port=6379)
    assert error.errno == errno.EADDRNOTAVAIL
    assert error.strerror == (
        "cannot listen on 192.0.2.1:6379: this machine does not have that address; 0.0.0.0 stands for all that it has"
    )


def test_address_that_may_be_lacking() -> None:
    assert listen_tcp(["-192.0.2.1"], 0, 16) == []
    with tcp("-192.0.2.1", "127.0.0.1") as (sock,):
        assert sock.getsockname()[0] == "127.0.0.1"


def test_address_that_may_be_lacking_must_not_be_taken(silent: None) -> None:
    with holding() as sock:
        assert isinstance(problem("-127.0.0.1", port=sock.getsockname()[1]), PortInUseError)


def test_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)  # a test asks no name server
    error = problem("nobody.example", port=6379)
    assert isinstance(error, socket.gaierror)
    assert error.errno == socket.EAI_NONAME
    assert error.strerror == (
        "cannot listen on nobody.example port 6379: Name or service not known; give an IP address such as 127.0.0.1"
    )


def test_name_that_cannot_be_one() -> None:
    error = problem("a" * 64)
    assert isinstance(error, socket.gaierror)
    assert "not a host name" in error.strerror


def test_name_of_which_one_address_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host, *args, **options):
        if host == "both.example":
            return real("192.0.2.1", *args, **options) + real("127.0.0.1", *args, **options)
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with tcp("both.example") as (sock,):
        assert sock.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "advice"),
    [("::ffff:127.0.0.1", "IPv4 addresses are given as such: 127.0.0.1"), ("fe80::1", "needs its interface")],
)
def test_ipv6_address_of_a_special_kind(host: str, advice: str) -> None:
    error = problem(host)
    if error.errno == errno.EINVAL:
        assert advice in error.strerror
    else:
        assert not has_ipv6()


class WithoutIPv6(socket.socket):
    """A kernel that was built or started without IPv6."""

    def __init__(self, family=-1, *args, **options):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, *args, **options)


class WithIPv6Disabled(socket.socket):
    """A kernel that knows IPv6 and has no address of it (sysctl net.ipv6.conf.all.disable_ipv6)."""

    def bind(self, address):
        if self.family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        super().bind(address)

    def connect(self, address):
        if self.family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        super().connect(address)


@pytest.mark.parametrize("kernel", [WithoutIPv6, WithIPv6Disabled])
def test_machine_without_ipv6(kernel: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", kernel)
    for hosts in (["127.0.0.1", "-::1"], ["*", "-::*"], ["localhost"], ["127.0.0.1"]):
        with tcp(*hosts) as (sock,):
            assert sock.family == socket.AF_INET
    get_socket_with_port().close()
    assert problem("::1").errno == (errno.EAFNOSUPPORT if kernel is WithoutIPv6 else errno.EADDRNOTAVAIL)


def test_protocol_that_the_machine_cannot_speak_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", WithoutIPv6)
    with tcp("::1", "127.0.0.1", "::*") as (sock,):
        assert sock.family == socket.AF_INET
    assert "no IPv6; give an IPv4 address such as 127.0.0.1" in problem("::1").strerror


def run_as_nobody(code: str) -> str:
    """What the code prints, run by a user who may do nothing special."""
    # The first call imports what Python imports late, from where nobody may not read.
    start = "import os\nfrom respstore.ports import *\nlisten_tcp(['127.0.0.1'], 0, 16)[0].close()\n"
    program = f"{start}if os.getuid() == 0: os.setuid(65534)\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout


def test_privileged_port() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    port = max(lowest - 1, 1)
    said = run_as_nobody(
        f"try: print(len(listen_tcp(['127.0.0.1'], {port}, 16)))\nexcept OSError as e: print(e.errno, e.strerror)"
    )
    if lowest > 1:
        assert said == (
            f"{errno.EACCES} cannot listen on 127.0.0.1:{port}: ports below {lowest} are for root "
            f"(or CAP_NET_BIND_SERVICE); choose one from {lowest} up\n"
        )
    else:  # a container where no port is privileged
        assert said == "1\n"


def test_permission_denied_for_another_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sandboxed(socket.socket):
        def bind(self, address):
            raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "socket", Sandboxed)
    assert "SELinux or the like" in problem("127.0.0.1", port=6379).strerror


# Free ports


def test_socket_with_port() -> None:
    with get_socket_with_port() as sock, socket.create_connection(sock.getsockname()[:2]):
        assert sock.getblocking()
        with sock.accept()[0]:
            pass


def test_free_port() -> None:
    with tcp("localhost", port=get_free_port()):
        pass


def test_no_socket_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args, **options):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", fail)
    with pytest.raises(RuntimeError, match="Failed to create a socket"):
        get_socket_with_port()
    assert problem("127.0.0.1", port=6379).strerror == "cannot listen on 127.0.0.1:6379: Too many open files"


# Unix sockets


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "respstore.sock"


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def unix_problem(path: Path | str) -> OSError:
    try:
        listen_unix(str(path), None, 16).close()
    except OSError as error:
        return error
    pytest.fail("it listens")


def dead_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()


@pytest.mark.parametrize(("permissions", "result"), [(None, 0o755), (0o700, 0o700), (0o777, 0o777), (0o660, 0o660)])
def test_unix_socket(path: Path, umask: None, permissions: int | None, result: int) -> None:
    with listen_unix(str(path), permissions, 16) as sock, socket.socket(socket.AF_UNIX) as client:
        assert not sock.getblocking()
        assert mode(path) == result
        client.connect(str(path))


def test_socket_file_is_never_open_to_more_than_it_will_be(
    path: Path, umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []

    class Watching(socket.socket):
        def bind(self, address):
            super().bind(address)
            modes.append(mode(path))

        def listen(self, backlog):
            modes.append(mode(path))
            super().listen(backlog)

    monkeypatch.setattr(socket, "socket", Watching)
    for permissions in (0o600, 0o777):
        listen_unix(str(path), permissions, 16).close()
    assert modes == [0o600, 0o600, 0o755, 0o777]


def test_dead_owner_is_succeeded(path: Path) -> None:
    dead_socket(path)
    with listen_unix(str(path), None, 16), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_dead_owner_whose_child_still_holds_a_connection_is_succeeded(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client, contextlib.ExitStack() as child:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            client.connect(str(path))
            child.enter_context(server.accept()[0])
        listen_unix(str(path), None, 16).close()


def test_live_owner_is_named(path: Path) -> None:
    with answering(RESPSTORE, path):
        error = unix_problem(path)
        assert isinstance(error, PortInUseError)
        assert str(error) == f"{path} is taken by respstore 0.1.0 (pid {ME}, up 3 h)"
        assert (error.host, error.port) == (str(path), None)
        assert path.is_socket()


def test_live_owner_that_is_silent(path: Path, silent: None) -> None:
    with listen_unix(str(path), None, 16):
        assert str(unix_problem(path)).startswith(f"{path} is taken by this very process (pid {ME}, ")


def test_live_owner_whose_queue_is_full(path: Path, silent: None) -> None:
    with listen_unix(str(path), None, 0), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert str(unix_problem(path)) == f"{path} is taken by a process that does not answer"


def test_live_owner_that_does_not_listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        assert str(unix_problem(path)) == f"{path} is taken by a bound socket that does not listen"


def test_live_owner_of_a_datagram_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        error = unix_problem(path)
        assert isinstance(error, PortInUseError)
        assert "cannot be asked" in str(error)


def test_file_that_appears_while_we_bind(path: Path, monkeypatch: pytest.MonkeyPatch, silent: None) -> None:
    with listen_unix(str(path), None, 16):
        monkeypatch.setattr(listening, "_remove_dead", lambda path: None)
        assert isinstance(unix_problem(path), PortInUseError)


def test_of_many_that_succeed_a_dead_one_one_wins(path: Path, silent: None) -> None:
    dead_socket(path)
    winners, losers = [], []
    start = threading.Barrier(8)

    def take_over():
        start.wait()
        try:
            winners.append(listen_unix(str(path), None, 64))
        except PortInUseError as error:
            losers.append(error)

    threads = [threading.Thread(target=take_over) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(winners), len(losers)) == (1, 7)
    with winners[0], socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def make_link_to_a_dead_socket(path: Path) -> None:
    dead_socket(path.with_suffix(".dead"))
    path.symlink_to(path.with_suffix(".dead"))


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, make_link_to_a_dead_socket])
def test_what_is_no_socket_is_never_deleted(path: Path, make: Callable[..., Any]) -> None:
    make(path)
    before = path.lstat()
    error = unix_problem(path)
    assert isinstance(error, FileExistsError)
    assert error.strerror == (
        f"cannot listen on {path}: there is something that is no socket, and it is not deleted; choose another path"
    )
    assert path.lstat().st_ino == before.st_ino


def test_directory_that_does_not_exist(tmp_path: Path) -> None:
    error = unix_problem(tmp_path / "run" / "s")
    assert isinstance(error, FileNotFoundError)
    assert error.strerror == f"cannot listen on {tmp_path}/run/s: there is no directory {tmp_path}/run"


def test_directory_where_others_may_not_write() -> None:
    said = run_as_nobody("try: listen_unix('/proc/s', None, 16)\nexcept OSError as e: print(e.strerror)")
    assert said.startswith("cannot listen on /proc/s: ")
    said = run_as_nobody("try: listen_unix('/s', None, 16)\nexcept OSError as e: print(e.errno, e.strerror)")
    assert said == f"{errno.EACCES} cannot listen on /s: no permission to create or delete files in /\n"


def test_long_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    longest = listening.MAX_UNIX_PATH
    for name in ("x" * longest, "é" * (longest // 2)):
        listen_unix(name, None, 16).close()
    error = unix_problem("é" * (longest // 2 + 1))
    assert error.errno == errno.ENAMETOOLONG
    assert error.strerror.endswith(f"the path has {longest + 1} bytes, and that of a unix socket may have {longest}")


@pytest.mark.parametrize("name", ["", "\0abstract", "a\0b"])
def test_path_of_no_file(name: str) -> None:
    assert unix_problem(name).errno == errno.EINVAL


def test_another_who_keeps_the_directory_locked_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LOCK_LIMIT", 0.01)
    with listening._lock(path.parent):
        listen_unix(str(path), None, 16).close()
