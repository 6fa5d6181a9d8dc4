"""What SLOWLOG keeps of a request, and how many."""

from respstore.config import Config
from respstore.engine.session import Session
from respstore.engine.slowlog import SlowLog, shortened


def make_log(**options: int) -> SlowLog:
    config = Config()
    for name, value in options.items():
        setattr(config, name, value)
    return SlowLog(config)


def test_an_entry_says_who_asked_for_what_and_when(session: Session) -> None:
    session.peer, session.name = "10.0.0.1:5000", b"worker"
    log = make_log()
    log.add(session, "auth", [b"AUTH", b"secret"], 25000, 1_700_000_000)
    log.add(session, "get", [b"GET", b"k"], 15000, 1_700_000_001)
    assert [(entry.id, entry.time, entry.duration, entry.args) for entry in log] == [
        (1, 1_700_000_001, 15000, (b"GET", b"k")),
        (0, 1_700_000_000, 25000, (b"AUTH", b"(redacted)")),
    ]
    assert {(entry.peer, entry.name) for entry in log} == {(b"10.0.0.1:5000", b"worker")}


def test_the_oldest_go(session: Session) -> None:
    log = make_log(slowlog_max_len=2)
    for number in range(3):
        log.add(session, "get", [b"GET", b"%d" % number], 1, 1)
    assert [entry.args[1] for entry in log] == [b"2", b"1"]


def test_less_room_takes_effect_at_once(session: Session) -> None:
    config = Config()
    log = SlowLog(config)
    for number in range(3):
        log.add(session, "get", [b"GET", b"%d" % number], 1, 1)
    config.change([("slowlog-max-len", "1")])
    assert [entry.id for entry in log] == [2]


def test_ids_go_on_after_clear(session: Session) -> None:
    log = make_log()
    log.add(session, "get", [b"GET", b"k"], 1, 1)
    log.clear()
    assert not len(log)
    log.add(session, "get", [b"GET", b"k"], 1, 1)
    assert next(iter(log)).id == 1


def test_a_long_request_is_shortened() -> None:
    assert shortened([b"x"] * 32) == [b"x"] * 32
    assert shortened([b"x"] * 33) == [b"x"] * 31 + [b"... (2 more arguments)"]
    assert shortened([b"x" * 128]) == [b"x" * 128]
    assert shortened([b"x" * 130]) == [b"x" * 128 + b"... (2 more bytes)"]
