"""dispatch: which command a request names, what forbids or delays it, and what is counted."""

from random import Random

import pytest

from respstore.commands import TABLE
from respstore.config import Config
from respstore.engine.dispatch import find, make_entries
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.exceptions import ConfigError
from tests.talk import NOAUTH, PONG, FakeSystem, array, check_wire, make_engine, pass_time, received, request, talk

QUEUED = b"+QUEUED\r\n"


# Look-up


@pytest.mark.parametrize("name", [b"get", b"GET", b"Get", b"gEt"])
def test_a_command_is_found_in_any_case(name: bytes) -> None:
    entries = make_entries(TABLE)
    entry = find(entries, name)
    assert entry is entries[b"get"]
    assert entry.command.name == "get"


@pytest.mark.parametrize("name", [b"", b"ge", b"get ", b"g\xc9t", b"config|get", b"\x00"])
def test_what_is_no_command_is_not_found(name: bytes) -> None:
    assert find(make_entries(TABLE), name) is None


def test_engines_count_for_themselves() -> None:
    one, other = make_engine(), make_engine()
    talk(Session(one), b"GET k")
    assert one.entries[b"get"].calls == 1
    assert other.entries[b"get"].calls == 0


@pytest.mark.parametrize(
    ("args", "text"),  # as redis-server 7.0.15 answers them
    [
        ((b"NO",), b"ERR unknown command 'NO', with args beginning with: "),
        ((b"no", b"a", b"b c"), b"ERR unknown command 'no', with args beginning with: 'a' 'b c' "),
        ((b"NO", b"", b""), b"ERR unknown command 'NO', with args beginning with: '' '' "),
        ((b"", b"x"), b"ERR unknown command '', with args beginning with: 'x' "),
        ((b"N" * 200,), b"ERR unknown command '" + b"N" * 128 + b"', with args beginning with: "),
        ((b"NO", b"x" * 200), b"ERR unknown command 'NO', with args beginning with: '" + b"x" * 128 + b"' "),
        (
            (b"NO", b"x" * 100, b"y" * 100, b"z"),
            b"ERR unknown command 'NO', with args beginning with: '" + b"x" * 100 + b"' '" + b"y" * 25 + b"' ",
        ),
        (
            (b"NO", b"\xc3\xa9" * 50, b"\xc3\xa9" * 50),  # bytes are counted, not characters
            b"ERR unknown command 'NO', with args beginning with: '" + b"\xc3\xa9" * 50 + b"' '" + b"\xc3\xa9" * 12
            + b"\xc3' ",
        ),
        ((b"NO\xff", b"a\xfe"), b"ERR unknown command 'NO\xff', with args beginning with: 'a\xfe' "),
        ((b"N\x00O", b"a\x00b", b"c"), b"ERR unknown command 'N', with args beginning with: 'a' 'c' "),
        ((b"N\r\nO", b"a\r\n+OK"), b"ERR unknown command 'N  O', with args beginning with: 'a  +OK' "),
        ((b"CONFIG", b"no", b"x"), b"ERR unknown subcommand 'no'. Try CONFIG HELP."),
        ((b"config", b"N" * 200), b"ERR unknown subcommand '" + b"N" * 128 + b"'. Try CONFIG HELP."),
        ((b"CLIENT", b"a\x00b\xff"), b"ERR unknown subcommand 'a'. Try CLIENT HELP."),
        ((b"CLIENT", b"a\r\n\xff"), b"ERR unknown subcommand 'a  \xff'. Try CLIENT HELP."),
    ],
)  # fmt: skip
def test_an_unknown_command_is_quoted(args: tuple[bytes, ...], text: bytes) -> None:
    check_wire(array(*args), b"-" + text + b"\r\n")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"GET", b"get"),
        (b"GET a b", b"get"),
        (b"gEt", b"get"),
        (b"SET a", b"set"),
        (b"MGET", b"mget"),
        (b"PING a b", b"ping"),
        (b"CONFIG", b"config"),
        (b"CONFIG GET", b"config|get"),
        (b"CLIENT ID x", b"client|id"),
        (b"client kill", b"client|kill"),
    ],
)
def test_a_wrong_number_of_arguments_is_refused(line: bytes, name: bytes) -> None:
    check_wire(request(line), b"-ERR wrong number of arguments for '%b' command\r\n" % name)


