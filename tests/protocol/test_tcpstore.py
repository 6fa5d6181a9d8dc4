import tracemalloc

import pytest

from respstore.errors import ProtocolError
from respstore.protocol import tcpstore
from respstore.protocol.tcpstore import Operation, OperationParser
from tests.wire import PING, VALIDATE, number, operation, string

# With the prefix "/" keys are called as on the wire, those of them that begin with one.
SAMPLES: list[tuple[bytes, Operation]] = [
    (VALIDATE, (tcpstore.VALIDATE, [], 0x3C85F7CE)),
    (operation(tcpstore.SET, b"/k", b"v"), (tcpstore.SET, [b"/k", b"v"], 0)),
    (operation(tcpstore.SET, b"/", b""), (tcpstore.SET, [b"/", b""], 0)),
    (operation(tcpstore.COMPARE_SET, b"/k", b"", b"d"), (tcpstore.COMPARE_SET, [b"/k", b"", b"d"], 0)),
    (operation(tcpstore.GET, b"/\0\xff"), (tcpstore.GET, [b"/\0\xff"], 0)),
    (operation(tcpstore.ADD, b"init/", 1), (tcpstore.ADD, [b"/init/"], 1)),
    (operation(tcpstore.ADD, b"/n", -(2**63)), (tcpstore.ADD, [b"/n"], -(2**63))),
    (operation(tcpstore.CHECK, [b"/a", b"/b"]), (tcpstore.CHECK, [b"/a", b"/b"], 0)),
    (operation(tcpstore.WAIT, []), (tcpstore.WAIT, [], 0)),
    (operation(tcpstore.GET_NUM_KEYS), (tcpstore.GET_NUM_KEYS, [], 0)),
    (operation(tcpstore.DELETE_KEY, b"/k"), (tcpstore.DELETE_KEY, [b"/k"], 0)),
    (operation(tcpstore.APPEND, b"/k", b"v"), (tcpstore.APPEND, [b"/k", b"v"], 0)),
    (operation(tcpstore.MULTI_GET, [b"/a", b"/a"]), (tcpstore.MULTI_GET, [b"/a", b"/a"], 0)),
    (operation(tcpstore.MULTI_SET, [b"/a", b"1", b"/b", b""]), (tcpstore.MULTI_SET, [b"/a", b"1", b"/b", b""], 0)),
    (operation(tcpstore.CANCEL_WAIT), (tcpstore.CANCEL_WAIT, [], 0)),
    (PING, (tcpstore.PING, [], 0x04030201)),
    (operation(tcpstore.QUEUE_PUSH, b"/q", b"i"), (tcpstore.QUEUE_PUSH, [b"/q", b"i"], 0)),
    (operation(tcpstore.QUEUE_POP, b"/q"), (tcpstore.QUEUE_POP, [b"/q"], 0)),
    (operation(tcpstore.QUEUE_LEN, b"/q"), (tcpstore.QUEUE_LEN, [b"/q"], 0)),
    (operation(tcpstore.LIST_KEYS), (tcpstore.LIST_KEYS, [], 0)),
    (operation(tcpstore.BARRIER, b"/b", 4), (tcpstore.BARRIER, [b"/b"], 4)),
]


def make_parser() -> OperationParser:
    return OperationParser(tcpstore.MAX_STRING, tcpstore.MAX_KEYS, b"/")


def taken(parser: OperationParser) -> list[Operation]:
    operations = []
    while (one := parser.take()) is not None:
        operations.append(one)
    return operations


def test_the_samples_are_all_there_is() -> None:
    assert {sample[0] for _, sample in SAMPLES} == set(range(tcpstore.OPERATIONS))


@pytest.mark.parametrize(("data", "expected"), SAMPLES)
def test_an_operation(data: bytes, expected: Operation) -> None:
    parser = make_parser()

    parser.feed(data)

    assert taken(parser) == [expected]
    assert parser.unread() == 0


@pytest.mark.parametrize(("data", "expected"), SAMPLES)
def test_byte_by_byte_and_with_another_behind_it(data: bytes, expected: Operation) -> None:
    parser = make_parser()

    for place in range(len(data)):
        assert parser.take() is None
        assert parser.unread() == place
        parser.feed(data[place : place + 1])
    parser.feed(PING[:2])

    assert taken(parser) == [expected]
    parser.feed(PING[2:])
    assert taken(parser) == [(tcpstore.PING, [], 0x04030201)]


def test_everything_at_once_cut_at_every_place() -> None:
    stream = b"".join(data for data, _ in SAMPLES)

    for place in range(len(stream) + 1):
        parser = make_parser()
        parser.feed(stream[:place])
        first = taken(parser)
        parser.feed(stream[place:])
        assert first + taken(parser) == [sample for _, sample in SAMPLES]


def test_what_came_meanwhile_is_taken_later() -> None:
    parser = make_parser()

    for data, _ in SAMPLES:
        parser.feed(data)

    assert parser.unread() == sum(len(data) for data, _ in SAMPLES)
    assert taken(parser) == [sample for _, sample in SAMPLES]


