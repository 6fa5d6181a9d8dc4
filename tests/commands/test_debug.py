"""DEBUG: who may use it, and what each subcommand answers."""

import logging
import re

import pytest

from respstore.config import Config
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, OK, FakeSystem, array, make_engine, pass_time, received, talk

NO_SUCH_KEY = b"-ERR no such key\r\n"
NOT_ALLOWED = b"-ERR DEBUG command not allowed."
ATTRIBUTED = b"$39\r\nSome real reply following the attribute\r\n"


def unknown(word: str) -> bytes:
    return b"-ERR unknown subcommand or wrong number of arguments for '%b'. Try DEBUG HELP.\r\n" % word.encode()


@pytest.fixture
def engine() -> Engine:
    return make_engine(enable_debug_command="yes")


def system(session: Session) -> FakeSystem:
    assert isinstance(session.engine.system, FakeSystem)
    return session.engine.system


# Who may


@pytest.mark.parametrize(
    ("option", "peer", "allowed"),
    [
        ("no", "127.0.0.1:5000", False),
        ("local", "127.0.0.1:5000", True),
        ("local", "[::1]:5000", True),
        ("local", "/run/respstore.sock:0", True),
        ("local", "10.0.0.1:5000", False),
        ("local", "127.0.0.11:5000", False),
        ("yes", "10.0.0.1:5000", True),
    ],
)
def test_who_may_debug(option: str, peer: str, allowed: bool) -> None:
    session = Session(make_engine(enable_debug_command=option), peer=peer)
    reply = talk(session, b"DEBUG SLEEP 0")
    assert reply == OK if allowed else reply.startswith(NOT_ALLOWED)


def test_refusal_in_full() -> None:
    assert talk(Session(make_engine()), b"DEBUG FOO") == (
        b'-ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a '
        b"local connection, otherwise you need to set this option in the configuration file, and then restart the "
        b"server.\r\n"
    )


def test_refusal_comes_before_authentication_but_after_the_number_of_arguments() -> None:
    session = Session(make_engine(requirepass=b"secret"))
    assert talk(session, b"DEBUG") == b"-ERR wrong number of arguments for 'debug' command\r\n"
    assert talk(session, b"DEBUG SLEEP 0").startswith(NOT_ALLOWED)
    assert talk(session, b"PING").startswith(b"-NOAUTH")


def test_refusal_ends_a_transaction() -> None:
    session = Session(make_engine())
    talk(session, b"MULTI")
    assert talk(session, b"DEBUG SLEEP 0").startswith(NOT_ALLOWED)
    assert talk(session, b"EXEC") == b"-EXECABORT Transaction discarded because of previous errors.\r\n"


def test_refusals_are_counted_as_rejected() -> None:
    session = Session(make_engine())
    talk(session, b"DEBUG SLEEP 0")
    assert b"cmdstat_debug:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0" in talk(
        session, b"INFO commandstats"
    )


def test_who_may_debug_is_decided_at_the_start(session: Session) -> None:
    assert talk(session, b"CONFIG SET enable-debug-command no").startswith(b"-ERR CONFIG SET failed")


def test_within_a_transaction(session: Session) -> None:
    for line in (b"MULTI", b"DEBUG SLEEP 0", b"DEBUG ERROR text"):
        talk(session, line)
    assert talk(session, b"EXEC") == b"*2\r\n+OK\r\n-text\r\n"


# What is no subcommand


@pytest.mark.parametrize(
    "line",
    [
        *("FOO", "JMAP", "STRINGMATCH-LEN 1 a", "MALLCTL a", "ZIPLIST k", "CLIENT-ENFORCE-REPLY-LIST 1"),
        *("SLEEP", "SLEEP 0 x", "OBJECT", "OBJECT k fast", "DIGEST x", "ERROR", "ERROR a b", "PROTOCOL", "HELP x"),
        *("POPULATE", "POPULATE 1 p 5 x", "QUICKLIST", "QUICKLIST k 0 x", "REPLICATE", "HTSTATS", "HTSTATS 0 full"),
        *("REPLYBUFFER", "REPLYBUFFER RESIZING", "REPLYBUFFER JUNK 1", "STRUCTSIZE x", "LOG", "LOG a b"),
        *("SET-ACTIVE-EXPIRE", "SET-ACTIVE-EXPIRE 0 1", "PAUSE-CRON", "SDSLEN", "LISTPACK", "CLIENT-EVICTION x"),
        *("QUICKLIST-PACKED-THRESHOLD", "CHANGE-REPL-ID x", "STRINGMATCH-TEST x", "HTSTATS-KEY"),
        *("DROP-CLUSTER-PACKET-FILTER", "CONFIG-REWRITE-FORCE-ALL x"),
    ],
)
def test_unknown_subcommands_and_wrong_numbers_of_arguments(session: Session, line: str) -> None:
    assert talk(session, f"DEBUG {line}".encode()) == unknown(line.split(maxsplit=1)[0])


