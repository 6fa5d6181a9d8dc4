"""Kinds of values: what each takes, shows and refuses, as redis-server 7.0.15 does."""

from pathlib import Path
from typing import Any

import pytest

from respstore.config.options import OUTPUT_BUFFER_LIMITS
from respstore.config.values import (
    ULONG_MAX,
    Addresses,
    BufferLimits,
    Choice,
    Directory,
    FileName,
    Integer,
    Kind,
    Memory,
    MemoryOrPercent,
    NotifyEvents,
    OomScores,
    OutputBufferLimits,
    Password,
    Percentiles,
    Permissions,
    Primary,
    SavePoints,
    ShutdownFlags,
    TCPStorePort,
    TCPStorePorts,
    Text,
    TitleTemplate,
    YesNo,
)

NOT_AN_INTEGER = "argument couldn't be parsed into an integer"
NOT_MEMORY = "argument must be a memory value"
BUFFER_NUMBERS = "Error in hard, soft or soft_seconds setting in buffer limit configuration."
PERCENTILE_RANGE = "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
OOM_RANGE = "Invalid oom-score-adj-values, elements must be between -2000 and 2000."


def shown(kind: Kind[Any], *words: str, current: BufferLimits | None = None) -> str:
    value = kind.parse(words, current)
    text = kind.text(value)
    assert kind.parse([text], value) == value, "what is shown must mean the same"
    return text


# What redis-server 7.0.15 shows after CONFIG SET with the words.
@pytest.mark.parametrize(
    ("kind", "words", "text"),
    [
        (Integer(), "0", "0"),
        (Integer(-5), "-5", "-5"),
        (Integer(clamp=(1, 500)), "0", "1"),
        (Integer(clamp=(1, 500)), "9999", "500"),
        (Permissions(), "0777", "777"),
        (Permissions(), "0", "0"),
        (Memory(), "", "0"),
        (Memory(), "kb", "0"),
        (Memory(), "010", "10"),
        (Memory(), "7b", "7"),
        (Memory(), "1k", "1000"),
        (Memory(), "1KB", "1024"),
        (Memory(), "2m", "2000000"),
        (Memory(), "1mB", "1048576"),
        (Memory(), "1g", "1000000000"),
        (Memory(), "1gb", "1073741824"),
        (Memory(0, ULONG_MAX), "99999999999999999999999", "18446744073709551615"),
        (Memory(), "0" * 10000 + "1", "1"),
        (Memory(at_least=16384), "1", "16384"),
        (MemoryOrPercent(), "10%", "10%"),
        (MemoryOrPercent(), "0%", "0"),
        (MemoryOrPercent(), "10k", "10000"),
        (YesNo(), "YES", "yes"),
        (YesNo(), "no", "no"),
        (Choice("notice", "debug"), "NoTice", "notice"),
        (Text(), "a b", "a b"),
        (FileName("dbfilename"), "x.rdb", "x.rdb"),
        (FileName("dbfilename", may_be_empty=True), "", ""),
        (Addresses(), "", ""),
        (Addresses(), "127.0.0.1 -::1", "127.0.0.1 -::1"),
        (Primary(), "", ""),
        (Primary(), "no ONE", ""),
        (Primary(), "example.org 6379", "example.org 6379"),
        (ShutdownFlags(), "default", "default"),
        (ShutdownFlags(), "default NOW", "now"),
        (ShutdownFlags(), "now nosave now", "nosave now"),
        (SavePoints(), "", ""),
        (SavePoints(), "900 1 60 10000", "900 1 60 10000"),
        (SavePoints(), "+1 00", "1 0"),
        (SavePoints(), "99999999999999999999999 1", "9223372036854775807 1"),
        (OomScores(), "5 -2 +3", "5 -2 3"),
        (Percentiles(), "", ""),
        (Percentiles(), "99.123456 5 1e1 0 -0 99.99999999", "99.123456 5 10 0 -0 100"),
        (NotifyEvents(), "", ""),
        (NotifyEvents(), "KEA", "AKE"),
        (NotifyEvents(), "AKE$", "AKE"),
        (NotifyEvents(), "Elg", "glE"),
        (NotifyEvents(), "K$lshzxetdmn", "$lshzxetdnKm"),
        (NotifyEvents(), "g$lshzxetdK", "AK"),
    ],
)
def test_text_is_shown_as_redis_shows_it(kind: Kind[Any], words: str, text: str) -> None:
    if isinstance(kind, Percentiles):
        assert kind.text(kind.parse([words], ())) == text  # it is rounded
    else:
        assert shown(kind, words) == text


