"""Namespaces: whose keys a torch client sees, and when they go. Sockets are pretended."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.namespaces import Namespace, check_name
from respstore.engine.session import Session
from respstore.engine.tcpstore_session import TCPStoreSession
from respstore.errors import RespError
from respstore.protocol import tcpstore
from tests.talk import array, make_engine, pass_time, talk
from tests.wire import READY, STOP, ask, number, string, torch_client


class FakePorts:
    """Ports that are numbers, from 7001 on."""

    def __init__(self) -> None:
        self.opened: list[int] = []

    def open(self, namespace: Namespace, port: int) -> int:
        if port in self.opened:
            raise OSError(98, "somebody else has it")
        port = port or 7001 + len(self.opened)
        self.opened.append(port)
        return port

    def close(self, namespace: Namespace) -> None:
        self.opened.remove(namespace.port)


def make(**options) -> tuple[Engine, FakePorts]:
    engine = make_engine(**options)
    engine.namespaces.ports = ports = FakePorts()
    return engine, ports


def join(engine: Engine, name: bytes) -> TCPStoreSession:
    return torch_client(engine, namespace=engine.namespaces.open(name, engine.system.monotonic()))


# Whose keys


def test_a_namespace_is_a_prefix() -> None:
    engine, _ = make()
    job, everybody, redis = join(engine, b"job"), torch_client(engine), Session(engine)

    ask(job, tcpstore.SET, b"/k", b"v")
    ask(everybody, tcpstore.SET, b"/k", b"other")
    assert talk(redis, b"MGET job/k k") == array(b"v", b"other")
    assert ask(job, tcpstore.GET, b"/k") == string(b"v")
    assert ask(job, tcpstore.ADD, b"init/", 1) == number(1)
    assert talk(redis, b"GET job/init/") == b"$1\r\n1\r\n"
    assert ask(job, tcpstore.GET_NUM_KEYS) == number(2)
    assert ask(job, tcpstore.LIST_KEYS) == number(2) + string(b"/k") + string(b"init/")
    assert ask(everybody, tcpstore.GET_NUM_KEYS) == number(3)
    ask(job, tcpstore.MULTI_SET, [b"/a", b"1", b"/b", b"2"])
    assert ask(job, tcpstore.MULTI_GET, [b"/b", b"/a"]) == string(b"2") + string(b"1")
    assert talk(redis, b"MGET job/a job/b") == array(b"1", b"2")


def test_waits_and_queues_and_barriers_of_two_jobs_are_apart() -> None:
    engine, _ = make()
    one, other = join(engine, b"one"), join(engine, b"other")

    assert ask(one, tcpstore.WAIT, [b"/k"]) == b""
    ask(other, tcpstore.SET, b"/k", b"v")
    assert one.data_to_send() == b""
    talk(Session(engine), b"SET one/k v")
    assert one.data_to_send() == STOP
    assert ask(one, tcpstore.BARRIER, b"/b", 2) == b""
    assert ask(other, tcpstore.BARRIER, b"/b", 2) == b""
    ask(join(engine, b"one"), tcpstore.QUEUE_PUSH, b"/q", b"i")
    assert talk(Session(engine), b"LRANGE one/q 0 -1") == array(b"i")


def test_a_client_is_called_by_its_namespace() -> None:
    engine, _ = make()
    assert join(engine, b"job").name == b"tcpstore:job"


# When they go


def test_keys_go_some_time_after_the_last_client_has_left() -> None:
    engine, ports = make(tcpstore_namespace_ttl=60)
    first, second, redis = join(engine, b"job"), join(engine, b"job"), Session(engine)
    ask(first, tcpstore.SET, b"/k", b"v")
    talk(redis, b"MSET jobs 1 other/k 1")
    talk(redis, b"RPUSH job/queue 1")

    first.receive_eof()
    pass_time(engine, 1000)
    assert talk(redis, b"EXISTS job/k job/queue") == b":2\r\n"
    second.receive_eof()
    pass_time(engine, 59)
    assert talk(redis, b"EXISTS job/k job/queue") == b":2\r\n"
    pass_time(engine, 2)
    assert talk(redis, b"KEYS *") == array(b"jobs", b"other/k")
    assert not engine.namespaces.named
    assert not ports.opened


def test_who_comes_back_in_time_finds_its_keys() -> None:
    engine, _ = make(tcpstore_namespace_ttl=60)
    client = join(engine, b"job")
    ask(client, tcpstore.SET, b"/k", b"v")

    client.receive_eof()
    pass_time(engine, 59)
    client = join(engine, b"job")
    pass_time(engine, 1000)
    assert ask(client, tcpstore.CHECK, [b"/k"]) == READY


def test_a_namespace_that_nobody_uses_is_closed() -> None:
    engine, ports = make(tcpstore_namespace_ttl=60)
    engine.namespaces.open(b"job", engine.system.monotonic())

    pass_time(engine, 61)
    assert not ports.opened


def test_the_port_of_a_lasting_one_stays_when_its_keys_go() -> None:
    engine, ports = make(tcpstore_namespace_ttl=60)
    namespace = engine.namespaces.open(b"job", 0, port=29500, is_lasting=True)
    pass_time(engine, 1000)
    client = torch_client(engine, namespace=namespace)
    ask(client, tcpstore.SET, b"/k", b"v")

    client.receive_eof()
    pass_time(engine, 61)
    assert talk(Session(engine), b"DBSIZE") == b":0\r\n"
    assert ports.opened == [29500]
    assert namespace.expires is None
    client = torch_client(engine, namespace=namespace)
    ask(client, tcpstore.SET, b"/k", b"v")
    client.receive_eof()
    pass_time(engine, 61)
    assert talk(Session(engine), b"DBSIZE") == b":0\r\n"


def test_keys_may_stay_for_ever() -> None:
    engine, ports = make(tcpstore_namespace_ttl=0)
    client = join(engine, b"job")
    ask(client, tcpstore.SET, b"/k", b"v")

    client.receive_eof()
    pass_time(engine, 1e6)
    assert talk(Session(engine), b"EXISTS job/k") == b":1\r\n"
    engine.namespaces.close(b"job", engine.system.monotonic(), delete=False)
    assert not engine.namespaces.named
    assert not ports.opened
    assert talk(Session(engine), b"EXISTS job/k") == b":1\r\n"


def test_the_keys_of_no_namespace_stay() -> None:
    engine, _ = make(tcpstore_namespace_ttl=60)
    client = torch_client(engine, namespace=engine.namespaces.open(b"", 0, port=29500, is_lasting=True))
    assert client.name == b"tcpstore"
    ask(client, tcpstore.SET, b"/k", b"v")

    client.receive_eof()
    pass_time(engine, 1000)
    assert talk(Session(engine), b"GET k") == b"$1\r\nv\r\n"


def test_who_waits_for_a_key_that_goes_waits_on() -> None:
    engine, _ = make(tcpstore_namespace_ttl=60)
    client, redis, watcher = join(engine, b"job"), Session(engine), Session(engine)
    ask(client, tcpstore.QUEUE_PUSH, b"/k", b"v")
    talk(watcher, b"WATCH job/k")
    assert (
        talk(redis, b"BGET job/k other 0") == b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
    )
    assert talk(redis, b"BEXISTS job/k other 0") == b""
    client.receive_eof()
    pass_time(engine, 61)
    assert talk(watcher, b"MULTI") + talk(watcher, b"EXEC") == b"+OK\r\n*-1\r\n"
    talk(watcher, b"SET other 1")
    assert redis.data_to_send() == b""


def test_redis_clients_of_a_namespace_keep_its_keys() -> None:
    engine, ports = make(tcpstore_namespace_ttl=60)
    member, torch = Session(engine), join(engine, b"job")
    member.join(engine.namespaces.find(b"job"))
    ask(torch, tcpstore.SET, b"/k", b"v")

    torch.receive_eof()
    pass_time(engine, 1000)
    assert talk(member, b"GET job/k") == b"$1\r\nv\r\n"
    assert ports.opened
    member.join(None)
    pass_time(engine, 61)
    assert talk(member, b"DBSIZE") == b":0\r\n"
    assert not ports.opened


def test_a_port_that_is_opened_for_clients_that_are_there_takes_nothing_from_them() -> None:
    engine, _ = make(tcpstore_namespace_ttl=60)
    member = Session(engine)
    member.join(engine.namespaces.find(b"job"))
    talk(member, b"SET job/k v")
    assert engine.namespaces.open(b"job", engine.system.monotonic()).expires is None

    pass_time(engine, 1000)
    assert talk(member, b"EXISTS job/k") == b":1\r\n"


def test_without_ports_a_namespace_may_lie_within_another_and_keeps_its_keys() -> None:
    engine, _ = make(tcpstore_namespace_ttl=60)
    outer, inner = Session(engine), Session(engine)
    outer.join(engine.namespaces.find(b"job"))
    inner.join(engine.namespaces.find(b"job/deep"))
    talk(outer, b"MSET job/k 1 job/deep/k 1")
    with pytest.raises(RespError, match="would have keys in common"):
        engine.namespaces.open(b"job", 0)

    outer.receive_eof()
    pass_time(engine, 61)
    assert talk(inner, b"KEYS *") == array(b"job/deep/k")
    inner.receive_eof()
    pass_time(engine, 61)
    assert talk(Session(engine), b"DBSIZE") == b":0\r\n"


def test_a_namespace_without_a_port_is_forgotten_with_its_last_client_where_keys_stay() -> None:
    engine, _ = make(tcpstore_namespace_ttl=0)
    member = Session(engine)
    member.join(engine.namespaces.find(b"job"))
    talk(member, b"SET job/k v")

    member.receive_eof()
    assert not engine.namespaces.named
    pass_time(engine, 1e6)
    assert talk(Session(engine), b"EXISTS job/k") == b":1\r\n"


# Closing


def test_closing_ends_the_connections_and_the_port() -> None:
    engine, ports = make(tcpstore_namespace_ttl=60)
    client, other, redis = join(engine, b"job"), join(engine, b"other"), Session(engine)
    ask(client, tcpstore.SET, b"/k", b"v")
    ask(client, tcpstore.WAIT, [b"/never"])

    engine.namespaces.close(b"job", engine.system.monotonic(), delete=False)
    assert client.is_aborted
    assert not other.is_closing
    assert len(ports.opened) == 1
    assert talk(redis, b"EXISTS job/k") == b":1\r\n"
    pass_time(engine, 61)
    assert talk(redis, b"EXISTS job/k") == b":0\r\n"
    assert list(engine.namespaces.named) == [b"other"]


def test_one_that_was_closed_may_be_opened_again_or_its_keys_deleted() -> None:
    engine, _ = make(tcpstore_namespace_ttl=60)
    client, redis = join(engine, b"job"), Session(engine)
    ask(client, tcpstore.SET, b"/k", b"v")
    engine.namespaces.close(b"job", engine.system.monotonic(), delete=False)

    client = join(engine, b"job")
    assert ask(client, tcpstore.GET, b"/k") == string(b"v")
    engine.namespaces.close(b"job", engine.system.monotonic(), delete=False)
    engine.namespaces.close(b"job", engine.system.monotonic(), delete=True)
    assert talk(redis, b"DBSIZE") == b":0\r\n"
    with pytest.raises(RespError, match="there is no namespace 'job'"):
        engine.namespaces.close(b"job", engine.system.monotonic(), delete=True)


# Opening


def test_opening_twice_is_opening_once() -> None:
    engine, ports = make()
    namespace = engine.namespaces.open(b"job", 0, port=7777)
    assert engine.namespaces.open(b"job", 0) is namespace
    assert engine.namespaces.open(b"job", 0, port=7777) is namespace
    assert ports.opened == [7777]
    for options in ({"port": 7778}, {"trusts_all": True}):
        with pytest.raises(RespError, match="namespace 'job' is open on port 7777, in another way"):
            engine.namespaces.open(b"job", 0, **options)


@pytest.mark.parametrize(("one", "other"), [(b"a", b"a/b"), (b"a/b", b"a"), (b"a/b/c", b"a/b")])
def test_no_namespace_lies_within_another(one: bytes, other: bytes) -> None:
    engine, _ = make()
    engine.namespaces.open(one, 0)
    with pytest.raises(RespError, match="would have keys in common"):
        engine.namespaces.open(other, 0)
    engine.namespaces.open(b"ab", 0)
    engine.namespaces.open(b"", 0)


def test_a_port_that_is_taken_leaves_no_namespace() -> None:
    engine, _ = make()
    engine.namespaces.open(b"job", 0, port=7777)
    with pytest.raises(OSError, match="somebody else has it"):
        engine.namespaces.open(b"other", 0, port=7777)
    assert list(engine.namespaces.named) == [b"job"]


def test_without_ports_nothing_is_opened() -> None:
    with pytest.raises(RespError):
        make_engine().namespaces.open(b"job", 0)


@pytest.mark.parametrize("name", [b"job", b"job-7", b"run/3", b"12345", b"~!", b"a" * 200])
def test_names(name: bytes) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", [b"", b"a b", b"a\n", b"\xff", b"/a", b"a/", b"/", b"a" * 201])
def test_what_is_no_name(name: bytes) -> None:
    with pytest.raises(RespError, match="a namespace is 1 to 200 characters"):
        check_name(name)


# Passwords


def test_a_namespace_may_trust_everybody() -> None:
    engine, _ = make(requirepass=b"secret")
    join_to = engine.namespaces.open(b"job", 0, trusts_all=True)
    client = torch_client(engine, namespace=join_to)
    ask(client, tcpstore.SET, b"/k", b"v")
    assert ask(client, tcpstore.GET, b"/k") == string(b"v")


def test_where_nobody_needs_a_password_a_client_is_no_user(caplog) -> None:
    engine, _ = make()
    namespace = engine.namespaces.open(b"job", 0, trusts_all=True)
    talk(Session(engine), b"ACL SETUSER default off resetkeys")
    client = torch_client(engine, namespace=namespace)

    assert ask(client, tcpstore.ADD, b"/k", 1) == number(1)
    engine.acl.change(b"default", [b"-@all"])
    assert ask(client, tcpstore.ADD, b"/k", 1) == number(2)
    assert client.user.name == b"(noauth)"