def test_the_next_operation_is_known_by_its_first_byte_only() -> None:
    parser = make_parser()
    assert parser.next_opcode() == -1

    parser.feed(operation(tcpstore.GET, b"/k")[:5])
    assert parser.next_opcode() == tcpstore.GET
    assert parser.take() is None
    parser.feed(operation(tcpstore.GET, b"/k")[5:] + b"\x0c")
    assert parser.take() == (tcpstore.GET, [b"/k"], 0)
    assert parser.next_opcode() == tcpstore.CANCEL_WAIT
    assert parser.take() == (tcpstore.CANCEL_WAIT, [], 0)
    assert parser.next_opcode() == -1


def test_there_is_no_next_operation_within_one() -> None:
    parser = make_parser()
    data = operation(tcpstore.SET, b"/k", bytes([tcpstore.CANCEL_WAIT]) * 3)

    for place in range(1, len(data)):
        parser.feed(data[place - 1 : place])
        assert parser.take() is None
        if place >= 9:
            assert parser.next_opcode() in (-1, tcpstore.SET)


@pytest.mark.parametrize("prefix", [b"", b"job/"])
def test_names_of_keys(prefix: bytes) -> None:
    parser = OperationParser(tcpstore.MAX_STRING, tcpstore.MAX_KEYS, prefix)
    keys = [b"/k", b"init/", b"/", b"", b"//k"]
    names = [prefix + name for name in (b"k", b"init/", b"", b"", b"/k")]

    parser.feed(operation(tcpstore.WAIT, keys))
    assert parser.take() == (tcpstore.WAIT, names, 0)
    for key, name in zip(keys, names, strict=True):
        parser.feed(
            operation(tcpstore.COMPARE_SET, key, b"/e", b"/d") + operation(tcpstore.MULTI_SET, [key, b"/v"] * 2)
        )
        assert parser.take() == (tcpstore.COMPARE_SET, [name, b"/e", b"/d"], 0)
        assert parser.take() == (tcpstore.MULTI_SET, [name, b"/v"] * 2, 0)