def test_too_many_arguments_for_a_subcommand() -> None:
    text = b"-ERR unknown subcommand or wrong number of arguments for '%b'. Try CLIENT HELP.\r\n"
    check_wire(request(b"CLIENT PAUSE 1 WRITE x"), text % b"PAUSE")
    check_wire(request(b"CLIENT pAuse 1 WRITE x"), text % b"pAuse")


@pytest.mark.parametrize("line", [b"POST / HTTP/1.1\r\n", b"hOsT: example.com\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_http_is_hung_up_on(line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    session = Session(make_engine(), peer="127.0.0.1:5")
    session.receive_data(b"PING\r\n" + line + b"\r\nSET k v\r\n")
    assert session.data_to_send() == b""
    assert session.is_aborted
    assert "closing client 1 (127.0.0.1:5): it speaks HTTP" in caplog.text
    assert talk(Session(session.engine), b"EXISTS k") == b":0\r\n"


# Authentication


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"PING", NOAUTH),
        (b"PING a b c", NOAUTH),
        (b"GET k", NOAUTH),
        (b"MULTI", NOAUTH),
        (b"EXEC", b"-EXECABORT Transaction discarded because of: NOAUTH Authentication required.\r\n"),
        (b"CONFIG GET *", NOAUTH),
        (b"CLIENT ID", NOAUTH),
        (b"COMMAND", NOAUTH),
        (b"GET", b"-ERR wrong number of arguments for 'get' command\r\n"),
        (b"NO", b"-ERR unknown command 'NO', with args beginning with: \r\n"),
        (b"CLIENT NO", b"-ERR unknown subcommand 'NO'. Try CLIENT HELP.\r\n"),
        (b"AUTH no", b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
        (b"RESET", b"+RESET\r\n"),
    ],
)
def test_without_the_password_little_is_answered(line: bytes, reply: bytes) -> None:
    check_wire(request(line), reply, then=NOAUTH, requirepass=b"secret")


def test_with_the_password_all_is_answered() -> None:
    check_wire(request(b"AUTH secret") + request(b"ECHO x"), b"+OK\r\n$1\r\nx\r\n", requirepass=b"secret")
    check_wire(b"AUTH secret\r\nECHO x\r\n", b"+OK\r\n$1\r\nx\r\n", requirepass=b"secret")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"*11\r\n", b"unauthenticated multibulk length"),
        (b"*1\r\n$16385\r\n", b"unauthenticated bulk length"),
    ],
)
def test_without_the_password_requests_are_small(sent: bytes, error: bytes) -> None:
    check_wire(sent, b"-ERR Protocol error: " + error + b"\r\n", requirepass=b"secret")
    large = array(b"MGET", *[b"k"] * 20) + array(b"ECHO", b"x" * 20_000)
    session = Session(make_engine(requirepass=b"secret"))
    session.receive_data(request(b"AUTH secret") + large)
    assert session.data_to_send() == b"+OK\r\n*20\r\n" + b"$-1\r\n" * 20 + b"$20000\r\n" + b"x" * 20_000 + b"\r\n"


def test_a_change_of_the_password_is_for_newcomers(engine: Engine) -> None:
    before = Session(engine)
    assert talk(before, b"CONFIG SET requirepass secret") == b"+OK\r\n"
    newcomer = Session(engine)
    assert talk(newcomer, b"PING") == NOAUTH
    assert talk(before, b"PING") == PONG
    assert talk(before, b"CONFIG SET requirepass other") == b"+OK\r\n"
    assert talk(newcomer, b"AUTH secret").startswith(b"-WRONGPASS")
    assert talk(newcomer, b"AUTH other") == b"+OK\r\n"
    assert talk(before, b"PING") == PONG


