"""What hostile peers do, each alone against a fresh server, and what it costs.

An attack is a function that is given a server and says in one sentence what came of it; it asserts what must hold.
"""

import contextlib
import resource
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import redis

from compat.patience import until
from compat.servers import RunningServer

PASSWORD = "secret"
MB = 1 << 20


class Attack:
    """One attack.

    Args:
        name: what the peer does.
        run: does it, and says what came of it.
        options: of the server, as on its command line.
    """

    def __init__(self, name: str, run: Callable[[RunningServer], str], options: Sequence[str] = ()) -> None:
        self.name = name
        self.run = run
        self.options = options


def flood_without_password(server: RunningServer) -> str:
    """Requests in pipelines by a client that is not authenticated."""
    requests, rounds = 1000, 200
    with server.connect() as client:
        for _ in range(rounds):
            client.sendall(b"GET k\r\n" * requests)
            _read(client, len(b"-NOAUTH Authentication required.\r\n") * requests)
    return f"{requests * rounds:,} refusals"


def large_requests_without_password(server: RunningServer) -> str:
    """What an unauthenticated client announces is limited as in Redis: 10 arguments of 16 KB."""
    endings = []
    for announced in (b"*11\r\n", b"*2\r\n$16385\r\n", b"*1000000000\r\n", b"*1\r\n$2000000000\r\n"):
        with server.connect() as client:
            client.sendall(announced)
            endings.append(_rest(client))
    assert all(ending.startswith(b"-ERR Protocol error") for ending in endings), endings
    return "an error, and the connection is closed"


def half_a_request(server: RunningServer) -> str:
    """A thousand clients that begin a request and never end it."""
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(server.connect()).sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\nx")
        until(lambda: server.client().info("clients")["connected_clients"] > 1000)
    return "they are kept, and cost what they sent"


def announce_much(server: RunningServer) -> str:
    """Heads that promise gigabytes, of which nothing comes."""
    with ExitStack() as stack:
        for announced in (b"*1000000\r\n", b"*1\r\n$536870912\r\n", b"*1048576\r\n$1\r\n") * 100:
            stack.enter_context(server.connect()).sendall(announced)
        until(lambda: server.client().info("clients")["connected_clients"] > 300)
    return "nothing is set aside for what has not come"


def monitor_that_never_reads(server: RunningServer) -> str:
    """MONITOR by a client that takes nothing, with client-output-buffer-limit normal 16mb."""
    client = server.client()
    client.config_set("client-output-buffer-limit", "normal 16mb 0 0")
    with server.connect() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(b"MONITOR\r\n")
        for _ in range(60):
            pipeline = client.pipeline(transaction=False)
            for _ in range(500):
                pipeline.set("k", "x" * 1000)
            pipeline.execute()
        until(lambda: b"flags=O" not in _raw(server, b"CLIENT LIST\r\n"))
    return "closed at the limit"


def errors_in_a_pipeline(server: RunningServer) -> str:
    """Ten thousand wrong requests at once, ten times."""
    wrong = b"NOSUCH a b\r\n*1\r\n$3\r\nGET\r\nINCR l\r\n"
    with server.connect() as client:
        client.sendall(b"LPUSH l x\r\n")
        for _ in range(10):
            client.sendall(wrong * 3334)
        client.sendall(b"ECHO end\r\n")
        assert _until(client, b"$3\r\nend\r\n").count(b"-") >= 100_000
    return "100,000 errors"


def deep_transaction(server: RunningServer) -> str:
    """A hundred thousand commands behind a MULTI, and no EXEC."""
    with server.connect() as client:
        client.sendall(b"MULTI\r\n" + b"SET k v\r\n" * 100_000 + b"DISCARD\r\n")
        assert _until(client, b"+QUEUED\r\n+OK\r\n").count(b"QUEUED") == 100_000
    return "queued, and forgotten with DISCARD"


def half_a_handshake(server: RunningServer) -> str:
    """A thousand clients at the port for TLS that say nothing; see test_attacks.py for its certificates."""
    port = int(server.client().config_get("tls-port")["tls-port"])
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        assert server.client().ping()
    return "closed after 10 s if they stay"