def test_the_name_is_quoted_as_it_was_written(session: Session) -> None:
    assert talk(session, b"DEBUG foo") == unknown("foo")
    assert talk(session, b"DEBUG", b"") == unknown("")
    assert talk(session, b"DEBUG", b"\xff") == unknown("").replace(b"''", b"'\xff'")
    assert talk(session, b"DEBUG", b"x" * 200) == unknown("x" * 128)


@pytest.mark.parametrize(
    "line",
    [
        *("SEGFAULT", "segfault x", "PANIC", "OOM", "ASSERT", "LEAK text", "RESTART", "CRASH-AND-RECOVER 10"),
        *("RELOAD NOSAVE merge NOFLUSH", "AOF-FLUSH-SLEEP 0", "SET-SKIP-CHECKSUM-VALIDATION 1"),
        "SET-DISABLE-DENY-SCRIPTS 0",
    ],
)
def test_what_cannot_be_had_says_so(session: Session, line: str) -> None:
    name = line.split(maxsplit=1)[0].upper()
    assert talk(session, f"DEBUG {line}".encode()).startswith(f"-ERR DEBUG {name} is not supported: ".encode())
    assert talk(session, b"PING") == b"+PONG\r\n"


def test_reload_checks_its_options_first(session: Session) -> None:
    error = b"-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.\r\n"
    assert talk(session, b"DEBUG RELOAD NOSAVE x") == error


# Time


@pytest.mark.parametrize(
    ("seconds", "slept"),
    [
        (b"0", 0),
        (b"1", 1),
        (b"0.25", 0.25),
        (b" 1.5e1xyz", 15),
        (b"-1", 0),
        (b"a", 0),
        (b"", 0),
        (b"nan", 0),
        (b"inf", 0),
        (b"1e999", 0),
        (b".5", 0.5),
    ],
)
def test_sleep(session: Session, seconds: bytes, slept: float) -> None:
    assert talk(session, b"DEBUG", b"SLEEP", seconds) == OK
    assert system(session).slept == slept


def test_the_clock_is_read_again_after_a_sleep(engine: Engine, session: Session) -> None:
    talk(session, b"SET k v PX 500")
    session.receive_data(array(b"DEBUG", b"SLEEP", b"1") + array(b"GET", b"k"))
    assert received(session) == OK + b"$-1\r\n"


def test_set_active_expire(engine: Engine, session: Session) -> None:
    assert talk(session, b"DEBUG SET-ACTIVE-EXPIRE 0") == OK
    talk(session, b"SET k v PX 500")
    pass_time(engine, 1)
    assert talk(session, b"DBSIZE") == b":1\r\n"
    assert talk(session, b"GET k") == b"$-1\r\n"
    talk(session, b"SET k v PX 500")
    assert talk(session, b"DEBUG SET-ACTIVE-EXPIRE 1") == OK
    pass_time(engine, 1)
    assert talk(session, b"DBSIZE") == b":0\r\n"


@pytest.mark.parametrize(
    ("flag", "active"), [(b"1", True), (b"2", True), (b"-1", True), (b"1x", True), (b"x", False), (b"", False)]
)
def test_flags_are_numbers(engine: Engine, session: Session, flag: bytes, active: bool) -> None:
    assert talk(session, b"DEBUG", b"SET-ACTIVE-EXPIRE", flag) == OK
    assert engine.active_expiry is active


