"""Subscriptions and the way of a message, without commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.channels import Channels, subscriptions_of
from respstore.engine.dispatch import SUBSCRIBED
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.keyspace.glob import compile_glob
from tests.talk import array, make_engine, received, talk


@pytest.fixture
def channels(engine: Engine) -> Channels:
    return engine.channels


def test_who_listens_gets_messages_in_the_order_of_publishing(channels: Channels, session: Session) -> None:
    assert channels.subscribe(session, b"c") == 1
    assert channels.publish(b"c", b"1") == channels.publish(b"c", b"2") == 1
    assert channels.publish(b"other", b"3") == 0
    assert received(session) == array(b"message", b"c", b"1") + array(b"message", b"c", b"2")


def test_a_message_speaks_the_listener_s_protocol(channels: Channels, engine: Engine) -> None:
    old, new = Session(engine), Session(engine)
    new.speak(3)
    channels.subscribe(old, b"c")
    channels.subscribe_pattern(new, b"?")
    assert channels.publish(b"c", b"x") == 2
    assert received(old) == array(b"message", b"c", b"x")
    assert received(new) == b">4\r\n" + array(b"pmessage", b"?", b"c", b"x")[4:]


def test_a_session_may_get_a_message_several_times(channels: Channels, session: Session) -> None:
    channels.subscribe(session, b"c")
    assert channels.subscribe(session, b"c") == 1
    assert channels.subscribe_pattern(session, b"c*") == 2
    assert channels.subscribe_pattern(session, b"*") == 3
    assert channels.publish(b"c", b"x") == 3


def test_nothing_is_left_of_who_listens_no_more(channels: Channels, engine: Engine) -> None:
    first, second = Session(engine), Session(engine)
    for session in (first, second):
        channels.subscribe(session, b"c")
        channels.subscribe_pattern(session, b"p*")
        channels.subscribe_shard(session, b"s")
    assert first.gate & SUBSCRIBED
    channels.forget(first)
    assert not first.gate & SUBSCRIBED
    assert first.subscriptions is None
    assert channels.publish(b"c", b"x") == channels.publish(b"p", b"x") == 1
    assert channels.publish_in_shard(b"s", b"x") == 1
    second.receive_eof()
    assert (channels.channels, channels.patterns, channels.shard_channels) == ({}, {}, {})


def test_unsubscribing_from_what_was_not_subscribed(channels: Channels, session: Session) -> None:
    assert channels.unsubscribe(session, b"c") == channels.unsubscribe_pattern(session, b"c") == 0
    assert len(subscriptions_of(session)) == 0


def test_a_thousand_listeners_get_one_encoding(channels: Channels, engine: Engine) -> None:
    sessions = [Session(engine) for _ in range(1000)]
    for session in sessions:
        channels.subscribe(session, b"c")
    engine.take_touched()
    assert channels.publish(b"c", b"x" * 100) == 1000
    channels.publish(b"c", b"y")
    assert engine.take_touched() == sessions  # each once
    outputs = [session._output[0] for session in sessions]
    assert all(output is outputs[0] for output in outputs)


def test_who_has_output_already_is_flushed_once(channels: Channels, engine: Engine, session: Session) -> None:
    channels.subscribe(session, b"c")
    talk(session, b"PING")
    engine.take_touched()
    channels.publish(b"c", b"1")
    channels.publish(b"c", b"2")
    assert engine.take_touched() == [session]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["subscribe", "subscribe_pattern", "unsubscribe", "unsubscribe_pattern", "forget", "publish"]
            ),
            st.integers(0, 2),
            st.sampled_from([b"a", b"ab", b"a*", b"?", b"*"]),
        ),
        max_size=40,
    )
)
def test_against_sets(steps: list[tuple[str, int, bytes]]) -> None:
    engine = make_engine()
    sessions = [Session(engine) for _ in range(3)]
    listening: set[tuple[int, str, bytes]] = set()
    for act, number, name in steps:
        session = sessions[number]
        kind = "pattern" if act.endswith("pattern") else "channel"
        if act == "publish":
            expected = sum(
                other == name if what == "channel" else compile_glob(other)(name) for _, what, other in listening
            )
            assert engine.channels.publish(name, b"x") == expected
            continue
        if act == "forget":
            engine.channels.forget(session)
            listening = {entry for entry in listening if entry[0] != number}
        else:
            entry = (number, kind, name)
            listening = listening | {entry} if act.startswith("sub") else listening - {entry}
            assert getattr(engine.channels, act)(session, name) == sum(who == number for who, _, _ in listening)
        assert bool(session.subscriptions) == any(who == number for who, _, _ in listening)
    assert set(engine.channels.channels) == {name for _, kind, name in listening if kind == "channel"}
    assert set(engine.channels.patterns) == {name for _, kind, name in listening if kind == "pattern"}
