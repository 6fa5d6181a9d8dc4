"""Users of a server, and what their changes mean for clients that are connected."""

import pytest

from respstore.engine.acl.user import hash_password
from respstore.engine.dispatch import RESTRICTED, UNAUTHENTICATED
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.exceptions import ConfigError
from tests.talk import NOAUTH, NULL, OK, PONG, FakeSystem, array, bulk, make_engine, pass_time, received, talk

NO_KEYS = b"-NOPERM this user has no permissions to access one of the keys used as arguments\r\n"
NO_GET = b"-NOPERM this user has no permissions to run the 'get' command\r\n"


def client_of(engine: Engine, *rules: bytes, name: bytes = b"alice") -> Session:
    """A client that is a user of these rules."""
    engine.acl.change(name, [b"on", b"nopass", *rules])
    session = Session(engine, "10.0.0.1:5000")
    engine.acl.authenticate(session, name, b"", b"AUTH")
    return session


def listed(engine: Engine) -> list[bytes]:
    return engine.acl.lines()


# The gate


def test_who_may_do_everything_goes_no_detour(engine: Engine) -> None:
    assert Session(engine).gate == 0
    assert client_of(engine, b"+@all", b"~*", b"&*").gate == 0
    assert client_of(engine, b"-get").gate == RESTRICTED


def test_changes_act_at_once(engine: Engine) -> None:
    session = client_of(engine, b"+@all", b"~*", b"&*")
    assert talk(session, b"GET k") == NULL
    engine.acl.change(b"alice", [b"-get"])
    assert talk(session, b"GET k") == NO_GET
    engine.acl.change(b"alice", [b"+@all"])
    assert session.gate == 0
    assert talk(session, b"GET k") == NULL


def test_in_the_middle_of_a_pipeline_too(engine: Engine) -> None:
    session = client_of(engine, b"+@all", b"~*", b"&*")
    session.receive_data(array(b"ACL", b"SETUSER", b"alice", b"-get") + array(b"GET", b"k") + array(b"PING"))
    assert session.data_to_send() == OK + NO_GET + PONG


def test_a_wrong_rule_changes_nothing(engine: Engine) -> None:
    engine.acl.change(b"alice", [b"on", b"+get"])
    before = listed(engine)
    for name in (b"alice", b"bob"):
        with pytest.raises(RespError):
            engine.acl.change(name, [b"off", b"+set", b"(~a)", b"nosuch"])
    assert listed(engine) == before


# The default user


def test_the_default_user_may_do_everything(engine: Engine) -> None:
    assert listed(engine) == [b"user default on nopass ~* &* +@all"]


def test_requirepass_is_its_password() -> None:
    engine = make_engine(requirepass=b"secret")
    session = Session(engine)
    assert session.gate == UNAUTHENTICATED
    assert engine.acl.default.passwords == [hash_password(b"secret")]
    engine.acl.change(b"default", [b">other"])
    engine.config.change([("requirepass", "new")])
    assert engine.acl.default.passwords == [hash_password(b"new")]
    assert talk(session, b"PING") == NOAUTH
    engine.config.change([("requirepass", "")])
    assert talk(session, b"PING") == PONG


def test_when_it_is_off_everybody_must_authenticate(engine: Engine) -> None:
    before = Session(engine)
    engine.acl.change(b"default", [b"off"])
    session = Session(engine)
    assert talk(session, b"PING") == NOAUTH
    assert talk(session, b"AUTH default x").startswith(b"-WRONGPASS")
    assert talk(before, b"PING") == PONG
    engine.acl.change(b"alice", [b"on", b">p", b"+ping"])
    assert talk(session, b"AUTH alice p") == OK
    assert talk(session, b"PING") == PONG


def test_its_restrictions_are_everybody_s(engine: Engine) -> None:
    session = Session(engine)
    engine.acl.change(b"default", [b"resetkeys", b"~a"])
    for client in (session, Session(engine)):
        assert talk(client, b"GET a") == NULL
        assert talk(client, b"GET k") == NO_KEYS


# Transactions, waiting, listening