def test_pause_cron(engine: Engine, session: Session) -> None:
    waiting = Session(engine)
    talk(waiting, b"BLPOP queue 0.5")
    talk(session, b"SET k v PX 500")
    assert talk(session, b"DEBUG PAUSE-CRON 1") == OK
    pass_time(engine, 1)
    assert talk(session, b"DBSIZE") == b":1\r\n"
    assert received(waiting) == b"*-1\r\n"  # time limits hold all the same
    assert talk(session, b"DEBUG PAUSE-CRON 0") == OK
    pass_time(engine, 1)
    assert talk(session, b"DBSIZE") == b":0\r\n"


# Data


def test_object(session: Session) -> None:
    talk(session, b"SET s hello")
    reply = talk(session, b"DEBUG OBJECT s").decode()
    assert re.fullmatch(
        r"\+Value at:0x[0-9a-f]+ refcount:1 encoding:embstr serializedlength:6 lru:\d+ lru_seconds_idle:0\r\n", reply
    )


@pytest.mark.parametrize(
    ("command", "refcount", "encoding", "length"),
    [
        (b"SET k 12", 2147483647, "int", 2),
        (b"SETRANGE k 1 12", 1, "raw", 4),
        (b"RPUSH k abc 1", 1, "quicklist", 7),
    ],
)
def test_object_of_other_values(session: Session, command: bytes, refcount: int, encoding: str, length: int) -> None:
    talk(session, command)
    fields = dict(re.findall(r"(\w+):(\S+)", talk(session, b"DEBUG OBJECT k").decode()))
    assert (int(fields["refcount"]), fields["encoding"]) == (refcount, encoding)
    assert int(fields["serializedlength"]) == length


@pytest.mark.parametrize("word", ["OBJECT", "SDSLEN", "LISTPACK", "QUICKLIST", "HTSTATS-KEY"])
def test_no_such_key(session: Session, word: str) -> None:
    assert talk(session, f"DEBUG {word} missing".encode()) == NO_SUCH_KEY


@pytest.mark.parametrize(
    ("word", "is_seen"), [("OBJECT", True), ("SDSLEN", True), ("LISTPACK", False), ("QUICKLIST", False)]
)
def test_a_key_whose_time_is_over(session: Session, word: str, is_seen: bool) -> None:
    talk(session, b"SET dead v PX 5")
    system(session).advance(1)
    assert (talk(session, f"DEBUG {word} dead".encode()) != NO_SUCH_KEY) == is_seen


def test_looking_counts_no_hit(engine: Engine, session: Session) -> None:
    talk(session, b"SET k v")
    for line in (b"DEBUG OBJECT k", b"DEBUG DIGEST-VALUE k missing", b"DEBUG SDSLEN k"):
        talk(session, line)
    db = engine.keyspace.databases[0]
    assert (db.hits, db.misses) == (0, 0)


def test_sdslen(session: Session) -> None:
    for line in (b"SET s hello", b"APPEND raw abc", b"APPEND raw defghi", b"RPUSH l a", b"SET i 5"):
        talk(session, line)
    pattern = (
        r"\+key_sds_len:(\d+), key_sds_avail:0, key_zmalloc: \d+, "
        r"val_sds_len:(\d+), val_sds_avail:(\d+), val_zmalloc: \d+\r\n"
    )
    plain = re.fullmatch(pattern, talk(session, b"DEBUG SDSLEN s").decode())
    assert plain is not None
    assert plain.groups() == ("1", "5", "0")
    raw = re.fullmatch(pattern, talk(session, b"DEBUG SDSLEN raw").decode())
    assert raw is not None
    assert raw.groups()[:2] == ("3", "9")
    for key in (b"l", b"i"):
        assert talk(session, b"DEBUG SDSLEN " + key) == b"-ERR Not an sds encoded string.\r\n"


def test_digests(session: Session) -> None:
    assert talk(session, b"DEBUG DIGEST") == b"+%b\r\n" % (b"0" * 40)
    assert talk(session, b"DEBUG DIGEST-VALUE") == b"*0\r\n"
    talk(session, b"SET s hello")
    assert talk(session, b"debug digest") == b"+a500c6b54937da22f2ac1167da1da852479c7339\r\n"
    value = b"+36b23a1456b2dce2c3ed252c456761301dba8060\r\n"
    assert talk(session, b"DEBUG DIGEST-VALUE s missing s") == b"*3\r\n%b+%b\r\n%b" % (value, b"0" * 40, value)


