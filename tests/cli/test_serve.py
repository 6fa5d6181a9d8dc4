"""`respstore serve`: what it accepts and refuses, what it prints, and how it ends."""

import contextlib
import errno
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time

import hiredis
import pytest
import trio
import trio.testing

from respstore import __version__
from respstore.cli import main
from tests.cli.programs import COMMAND, PATIENCE, ROOT, Program, serving
from tests.ports.strangers import holding
from tests.server.serving import MB, noise
from tests.talk import request

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
BUSY_CLIENTS = 50


def log_of(text: str) -> list[str]:
    """Level and message of each line."""
    lines = text.splitlines()
    assert all(re.match(f"{TIME} [A-Z]+ ", line) for line in lines), text
    return [line[24:] for line in lines]


# What it refuses


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--frob", "1"], "command line: '--frob 1': Bad directive or wrong number of arguments"),
        (["--port", "x"], "command line: '--port x': argument couldn't be parsed into an integer"),
        (["--syslog-enabled", "yes"], "command line: '--syslog-enabled yes': respstore supports only 'no' here"),
        (
            ["--rename-command", "NOSUCH", "x"],
            "command line: '--rename-command NOSUCH x': No such command in rename-command",
        ),
        (["/no/such.conf"], "can't open config file '/no/such.conf': No such file or directory"),
        (["--port-file"], "--port-file needs the path of a file"),
        (["--logfile", "/no/such/log"], "cannot open the log file /no/such/log: No such file or directory"),
        (["--dir", "/no/such"], "command line: '--dir /no/such': No such file or directory"),
    ],
)
def test_names_what_is_wrong_with_the_configuration_in_one_line(capsys, arguments, reason):
    assert main(["serve", *arguments]) == 2
    assert capsys.readouterr() == ("", f"respstore: {reason}\n")


def test_names_users_that_make_no_sense(capsys):
    assert main(["serve", "--port", "0", "--loglevel", "warning", "--user", "x", "foo"]) == 2
    reason = "Error in user declaration 'x': Error in ACL SETUSER modifier 'foo': Syntax error"
    assert capsys.readouterr() == ("", f"respstore: command line: '--user x foo': {reason}\n")


def test_names_options_that_do_not_go_together(capsys):
    assert main(["serve", "--port", "0", "--loglevel", "warning", "--tcpstore-port", "0/a", "0/a/b"]) == 2
    assert capsys.readouterr() == ("", "respstore: tcpstore-port: namespaces 'a/b' and 'a' would have keys in common\n")


def test_names_the_line_of_a_file_that_is_wrong(capsys, tmp_path):
    path = tmp_path / "redis.conf"
    path.write_text("# respstore\nport 0\ncluster-enabled yes\n")

    assert main(["serve", str(path)]) == 2

    line = f"{path}, line 3: 'cluster-enabled yes'"
    assert capsys.readouterr().err == f"respstore: {line}: respstore supports only 'no' here\n"


