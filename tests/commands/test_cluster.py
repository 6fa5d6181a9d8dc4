"""CLUSTER and its kin on a server that is no cluster; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.session import Session
from tests.talk import check_wire, request, talk

DISABLED = b"-ERR This instance has cluster support disabled\r\n"


@pytest.mark.parametrize(
    "line",
    [
        *(b"CLUSTER INFO", b"CLUSTER MYID", b"CLUSTER SLOTS", b"CLUSTER SHARDS", b"CLUSTER NODES", b"CLUSTER LINKS"),
        *(b"CLUSTER KEYSLOT k", b"CLUSTER COUNTKEYSINSLOT 1", b"CLUSTER GETKEYSINSLOT 1 10", b"CLUSTER HELP"),
        *(b"cluster reset", b"CLUSTER RESET HARD", b"CLUSTER FAILOVER a b c", b"CLUSTER ADDSLOTS 1 2 3"),
        *(b"READONLY", b"READWRITE", b"ASKING"),
    ],
)
def test_it_is_no_cluster(line: bytes) -> None:
    check_wire(request(line), DISABLED)


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (b"CLUSTER", b"-ERR wrong number of arguments for 'cluster' command\r\n"),
        (b"CLUSTER MYSHARDID", b"-ERR unknown subcommand 'MYSHARDID'. Try CLUSTER HELP.\r\n"),
        (b"CLUSTER INFO x", b"-ERR wrong number of arguments for 'cluster|info' command\r\n"),
        (b"CLUSTER ADDSLOTS", b"-ERR wrong number of arguments for 'cluster|addslots' command\r\n"),
        (b"READONLY x", b"-ERR wrong number of arguments for 'readonly' command\r\n"),
    ],
)
def test_arity(session: Session, words: bytes, reply: bytes) -> None:
    assert talk(session, words) == reply


def test_refused_one_by_one_in_a_transaction(session: Session) -> None:
    for words in (b"MULTI", b"CLUSTER INFO", b"SET k v"):
        talk(session, words)
    assert talk(session, b"EXEC") == b"*2\r\n" + DISABLED + b"+OK\r\n"


def test_refusals_are_counted(session: Session) -> None:
    talk(session, b"CLUSTER INFO")
    assert b"cmdstat_cluster|info:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1\r\n" in talk(
        session, b"INFO commandstats"
    )


def test_the_key_of_keyslot_is_none(session: Session) -> None:
    assert talk(session, b"COMMAND GETKEYS CLUSTER KEYSLOT k") == b"-ERR The command has no key arguments\r\n"