def test_populate(session: Session) -> None:
    assert talk(session, b"DEBUG POPULATE 3") == OK
    assert talk(session, b"MGET key:0 key:2 key:3") == b"*3\r\n$7\r\nvalue:0\r\n$7\r\nvalue:2\r\n$-1\r\n"
    assert talk(session, b"DBSIZE") == b":3\r\n"


@pytest.mark.parametrize(
    ("size", "value"),
    [(b"3", b"val"), (b"7", b"value:0"), (b"9", b"value:0\0\0"), (b"0", b"value:0")],
)
def test_populate_with_a_size(session: Session, size: bytes, value: bytes) -> None:
    assert talk(session, b"DEBUG POPULATE 1 prefix " + size) == OK
    assert talk(session, b"GET prefix:0") == b"$%d\r\n%b\r\n" % (len(value), value)


def test_populate_keeps_what_is_there(session: Session) -> None:
    talk(session, b"SET key:1 mine")
    talk(session, b"DEBUG POPULATE 2")
    assert talk(session, b"MGET key:0 key:1") == array(b"value:0", b"mine")


@pytest.mark.parametrize("arguments", [b"a", b"-1", b"1.5", b"9223372036854775808", b"1 p -1", b"1 p a"])
def test_populate_with_wrong_numbers(session: Session, arguments: bytes) -> None:
    assert talk(session, b"DEBUG POPULATE " + arguments) == b"-ERR value is out of range, must be positive\r\n"


def test_htstats(session: Session) -> None:
    for line in (b"MSET a 1 b 2", b"PEXPIRE a 1000", b"SELECT 1"):
        talk(session, line)
    reply = talk(session, b"DEBUG HTSTATS 0").decode()
    assert re.findall(r"\[(\w+) HT\]\n number of elements: (\d+)\n size in bytes: \d+\n", reply) == [
        ("Dictionary", "2"),
        ("Expires", "1"),
    ]
    talk(session, b"HELLO 3")
    assert talk(session, b"DEBUG HTSTATS 15").startswith(b"=")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (b"16", b"-ERR Out of range database\r\n"),
        (b"-1", b"-ERR Out of range database\r\n"),
        (b"99999999999", b"-ERR Out of range database\r\n"),
        (b"a", NOT_AN_INTEGER),
    ],
)
def test_htstats_of_no_database(session: Session, number: bytes, error: bytes) -> None:
    assert talk(session, b"DEBUG HTSTATS " + number) == error


def test_what_no_value_is_kept_in(session: Session) -> None:
    for line in (b"SET s v", b"RPUSH l a"):
        talk(session, line)
    for key in (b"s", b"l"):
        assert talk(session, b"DEBUG LISTPACK " + key) == b"-ERR Not a listpack encoded object.\r\n"
        assert talk(session, b"DEBUG HTSTATS-KEY " + key) == (
            b"-ERR The value stored at the specified key is not represented using an hash table\r\n"
        )
    talk(session, b"HSET h f v")
    assert talk(session, b"DEBUG LISTPACK h").startswith(b"-ERR DEBUG LISTPACK is not supported: ")
    assert talk(session, b"DEBUG HTSTATS-KEY h").startswith(b"-ERR The value stored")
    talk(session, b"HSET", b"h", b"f", b"x" * 65)
    assert b"[Value HT]\n number of elements: 1\n" in talk(session, b"DEBUG HTSTATS-KEY h")
    assert talk(session, b"DEBUG SDSLEN h") == b"-ERR Not an sds encoded string.\r\n"
    assert talk(session, b"DEBUG QUICKLIST s") == b"-ERR Not a quicklist encoded object.\r\n"
    assert talk(session, b"DEBUG QUICKLIST l 1").startswith(b"-ERR DEBUG QUICKLIST is not supported: ")


# The protocol