def test_what_was_queued_is_checked_again(engine: Engine) -> None:
    session = client_of(engine, b"+@all", b"~*", b"&*")
    for line in (b"MULTI", b"SET k 1", b"GET a", b"PUBLISH c x", b"DEL a"):
        talk(session, line)
    engine.acl.change(b"alice", [b"resetkeys", b"~a", b"resetchannels", b"-del"])
    why = (
        b"-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
        b"This command is no longer allowed for the following reason: "
    )
    assert talk(session, b"EXEC") == b"".join(
        [
            *(b"*4\r\n", why, b"no permission to touch the specified keys\r\n", NULL),
            *(why, b"no permission to access one of the channels used as arguments\r\n"),
            *(why, b"no permission to execute the command or subcommand\r\n"),
        ]
    )
    assert session.db.get(b"k") is None
    assert [(entry.reason.name, entry.context, entry.object) for entry in engine.acl.log.entries] == [
        *(("COMMAND", "multi", b"del"), ("CHANNEL", "multi", b"c"), ("KEY", "multi", b"k"))
    ]


def test_who_waits_was_permitted_to(engine: Engine) -> None:
    session = client_of(engine, b"+@all", b"~*", b"&*")
    assert talk(session, b"BLPOP q 0") == b""
    engine.acl.change(b"alice", [b"-@all"])
    assert talk(Session(engine), b"RPUSH q x") == b":1\r\n"
    assert received(session) == array(b"q", b"x")


@pytest.mark.parametrize(
    ("line", "rules", "stays"),
    [
        (b"SUBSCRIBE news.a", [b"&news.*"], True),
        (b"SUBSCRIBE news.a", [b"&other"], False),
        (b"SUBSCRIBE news.a", [b"(&news.a)"], True),
        (b"PSUBSCRIBE news.*", [b"&news.*"], True),
        (b"PSUBSCRIBE news.*", [b"&n*"], False),
        (b"PSUBSCRIBE news.*", [b"+@all"], False),
        (b"PSUBSCRIBE news.*", [b"allchannels"], True),
        (b"PING", [b"-@all"], True),
    ],
)
def test_who_may_not_listen_any_more_is_disconnected(
    engine: Engine, line: bytes, rules: list[bytes], stays: bool
) -> None:
    session = client_of(engine, b"+@all", b"~*", b"&*")
    other = Session(engine)
    talk(other, b"SUBSCRIBE news.a")
    talk(session, line)
    engine.acl.change(b"alice", [b"resetchannels", *rules])
    assert session.is_closing is not stays
    assert not other.is_closing


# Deleting


def test_clients_of_a_deleted_user_are_disconnected(engine: Engine) -> None:
    alice, bob, waiting = client_of(engine), client_of(engine, name=b"bob"), client_of(engine, b"+@all", b"~*")
    talk(waiting, b"BLPOP q 0")
    assert engine.acl.delete([b"alice", b"nosuch", b"alice"]) == 1
    assert (alice.is_aborted, bob.is_closing, waiting.is_aborted) == (True, False, True)
    assert not len(engine.waiting)
    assert listed(engine) == [b"user bob on nopass resetchannels -@all", b"user default on nopass ~* &* +@all"]


def test_who_deletes_itself_hears_of_it(engine: Engine) -> None:
    session = client_of(engine, b"+@all", b"~*")
    session.receive_data(array(b"ACL", b"DELUSER", b"alice") + array(b"GET", b"k"))
    assert session.data_to_send() == b":1\r\n"
    assert session.is_closing


def test_a_user_of_the_same_name_is_another_one(engine: Engine) -> None:
    client_of(engine, b"+@all", b"~*")
    engine.acl.delete([b"alice"])
    engine.acl.change(b"alice", [b"on"])
    assert listed(engine)[0] == b"user alice on resetchannels -@all"


def test_the_default_user_stays(engine: Engine) -> None:
    engine.acl.change(b"alice", [])
    with pytest.raises(RespError, match="The 'default' user cannot be removed"):
        engine.acl.delete([b"alice", b"default"])
    assert b"alice" in engine.acl.users


# What is logged


def test_failures_to_authenticate_are_logged(engine: Engine) -> None:
    engine.acl.change(b"alice", [b"on", b">p"])
    session = Session(engine, "10.0.0.1:5000")
    for line in (b"AUTH alice wrong", b"AUTH alice wrong", b"AUTH nobody x", b"HELLO 3 AUTH alice wrong"):
        assert talk(session, line).startswith(b"-WRONGPASS")
    entries = engine.acl.log.entries
    assert [(entry.object, entry.username, entry.count) for entry in entries] == [
        *((b"HELLO", b"alice", 1), (b"AUTH", b"nobody", 1), (b"AUTH", b"alice", 2))
    ]
    assert all(entry.reason.name == "AUTH" for entry in entries)
    assert "addr=10.0.0.1:5000" in entries[0].client
    assert "cmd=hello user=default" in entries[0].client
    assert session.user is engine.acl.default


