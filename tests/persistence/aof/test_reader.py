"""Commands are read in units; a file that ends anywhere is good up to the last whole one, or refused."""

import pytest

from respstore.persistence.aof.reader import TruncatedError, Unit, read_units
from respstore.persistence.rdb.primitives import CorruptError


def request(*words: bytes) -> bytes:
    return b"".join([b"*%d\r\n" % len(words), *[b"$%d\r\n%b\r\n" % (len(word), word) for word in words]])


SET = request(b"SET", b"k", b"v\r\n*")
MULTI = request(b"MULTI") + request(b"INCR", b"a") + request(b"INCR", b"b") + request(b"exec")


def test_what_was_done_in_one_go_is_one_unit() -> None:
    assert list(read_units(SET + MULTI + SET)) == [
        Unit([[b"SET", b"k", b"v\r\n*"]], len(SET)),
        Unit([[b"INCR", b"a"], [b"INCR", b"b"]], len(SET + MULTI)),
        Unit([[b"SET", b"k", b"v\r\n*"]], len(SET + MULTI + SET)),
    ]


def test_times_are_passed_over_wherever_they_stand() -> None:
    data = b"#TS:1700000000\r\n" + SET + request(b"MULTI") + b"#TS:1700000001\r\n" + SET + request(b"EXEC")
    assert [len(unit.commands) for unit in read_units(data)] == [1, 1]


def test_reading_begins_behind_what_is_there_already() -> None:
    assert [unit.end for unit in read_units(b"REDIS" + SET, 5)] == [5 + len(SET)]


def test_an_empty_file_has_no_units() -> None:
    assert list(read_units(b"")) == []


def test_a_file_that_is_cut_anywhere_is_good_up_to_the_last_whole_unit() -> None:
    data = SET + b"#TS:1700000000\r\n" + MULTI + SET + request(b"RPUSH", b"l", b"x" * 200)
    whole = list(read_units(data))
    for end in range(len(data)):
        found: list[Unit] = []
        units = read_units(data[:end])
        cut: list[int] = []
        try:
            found.extend(units)
        except TruncatedError as error:
            cut.append(error.at)
        assert cut in ([], [found[-1].end if found else 0])
        assert found == [unit for unit in whole if unit.end <= end]


@pytest.mark.parametrize(
    "data",
    [
        b"SET k v\r\n",
        b"\0" * 30,
        b"*x\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n$3\r\nGETxx",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$" + b"9" * 30,
        b"*1\r\n#",
        request(b"EXEC"),
        request(b"MULTI") * 2,
    ],
)
def test_what_is_no_command_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptError) as caught:
        list(read_units(SET + data))
    assert not isinstance(caught.value, TruncatedError)
    assert caught.value.at >= len(SET)