@pytest.mark.parametrize(
    ("kind", "resp2", "resp3"),
    [
        (b"string", b"$11\r\nHello World\r\n", b"$11\r\nHello World\r\n"),
        (b"integer", b":12345\r\n", b":12345\r\n"),
        (b"double", b"$5\r\n3.141\r\n", b",3.141\r\n"),
        (b"null", b"$-1\r\n", b"_\r\n"),
        (b"array", b"*3\r\n:0\r\n:1\r\n:2\r\n", b"*3\r\n:0\r\n:1\r\n:2\r\n"),
        (b"set", b"*3\r\n:0\r\n:1\r\n:2\r\n", b"~3\r\n:0\r\n:1\r\n:2\r\n"),
        (
            b"map",
            b"*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
            b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n",
        ),
        (
            b"attrib",
            ATTRIBUTED,
            b"|1\r\n" + array(b"key-popularity")[4:] + b"*2\r\n$7\r\nkey:123\r\n:90\r\n" + ATTRIBUTED,
        ),
        (
            b"push",
            b"-ERR RESP2 is not supported by this command\r\n",
            b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n",
        ),
        (b"verbatim", b"$25\r\nThis is a verbatim\nstring\r\n", b"=29\r\ntxt:This is a verbatim\nstring\r\n"),
        (b"TRUE", b":1\r\n", b"#t\r\n"),
        (b"False", b":0\r\n", b"#f\r\n"),
        (
            b"bignum",
            b"$37\r\n1234567999999999999999999999999999999\r\n",
            b"(1234567999999999999999999999999999999\r\n",
        ),
    ],
)
def test_protocol(session: Session, kind: bytes, resp2: bytes, resp3: bytes) -> None:
    assert talk(session, b"DEBUG PROTOCOL " + kind) == resp2
    talk(session, b"HELLO 3")
    assert talk(session, b"DEBUG PROTOCOL " + kind) == resp3


def test_protocol_of_no_type(session: Session) -> None:
    assert talk(session, b"DEBUG PROTOCOL junk") == (
        b"-ERR Wrong protocol type name. Please use one of the following: "
        b"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false\r\n"
    )


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        (b"ERR text of mine", b"-ERR text of mine\r\n"),
        (b"nospace", b"-nospace\r\n"),
        (b"", b"-\r\n"),
        (b"-DASH", b"--DASH\r\n"),
        (b"two\r\nlines \nx", b"-two  lines  x\r\n"),
        (b"\xff\0", b"-\xff\0\r\n"),
    ],
)
def test_error(session: Session, text: bytes, reply: bytes) -> None:
    assert talk(session, b"DEBUG", b"ERROR", text) == reply


def test_an_error_on_request_is_not_counted(session: Session) -> None:
    talk(session, b"DEBUG", b"ERROR", b"MINE text")
    assert talk(session, b"INFO errorstats") == b"$14\r\n# Errorstats\r\n\r\n"
    assert b"cmdstat_debug:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0" in talk(
        session, b"INFO commandstats"
    )


# The server


def test_log(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="respstore"):
        assert talk(session, b"DEBUG", b"LOG", b"hello\nworld \xff") == OK
    assert caplog.messages == [r"DEBUG LOG: hello\nworld \udcff"]


def test_change_repl_id(engine: Engine, session: Session) -> None:
    before, run_id = engine.replication_id, engine.run_id
    assert talk(session, b"DEBUG CHANGE-REPL-ID") == OK
    assert re.fullmatch("[0-9a-f]{40}", engine.replication_id)
    assert engine.replication_id != before
    assert f"master_replid:{engine.replication_id}\r\n".encode() in talk(session, b"INFO replication")
    assert engine.run_id == run_id


def test_rewrite_of_all_options(session: Session) -> None:
    assert talk(session, b"DEBUG CONFIG-REWRITE-FORCE-ALL") == (
        b"-ERR CONFIG-REWRITE-FORCE-ALL failed: Bad address\r\n"
    )
    system(session).config_file = "/etc/respstore.conf"
    system(session).files["/etc/respstore.conf"] = "timeout 5\n"
    assert talk(session, b"DEBUG CONFIG-REWRITE-FORCE-ALL") == OK
    text = system(session).files["/etc/respstore.conf"]
    assert text.startswith("timeout 0\n")
    assert Config.from_text(text).enable_debug_command == "yes"
    assert "maxclients 10000\n" in text