def test_once_no_password_is_required_who_waited_is_let_in(engine: Engine) -> None:
    engine.config.change([("requirepass", "secret")])
    session = Session(engine)
    assert talk(session, b"PING") == NOAUTH
    engine.config.change([("requirepass", "")])
    assert talk(session, b"PING") == PONG
    assert talk(session, b"HELLO").startswith(b"-NOAUTH HELLO must be called")  # as Redis has it
    engine.config.change([("requirepass", "secret")])
    assert talk(session, b"PING") == NOAUTH


# MULTI


def test_within_multi_commands_are_queued_but_for_some(session: Session) -> None:
    assert talk(session, b"MULTI") == b"+OK\r\n"
    assert talk(session, b"PING") == QUEUED
    assert talk(session, b"CLIENT ID") == QUEUED
    assert talk(session, b"PING a b c") == QUEUED
    assert talk(session, b"MULTI") == b"-ERR MULTI calls can not be nested\r\n"
    assert talk(session, b"EXEC") == (b"*3\r\n+PONG\r\n:1\r\n-ERR wrong number of arguments for 'ping' command\r\n")


# CLIENT PAUSE


@pytest.mark.parametrize(
    "line", [b"SET k 2", b"DEL k", b"EXPIRE k 100", b"BLPOP l 1", b"FLUSHALL", b"LMOVE l l LEFT LEFT", b"set k 2"]
)
def test_a_pause_of_writes_holds_up_writes(engine: Engine, line: bytes) -> None:
    alice, bob = Session(engine), Session(engine)
    talk(alice, b"SET k 1")
    assert talk(alice, b"CLIENT PAUSE 1000 WRITE") == b"+OK\r\n"
    assert talk(bob, line) == b""
    assert talk(alice, b"GET k") == b"$1\r\n1\r\n"
    assert talk(alice, b"CLIENT UNPAUSE") == b"+OK\r\n"
    assert received(bob) != b"" or len(engine.waiting) == 1


@pytest.mark.parametrize(
    "line", [b"GET k", b"PING", b"MULTI", b"EXEC", b"CLIENT LIST", b"WATCH k", b"NO", b"SET k", b"CONFIG SET timeout 0"]
)
def test_a_pause_of_writes_lets_others_pass(engine: Engine, line: bytes) -> None:
    session = Session(engine)
    talk(session, b"CLIENT PAUSE 1000 WRITE")
    assert talk(session, line) != b""


@pytest.mark.parametrize("line", [b"GET k", b"PING", b"MULTI", b"CLIENT UNPAUSE", b"SET k v", b"QUIT", b"RESET"])
def test_a_pause_of_all_holds_up_all(engine: Engine, line: bytes) -> None:
    session = Session(engine)
    assert talk(session, b"CLIENT PAUSE 1000") == b"+OK\r\n"
    assert talk(session, line) == b""
    pass_time(engine, 0.9)
    assert received(session) == b""
    pass_time(engine, 0.2)
    assert received(session) != b""


def test_a_pause_does_not_hide_what_is_refused() -> None:
    engine = make_engine(requirepass=b"secret")
    alice, bob = Session(engine), Session(engine)
    talk(alice, b"AUTH secret")
    talk(alice, b"CLIENT PAUSE 1000")
    assert talk(bob, b"GET k") == NOAUTH
    assert talk(bob, b"GET") == b"-ERR wrong number of arguments for 'get' command\r\n"
    assert talk(bob, b"NO").startswith(b"-ERR unknown command")


def test_a_pause_of_writes_holds_up_a_transaction_that_writes(engine: Engine) -> None:
    alice, bob, carol = Session(engine), Session(engine), Session(engine)
    for line in (b"MULTI", b"GET k"):
        talk(bob, line)
    for line in (b"MULTI", b"SET k 1"):
        talk(carol, line)
    talk(alice, b"CLIENT PAUSE 1000 WRITE")
    assert talk(bob, b"EXEC") == b"*1\r\n$-1\r\n"
    assert talk(carol, b"EXEC") == b""
    assert talk(alice, b"EXISTS k") == b":0\r\n"
    talk(alice, b"CLIENT UNPAUSE")
    assert received(carol) == b"*1\r\n+OK\r\n"
    talk(alice, b"CLIENT PAUSE 1000 WRITE")
    assert talk(bob, b"MULTI") == b"+OK\r\n"
    assert talk(bob, b"SET k 2") == b""  # a write, though it would only be queued
    talk(alice, b"CLIENT UNPAUSE")
    assert received(bob) == QUEUED


