from respstore.engine.session import Session
from respstore.protocol import tcpstore
from tests.talk import NULL, OK, array, bulk, make_engine, pass_time, talk
from tests.wire import CANCELED, STOP, ask, feed, operation, torch_client


def test_all_are_released_when_enough_have_come() -> None:
    engine = make_engine()
    clients = [torch_client(engine) for _ in range(3)]

    assert ask(clients[0], tcpstore.BARRIER, b"/b", 3) == b""
    assert ask(clients[1], tcpstore.BARRIER, b"/b", 3) == b""
    assert ask(clients[2], tcpstore.BARRIER, b"/b", 3) == STOP

    assert [client.data_to_send() for client in clients[:2]] == [STOP, STOP]
    assert not engine.waiting.counters
    assert not engine.keyspace.databases[0].observed


def test_a_barrier_that_was_passed_stays_open() -> None:
    client = torch_client(make_engine())

    assert ask(client, tcpstore.BARRIER, b"/b", 1) == STOP
    assert ask(client, tcpstore.BARRIER, b"/b", 2) == STOP
    assert ask(client, tcpstore.BARRIER, b"/b", 0) == STOP
    assert ask(client, tcpstore.BARRIER, b"/b", -1) == STOP


def test_who_has_given_up_stays_counted() -> None:
    engine = make_engine()
    client, other = torch_client(engine), torch_client(engine)

    assert ask(client, tcpstore.BARRIER, b"/b", 2) == b""
    assert ask(client, tcpstore.CANCEL_WAIT) == CANCELED
    assert not engine.waiting.counters
    assert ask(other, tcpstore.BARRIER, b"/b", 2) == STOP
    assert client.data_to_send() == b""


def test_clients_that_wait_for_different_counts_are_released_one_after_the_other() -> None:
    engine = make_engine()
    clients = [torch_client(engine) for _ in range(3)]

    assert ask(clients[0], tcpstore.BARRIER, b"/b", 4) == b""
    assert ask(clients[1], tcpstore.BARRIER, b"/b", 3) == b""
    assert ask(clients[2], tcpstore.BARRIER, b"/b", 3) == STOP
    assert [client.data_to_send() for client in clients] == [b"", STOP, b""]
    assert ask(clients[1], tcpstore.BARRIER, b"/b", 2) == STOP
    assert clients[0].data_to_send() == STOP


def test_the_one_who_waits_for_the_least_may_leave() -> None:
    engine = make_engine()
    clients = [torch_client(engine) for _ in range(3)]
    ask(clients[0], tcpstore.BARRIER, b"/b", 2)
    clients[0].receive_eof()

    assert ask(clients[1], tcpstore.BARRIER, b"/b", 4) == b""
    assert ask(clients[2], tcpstore.BARRIER, b"/b", 4) == b""
    assert ask(torch_client(engine), tcpstore.BARRIER, b"/b", 4) == STOP
    assert [client.data_to_send() for client in clients[1:]] == [STOP, STOP]


def test_the_key_is_the_truth() -> None:
    engine = make_engine()
    client, other = torch_client(engine), Session(engine)

    ask(client, tcpstore.BARRIER, b"/b", 5)
    assert talk(other, b"GET b") == b"$1\r\n1\r\n"
    assert talk(other, b"SET b text") == OK
    assert talk(other, b"DEL b") == b":1\r\n"
    assert talk(other, b"RPUSH b 9") == b":1\r\n"
    assert talk(other, b"SET b 4") == OK
    assert client.data_to_send() == b""
    assert talk(other, b"INCR b") == b":5\r\n"
    assert client.data_to_send() == STOP


def test_where_there_is_no_counter_nobody_can_wait() -> None:
    engine = make_engine()
    client, other = torch_client(engine), Session(engine)
    talk(other, b"SET b text")

    assert ask(client, tcpstore.BARRIER, b"/b", 5) == b""
    assert client.is_closing
    assert not engine.waiting.counters
    assert talk(other, b"GET b") == b"$4\r\ntext\r\n"


def test_client_unblock_ends_a_wait() -> None:
    engine = make_engine()
    client, other = torch_client(engine), Session(engine)

    for how in (b"", b" TIMEOUT", b" ERROR"):
        assert ask(client, tcpstore.BARRIER, b"/b", 100) == b""
        assert talk(other, b"CLIENT UNBLOCK %d%b" % (client.id, how)) == b":1\r\n"
        assert client.data_to_send() == CANCELED


def test_it_is_shown_among_the_barriers() -> None:
    engine = make_engine()
    clients, redis = [torch_client(engine) for _ in range(3)], Session(engine)
    ask(clients[0], tcpstore.BARRIER, b"/b", 4)
    ask(clients[0], tcpstore.CANCEL_WAIT)
    ask(clients[1], tcpstore.BARRIER, b"/b", 4)
    pass_time(engine, 1.5)
    ask(clients[2], tcpstore.BARRIER, b"/b", 4)

    assert talk(redis, b"BARRIERLIST") == array(b"b")
    names = [b"client:%d" % client.id for client in clients[1:]]
    assert talk(redis, b"BARRIERINFO b") == b"*16\r\n" + b"".join(
        (
            bulk(b"epoch") + b":0\r\n" + bulk(b"parties") + b":4\r\n" + bulk(b"arrived") + b":3\r\n",
            bulk(b"members") + array(*names) + bulk(b"missing") + NULL + bulk(b"waiting_s") + bulk(b"1.5"),
            bulk(b"clients") + b"*2\r\n" + b"".join(b":%d\r\n" % client.id for client in clients[1:]),
            bulk(b"gave_up") + b"*0\r\n",
        )
    )
    assert bulk(b"member") + bulk(names[0]) in talk(redis, b"WAITLIST b")


def test_barrierreset_lets_them_fail() -> None:
    engine = make_engine()
    client, redis = torch_client(engine), Session(engine)
    ask(client, tcpstore.BARRIER, b"/b", 4)

    assert talk(redis, b"BARRIERRESET b enough") == b":1\r\n"
    assert client.data_to_send() == CANCELED
    assert talk(redis, b"BARRIERLIST") == b"*0\r\n"


def test_both_kinds_of_barriers_may_have_one_key() -> None:
    engine = make_engine()
    client, one, other = torch_client(engine), Session(engine), Session(engine)
    ask(client, tcpstore.BARRIER, b"/b", 2)

    assert talk(one, b"BARRIER b 2") == b""
    assert talk(other, b"BARRIER b 2") == b"*2\r\n:1\r\n:1\r\n"
    assert one.data_to_send() == b"*2\r\n:1\r\n:0\r\n"
    assert client.data_to_send() == STOP
    assert talk(other, b"BARRIERINFO b").startswith(b"*16\r\n$5\r\nepoch\r\n:2\r\n")


def test_what_is_behind_a_barrier_runs_afterwards() -> None:
    engine = make_engine()
    client, other = torch_client(engine), torch_client(engine)

    assert feed(client, operation(tcpstore.BARRIER, b"/b", 2) + operation(tcpstore.GET_NUM_KEYS)) == b""
    assert ask(other, tcpstore.BARRIER, b"/b", 2) == STOP
    assert client.data_to_send() == STOP + b"\1" + bytes(7)
