"""Publish and subscribe; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NULL, OK, PONG, array, bulk, pass_time, received, talk


def pushed(kind: bytes, name: bytes | None, count: int, protocol: int = 2) -> bytes:
    """The answer to subscribing and the like."""
    null = NULL if protocol == 2 else b"_\r\n"
    head = b"*3" if protocol == 2 else b">3"
    return head + b"\r\n" + bulk(kind) + (null if name is None else bulk(name)) + b":%d\r\n" % count


def refused(name: bytes) -> bytes:
    return (
        b"-ERR Can't execute '%b': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        b"context\r\n" % name
    )


@pytest.fixture
def other(engine: Engine) -> Session:
    return Session(engine)


def test_publish(session: Session, other: Session) -> None:
    assert talk(session, b"SUBSCRIBE a b a") == (
        pushed(b"subscribe", b"a", 1) + pushed(b"subscribe", b"b", 2) + pushed(b"subscribe", b"a", 2)
    )
    assert talk(session, b"PSUBSCRIBE a*") == pushed(b"psubscribe", b"a*", 3)
    assert talk(other, b"PUBLISH a hello") == b":2\r\n"
    assert received(session) == array(b"message", b"a", b"hello") + array(b"pmessage", b"a*", b"a", b"hello")
    assert talk(other, b"PUBLISH c hello") == b":0\r\n"


def test_unsubscribe(session: Session, other: Session) -> None:
    talk(session, b"SUBSCRIBE a b")
    talk(session, b"PSUBSCRIBE p q")
    assert talk(session, b"UNSUBSCRIBE a x") == pushed(b"unsubscribe", b"a", 3) + pushed(b"unsubscribe", b"x", 3)
    assert talk(session, b"PUNSUBSCRIBE") == pushed(b"punsubscribe", b"p", 2) + pushed(b"punsubscribe", b"q", 1)
    assert talk(session, b"PUNSUBSCRIBE") == pushed(b"punsubscribe", None, 1)
    assert talk(session, b"UNSUBSCRIBE") == pushed(b"unsubscribe", b"b", 0)
    assert talk(session, b"UNSUBSCRIBE") == pushed(b"unsubscribe", None, 0)
    assert talk(other, b"PUBLISH a x") == b":0\r\n"


def test_what_a_resp2_subscriber_may_send(session: Session) -> None:
    talk(session, b"SUBSCRIBE c")
    for words, name in (
        *((b"GET k", b"get"), (b"PUBLISH c x", b"publish"), (b"CLIENT ID", b"client|id"), (b"MULTI", b"multi")),
        (b"HELLO 3", b"hello"),
    ):
        assert talk(session, words) == refused(name)
    assert talk(session, b"PING") == array(b"pong", b"")
    assert talk(session, b"PING hello") == array(b"pong", b"hello")
    assert talk(session, b"GET").startswith(b"-ERR wrong number")
    talk(session, b"PSUBSCRIBE p")
    talk(session, b"UNSUBSCRIBE c")
    assert talk(session, b"GET k") == refused(b"get")
    talk(session, b"PUNSUBSCRIBE")
    assert talk(session, b"GET k") == NULL


@pytest.mark.parametrize("subscribe", [b"SUBSCRIBE c", b"PSUBSCRIBE c", b"SSUBSCRIBE c"])
def test_reset_ends_subscriptions(session: Session, engine: Engine, subscribe: bytes) -> None:
    talk(session, subscribe)
    assert talk(session, b"GET k") == refused(b"get")
    assert talk(session, b"RESET") == b"+RESET\r\n"
    assert talk(session, b"GET k") == NULL
    channels = engine.channels
    assert (channels.channels, channels.patterns, channels.shard_channels) == ({}, {}, {})


def test_a_resp3_subscriber_may_send_anything(session: Session) -> None:
    talk(session, b"HELLO 3")
    assert talk(session, b"SUBSCRIBE c") == pushed(b"subscribe", b"c", 1, protocol=3)
    assert talk(session, b"PING") == PONG
    assert talk(session, b"PUBLISH c x") == b">3\r\n" + array(b"message", b"c", b"x")[4:] + b":1\r\n"
    talk(session, b"HELLO 2")
    assert talk(session, b"GET k") == refused(b"get")
    assert talk(session, b"UNSUBSCRIBE") == pushed(b"unsubscribe", b"c", 0)


def test_transactions(session: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"SUBSCRIBE c")
    talk(session, b"UNSUBSCRIBE c")
    assert talk(session, b"EXEC") == b"*2\r\n" + pushed(b"subscribe", b"c", 1) + pushed(b"unsubscribe", b"c", 0)
    talk(session, b"MULTI")
    talk(session, b"SUBSCRIBE c")
    talk(session, b"EXEC")
    assert talk(session, b"EXEC") == (
        b"-EXECABORT Transaction discarded because of: " + refused(b"exec").removeprefix(b"-ERR ")
    )


def test_messages_come_while_the_client_waits(session: Session, other: Session) -> None:
    talk(session, b"HELLO 3")
    talk(session, b"SUBSCRIBE c")
    assert talk(session, b"BLPOP q 0") == b""
    talk(other, b"PUBLISH c x")
    assert received(session).startswith(b">3\r\n")
    talk(other, b"RPUSH q 1")
    assert received(session) == array(b"q", b"1")


def test_client_reply_silences_replies_alone(session: Session, other: Session) -> None:
    talk(session, b"CLIENT REPLY OFF")
    assert talk(session, b"SUBSCRIBE c") == pushed(b"subscribe", b"c", 1)
    talk(other, b"PUBLISH c x")
    assert received(session) == array(b"message", b"c", b"x")
    assert talk(session, b"UNSUBSCRIBE") == pushed(b"unsubscribe", b"c", 0)


def test_pubsub(session: Session, other: Session) -> None:
    talk(session, b"SUBSCRIBE a ab")
    talk(other, b"HELLO 3")
    talk(other, b"SUBSCRIBE a b")
    talk(other, b"PSUBSCRIBE p*")
    talk(session, b"PSUBSCRIBE p* q*")
    assert talk(other, b"PUBSUB CHANNELS") == array(b"a", b"ab", b"b")
    assert talk(other, b"PUBSUB CHANNELS a*") == array(b"a", b"ab")
    assert talk(other, b"PUBSUB NUMSUB a b nothing") == (
        b"*6\r\n" + bulk(b"a") + b":2\r\n" + bulk(b"b") + b":1\r\n" + bulk(b"nothing") + b":0\r\n"
    )
    assert talk(other, b"PUBSUB NUMSUB") == b"*0\r\n"
    assert talk(other, b"PUBSUB NUMPAT") == b":2\r\n"
    stats = talk(other, b"INFO stats")
    assert b"pubsub_channels:3\r\n" in stats
    assert b"pubsub_patterns:2\r\n" in stats
    assert b"PUBSUB <subcommand>" in talk(other, b"PUBSUB HELP")


# Shard channels


def test_shard_channels_are_counted_and_heard_by_themselves(session: Session, other: Session) -> None:
    talk(session, b"SUBSCRIBE c")
    talk(session, b"PSUBSCRIBE *")
    assert talk(session, b"SSUBSCRIBE c d c") == (
        pushed(b"ssubscribe", b"c", 1) + pushed(b"ssubscribe", b"d", 2) + pushed(b"ssubscribe", b"c", 2)
    )
    assert talk(other, b"SPUBLISH c hello") == b":1\r\n"
    assert received(session) == array(b"smessage", b"c", b"hello")
    assert talk(other, b"SPUBLISH x hello") == b":0\r\n"
    assert talk(other, b"PUBLISH d hello") == b":1\r\n"
    assert received(session) == array(b"pmessage", b"*", b"d", b"hello")
    assert talk(session, b"SUNSUBSCRIBE d x") == pushed(b"sunsubscribe", b"d", 1) + pushed(b"sunsubscribe", b"x", 1)


def test_who_leaves_the_last_shard_channel_is_no_subscriber(session: Session) -> None:
    talk(session, b"SSUBSCRIBE c")
    for words in (b"GET k", b"SPUBLISH c x", b"HELLO 3"):
        assert talk(session, words) == refused(words.split()[0].lower())
    assert talk(session, b"PING") == array(b"pong", b"")
    talk(session, b"SUBSCRIBE d")
    assert talk(session, b"SUNSUBSCRIBE") == pushed(b"sunsubscribe", b"c", 0)
    assert talk(session, b"GET k") == refused(b"get")
    talk(session, b"UNSUBSCRIBE")
    assert talk(session, b"SUNSUBSCRIBE") == pushed(b"sunsubscribe", None, 0)
    assert talk(session, b"GET k") == NULL


def test_shard_channels_in_a_transaction(session: Session) -> None:
    for words in (b"MULTI", b"SSUBSCRIBE c", b"SPUBLISH c x", b"SUNSUBSCRIBE"):
        talk(session, words)
    assert talk(session, b"EXEC") == (
        b"*3\r\n-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n:0\r\n" + pushed(b"sunsubscribe", None, 0)
    )


def test_pubsub_on_shard_channels(session: Session, other: Session) -> None:
    talk(session, b"SSUBSCRIBE a ab")
    assert talk(other, b"PUBSUB SHARDCHANNELS") == array(b"a", b"ab")
    assert talk(other, b"PUBSUB SHARDCHANNELS ?b") == array(b"ab")
    assert talk(other, b"PUBSUB CHANNELS") == b"*0\r\n"
    assert talk(other, b"PUBSUB SHARDNUMSUB a x") == b"*4\r\n" + bulk(b"a") + b":1\r\n" + bulk(b"x") + b":0\r\n"
    assert b"pubsubshard_channels:2\r\n" in talk(other, b"INFO stats")
    line = talk(other, b"CLIENT LIST ID %d" % session.id)
    assert b" flags=P " in line
    assert b" sub=0 psub=0 ssub=2 " in line


def test_client_list_knows_subscribers(session: Session, other: Session) -> None:
    talk(session, b"SUBSCRIBE a b")
    talk(session, b"PSUBSCRIBE p")
    line = talk(other, b"CLIENT LIST TYPE pubsub")
    assert b" flags=P " in line
    assert b" sub=2 psub=1 " in line
    assert b"id=%d " % other.id not in line
    assert talk(other, b"CLIENT KILL TYPE pubsub") == b":1\r\n"
    assert session.is_closing


def test_a_silent_subscriber_is_not_idle(session: Session, other: Session, engine: Engine) -> None:
    engine.config.timeout = 10
    talk(session, b"SUBSCRIBE c")
    for _ in range(30):
        pass_time(engine, 1)
    assert other.is_closing
    assert not session.is_closing
    assert OK not in received(session)