# CLIENT REPLY


def test_off_silences_replies_and_errors_until_on() -> None:
    sent = b"CLIENT REPLY OFF\r\nPING\r\nNO\r\nGET\r\nSET k v\r\nINCR k\r\nCLIENT REPLY SKIP\r\nCLIENT REPLY ON x\r\n"
    check_wire(sent, b"", then=b"")
    check_wire(sent + b"CLIENT REPLY ON\r\nGET k\r\n", b"+OK\r\n$1\r\nv\r\n")


@pytest.mark.parametrize("line", [b"PING", b"NO", b"GET", b"SET k v", b"RESET", b"CLIENT REPLY SKIP", b"QUIT"])
def test_skip_silences_one_reply(line: bytes) -> None:
    check_wire(b"CLIENT REPLY SKIP\r\n" + line + b"\r\n", b"", then=b"" if line == b"CLIENT REPLY SKIP" else PONG)


def test_skip_ends_early_with_on() -> None:
    check_wire(b"CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n", b"+OK\r\n" + PONG)


def test_reset_ends_off() -> None:
    check_wire(b"CLIENT REPLY OFF\r\nRESET\r\nPING\r\n", b"+RESET\r\n" + PONG)


def test_errors_are_counted_though_nobody_hears_them(session: Session) -> None:
    talk(session, b"CLIENT REPLY OFF")
    talk(session, b"SET k")
    talk(session, b"AUTH x y")
    assert session.engine.statistics.errors == {"ERR": 1, "WRONGPASS": 1}


@pytest.mark.parametrize("mode", [b"OFF", b"SKIP"])
def test_a_silenced_client_waits_as_others_do(engine: Engine, mode: bytes) -> None:
    alice, bob = Session(engine), Session(engine)
    talk(alice, b"CLIENT REPLY " + mode)
    assert talk(alice, b"BLPOP q 0") == b""
    assert alice.is_parked
    assert talk(bob, b"RPUSH q 1") == b":1\r\n"
    assert not alice.is_parked
    assert received(alice) == b""
    assert talk(alice, b"PING") == (PONG if mode == b"SKIP" else b"")


@pytest.mark.parametrize("end", [b"", b" ERROR"])
def test_the_end_of_a_silenced_wait_is_silent(engine: Engine, end: bytes) -> None:
    alice, bob = Session(engine), Session(engine)
    talk(alice, b"CLIENT REPLY SKIP")
    talk(alice, b"BLPOP q 0")
    assert talk(bob, b"CLIENT UNBLOCK %d%b" % (alice.id, end)) == b":1\r\n"
    assert received(alice) == b""
    assert talk(alice, b"PING") == PONG


