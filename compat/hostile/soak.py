"""A crowd of clients that mix all families of commands, wait, listen, read slowly, write slowly, and are cut at random.

Each client lives a short life of one kind after another until the time is over. Nobody checks replies here (the rest of
compat/ does): what counts is what becomes of the server.
"""

import contextlib
import random
import socket
from collections.abc import Awaitable, Callable

import trio

KEYS = 300
LIFE = 40  # requests of a usual life
BIG = 200_000  # bytes of a large value

COMMANDS = """
SET s{k} {v} EX 5|SET s{k} {n}|GET s{k}|INCR s{k}|APPEND s{k} {v}|GETRANGE s{k} 0 10|SETRANGE s{k} 5 {v}
MGET s{k} s{j}|STRLEN s{k}|MSET s{k} 1 s{j} 2|GETEX s{k} EX 3|GETDEL s{k}|SETBIT b{k} {n} 1|BITCOUNT b{k}
BITOP OR b{k} b{j} b{k}|PFADD p{k} {v} {n}|PFCOUNT p{k} p{j}|LPUSH l{k} {v} {n}|RPUSH l{k} {v}|LRANGE l{k} 0 20
LPOP l{k} 2|LREM l{k} 1 {v}|LTRIM l{k} 0 50|LMOVE l{k} l{j} LEFT RIGHT|SADD t{k} {v} {n}|SREM t{k} {n}
SINTER t{k} t{j}|SUNIONSTORE t{k} t{j} t{k}|SPOP t{k}|SRANDMEMBER t{k} 3|SMEMBERS t{k}|HSET h{k} {n} {v} f {n}
HGETALL h{k}|HINCRBY h{k} f 1|HDEL h{k} {n}|HRANDFIELD h{k} 2|HSCAN h{k} 0|ZADD z{k} {n} {v} 1 m
ZRANGE z{k} 0 -1 WITHSCORES|ZRANGEBYSCORE z{k} 0 5|ZPOPMIN z{k}|ZUNIONSTORE z{k} 2 z{k} z{j}|ZINCRBY z{k} 1 m
ZREMRANGEBYRANK z{k} 50 -1|GEOADD g{k} 13.3 38.1 {v}|GEOSEARCH g{k} FROMLONLAT 13 38 BYRADIUS 200 km
XADD x{k} MAXLEN 50 * f {v}|XRANGE x{k} - + COUNT 5|XGROUP CREATE x{k} g 0 MKSTREAM
XREADGROUP GROUP g c COUNT 2 STREAMS x{k} >|XACK x{k} g 0-1|XTRIM x{k} MAXLEN 20|SORT l{k} ALPHA LIMIT 0 5
DEL s{k} l{j}|UNLINK t{k} z{j} h{k}|EXPIRE l{k} 1|PERSIST l{k}|TTL s{k}|TYPE s{k}|RENAME s{k} s{j}
COPY s{k} s{j} REPLACE|EXISTS s{k}|SCAN 0 COUNT 20|RANDOMKEY|DBSIZE|OBJECT ENCODING s{k}|DUMP s{k}|MULTI|EXEC
WATCH s{k}|DISCARD|PUBLISH c{c} {v}|SPUBLISH c{c} {v}|CLIENT SETNAME n{k}|CLIENT INFO|INFO clients|COMMAND COUNT
SLOWLOG GET|LATENCY LATEST|MEMORY USAGE s{k}|CONFIG GET max*|PING|ECHO {v}|NOSUCH {v}|GET|INCR l{k}|HELLO 3|HELLO 2
CLIENT TRACKING ON|CLIENT TRACKING OFF|SELECT 1|SELECT 0
"""
"""Their arguments are drawn: keys, a number, a channel, a value."""

REQUESTS = COMMANDS.strip().replace("\n", "|").split("|")

Life = Callable[["Client"], Awaitable[None]]


class Client:
    """One of the crowd: a connection, and chance."""

    def __init__(self, stream: trio.SocketStream, chance: random.Random) -> None:
        self.stream = stream
        self.chance = chance

    def request(self) -> bytes:
        """A command of any family, with arguments by chance."""
        chance = self.chance
        text = chance.choice(REQUESTS).format(
            k=chance.randrange(KEYS),
            j=chance.randrange(KEYS),
            n=chance.randrange(1000),
            c=chance.randrange(20),
            v="v" * chance.randrange(1, 200),
        )
        return text.encode() + b"\r\n"

    async def read(self, seconds: float) -> None:
        """Take what comes, for so long."""
        with trio.move_on_after(seconds):
            while await self.stream.receive_some(1 << 16):
                pass


async def mix(client: Client) -> None:
    """Requests of all kinds, alone and in pipelines."""
    for _ in range(LIFE):
        await client.stream.send_all(b"".join(client.request() for _ in range(client.chance.choice((1, 1, 1, 16)))))
        await client.stream.receive_some(1 << 16)


async def listen(client: Client) -> None:
    """Subscriptions, to channels that others publish to."""
    await client.stream.send_all(b"SUBSCRIBE c1 c2 c3\r\nPSUBSCRIBE c*\r\nSSUBSCRIBE c5\r\n")
    await client.read(client.chance.random())


async def wait(client: Client) -> None:
    """Waits of all kinds, most of them in vain."""
    for request in (
        b"BLPOP l1 l2 0.05\r\n",
        b"BZPOPMIN z1 0.05\r\n",
        b"XREAD BLOCK 50 STREAMS x1 $\r\n",
        b"BLMOVE l3 l4 LEFT LEFT 0.05\r\n",
        b"BARRIER crowd 3 TIMEOUT 0.05\r\n",
        b"BLPOP nobody 0\r\n",
    ):
        await client.stream.send_all(request)
        await client.read(0.1)


async def read_slowly(client: Client) -> None:
    """Large replies that nobody takes for a while."""
    await client.stream.send_all(b"SET big %b EX 2\r\n" % (b"x" * (BIG // 4)) + b"GET big\r\n" * 100)
    await trio.sleep(client.chance.random())
    await client.read(0.1)


async def write_slowly(client: Client) -> None:
    """A request, a few bytes at a time."""
    request = client.request() + b"*3\r\n$3\r\nSET\r\n$2\r\nss\r\n$300\r\n"
    for place in range(0, len(request), 3):
        await client.stream.send_all(request[place : place + 3])
        await trio.sleep(0.01)


LIVES: tuple[tuple[Life, int], ...] = ((mix, 12), (listen, 3), (wait, 3), (read_slowly, 1), (write_slowly, 1))


async def soak(port: int, seconds: float, clients: int = 200, seed: int = 0) -> int:
    """Let a crowd loose on a server.

    Returns:
        How many lives were lived.
    """
    lives = 0

    async def live(chance: random.Random) -> None:
        nonlocal lives
        kinds, weights = zip(*LIVES, strict=True)
        while True:
            await _live_once(port, chance, chance.choices(kinds, weights)[0])
            lives += 1

    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for number in range(clients):
                nursery.start_soon(live, random.Random(f"{seed}-{number}"))
    return lives


async def _live_once(port: int, chance: random.Random, life: Life) -> None:
    with trio.socket.socket() as sock:
        await sock.connect(("127.0.0.1", port))
        if chance.random() < 0.5:  # half of them go without a farewell
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with (
            contextlib.suppress(trio.BrokenResourceError),
            trio.move_on_after(chance.choice((0.2, 5))),
        ):  # cut at random
            await life(Client(trio.SocketStream(sock), chance))
