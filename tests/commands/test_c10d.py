import pytest

from respstore.engine.session import Session
from respstore.protocol import tcpstore
from tests.engine.test_namespaces import make
from tests.talk import OK, SYNTAX, array, bulk, pass_time, talk
from tests.wire import ask, torch_client

NULL = b"$-1\r\n"


@pytest.fixture
def engine():
    engine, _ = make()
    return engine


@pytest.fixture
def session(engine):
    return Session(engine)


def row(name: bytes, port: bytes, clients: int, noauth: int, expires: bytes) -> bytes:
    fields = [b"namespace", bulk(name), b"port", port, b"clients", b":%d\r\n" % clients, b"noauth", b":%d\r\n" % noauth]
    pairs = b"".join(bulk(part) if index % 2 == 0 else part for index, part in enumerate(fields))
    return b"*10\r\n" + pairs + bulk(b"expires_s") + expires


def test_open_list_and_close(engine, session) -> None:
    assert talk(session, b"C10D LIST") == b"*0\r\n"
    assert talk(session, b"C10D OPEN job") == b":7001\r\n"
    assert talk(session, b"c10d open other port 29500 noauth") == b":29500\r\n"
    assert talk(session, b"C10D OPEN job PORT 0") == b":7001\r\n"
    torch_client(engine, namespace=engine.namespaces.named[b"other"])

    rows = row(b"job", b":7001\r\n", 0, 0, bulk(b"3600")), row(b"other", b":29500\r\n", 1, 1, NULL)
    assert talk(session, b"C10D LIST") == b"*2\r\n" + b"".join(rows)
    assert talk(session, b"C10D CLOSE job") == OK
    assert talk(session, b"C10D LIST") == b"*2\r\n" + row(b"job", NULL, 0, 0, bulk(b"3600")) + rows[1]
    assert talk(session, b"C10D CLOSE job DELETE") == OK
    assert talk(session, b"C10D CLOSE job") == b"-ERR there is no namespace 'job'\r\n"


def test_delete(engine, session) -> None:
    talk(session, b"C10D OPEN job")
    client = torch_client(engine, namespace=engine.namespaces.named[b"job"])
    ask(client, tcpstore.SET, b"/k", b"v")
    talk(session, b"SET k v")

    assert talk(session, b"C10D CLOSE job delete") == OK
    assert client.is_aborted
    assert talk(session, b"KEYS *") == array(b"k")


def test_join(engine, session) -> None:
    member, other = Session(engine), Session(engine)
    assert talk(member, b"C10D JOIN job") == OK
    assert talk(member, b"C10D JOIN job") == OK
    assert talk(other, b"c10d join job") == OK
    talk(member, b"SET job/k v")
    assert talk(session, b"C10D LIST") == b"*1\r\n" + row(b"job", NULL, 2, 0, NULL)

    assert talk(other, b"C10D JOIN another") == OK
    rows = row(b"job", NULL, 1, 0, NULL), row(b"another", NULL, 1, 0, NULL)
    assert talk(session, b"C10D LIST") == b"*2\r\n" + b"".join(rows)
    talk(other, b"RESET")
    assert talk(session, b"C10D LIST") == b"*2\r\n" + rows[0] + row(b"another", NULL, 0, 0, bulk(b"3600"))
    member.receive_eof()
    pass_time(engine, 3599)
    assert talk(session, b"GET job/k") == bulk(b"v")
    pass_time(engine, 2)
    assert talk(session, b"DBSIZE") == b":0\r\n"
    assert talk(session, b"C10D LIST") == b"*0\r\n"


def test_a_name_to_join_is_checked(engine, session) -> None:
    assert talk(session, b"C10D", b"JOIN", b"a b").startswith(b"-ERR a namespace is 1 to 200 characters")
    talk(session, b"C10D OPEN job")
    assert talk(session, b"C10D JOIN job/0") == b"-ERR namespaces 'job/0' and 'job' would have keys in common\r\n"
    talk(session, b"SELECT 1")
    assert talk(session, b"C10D JOIN job") == b"-ERR namespaces are in database 0: SELECT it first\r\n"


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_client_that_closes_its_own_namespace_hears_of_it(engine, session, seconds: int) -> None:
    talk(session, b"CONFIG SET tcpstore-namespace-ttl %d" % seconds)
    other = Session(engine)
    for client in (session, other):
        talk(client, b"C10D JOIN job")
    talk(session, b"SET job/k v")

    assert talk(session, b"C10D CLOSE job DELETE") == OK
    assert other.is_aborted
    assert talk(session, b"DBSIZE") == b":0\r\n"
    assert talk(session, b"C10D LIST") == b"*0\r\n"
    assert talk(session, b"C10D JOIN job") == OK
    assert talk(session, b"C10D CLOSE job") == OK
    pass_time(engine, 61)
    assert talk(session, b"C10D LIST") == b"*0\r\n"


@pytest.mark.parametrize("words", [b"PORT", b"PORT 1 PORT 1", b"NOAUTH NOAUTH", b"DELETE"])
def test_open_takes_nothing_else(session, words: bytes) -> None:
    assert talk(session, b"C10D OPEN job " + words) == SYNTAX
    assert talk(session, b"C10D LIST") == b"*0\r\n"


@pytest.mark.parametrize("port", [b"-1", b"65536", b"x", b"1.5"])
def test_a_port_is_a_number(session, port: bytes) -> None:
    expected = b"-ERR a port is an integer from 0 (any free port) to 65535\r\n"
    assert talk(session, b"C10D OPEN job PORT " + port) == expected


def test_close_takes_nothing_else(session) -> None:
    talk(session, b"C10D OPEN job")
    assert talk(session, b"C10D CLOSE job NOW") == SYNTAX
    assert talk(session, b"C10D CLOSE job DELETE DELETE") == SYNTAX


def test_names_are_checked(session) -> None:
    for word in (b"OPEN", b"CLOSE"):
        assert talk(session, b"C10D", word, b"a b").startswith(b"-ERR a namespace is 1 to 200 characters")


def test_a_port_that_cannot_be_had(session) -> None:
    talk(session, b"C10D OPEN job PORT 7777")
    expected = b"-ERR namespace 'other' can't be opened: somebody else has it\r\n"
    assert talk(session, b"C10D OPEN other PORT 7777") == expected


def test_help(session) -> None:
    reply = talk(session, b"C10D HELP")
    assert b"+OPEN <namespace> [PORT <port>] [NOAUTH]\r\n" in reply
    assert b"+CLOSE <namespace> [DELETE]\r\n" in reply