def test_a_postponed_request_is_silenced_when_it_runs(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    talk(bob, b"CLIENT PAUSE 1000 WRITE")
    alice.receive_data(request(b"CLIENT REPLY SKIP") + request(b"SET k v") + request(b"GET k"))
    assert received(alice) == b""
    talk(bob, b"CLIENT UNPAUSE")
    assert received(alice) == b"$1\r\nv\r\n"


# What is counted and noted


def counts(engine: Engine, name: bytes) -> tuple[int, int, int]:
    container, _, word = name.partition(b"|")
    entry = engine.entries[container]
    entry = entry.subcommands[word] if word else entry
    return entry.calls, entry.rejected, entry.failed


def test_calls_are_counted_with_what_became_of_them(session: Session) -> None:
    for line in (b"GET k", b"GET", b"GeT k", b"GET a b c", b"SET k v", b"LPUSH k v", b"INCR k", b"inCR k"):
        talk(session, line)
    engine = session.engine
    assert counts(engine, b"get") == (2, 2, 0)
    assert counts(engine, b"set") == (1, 0, 0)
    assert counts(engine, b"lpush") == (1, 0, 1)
    assert counts(engine, b"incr") == (2, 0, 2)


def test_subcommands_are_counted_for_themselves(session: Session) -> None:
    for line in (b"CLIENT ID", b"client ID", b"CLIENT ID x", b"CLIENT KILL a", b"CLIENT REPLY x"):
        talk(session, line)
    engine = session.engine
    assert counts(engine, b"client|id") == (2, 1, 0)
    assert counts(engine, b"client|kill") == (1, 0, 1)
    assert counts(engine, b"client|reply") == (1, 0, 1)
    assert counts(engine, b"client")[0] == 0


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"GET k", "get"),
        (b"gEt k", "get"),
        (b"GET", "get"),
        (b"CLIENT ID", "client|id"),
        (b"client id x", "client|id"),
        (b"BLPOP q 0", "blpop"),
        (b"INCRBY k x", "incrby"),
        (b"NO", None),
        (b"CLIENT NO", None),
    ],
)
def test_the_last_command_is_remembered(engine: Engine, line: bytes, name: str | None) -> None:
    session = Session(engine)
    session.receive_data(request(b"PING") + request(line))
    assert (None if session.last is None else session.last.command.name) == name


# rename-command


def make_renamed(text: str) -> Session:
    return Session(Engine(Config.from_text(text), TABLE, FakeSystem(), Random(0)))


def test_a_renamed_command_has_its_new_name_alone() -> None:
    session = make_renamed("rename-command GET Fetch\nrename-command EXEC run")
    assert talk(session, b"GET k").startswith(b"-ERR unknown command 'GET'")
    assert talk(session, b"get k").startswith(b"-ERR unknown command 'get'")
    for name in (b"Fetch", b"FETCH", b"fetch"):
        assert talk(session, name, b"k") == b"$-1\r\n"
    assert talk(session, b"FETCH") == b"-ERR wrong number of arguments for 'get' command\r\n"
    for command in (b"MULTI", b"SET k v", b"FETCH k"):
        talk(session, command)
    assert talk(session, b"run") == b"*2\r\n+OK\r\n$1\r\nv\r\n"


def test_a_disabled_command_is_gone() -> None:
    session = make_renamed('rename-command KEYS ""')
    assert talk(session, b"KEYS *").startswith(b"-ERR unknown command 'KEYS'")
    assert talk(session, b"COMMAND INFO KEYS") == b"*1\r\n$-1\r\n"
    assert talk(session, b"COMMAND COUNT") == b":%d\r\n" % (len(TABLE) - 1)


def test_command_knows_both_names() -> None:
    session = make_renamed("rename-command GET FETCH\nrename-command CONFIG admin")
    assert talk(session, b"COMMAND INFO FETCH").startswith(b"*1\r\n*10\r\n$3\r\nget\r\n")
    assert talk(session, b"COMMAND INFO GET") == b"*1\r\n$-1\r\n"
    assert talk(session, b"COMMAND GETKEYS FETCH k") == b"*1\r\n$1\r\nk\r\n"
    assert talk(session, b"ADMIN GET hz") == b"*2\r\n$2\r\nhz\r\n$2\r\n10\r\n"
    assert talk(session, b"ADMIN HELP").startswith(b"*")


def test_names_may_move_on() -> None:
    session = make_renamed("rename-command GET FETCH\nrename-command SET GET\nrename-command fetch get2")
    assert talk(session, b"GET k v") == b"+OK\r\n"
    assert talk(session, b"GET2 k") == b"$1\r\nv\r\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("rename-command NOSUCH x", "No such command in rename-command"),
        ("rename-command GET SET", "Target command name already exists"),
        ('rename-command GET ""\nrename-command GET x', "No such command in rename-command"),
    ],
)
def test_what_cannot_be_renamed(line: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"line .*{reason}"):
        make_renamed(line)
