"""SAVE, BGSAVE, LASTSAVE and SHUTDOWN's options. Replies are those of redis-server 7.0.15."""

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import OK, SYNTAX, FakeSystem, pass_time, talk

FAILED = OSError(28, "No space left on device", "/data/dump.rdb")


def test_save(session: Session, engine: Engine) -> None:
    pass_time(engine, 5)
    assert talk(session, b"SAVE") == OK
    assert talk(session, b"LASTSAVE") == b":%d\r\n" % (engine.keyspace.now // 1000)


def test_save_that_fails(session: Session, engine: Engine) -> None:
    assert isinstance(engine.system, FakeSystem)
    engine.system.disk.problem = FAILED
    before = talk(session, b"LASTSAVE")
    pass_time(engine, 5)
    assert talk(session, b"SAVE") == b"-ERR\r\n"
    assert talk(session, b"LASTSAVE") == before


def test_bgsave(session: Session, engine: Engine) -> None:
    assert isinstance(engine.system, FakeSystem)
    assert talk(session, b"BGSAVE") == b"+Background saving started\r\n"
    assert talk(session, b"BGSAVE schedule") == b"-ERR Background save already in progress\r\n"
    engine.system.disk.ended = ""
    pass_time(engine, 1)
    assert talk(session, b"BGSAVE SCHEDULE") == b"+Background saving started\r\n"


def test_bgsave_takes_one_word(session: Session) -> None:
    assert talk(session, b"BGSAVE x") == SYNTAX
    assert talk(session, b"BGSAVE SCHEDULE x") == SYNTAX