def test_rewrite_where_nothing_may_be_written(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, text: str) -> None:
        raise PermissionError(13, "Permission denied")

    system(session).config_file = "/etc/respstore.conf"
    monkeypatch.setattr(system(session), "replace_file", refuse)
    assert talk(session, b"DEBUG CONFIG-REWRITE-FORCE-ALL") == (
        b"-ERR CONFIG-REWRITE-FORCE-ALL failed: Permission denied\r\n"
    )


def test_stringmatch_test(session: Session) -> None:
    assert talk(session, b"DEBUG STRINGMATCH-TEST") == b"+Apparently Redis did not crash: test passed\r\n"


def test_structsize(session: Session) -> None:
    assert re.fullmatch(rb"\$\d+\r\nbits:64 (\w+:\d+ )+\r\n", talk(session, b"DEBUG STRUCTSIZE"))


def test_client_eviction(session: Session) -> None:
    assert talk(session, b"DEBUG CLIENT-EVICTION") == b"-ERR maxmemory-clients is disabled.\r\n"
    talk(session, b"CONFIG SET maxmemory-clients 10mb")
    large = Session(session.engine)
    large.unsent = 40_000
    lines = talk(session, b"DEBUG CLIENT-EVICTION").decode().splitlines()[1:-1]
    assert len(lines) == 19
    assert lines[0] == f"bucket          0 -      32767: tot-mem: {session.memory():10}, clients: 1"
    assert lines[1] == f"bucket      32768 -      65535: tot-mem: {large.memory():10}, clients: 1"
    assert lines[2] == "bucket      65536 -     131071: tot-mem:          0, clients: 0"
    assert lines[18] == "bucket 4294967296+            : tot-mem:          0, clients: 0"


def test_no_cluster(session: Session) -> None:
    error = b"-ERR Debug option only available for cluster mode enabled setup!\r\n"
    assert talk(session, b"DEBUG CLUSTERLINK KILL all x") == error
    assert talk(session, b"DEBUG DROP-CLUSTER-PACKET-FILTER 1") == OK
    assert talk(session, b"DEBUG DROP-CLUSTER-PACKET-FILTER a") == NOT_AN_INTEGER


@pytest.mark.parametrize("size", [b"0", b"100b", b"1gb", b"1GB", b"", b"4293918720"])
def test_quicklist_packed_threshold(session: Session, size: bytes) -> None:
    assert talk(session, b"DEBUG", b"QUICKLIST-PACKED-THRESHOLD", size) == OK


@pytest.mark.parametrize("size", [b"a", b"-1", b"1.5gb", b"4gb", b"5gb", b"4293918721"])
def test_quicklist_packed_threshold_out_of_range(session: Session, size: bytes) -> None:
    assert talk(session, b"DEBUG", b"QUICKLIST-PACKED-THRESHOLD", size) == (
        b"-ERR argument must be a memory value bigger than 1 and smaller than 4gb\r\n"
    )


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"PEAK-RESET-TIME 100", OK),
        (b"peak-reset-time never", OK),
        (b"PEAK-RESET-TIME RESET", OK),
        (b"PEAK-RESET-TIME x", NOT_AN_INTEGER),
        (b"RESIZING 1", OK),
        (b"RESIZING x", OK),
    ],
)
def test_replybuffer(session: Session, arguments: bytes, reply: bytes) -> None:
    assert talk(session, b"DEBUG REPLYBUFFER " + arguments) == reply


def test_replicate(session: Session) -> None:
    assert talk(session, b"DEBUG REPLICATE set k v") == OK
    assert talk(session, b"EXISTS k") == b":0\r\n"


def test_help(session: Session) -> None:
    reply = talk(session, b"DEBUG HELP").decode()
    lines = [line[1:] for line in reply.split("\r\n")[1:-1]]
    assert lines[0] == "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert lines[-2:] == ["HELP", "    Describe the subcommands."]
    assert "SLEEP <seconds>" in lines
    assert all(line.startswith("    ") and line.endswith(".") for line in lines[2::2])
    assert not any(line.startswith(" ") for line in lines[1::2])


def test_debug_is_one_command_without_subcommands(session: Session) -> None:
    reply = talk(session, b"COMMAND INFO debug")
    assert b"$5\r\ndebug\r\n:-2\r\n" in reply
    assert reply.endswith(b"*0\r\n")