def test_what_is_denied_is_logged(engine: Engine) -> None:
    session = client_of(engine, b"+get", b"+publish", b"+multi", b"~a")
    for line in (b"GET k", b"PUBLISH c x", b"CONFIG GET port", b"MULTI", b"GET k"):
        talk(session, line)
    assert [(entry.context, entry.reason.name, entry.object) for entry in engine.acl.log.entries] == [
        ("multi", "KEY", b"k"),
        ("toplevel", "COMMAND", b"config|get"),
        ("toplevel", "CHANNEL", b"c"),
        ("toplevel", "KEY", b"k"),
    ]
    assert {entry.username for entry in engine.acl.log.entries} == {b"alice"}


def test_what_is_refused_counts_as_rejected(engine: Engine) -> None:
    session = client_of(engine, b"~a")
    talk(session, b"GET a")
    entry = engine.entries[b"get"]
    assert (entry.calls, entry.rejected, entry.failed) == (0, 1, 0)


# Files


def with_file(text: str | None, **options: object) -> Engine:
    engine = make_engine(dir="/data", aclfile="users.acl", **options)
    if text is not None:
        files(engine)["/data/users.acl"] = text
    return engine


def files(engine: Engine) -> dict[str, str]:
    assert isinstance(engine.system, FakeSystem)
    return engine.system.files


def test_users_of_a_file() -> None:
    engine = with_file("user alice on nopass ~a* +get\nuser default on >p +@all ~*\n")
    engine.acl.load_at_start()
    assert listed(engine)[0] == b"user alice on nopass ~a* resetchannels -@all +get"
    assert talk(Session(engine), b"PING") == NOAUTH


