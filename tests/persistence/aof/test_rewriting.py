"""Data as commands: who runs them has the data."""

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.keyspace.digest import digest_of_keyspace
from respstore.keyspace.stream import Stream
from respstore.persistence.aof.reader import read_units
from respstore.persistence.aof.rewriting import ITEMS_PER_COMMAND, write_commands
from tests.talk import make_engine, talk

LINES = (
    b"SET string v",
    b"SET binary \x00\xff",
    b"SET number 7",
    b"APPEND raw abc",
    b"SETEX soon 100 v",
    b"SADD ints 1 2 3",
    b"HSET hash f v g w",
    b"ZADD scores 1.5 a -inf b 3.1415926535897931 c",
    b"XADD stream 1-1 f v",
    b"XADD stream 2-1 f v g w",
    b"XADD stream 3-1 f v",
    b"XDEL stream 2-1",
    b"XGROUP CREATE stream g 0",
    b"XGROUP CREATE stream h $ ENTRIESREAD 3",
    b"XGROUP CREATECONSUMER stream g idle",
    b"XREADGROUP GROUP g c COUNT 1 STREAMS stream >",
    b"XADD empty 5-5 a b",
    b"XTRIM empty MAXLEN 0",
    b"XGROUP CREATE new g $ MKSTREAM",
    b"SELECT 3",
    b"SET other v",
)


def told(session: Session) -> list[bytes]:
    """What a client sees of the data, beside its digest."""
    lines = (b"SELECT 0", b"PEXPIRETIME soon", b"XINFO STREAM stream FULL", b"XINFO STREAM empty", b"XINFO STREAM new")
    return [talk(session, line) for line in lines]


def test_who_runs_the_commands_has_the_data(engine: Engine, session: Session) -> None:
    for line in LINES:
        assert not talk(session, line).startswith(b"-")
    talk(session, b"SELECT 0")
    talk(session, b"FUNCTION", b"LOAD", b"#!lua name=l\nredis.register_function('f', function() return 7 end)")
    talk(session, b"RPUSH", b"long", *[b"%d" % number for number in range(500)])
    other = make_engine()
    reader = Session(other)
    for unit in read_units(b"".join(write_commands(engine.keyspace))):
        for words in unit.commands:
            assert len(words) <= 2 + 2 * ITEMS_PER_COMMAND
            assert not talk(reader, *words).startswith(b"-"), words
    assert digest_of_keyspace(other.keyspace) == digest_of_keyspace(engine.keyspace)
    assert told(reader) == told(session)
    assert talk(reader, b"FCALL f 0") == b":7\r\n"


def test_what_groups_of_a_stream_have_stays_packed(engine: Engine, session: Session) -> None:
    for line in LINES:
        talk(session, line)
    stream = engine.keyspace.databases[0].data[b"stream"]
    assert isinstance(stream, Stream)
    stream.pack()
    assert b"".join(write_commands(engine.keyspace)).count(b"XCLAIM") == 1
    assert all(group.is_packed for group in stream.groups.values())