# What redis-server 7.0.15 answers to CONFIG SET with the words.
@pytest.mark.parametrize(
    ("kind", "words", "reason"),
    [
        *(
            (Integer(), word, NOT_AN_INTEGER)
            for word in ["", "x", " 1", "+1", "01", "1.0", "-0", "1k", "9" * 19, "1\n"]
        ),
        (Integer(1, 10), "11", "argument must be between 1 and 10 inclusive"),
        (Integer(1, 10), "-9223372036854775808", "argument must be between 1 and 10 inclusive"),
        (Integer(), "9223372036854775807", "argument must be between 0 and 2147483647 inclusive"),
        (Permissions(), "799", "argument couldn't be parsed as an octal number"),
        (Permissions(), "-7", "argument couldn't be parsed as an octal number"),
        (Permissions(), "1777", "argument must be between 0 and 777 inclusive"),
        *((Memory(), word, NOT_MEMORY) for word in ["x", "-1", "+1", "1.5gb", "1 gb", "1tb", "0x10", "10%", "\u0661"]),
        (Memory(1), "", "argument must be between 1 and 9223372036854775807 inclusive"),
        (Memory(), "9223372036854775808", "argument must be between 0 and 9223372036854775807 inclusive"),
        (MemoryOrPercent(), "101%", "percentage argument must be less or equal to 100"),
        (MemoryOrPercent(), "-1%", "argument must be a memory or percent value"),
        (MemoryOrPercent(), "10.5%", "argument must be a memory or percent value"),
        (YesNo(), "", "argument must be 'yes' or 'no'"),
        (YesNo(), "1", "argument must be 'yes' or 'no'"),
        (Choice("a", "b"), "c", "argument(s) must be one of the following: a, b"),
        (FileName("dbfilename"), "a/b", "dbfilename can't be a path, just a filename"),
        (FileName("appenddirname", "dirname"), "a/b", "appenddirname can't be a path, just a dirname"),
        (FileName("appendfilename"), "", "appendfilename can't be empty"),
        (Directory(), "", "No such file or directory"),
        (Directory(), "/no/such/directory", "No such file or directory"),
        (Directory(), __file__, "Not a directory"),
        (Addresses(), " ".join(["-127.0.0.1"] * 17), "Too many bind addresses specified."),
        (Primary(), "1.2.3.4", "wrong number of arguments"),
        (Primary(), "1.2.3.4 x", "Invalid master port"),
        (Primary(), "1.2.3.4 65536", "Invalid master port"),
        (ShutdownFlags(), "", "argument(s) must be one of the following: default, save, nosave, now, force"),
        (ShutdownFlags(), "NOW x", "argument(s) must be one of the following: default, save, nosave, now, force"),
        (ShutdownFlags(), "save nosave", "shutdown options SAVE and NOSAVE can't be used simultaneously"),
        *(
            (SavePoints(), words, "Invalid save parameters")
            for words in ["900", "900 1 60", "a b", "0 1", "1 -1", "1  2", " 900 1", "900 1 "]
        ),
        (OomScores(), "1 2", "wrong number of arguments"),
        (OomScores(), "1 2 x", OOM_RANGE),
        (OomScores(), "1 2 2001", OOM_RANGE),
        *(
            (Percentiles(), words, "Invalid latency-tracking-info-percentiles parameters")
            for words in ["x", "50,99", "50  99", "nan", "1_0", "\u0661"]
        ),
        *((Percentiles(), words, PERCENTILE_RANGE) for words in ["-1", "50 100.1", "inf"]),
        (NotifyEvents(), "Z", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
        (NotifyEvents(), "K E", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_in_redis_words(kind: Kind[Any], words: str, reason: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the reason is compared
        kind.parse([words], None)
    assert str(refusal.value) == reason


@pytest.mark.parametrize("kind", [Integer(), Permissions(), Memory(), MemoryOrPercent(), YesNo(), Text(), Password()])
@pytest.mark.parametrize("words", [[], ["1", "1"]])
def test_kinds_of_one_word_take_one_word(kind: Kind[Any], words: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^wrong number of arguments$"):
        kind.parse(words, None)


def test_several_words_may_come_as_one_or_one_by_one() -> None:
    assert Addresses().parse(["a b"], ()) == Addresses().parse(["a", "b"], ()) == ("a", "b")
    assert Addresses().parse(["a b", "c"], ()) == ("a b", "c")
    assert Addresses().parse([], ("a",)) == Addresses().parse([""], ("a",)) == ()


def test_password_may_have_any_bytes() -> None:
    password = b"\xff\x00\xc3\xa9"
    text = Password().text(password)
    assert Password().parse([text], b"") == password


def test_a_directory_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert Directory().parse(["data"], "") == str((tmp_path / "data").resolve())


# Limits of output buffers

LIMITS = OutputBufferLimits()


def test_a_class_that_is_not_named_keeps_its_limits() -> None:
    text = shown(LIMITS, "normal 1mb 2k 3", current=OUTPUT_BUFFER_LIMITS)
    assert text == "normal 1048576 2000 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60"


def test_groups_may_come_one_by_one_and_replica_is_slave() -> None:
    value = LIMITS.parse(["PUBSUB", "1", "2", "3", "replica", "4", "5", "6"], OUTPUT_BUFFER_LIMITS)
    assert value.pubsub == (1, 2, 3)
    assert value.slave == (4, 5, 6)


def test_the_last_group_of_a_class_counts() -> None:
    assert LIMITS.parse(["normal 0 0 0 normal 5 5 5"], OUTPUT_BUFFER_LIMITS).normal == (5, 5, 5)


def test_nothing_changes_nothing() -> None:
    assert LIMITS.parse([""], OUTPUT_BUFFER_LIMITS) == OUTPUT_BUFFER_LIMITS


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("normal 1 2", "Wrong number of arguments in buffer limit configuration."),
        ("normal 1 2  3", "Wrong number of arguments in buffer limit configuration."),
        ("foo 1 2 3", "Invalid client class specified in buffer limit configuration."),
        ("master 1 2 3", "Invalid client class specified in buffer limit configuration."),
        ("normal 1 2 9 foo 1 2 3", "Invalid client class specified in buffer limit configuration."),
        ("normal x 2 1", BUFFER_NUMBERS),
        ("normal -1 2 1", BUFFER_NUMBERS),
        ("normal 1 2 x", BUFFER_NUMBERS),
        ("normal 1 2 -1", BUFFER_NUMBERS),
        ("normal 1 2 2147483648", BUFFER_NUMBERS),
    ],
)
def test_errors(words: str, reason: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the reason is compared
        LIMITS.parse([words], OUTPUT_BUFFER_LIMITS)
    assert str(refusal.value) == reason


def test_ports_for_torch_jobs() -> None:
    kind = TCPStorePorts()
    ports = kind.parse(["29500", "29501/job-7", "noauth", "0/run/3", "7/12", "NOAUTH"], ())

    assert ports == (
        TCPStorePort(29500, b"", noauth=False),
        TCPStorePort(29501, b"job-7", noauth=True),
        TCPStorePort(0, b"run/3", noauth=False),
        TCPStorePort(7, b"12", noauth=True),
    )
    assert kind.text(ports) == "29500 29501/job-7 noauth 0/run/3 7/12 noauth"
    assert kind.parse([kind.text(ports)], ()) == ports


@pytest.mark.parametrize(
    "words", ["noauth", "1 noauth noauth", "65536", "-1", "x", "1/", "1//a", "1/a/", "1/a b c", "1/é"]
)
def test_what_is_no_port_for_torch_jobs(words: str) -> None:
    with pytest.raises(ValueError, match="must be a port, or port/namespace"):
        TCPStorePorts().parse([words], ())


@pytest.mark.parametrize("text", ["x{{", "a}b", "{config-file}", "{port}{tls-port}", "{listen-addr}", "}", "{{title}"])
def test_a_title_template_is_kept(text: str) -> None:
    assert TitleTemplate().parse([text], "") == text


@pytest.mark.parametrize(
    "text", ["", " ", "{bad}", "x{title", "{}", "{ port}", "{PORT}", "{title}", "{unixsocket} ", "{"]
)
def test_a_title_template_that_is_none_or_shows_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^template format is invalid or contains unknown variables$"):
        TitleTemplate().parse([text], "")