FORBIDDEN = """
GET app:k | get app:k | MGET app:k secret | STRLEN secret | COPY secret app:x | RENAME secret app:x
DUMP secret | EXISTS app:k secret | SORT app:l BY secret* | SORT app:l GET secret* | SORT app:l STORE secret
OBJECT ENCODING secret | BITOP NOT app:x secret | SINTERCARD 2 app:k secret | XREAD STREAMS app:s secret 0 0
BLPOP secret 0.01 | MEMORY USAGE secret | KEYS * | CONFIG SET requirepass x | CONFIG GET requirepass
ACL SETUSER bob allkeys | ACL WHOAMI | MONITOR | DEBUG OBJECT secret | SUBSCRIBE news | PUBLISH news x | SAVE
SHUTDOWN | SLOWLOG GET | CLIENT LIST | CLIENT KILL ID 1 | WATCH secret | FLUSHALL | SWAPDB 0 1
MIGRATE h 1 secret 0 1 | EVAL return(redis.call('STRLEN','secret')) 0 | EVAL return(redis.call('GET','app:k')) 0
EVAL return(redis.pcall('COPY','secret','app:x')) 0 | EVAL return(redis.call('SORT','app:l','GET','secret*')) 0
EVAL return(redis.call('KEYS','*')) 1 app:k | EVAL return(redis.call('STRLEN',KEYS[1])) 1 secret
"""


def past_the_rules(server: RunningServer) -> str:
    """What a user may not read, by every detour: MULTI, scripts, SORT's patterns, commands without keys."""
    admin = server.client()
    admin.execute_command(
        "ACL SETUSER bob on >pw resetkeys ~app:* resetchannels +@all -@admin -@dangerous -get +sort +config|get"
    )
    admin.mset({"secret": "42", "app:k": "1"})
    admin.rpush("app:l", "1")
    bob = server.client(username="bob", password="pw", protocol=2)
    attempts = FORBIDDEN.strip().replace("\n", " | ").split(" | ")
    harmless = {"ACL WHOAMI", "CONFIG GET requirepass"}  # allowed to him, and they tell no secret
    refused = 0
    for attempt in attempts:
        for ways in ([attempt], ["MULTI", attempt, "EXEC"]):
            answers = [_answer(bob, words) for words in ways]
            assert "42" not in repr(answers), answers
            refused += any(isinstance(answer, redis.ResponseError) for answer in _flat(answers))
            _answer(bob, "DISCARD")
    assert admin.get("secret") == b"42"
    assert refused >= 2 * (len(attempts) - len(harmless)), refused
    return f"{refused} of {2 * len(attempts)} attempts refused, the others told nothing"


ATTACKS = (
    Attack("a flood of requests without the password", flood_without_password, ("--requirepass", PASSWORD)),
    Attack("large requests without the password", large_requests_without_password, ("--requirepass", PASSWORD)),
    Attack("1,000 connections with half a request", half_a_request),
    Attack("300 heads of requests that promise gigabytes", announce_much),
    Attack("MONITOR, and nothing is read", monitor_that_never_reads),
    Attack("10,000 errors in a pipeline, ten times", errors_in_a_pipeline),
    Attack("100,000 commands in a MULTI", deep_transaction),
    Attack("1,000 TLS connections that say nothing", half_a_handshake),
    Attack("commands and keys that an ACL forbids, by detours", past_the_rules),
)


@contextlib.contextmanager
def many_files() -> Iterator[None]:
    """A thousand sockets need more files than systems give to a process by default."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _answer(client: redis.Redis, words: str) -> object:
    try:
        answer: object = client.execute_command(*words.split(" "))
    except redis.RedisError as error:
        return error if isinstance(error, redis.ResponseError) else redis.ResponseError(str(error))
    return answer


def _flat(answers: list[object]) -> list[object]:
    """The answers, and those within an EXEC."""
    return [part for answer in answers for part in (answer if isinstance(answer, list) else [answer])]


def _raw(server: RunningServer, request: bytes) -> bytes:
    with server.connect() as client:
        client.sendall(request + b"QUIT\r\n")
        return _rest(client)


def _read(client: socket.socket, count: int) -> None:
    while count > 0:
        data = client.recv(min(count, MB))
        assert data
        count -= len(data)


def _until(client: socket.socket, end: bytes) -> bytes:
    data = bytearray()
    while not data.endswith(end):
        piece = client.recv(MB)
        assert piece
        data += piece
    return bytes(data)


def _rest(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(MB), b""))