def test_a_file_that_says_nothing_of_the_default_user_leaves_it_as_it_is() -> None:
    engine = with_file("user alice on\n", requirepass=b"secret")
    engine.acl.load_at_start()
    assert engine.acl.default.passwords == [hash_password(b"secret")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "Error loading ACLs, opening file 'users.acl': "),
        ("user alice foo\n", "users.acl:1: Syntax error. WARNING: ACL errors detected"),
    ],
)
def test_a_server_does_not_start_with_a_file_that_is_wrong(text: str | None, reason: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        with_file(text).acl.load_at_start()
    assert str(refusal.value).startswith(f"aclfile: {reason}")


def test_users_of_a_configuration() -> None:
    engine = make_engine()
    engine.config.users = type(engine.config).from_text("user alice on\nuser default nopass on").users
    engine.acl.load_at_start()
    assert listed(engine) == [
        b"user alice on resetchannels -@all",
        b"user default on nopass sanitize-payload resetchannels -@all",
    ]
    assert talk(Session(engine), b"PING").startswith(b"-NOPERM")


def test_users_stand_in_one_place() -> None:
    engine = with_file("")
    engine.config.users = type(engine.config).from_text("user alice on").users
    with pytest.raises(ConfigError, match=r"redis.conf, line 1: 'user alice on': users are declared in"):
        engine.acl.load_at_start()


def test_to_load_a_file_again_disconnects_all_but_the_default_user_s_clients() -> None:
    engine = with_file("user alice on nopass +@all ~*\nuser bob on nopass +@all ~*\n")
    engine.acl.load_at_start()
    default, alice, bob = Session(engine), client_of(engine), client_of(engine, name=b"bob")
    files(engine)["/data/users.acl"] += "user default on nopass ~a &* +@all\n"
    assert talk(alice, b"ACL LOAD") == OK
    assert (default.is_closing, alice.is_closing, bob.is_aborted) == (False, True, True)
    assert talk(default, b"GET k") == NO_KEYS


def test_a_file_with_mistakes_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    engine = with_file("user alice on nopass\n")
    engine.acl.load_at_start()
    alice = client_of(engine)
    before = listed(engine)
    files(engine)["/data/users.acl"] = "user bob on\nuser alice on foo"
    with pytest.raises(RespError, match=r"users\.acl:2: Syntax error"):
        engine.acl.load()
    assert listed(engine) == before
    assert not alice.is_closing
    assert "the users of users.acl are not loaded" in caplog.text


def test_what_is_saved_can_be_loaded() -> None:
    engine = with_file("")
    engine.acl.load_at_start()
    engine.acl.change(b"al\xffice", [b"on", b">p", b"~\xff*", b"(%R~b +@list)"])
    before = listed(engine)
    engine.acl.save()
    engine.acl.delete([b"al\xffice"])
    engine.acl.load()
    assert listed(engine) == before


def test_a_file_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(path: str, text: str) -> None:
        raise OSError(13, "Permission denied")

    engine = with_file("")
    monkeypatch.setattr(engine.system, "replace_file", refuse)
    with pytest.raises(RespError, match="There was an error trying to save the ACLs"):
        engine.acl.save()
    assert "cannot write the users into users.acl" in caplog.text


def test_without_a_file_there_is_nothing_to_load_or_save(engine: Engine) -> None:
    for act in (engine.acl.load, engine.acl.save):
        with pytest.raises(RespError, match="This Redis instance is not configured to use an ACL file"):
            act()


def test_lines_for_the_configuration() -> None:
    engine = make_engine(requirepass=b"secret")
    assert engine.acl.config_lines() == []
    engine.acl.change(b"alice", [b"on"])
    assert engine.acl.config_lines() == ["user alice on resetchannels -@all"]
    engine.acl.change(b"default", [b"-get"])
    assert engine.acl.config_lines()[1].endswith(" ~* &* +@all -get")
    engine.config.aclfile = "users.acl"
    assert engine.acl.config_lines() == []


# Who guesses passwords


def guess(session: Session, times: int) -> bytes:
    return b"".join(talk(session, b"AUTH default wrong") for _ in range(times))


def test_who_guesses_is_answered_late() -> None:
    engine = make_engine(requirepass=b"secret")
    attacker, other = Session(engine, "10.0.0.1:5000"), Session(engine, "10.0.0.2:5000")
    assert guess(attacker, 11).count(b"-WRONGPASS") == 11
    assert guess(attacker, 1) == b""
    assert talk(attacker, b"AUTH secret") == b""
    assert talk(other, b"AUTH secret") == OK
    pass_time(engine, 0.3)
    assert received(attacker).startswith(b"-WRONGPASS")
    pass_time(engine, 0.3)
    assert received(attacker) == OK
    assert talk(attacker, b"PING") == PONG


def test_the_way_through_hello_or_a_new_connection_is_no_shorter() -> None:
    engine = make_engine(requirepass=b"secret")
    guess(Session(engine, "10.0.0.1:5000"), 12)
    session = Session(engine, "10.0.0.1:5001")
    assert talk(session, b"HELLO 3 AUTH default secret") == b""
    pass_time(engine, 0.3)
    assert b"proto\r\n:3\r\n" in received(session)


def test_the_password_is_looked_at_when_the_answer_is_due() -> None:
    engine = make_engine(requirepass=b"secret")
    session = Session(engine, "10.0.0.1:5000")
    guess(session, 12)
    pass_time(engine, 0.3)
    received(session)
    assert talk(session, b"AUTH secret") == b""
    engine.config.change([("requirepass", "new")])
    pass_time(engine, 0.3)
    assert received(session).startswith(b"-WRONGPASS")


def test_a_transaction_does_not_wait_and_is_not_let_in(engine: Engine) -> None:
    engine.acl.change(b"alice", [b"on", b">p"])
    session = Session(engine, "10.0.0.1:5000")
    for _ in range(11):
        talk(session, b"AUTH alice wrong")
    for line in (b"MULTI", b"AUTH alice p", b"ACL WHOAMI"):
        talk(session, line)
    assert talk(session, b"EXEC") == (
        b"*2\r\n-WRONGPASS invalid username-password pair or user is disabled.\r\n" + bulk(b"default")
    )


def test_who_hangs_up_meanwhile_is_gone() -> None:
    engine = make_engine(requirepass=b"secret")
    session = Session(engine, "10.0.0.1:5000")
    guess(session, 12)
    session.receive_eof()
    assert not len(engine.waiting)
    pass_time(engine, 0.3)
    assert len(engine.acl.log.entries) == 1
    assert engine.acl.log.entries[0].count == 11