@pytest.mark.parametrize("prefix", [b"", b"job/"])
@pytest.mark.parametrize(
    "keys",
    [
        [b"/key%d" % index for index in range(1200)],
        [b"/%d" % (index % 20 * 10**7) for index in range(300)],
        [b"/"] * 100,
        [b""] * 100,
        [b"/k", b"init/"] * 20,
        [b"/same%02d" % index for index in range(30)] + [b"no-slash"] + [b"/same%02d" % index for index in range(30)],
        [b"/" + b"x" * 247] * 20 + [b"/" + b"x" * 255] * 20 + [b"/" + b"x" * 256] * 20,
        [b"/" + bytes([8]) * 7] * 30,
        [b"/" + bytes([8, 0, 0, 0, 0, 0, 0])] * 30 + [b"/a"],
        [b"/abcdefg"] * 9 + [b"/abcdef"] * 9,
    ],
    ids=lambda keys: repr(keys[0][:9]),
)
def test_many_keys_are_read_as_one_by_one(keys: list[bytes], prefix: bytes) -> None:
    names = [prefix + (key[1:] if key.startswith(b"/") else key) for key in keys]
    data = operation(tcpstore.MULTI_GET, keys)

    for cut in (len(data), 0, 1, 100, len(data) // 2, len(data) - 1):
        parser = OperationParser(tcpstore.MAX_STRING, tcpstore.MAX_KEYS, prefix)
        parser.feed(data[:cut])
        first = taken(parser)
        parser.feed(data[cut:])
        assert first + taken(parser) == [(tcpstore.MULTI_GET, names, 0)]


KEYS = [b"/key/%d" % one for one in range(20)]


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
@pytest.mark.parametrize(
    "again",
    [
        (tcpstore.MULTI_GET, KEYS),
        (tcpstore.WAIT, KEYS),
        (tcpstore.MULTI_GET, [*KEYS[:-1], b"/key/no"]),
        (tcpstore.MULTI_GET, [*KEYS[:-1], b"/"]),
        (tcpstore.MULTI_GET, [*KEYS[:1], b"/", *KEYS[2:]]),
        (tcpstore.MULTI_GET, KEYS[:-1]),
        (tcpstore.MULTI_SET, KEYS * 2),
        (tcpstore.CHECK, []),
    ],
)
def test_keys_that_were_named_before_are_known_again(again: tuple[int, list[bytes]], size: int) -> None:
    parser = make_parser()
    data = operation(tcpstore.WAIT, KEYS) + operation(*again) + PING + operation(tcpstore.WAIT, KEYS)
    operations = []
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
        operations += taken(parser)

    pings = [(tcpstore.PING, [], 0x04030201)]
    assert operations == [(tcpstore.WAIT, KEYS, 0), (*again, 0), *pings, (tcpstore.WAIT, KEYS, 0)]
    assert parser.unread() == 0


def test_who_changes_the_keys_of_an_operation_changes_no_others() -> None:
    parser = make_parser()
    for _ in range(3):
        parser.feed(operation(tcpstore.MULTI_GET, KEYS))
        ((_, keys, _),) = taken(parser)
        assert keys == KEYS
        keys.clear()


def test_few_bytes_of_keys_are_kept() -> None:
    parser = make_parser()
    tracemalloc.start()
    try:
        parser.feed(operation(tcpstore.WAIT, [b"/%d" % one for one in range(5000)]))
        assert taken(parser)
        parser.feed(b"")
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 20_000


def test_lengths_in_a_row_are_looked_at_in_all_of_their_bytes() -> None:
    """Else a key whose length is 2**40 + 8 would pass for one of 8."""
    parser = make_parser()
    parser.feed(b"\x06" + number(20) + string(b"/abcdefg") * 10 + number(2**40 + 8) + b"/abcdefg" * 200)

    with pytest.raises(ProtocolError, match="a string of 1099511627784 bytes"):
        parser.take()


# Limits


@pytest.mark.parametrize("length", [tcpstore.MAX_STRING + 1, 2**31, 2**63, 2**64 - 1])
@pytest.mark.parametrize(
    "front",
    [b"\x03", b"\x01\0\0\0\0\0\0\0\0", b"\x06" + number(1), b"\x04", b"\x0b" + number(1) + string(b"/k")],
    ids=["GET", "the value of SET", "WAIT", "ADD", "a value of MULTI_SET"],
)
def test_a_string_that_is_too_long_is_refused_by_its_length(front: bytes, length: int) -> None:
    parser = make_parser()
    parser.feed(front + number(length))

    with pytest.raises(ProtocolError, match=f"^a string of {length} bytes, at most 8388608 are taken$"):
        parser.take()


@pytest.mark.parametrize("count", [tcpstore.MAX_KEYS + 1, 10**9, 2**63, 2**64 - 1])
@pytest.mark.parametrize("opcode", [tcpstore.CHECK, tcpstore.WAIT, tcpstore.MULTI_GET, tcpstore.MULTI_SET])
def test_too_many_keys_are_refused_by_their_number(opcode: int, count: int) -> None:
    parser = make_parser()
    parser.feed(bytes([opcode]) + number(count))

    with pytest.raises(ProtocolError, match=f"^{count} keys at once, at most 131072 are taken$"):
        parser.take()


@pytest.mark.parametrize("opcode", [19, 32, ord("G"), ord("*"), 255])
def test_what_is_no_operation_is_refused(opcode: int) -> None:
    parser = make_parser()
    parser.feed(bytes([opcode]))

    with pytest.raises(ProtocolError, match=f"^there is no operation {opcode}$"):
        parser.take()


@pytest.mark.slow
def test_the_longest_string_and_the_most_keys_are_taken() -> None:
    parser = make_parser()
    value = bytes(tcpstore.MAX_STRING)
    data = operation(tcpstore.SET, b"/k", value)

    for place in range(0, len(data), 65_536):
        parser.feed(data[place : place + 65_536])
        if place + 65_536 < len(data):
            assert parser.take() is None
    assert parser.take() == (tcpstore.SET, [b"/k", value], 0)

    keys = [b"/%d" % index for index in range(tcpstore.MAX_KEYS)]
    parser.feed(operation(tcpstore.WAIT, keys))
    assert parser.take() == (tcpstore.WAIT, keys, 0)


def test_lengths_that_are_only_announced_take_no_memory() -> None:
    parsers = [make_parser() for _ in range(100)]
    tracemalloc.start()
    try:
        for parser in parsers:
            parser.feed(bytes([tcpstore.WAIT]) + number(tcpstore.MAX_KEYS) + number(tcpstore.MAX_STRING))
            assert parser.take() is None
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_small_pieces_are_not_read_again_and_again(size: int) -> None:
    """What was read of an operation is not kept as bytes, too: only the string that is incomplete is."""
    parser = make_parser()
    data = operation(tcpstore.WAIT, [b"/%d" % index for index in range(2000)])

    for place in range(0, len(data) - 1, size):
        parser.feed(data[place : min(place + size, len(data) - 1)])
        assert parser.take() is None
        assert len(parser._data) - parser._at + len(parser._later) < 14 + size


# Replies


def test_replies() -> None:
    assert tcpstore.string(b"") == number(0)
    assert tcpstore.string(b"abc") == string(b"abc")
    assert tcpstore.string(bytes(5000)) == string(bytes(5000))
    assert tcpstore.strings([b"a", b"", bytes(2000)]) == string(b"a") + string(b"") + string(bytes(2000))
    assert tcpstore.strings([]) == b""
    for value in (0, 1, 1023, 1024, -1, 2**63 - 1, -(2**63)):
        assert tcpstore.integer(value) == number(value)
    assert tcpstore.nonce(0x04030201) == b"\1\2\3\4"
