"""The same for torch clients among Redis clients: every operation has its reply and no other, in order.

A client that is sent away needs no replies any more. The parser reads the same however its bytes are cut.
"""

from random import Random

from respstore.commands import TABLE
from respstore.protocol import tcpstore
from tests.fuzz.grammar import Grammar
from tests.fuzz.sessions import Sessions
from tests.fuzz.target import Step
from tests.fuzz.torch_client import compare_parsers
from tests.wire import PING, VALIDATE, number, operation

KEYS = [b"/a", b"/b", b"/c", b"/q", b"/n", b"init/", b"/", b"", b"//"]
VALUES = [b"", b"1", b"v", b"-5", b"/a", b"\0\r\n$-1", bytes(2000)]
STRINGS = {
    **dict.fromkeys((tcpstore.SET, tcpstore.APPEND, tcpstore.QUEUE_PUSH), 1),
    **dict.fromkeys((tcpstore.GET, tcpstore.DELETE_KEY, tcpstore.QUEUE_POP, tcpstore.QUEUE_LEN), 0),
    tcpstore.COMPARE_SET: 2,
}
"""Values behind the key."""
COMMANDS = (
    *("set", "get", "del", "incr", "rpush", "lpop", "blpop", "bget", "bexists", "barrier", "barrierinfo", "waitlist"),
    *("append", "rename", "expire", "multi", "exec", "discard", "watch", "swapdb", "flushall", "copy"),
)


class TCPStores(Sessions):
    """Steps: those of Sessions, and `("torch", client)`."""

    name = "tcpstores"

    def make_case(self, random: Random) -> list[Step]:
        options: dict[str, object] = {}
        if random.random() < 0.1:
            options["client_query_buffer_limit"] = 10_000
        redis = Grammar({name: TABLE[name] for name in COMMANDS}, random)
        steps: list[Step] = [("options", options), ("open", 0), ("torch", 1), ("torch", 2)]
        unsent = [b"", VALIDATE + PING, VALIDATE + PING]
        for _ in range(random.randrange(10, 60)):
            client = random.choice([*range(len(unsent)), *range(len(unsent))[-4:]])
            match random.randrange(25):
                case 0 | 1 | 2:
                    steps.append(("torch", len(unsent)))
                    unsent.append(VALIDATE if random.random() < 0.9 else random.randbytes(9))
                case 3:
                    steps.append(("close", client))
                case 4:
                    steps.append(("sleep", random.choice([0.0, 0.1, 61.0])))
                case _:
                    if not unsent[client]:
                        count = random.choice([1, 1, 1, 2, 5, 20])
                        unsent[client] = (
                            b"".join(_operation(random) for _ in range(count)) if client else redis.stream(1)
                        )
                    size = random.choice([1, 20, 1000, *[65_536] * 7])
                    steps.append(("data", client, unsent[client][:size]))
                    unsent[client] = unsent[client][size:]
        return steps

    def run(self, steps: list[Step]) -> None:
        for client in {step[1] for step in steps if step[0] == "torch"}:
            compare_parsers(b"".join(step[2] for step in steps if step[:2] == ("data", client)))
        super().run(steps)


def _operation(random: Random) -> bytes:
    """An operation, mostly one that makes sense."""
    opcode = random.choice([*range(1, tcpstore.OPERATIONS), *[tcpstore.WAIT] * 4, tcpstore.CANCEL_WAIT])
    if opcode in (tcpstore.QUEUE_PUSH, tcpstore.QUEUE_POP, tcpstore.QUEUE_LEN):
        usual = b"/q"
    elif opcode in (tcpstore.ADD, tcpstore.BARRIER):
        usual = b"/n"
    else:
        usual = random.choice([b"/a", b"/b", b"/c"])
    key = usual if random.random() < 0.98 else random.choice(KEYS)
    if opcode in STRINGS:
        data = operation(opcode, key, *random.choices(VALUES, k=STRINGS[opcode]))
    elif opcode in (tcpstore.ADD, tcpstore.BARRIER):
        data = operation(opcode, key, random.choice([0, 1, 2, 3, 5, 9, -1]) if random.random() < 0.99 else 2**63 - 1)
    elif opcode in (tcpstore.CHECK, tcpstore.WAIT, tcpstore.MULTI_GET):
        keys = random.choices(KEYS, k=random.choice([0, 1, 1, 2, 3, 200]))
        data = operation(opcode, [b"/q"] if opcode == tcpstore.WAIT and random.random() < 0.5 else keys)
    elif opcode == tcpstore.MULTI_SET:
        names = random.choices([b"/a", b"/b", b"/c"], k=random.choice([0, 1, 2, 50]))
        data = operation(opcode, [text for name in names for text in (name, random.choice(VALUES))])
    else:
        data = PING if opcode == tcpstore.PING else operation(opcode)
    match random.randrange(300):
        case 0:
            return data[: random.randrange(len(data))]
        case 1:
            place = random.randrange(len(data))
            return data[:place] + random.randbytes(1) + data[place + 1 :]
        case 2:
            return data[:1] + number(random.choice([2**63, 2**64 - 1, 10**9, 131_072, 8 * 1024**2]))
        case 3:
            return random.choice([VALIDATE, b"\0\0\0\0\0", random.randbytes(20)])
    return data