def test_says_who_has_the_port(capsys, monkeypatch):
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 0.01)
    with holding() as sock:
        port = sock.getsockname()[1]
        assert main(["serve", "--port", str(port), "--bind", "127.0.0.1"]) == 98

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"respstore: 127.0.0.1:{port} is taken by this very process (pid {os.getpid()}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--bind", "192.0.2.254"], "this machine does not have that address"),
        (["--bind", ""], "there is no address to listen on"),
        (["--port", "0", "--unixsocket", "/no/such/s"], "cannot listen on /no/such/s: there is no directory /no/such"),
        (["--port", "0", "--port-file", "/"], "/: Is a directory"),
    ],
)
def test_says_what_else_prevents_it_from_serving(capsys, arguments, reason):
    assert main(["serve", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("respstore: ")
    assert reason in err
    assert err.count("\n") == 1


def test_logs_as_well_why_it_does_not_serve(capsys, tmp_path):
    assert main(["serve", "--dir", str(tmp_path), "--logfile", "log", "--bind", ""]) == 1

    message = capsys.readouterr().err.removeprefix("respstore: ")
    assert log_of((tmp_path / "log").read_text()) == [f"ERROR {message.strip()}"]


def test_leaves_the_logging_of_this_process_as_it_was(capsys):
    assert main(["serve", "--bind", "", "--loglevel", "warning"]) == 1

    logger = __import__("logging").getLogger("respstore")
    assert logger.handlers == []
    assert logger.level == 0


# What it accepts, and what it prints


@pytest.mark.slow
def test_serves_as_a_file_and_the_command_line_say(tmp_path):
    path = tmp_path / "redis.conf"
    path.write_text("port 1\nmaxclients 7\nio-threads 4\nloglevel verbose\ndir .\n")
    (tmp_path / "port").write_text("1\n")  # of the last server

    arguments = (str(path), "--port", "0", "--bind", "127.0.0.1", "--timeout", "9", "--port-file", "port")
    with serving(*arguments, cwd=tmp_path) as program:
        assert re.fullmatch(r"redis://127\.0\.0\.1:\d+", program.url)
        assert (tmp_path / "port").read_text() == f"{program.port}\n"
        assert program.ask(b"CONFIG GET maxclients").startswith(b"*2\r\n$10\r\nmaxclients\r\n$1\r\n7\r\n")
        assert program.ask(b"CONFIG GET timeout").startswith(b"*2\r\n$7\r\ntimeout\r\n$1\r\n9\r\n")
        assert program.ask(b"CONFIG SET loglevel warning").startswith(b"+OK\r\n")
        assert program.ends(signal.SIGTERM) == 0
        log = program.errors()

    assert log_of(log) == [
        "WARNING 'io-threads' has no effect in respstore",
        f"INFO respstore {__version__} listens on 127.0.0.1:{program.port} (pid {program.process.pid})",
    ]


@pytest.mark.slow
def test_serves_as_standard_input_says():
    with serving("-", text="bind 127.0.0.1\nport 0\nrequirepass secret\n") as program:
        assert program.ask(b"PING").startswith(b"-NOAUTH ")
        assert program.ends(signal.SIGTERM) == 0


@pytest.mark.slow
def test_serves_a_unix_socket_alone_and_logs_to_a_file(tmp_path):
    log = tmp_path / "log"
    arguments = ("--port", "0", "--dir", str(tmp_path), "--unixsocket", "s", "--logfile", "log")
    with serving(*arguments) as program:
        assert program.url == f"unix://{tmp_path}/s"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n"
            log.rename(tmp_path / "log.1")  # as logrotate does
            client.sendall(b"SHUTDOWN\r\n")
            assert client.recv(100) == b""
        assert program.ends() == 0
        assert program.errors() == ""

    assert not (tmp_path / "s").exists()
    assert log_of((tmp_path / "log.1").read_text()) == [
        f"INFO respstore {__version__} listens on {tmp_path}/s (pid {program.process.pid})"
    ]
    *_, last = log_of(log.read_text())
    assert last == "INFO respstore is down"


@pytest.mark.slow
def test_ends_if_it_cannot_tell_its_port(tmp_path):
    process = subprocess.run(
        [*COMMAND, "serve", "--port", "0", "--bind", "127.0.0.1", "--port-file", str(tmp_path / "none" / "port")],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert process.returncode == 1
    assert process.stdout == ""
    *_, last = process.stderr.splitlines()
    assert last == f"respstore: cannot write the port to {tmp_path}/none/port: {os.strerror(errno.ENOENT)}"


@pytest.mark.slow
def test_serves_as_many_clients_as_the_system_permits(tmp_path):
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    with serving(preexec_fn=few_files) as program:
        assert b"$2\r\n32\r\n" in program.ask(b"CONFIG GET maxclients")
        assert program.ask(b"CONFIG SET maxclients 1000").startswith(
            b"-ERR CONFIG SET failed (possibly related to argument 'maxclients') - "
            b"The operating system is not able to handle the specified number of clients, try with 32\r\n"
        )
        assert b"$2\r\n32\r\n" in program.ask(b"CONFIG GET maxclients")
        assert program.ends(signal.SIGTERM) == 0
        first, *_ = log_of(program.errors())

    assert first == (
        "WARNING maxclients is 32 rather than 10000: the system permits no more open files; see 'ulimit -n'"
    )


# How it ends


class Busy:
    """A client that sends requests in pipelines, one after the other, until the server hangs up.

    Attributes:
        replies: how many came, each of them whole.
    """

    LENGTHS = (10,) * 20 + (20_000,)
    PIPELINE = (request(b"GET small") * 20 + request(b"GET large")) * 5

    def __init__(self) -> None:
        self.replies = 0

    async def run(self, port: int) -> None:
        reader = hiredis.Reader()
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            with contextlib.suppress(trio.BrokenResourceError):
                await stream.send_all(self.PIPELINE)
                while data := await stream.receive_some(MB):
                    reader.feed(data)
                    while (reply := reader.gets()) is not False:
                        assert len(reply) == self.LENGTHS[self.replies % 21]
                        self.replies += 1
                        if self.replies % 105 == 0:
                            await stream.send_all(self.PIPELINE)
        assert not reader.has_data(), "a reply was cut"


async def wait_for_a_job(port: int, answers: list[bytes]) -> None:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(request(b"BLPOP q 0"))
        answer = b""
        while data := await stream.receive_some():
            answer += data
        answers.append(answer)


def set_values(program: Program) -> None:
    with program.connect() as client:
        client.sendall(request(b"SET", b"small", b"0123456789") + request(b"SET", b"large", noise(20_000)))
        assert client.recv(10, socket.MSG_WAITALL) == b"+OK\r\n+OK\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("libuv", ["1", "0"], ids=["poller", "streams"])
def test_ends_within_two_seconds_of_a_signal_and_cuts_no_reply(libuv):
    busy = [Busy() for _ in range(BUSY_CLIENTS)]
    answers: list[bytes] = []

    async def clients(program: Program) -> float:
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(wait_for_a_job, program.port, answers)
                for client in busy:
                    nursery.start_soon(client.run, program.port)
                while not all(client.replies for client in busy):
                    await trio.testing.wait_all_tasks_blocked()
                start = time.monotonic()
                program.process.send_signal(signal.SIGTERM)
        return time.monotonic() - start

    with serving(env={"USE_LIBUV": libuv}) as program:
        set_values(program)
        elapsed = trio.run(clients, program)
        assert program.ends() == 0
        assert log_of(program.errors())[1:] == ["INFO SIGTERM: stopping", "INFO respstore is down"]

    assert elapsed < 2
    assert answers == [b"-ERR the server is shutting down\r\n"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(("number", "is_saved"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
def test_a_signal_does_what_the_options_say_of_it(tmp_path, number, is_saved):
    lines = "port 0", f"dir {tmp_path}", "save 3600 1", "shutdown-on-sigterm nosave", "shutdown-on-sigint save now"
    with serving("-", text="\n".join(lines)) as program:
        set_values(program)
        assert program.ends(number) == 0
    assert (tmp_path / "dump.rdb").exists() == is_saved


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once():
    with serving() as program, program.connect() as stuck:
        set_values(program)
        stuck.sendall(request(b"GET large") * 500)  # and reads none of it
        assert program.process.stderr is not None
        program.process.stderr.readline()
        program.process.send_signal(signal.SIGINT)
        assert program.process.stderr.readline().endswith("INFO SIGINT: stopping\n")
        assert program.ends(signal.SIGTERM) == 128 + signal.SIGTERM

        assert log_of(program.errors()) == ["WARNING SIGTERM while stopping: ending at once"]


@pytest.mark.slow
def test_does_not_wait_for_long_for_a_client_that_never_reads():
    with serving() as program, program.connect() as stuck:
        set_values(program)
        stuck.sendall(request(b"GET large") * 500)
        start = time.monotonic()

        assert program.ends(signal.SIGINT) == 0

        assert time.monotonic() - start < 5  # one, on a machine that has nothing else to do


TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "respstore", "serve", "--port", "0", "--bind", "127.0.0.1",
    "--save", "", "--dbfilename", ""])
"""


@pytest.mark.slow
def test_ends_at_ctrl_c_in_a_terminal_and_not_when_the_terminal_closes():
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            program = Program(process)
            process.send_signal(signal.SIGHUP)
            assert program.ask(b"PING") == b"+PONG\r\n+OK\r\n"

            os.write(ours, b"\x03")

            assert program.ends() == 0
            assert log_of(program.errors())[1:] == ["INFO SIGINT: stopping", "INFO respstore is down"]
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)
