"""CONFIG: what a client says and hears. Which values the options take is shown in tests/config/."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.exceptions import ConfigError
from tests.talk import FakeSystem, array, make_engine, talk


def test_get_answers_names_and_values(session: Session) -> None:
    assert talk(session, b"CONFIG GET port") == array(b"port", b"6379")
    assert talk(session, b"CONFIG GET port nosuch databases") == array(b"port", b"6379", b"databases", b"16")
    assert talk(session, b"CONFIG GET nosuch") == b"*0\r\n"


def test_get_answers_a_plain_name_as_it_was_asked_and_a_pattern_in_small_letters(session: Session) -> None:
    assert talk(session, b"CONFIG GET PORT port") == array(b"PORT", b"6379")
    assert talk(session, b"CONFIG GET TCP-*") == array(b"tcp-backlog", b"511", b"tcp-keepalive", b"300")
    assert talk(session, b"CONFIG GET p[o]rt PORT") == array(b"port", b"6379")


def test_get_answers_both_names_of_an_option(session: Session) -> None:
    answer = talk(session, b"CONFIG GET *-priority")
    assert answer == array(b"replica-priority", b"100", b"slave-priority", b"100")


def test_get_answers_a_map_in_resp3(session: Session) -> None:
    session.protocol = 3
    assert talk(session, b"CONFIG GET port") == b"%1\r\n$4\r\nport\r\n$4\r\n6379\r\n"


@pytest.mark.parametrize("pattern", [b"\xff\x00", b"", b"[", b"*" * 1000 + b"nosuch"])
def test_get_takes_any_pattern(session: Session, pattern: bytes) -> None:
    assert talk(session, b"CONFIG", b"GET", pattern) == b"*0\r\n"


def test_any_bytes_come_back_as_they_were_set(session: Session) -> None:
    value = b"\x00\xff\r\n\xc3\xa9"
    assert talk(session, b"CONFIG", b"SET", b"masterauth", value) == b"+OK\r\n"
    assert talk(session, b"CONFIG GET masterauth") == array(b"masterauth", value)


def test_set_changes_all_or_nothing(session: Session) -> None:
    assert talk(session, b"CONFIG SET timeout 5 MaxClients 7") == b"+OK\r\n"
    assert talk(session, b"CONFIG GET timeout maxclients") == array(b"timeout", b"5", b"maxclients", b"7")
    assert talk(session, b"CONFIG SET timeout 6 MaxClients x") == (
        b"-ERR CONFIG SET failed (possibly related to argument 'MaxClients')"
        b" - argument couldn't be parsed into an integer\r\n"
    )
    assert talk(session, b"CONFIG GET timeout") == array(b"timeout", b"5")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (b"timeout", b"ERR wrong number of arguments for 'config|set' command"),
        (b"timeout 5 x", b"ERR syntax error"),
        (b"nosuch 5", b"ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
        (
            b"databases 5",
            b"ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config",
        ),
        (
            b"min-replicas-to-write 1",
            (
                b"ERR CONFIG SET failed (possibly related to argument 'min-replicas-to-write') - "
                b"respstore supports only '0' here"
            ),
        ),
    ],
)
def test_set_refuses(session: Session, words: bytes, error: bytes) -> None:
    assert talk(session, b"CONFIG SET " + words) == b"-" + error + b"\r\n"


def test_set_passes_on_what_the_server_says(session: Session, engine: Engine) -> None:
    def refuse() -> None:
        raise ConfigError("Unable to listen on this port. Check server logs.")

    engine.config.on_change("port", refuse)
    assert talk(session, b"CONFIG SET port 7000") == (
        b"-ERR CONFIG SET failed (possibly related to argument 'port')"
        b" - Unable to listen on this port. Check server logs.\r\n"
    )
    assert engine.config.port == 6379


@pytest.mark.parametrize(
    ("allowed", "peer", "expected"),
    [
        ("no", "127.0.0.1:50123", False),
        ("yes", "192.0.2.1:50123", True),
        ("local", "127.0.0.1:50123", True),
        ("local", "[::1]:50123", True),
        ("local", "run/respstore.sock:0", True),
        ("local", "192.0.2.1:50123", False),
    ],
)
def test_set_protects_where_files_are_written(allowed: str, peer: str, expected: bool) -> None:
    session = Session(make_engine(enable_protected_configs=allowed), peer)
    refusal = b"-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config\r\n"
    assert talk(session, b"CONFIG SET dbfilename other.rdb") == (b"+OK\r\n" if expected else refusal)


def test_resetstat_starts_counting_again(session: Session, engine: Engine) -> None:
    talk(session, b"SET k v")
    talk(session, b"GET k")
    talk(session, b"GET nosuch")
    talk(session, b"NOSUCH")
    assert talk(session, b"CONFIG RESETSTAT") == b"+OK\r\n"
    answer = talk(session, b"INFO stats")
    assert b"keyspace_hits:0\r\n" in answer
    assert b"keyspace_misses:0\r\n" in answer
    assert b"total_error_replies:0\r\n" in answer
    assert engine.entries[b"get"].calls == 0


def test_rewrite_needs_a_file(session: Session) -> None:
    assert talk(session, b"CONFIG REWRITE") == b"-ERR The server is running without a config file\r\n"


@pytest.fixture
def system(engine: Engine) -> FakeSystem:
    """A process that was started with a configuration file."""
    assert isinstance(engine.system, FakeSystem)
    engine.system.config_file = "/etc/redis.conf"
    engine.config.dir = ""
    return engine.system


def test_rewrite_keeps_what_the_file_says(session: Session, system: FakeSystem) -> None:
    system.files["/etc/redis.conf"] = "# mine\ntimeout 0\ndir ''\n"
    talk(session, b"CONFIG SET timeout 5")
    assert talk(session, b"CONFIG REWRITE") == b"+OK\r\n"
    assert system.files["/etc/redis.conf"] == '# mine\ntimeout 5\ndir ""\n'


def test_rewrite_makes_a_file_that_is_gone(session: Session, system: FakeSystem) -> None:
    talk(session, b"CONFIG SET timeout 5")
    assert talk(session, b"CONFIG REWRITE") == b"+OK\r\n"
    assert "\ntimeout 5\n" in system.files["/etc/redis.conf"]


def test_rewrite_says_why_it_failed(session: Session, system: FakeSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, text: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(system, "replace_file", refuse)
    assert talk(session, b"CONFIG REWRITE") == b"-ERR Rewriting config file: Permission denied\r\n"


def test_help_describes_the_subcommands(session: Session) -> None:
    answer = talk(session, b"CONFIG HELP")
    assert b"+GET <parameter> [<parameter> ...]\r\n" in answer
    assert b"+REWRITE\r\n" in answer


def test_unknown_subcommands(session: Session) -> None:
    assert talk(session, b"CONFIG NOSUCH") == b"-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.\r\n"
