"""MONITOR on both servers: the same clients, the same lines but for times and addresses."""

import re

from compat.bench.pipeline import pack
from compat.servers import RunningServer, redis_server, respstore_server

TIME_AND_PORT = re.compile(rb"\+\d+\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\]")
REQUESTS = (
    (b"SET", b"k", b'v\x00\n"\\\x07\xff \t\x08\r'),
    (b"set", b"k"),
    (b"nosuch",),
    (b"MULTI",),
    (b"SET", b"k", b"1"),
    (b"lpush", b"k", b"1"),
    (b"EXEC",),
    (b"AUTH", b"x"),
    (b"HELLO", b"2", b"AUTH", b"default", b"x", b"SETNAME", b"me"),
    (b"CONFIG", b"GET", b"port"),
    (b"CLIENT", b"LIST"),
    (b"CLIENT", b"GETNAME"),
    (b"SELECT", b"3"),
    (b"PING",),
    (b"DEBUG", b"JMAP"),
    (b"INFO", b"server"),
    (b"WATCH", b"k"),
    (b"UNWATCH",),
    (b"MULTI",),
    (b"DISCARD",),
    (b"BLPOP", b"q", b"0.01"),
    (b"MULTI",),
    (b"BLPOP", b"q", b"0"),
    (b"LPUSH", b"k", b"x"),
    (b"SELECT", b"0"),
    (b"PING", b"x" * 300),
    (b"EXEC",),
    (b"MULTI",),
    (b"NOSUCH",),
    (b"EXEC",),
    (b"GET", b""),
    (b"client", b"SETNAME", b"a"),
    (b"CLIENT", b"TRACKING", b"ON"),
    (b"CLIENT", b"NO-EVICT", b"ON"),
    (b"CLIENT", b"KILL", b"ID", b"999999"),
    (b"CLIENT", b"REPLY", b"ON"),
    (b"HELLO", b"2", b"SETNAME", b"x", b"auth", b"default", b"y"),
    (b"AUTH", b"default", b"x"),
    (b"AUTH",),
    (b"PUBLISH", b"c", b"m"),
    (b"SPUBLISH", b"c", b"m"),
    (b"PUBSUB", b"CHANNELS"),
    (b"ROLE",),
    (b"WAIT", b"0", b"0"),
    (b"CLUSTER", b"INFO"),
    (b"CLUSTER", b"RESET"),
    (b"MODULE", b"LIST"),
    (b"OBJECT", b"HELP"),
    (b"MEMORY", b"USAGE", b"k"),
    (b"SWAPDB", b"0", b"1"),
    (b"RESET",),
    (b"TIME",),
    (b"LASTSAVE", b"x"),
    (b"COPY", b"k", b"k2", b"DB", b"1"),
    (b"COMMAND", b"COUNT"),
    (b"FLUSHALL",),
    (b"SUBSCRIBE", b"c"),
    (b"UNSUBSCRIBE",),
    (b"ECHO", b"the end"),
)


def lines(server: RunningServer) -> list[bytes]:
    with server.connect() as monitor, server.connect() as client:
        monitor.sendall(pack(b"MONITOR"))
        assert monitor.recv(100) == b"+OK\r\n"
        for words in REQUESTS:
            client.sendall(pack(*words))
            client.recv(1 << 20)
        seen = b""
        while b'"the end"\r\n' not in seen:
            seen += monitor.recv(1 << 20)
    return [TIME_AND_PORT.sub(rb"[\1]", line) for line in seen.split(b"\r\n")]


def replies(server: RunningServer) -> list[bytes]:
    with server.connect() as monitor:
        heard = []
        for words in ((b"MONITOR",), (b"GET", b"k"), (b"PUBLISH", b"c", b"m"), (b"PFCOUNT", b"k"), (b"RESET",)):
            monitor.sendall(pack(*words))
            heard.append(monitor.recv(1000))
        monitor.sendall(pack(b"MULTI") + pack(b"MONITOR") + pack(b"EXEC"))
        while heard[-1][-2:] != b"\r\n" or b"DENY" not in heard[-1]:
            heard.append(monitor.recv(1000))
    return [*heard[:5], b"".join(heard[5:])]


def lines_of_two(server: RunningServer) -> list[bytes]:
    """What is shown of a client that waits, for a key and for the end of a pause, while another goes on."""
    with server.connect() as monitor, server.connect() as waiting, server.connect() as other:
        monitor.sendall(pack(b"MONITOR"))
        assert monitor.recv(100) == b"+OK\r\n"
        waiting.sendall(pack(b"BLPOP", b"q", b"0") + pack(b"SET", b"k", b"v"))
        seen = b""
        while b"BLPOP" not in seen:
            seen += monitor.recv(1 << 20)
        for words in (
            *((b"ECHO", b"between"), (b"RPUSH", b"q", b"x"), (b"CLIENT", b"PAUSE", b"100000", b"WRITE")),
            *((b"GET", b"k"), (b"ECHO", b"paused")),
        ):
            other.sendall(pack(*words))
            other.recv(1000)
        waiting.sendall(pack(b"INCR", b"k"))
        for words in ((b"ECHO", b"still paused"), (b"CLIENT", b"UNPAUSE"), (b"ECHO", b"the end")):
            other.sendall(pack(*words))
            other.recv(1000)
        while seen.count(b'"the end"\r\n') + seen.count(b'"INCR" "k"\r\n') < 2:
            seen += monitor.recv(1 << 20)
    return [TIME_AND_PORT.sub(rb"[\1]", line) for line in seen.split(b"\r\n")]


def test_both_show_the_same() -> None:
    with redis_server() as redis, respstore_server() as respstore:
        assert lines(respstore) == lines(redis)
        assert replies(respstore) == replies(redis)
        assert lines_of_two(respstore) == lines_of_two(redis)
