"""Keyspace notifications; every message as redis-server 7.0.15 sends it."""

import re
from pathlib import Path

import pytest

import respstore.commands
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.keyspace import Database
from respstore.keyspace.notifying import CLASSES
from tests.talk import OK, array, make_engine, pass_time, received, talk


def listener(engine: Engine) -> Session:
    session = Session(engine)
    talk(session, b"PSUBSCRIBE __key*")
    return session


def messages(session: Session) -> list[bytes]:
    """Channel and message, with a space between them."""
    lines = received(session).split(b"\r\n")
    return [b" ".join(lines[at + 6 : at + 9 : 2]) for at in range(0, len(lines) - 1, 9)]


def test_a_change_is_told_on_two_channels(session: Session, engine: Engine) -> None:
    listening = listener(engine)
    assert talk(session, b"CONFIG SET notify-keyspace-events KEA") == OK
    talk(session, b"SELECT 3")
    talk(session, b"SET k v")
    assert received(listening) == array(b"pmessage", b"__key*", b"__keyspace@3__:k", b"set") + array(
        b"pmessage", b"__key*", b"__keyevent@3__:set", b"k"
    )


@pytest.mark.parametrize(
    ("classes", "events"),
    [
        *(("", ""), ("K", ""), ("A", ""), ("E$", "set"), ("El", "rpush lpop"), ("Eg", "del"), ("Em", "keymiss")),
        *(("EA", "set rpush lpop del sadd"), ("En", "new new new"), ("E$sm", "set sadd keymiss"), ("Kh", "")),
    ],
)
def test_classes(classes: str, events: str) -> None:
    session = Session(make_engine(notify_keyspace_events=classes))
    listening = listener(session.engine)
    for words in (b"SET k v", b"RPUSH l a", b"LPOP l", b"SADD s a", b"GET missing"):
        talk(session, words)
    assert [message.partition(b"@0__:")[2].split()[0].decode() for message in messages(listening)] == events.split()


def test_switching_off_and_on(session: Session, engine: Engine) -> None:
    listening = listener(engine)
    for classes, count in ((b"EA", 1), (b"KEA", 2), (b"KA", 1), (b"", 0), (b"K$", 1), (b"Kl", 0), (b"KE", 0)):
        talk(session, b"CONFIG", b"SET", b"notify-keyspace-events", classes)
        talk(session, b"SET k v")
        assert len(messages(listening)) == count
    assert {type(db) for db in engine.keyspace.databases} == {Database}


def test_renaming_and_moving(session: Session, engine: Engine) -> None:
    listening = listener(engine)
    talk(session, b"MSET a 1 b 2")
    talk(session, b"CONFIG SET notify-keyspace-events EAn")
    talk(session, b"RENAME a b")
    talk(session, b"MOVE b 1")
    talk(session, b"SELECT 1")
    talk(session, b"COPY b c")
    assert messages(listening) == [
        *(b"__keyevent@0__:new b", b"__keyevent@0__:rename_from a", b"__keyevent@0__:rename_to b"),
        *(b"__keyevent@1__:new b", b"__keyevent@0__:move_from b", b"__keyevent@1__:move_to b"),
        *(b"__keyevent@1__:new c", b"__keyevent@1__:copy_to c"),
    ]


def test_a_key_expires_by_itself(session: Session, engine: Engine) -> None:
    listening = listener(engine)
    talk(session, b"CONFIG SET notify-keyspace-events Ex")
    talk(session, b"SET k v PX 10")
    pass_time(engine, 1)
    assert messages(listening) == [b"__keyevent@0__:expired k"]


def test_who_waits_is_served_after_the_push(session: Session, engine: Engine) -> None:
    listening, waiting = listener(engine), Session(engine)
    talk(session, b"CONFIG SET notify-keyspace-events EA")
    talk(waiting, b"BLPOP q 0")
    talk(session, b"RPUSH q a")
    assert messages(listening) == [
        b"__keyevent@0__:rpush q",
        b"__keyevent@0__:lpop q",
        b"__keyevent@0__:del q",
    ]


def test_an_estimate_that_is_cached_is_no_event(session: Session, engine: Engine) -> None:
    listening = listener(engine)
    talk(session, b"PFADD h a")
    talk(session, b"CONFIG SET notify-keyspace-events EAmn")
    talk(session, b"PFCOUNT h")
    talk(session, b"OBJECT ENCODING missing")
    assert messages(listening) == []


def test_one_s_own_changes_come_before_the_reply(session: Session) -> None:
    talk(session, b"HELLO 3")
    talk(session, b"CONFIG SET notify-keyspace-events EA")
    talk(session, b"SUBSCRIBE __keyevent@0__:set")
    assert talk(session, b"SET k v") == b">3\r\n" + array(b"message", b"__keyevent@0__:set", b"k")[4:] + OK


def test_every_event_of_a_command_has_a_class() -> None:
    """Names of events stand behind the value in calls of the database."""
    folder = Path(respstore.commands.__file__).parent
    calls = re.compile(r"\.(?:put|put_several|replace|changed|shrunk|noted|delete|place)\([^\n]*, f?\"([a-z_-]+)\"\)")
    named = {event for path in folder.glob("*.py") for event in calls.findall(path.read_text())}

    assert len(named) > 15
    assert named - CLASSES.keys() == set()
