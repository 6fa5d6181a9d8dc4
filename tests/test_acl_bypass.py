"""Ways around access control, each of which somebody has found in some server: none is open here.

A user may do everything but what is @dangerous (and may SORT), on the keys `mine*` and the channels `mine*`. Whatever
it sends, it never hears SECRET, the value of keys that are not its own, nor changes one of them.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from respstore.engine.acl.selector import Selector
from respstore.engine.command import Command
from respstore.engine.engine import Engine
from respstore.engine.keyspecs import find_keys, has_keys
from respstore.engine.session import Session
from respstore.engine.syntax import Argument
from tests.talk import NULL, OK, array, make_engine, pass_time, received, request, talk

NO_KEYS = b"-NOPERM this user has no permissions to access one of the keys used as arguments\r\n"
NO_CHANNELS = b"-NOPERM this user has no permissions to access one of the channels used as arguments\r\n"
SECRET = b"SECRET"
OTHERS = (
    *(b"SET string SECRET", b"RPUSH list SECRET 1", b"HSET hash SECRET SECRET", b"SADD set SECRET"),
    *(b"ZADD zset 1 SECRET", b"GEOADD geo 1 1 SECRET", b"XADD stream 1-1 SECRET SECRET", b"XGROUP CREATE stream g 0"),
    *(b"PFADD log SECRET", b"SET w_1 SECRET", b"SET weight 1"),
)
OWN = (
    *(b"SET mine own", b"RPUSH mine:list 1 2 3", b"SADD mine:set 1 2"),
    *(b"ZADD mine:zset 1 1", b"XADD mine:stream 1-1 f v", b"GEOADD mine:geo 1 1 a"),
)


@pytest.fixture
def admin(engine: Engine) -> Session:
    return prepare(engine)


@pytest.fixture
def user(admin: Session) -> Session:
    return log_in(admin)


def prepare(engine: Engine) -> Session:
    """Somebody who may do everything, and has filled the database."""
    admin = Session(engine)
    for line in (*OTHERS, *OWN):
        assert not talk(admin, line).startswith(b"-")
    rules = b"on >p ~mine* resetchannels &mine* +@all -@dangerous +sort +sort_ro"
    assert talk(admin, b"ACL SETUSER user " + rules) == OK
    return admin


def log_in(admin: Session) -> Session:
    session = Session(admin.engine)
    assert talk(session, b"AUTH user p") == OK
    return session


def others(admin: Session) -> dict[bytes, Any]:
    """What the others have."""
    keys = {line.split()[2 if line.startswith(b"XGROUP") else 1] for line in OTHERS}
    values = {key: talk(admin, b"DUMP", key) for key in keys}
    assert all(value.startswith(b"$") and value != NULL for value in values.values())
    return values


# One way after the other


def test_transactions(user: Session) -> None:
    assert talk(user, b"MULTI") == OK
    assert talk(user, b"GET string") == NO_KEYS
    assert talk(user, b"EXEC") == b"-EXECABORT Transaction discarded because of previous errors.\r\n"
    assert talk(user, b"WATCH string") == NO_KEYS


def test_a_transaction_runs_as_who_the_client_is_then(admin: Session) -> None:
    talk(admin, b"MULTI")
    talk(admin, b"AUTH user p")
    talk(admin, b"GET string")
    reply = talk(admin, b"EXEC")
    assert reply.startswith(b"*2\r\n+OK\r\n-NOPERM ACLs rules changed")


def test_patterns_of_sort(user: Session) -> None:
    assert talk(user, b"SORT mine:list BY w_*").startswith(b"-ERR BY option of SORT denied")
    for words in (b"GET w_*", b"GET #", b"BY nosort GET w_*", b"LIMIT 0 1 GET w_*", b"ALPHA gEt string"):
        for name in (b"SORT", b"sort_ro"):
            assert talk(user, b"%b mine:list %b" % (name, words)).startswith(b"-ERR GET option of SORT denied")
    assert talk(user, b"SORT mine:list BY nosort") == array(b"1", b"2", b"3")
    assert talk(user, b"SORT mine:list STORE string") == NO_KEYS
    assert talk(user, b"SORT mine:list STORE mine STORE string") == NO_KEYS


def test_patterns_of_sort_are_for_who_may_read_all_keys(admin: Session, user: Session) -> None:
    talk(admin, b"ACL SETUSER user %W~*")
    assert talk(user, b"SORT mine:list BY nosort GET w_*").startswith(b"-ERR GET option of SORT denied")
    talk(admin, b"ACL SETUSER user %R~*")
    assert SECRET in talk(user, b"SORT mine:list BY nosort GET w_*")
    assert talk(user, b"SORT mine:list STORE string") == OK.replace(b"+OK", b":3")  # %W~* and %R~* make ~*


@pytest.mark.parametrize(
    "line",
    [
        b"GEORADIUS geo 0 0 1 m STORE mine STORE @",
        b"GEORADIUSBYMEMBER geo a 1 m STORE mine STOREDIST mine STORE @",
        b"SORT list STORE limit ASC STORE @",
        b"SORT list STORE get STORE @",
        b"XREADGROUP COUNT 1 GROUP streams mine STREAMS @ >",
        b"XREADGROUP BLOCK 1 GROUP g streams STREAMS @ >",
    ],
)
def test_names_that_look_like_options(admin: Session, line: bytes) -> None:
    """Redis 7.0.15 takes some of these names for options, or the other way round, and lets the request through."""
    talk(admin, b"ACL SETUSER user ~limit ~get ~streams ~geo ~list ~g ~a")
    user = log_in(admin)
    assert talk(user, line.replace(b"@", b"string")) == NO_KEYS
    assert talk(user, line.replace(b"@", b"mine")) != NO_KEYS


def test_names_in_any_letters_and_inline(user: Session) -> None:
    for data in (b"get string\r\n", b"GeT string\r\n", b'"get" string\r\n', b"*2\r\n$3\r\ngEt\r\n$6\r\nstring\r\n"):
        user.receive_data(data)
        assert user.data_to_send() == NO_KEYS


def test_subcommands(admin: Session, user: Session) -> None:
    for line in (b"OBJECT ENCODING string", b"object Freq string", b"XINFO STREAM stream", b"MEMORY USAGE string"):
        assert talk(user, line) == NO_KEYS
    for line in (b"CONFIG GET *", b"config SET requirepass x", b"ACL SETUSER user +@all ~*", b"CLIENT KILL ID 1"):
        assert talk(user, line).startswith(b"-NOPERM this user has no permissions to run the '")
    talk(admin, b"ACL SETUSER user -object|encoding -client +client|id")
    assert talk(user, b"OBJECT ENCODING mine").startswith(b"-NOPERM")
    assert talk(user, b"CLIENT INFO").startswith(b"-NOPERM")
    assert talk(user, b"CLIENT ID") == b":%d\r\n" % user.id


def test_keyless_commands_tell_no_values(admin: Session, user: Session) -> None:
    before = others(admin)
    for line in (b"COMMAND GETKEYS GET string", b"RANDOMKEY", b"SCAN 0", b"DBSIZE", b"BARRIERLIST", b"PUBSUB CHANNELS"):
        assert SECRET not in talk(user, line)
    for line in (b"KEYS *", b"FLUSHALL", b"FLUSHDB", b"SWAPDB 0 1", b"MONITOR", b"INFO"):
        assert talk(user, line).startswith(b"-NOPERM")
    assert others(admin) == before


def test_a_namespace_is_for_who_may_delete_its_keys(admin: Session, user: Session) -> None:
    assert talk(user, b"C10D JOIN others") == NO_KEYS
    assert talk(user, b"C10D JOIN mine/1") == OK
    assert user.namespace is not None
    talk(admin, b"SET others/k v")
    user.receive_eof()
    pass_time(admin.engine, 4000)
    assert talk(admin, b"EXISTS others/k") == b":1\r\n"


def test_channels(user: Session) -> None:
    for line in (
        b"PUBLISH news x",
        b"SUBSCRIBE mine:1 news",
        b"PSUBSCRIBE *",
        b"PSUBSCRIBE mine:*",
        b"PSUBSCRIBE mi*",
        b"SSUBSCRIBE news",
    ):
        assert talk(user, line) == NO_CHANNELS
    assert user.subscriptions is None
    assert not talk(user, b"PSUBSCRIBE mine*").startswith(b"-")


def test_a_pipeline_behind_a_failed_authentication(admin: Session) -> None:
    talk(admin, b"ACL SETUSER default off")
    session = Session(admin.engine)
    session.receive_data(request(b"AUTH user wrong") + request(b"GET mine") + request(b"AUTH user p"))
    assert session.data_to_send() == (
        b"-WRONGPASS invalid username-password pair or user is disabled.\r\n-NOAUTH Authentication required.\r\n+OK\r\n"
    )
    session.receive_data(request(b"AUTH user wrong") + request(b"GET string") + request(b"GET mine"))
    replies = session.data_to_send()
    assert replies.endswith(NO_KEYS + b"$3\r\nown\r\n")  # still who it was


def test_what_was_deferred_is_checked_when_it_runs(admin: Session, user: Session) -> None:
    talk(admin, b"CLIENT PAUSE 1000")
    assert talk(user, b"GET mine") == b""
    admin.engine.acl.change(b"user", [b"resetkeys"])
    pass_time(admin.engine, 2)
    assert received(user) == NO_KEYS


def test_replies_that_are_not_sent_do_not_help(admin: Session, user: Session) -> None:
    before = others(admin)
    for line in (b"CLIENT REPLY OFF", b"SET string x", b"DEL list", b"RENAME hash mine", b"CLIENT REPLY ON"):
        talk(user, line)
    assert others(admin) == before
    assert [entry.object for entry in admin.engine.acl.log.entries] == [b"hash", b"list", b"string"]


# All ways at once: no command touches a key that is not told of it


NAMES = [
    *(b"string", b"list", b"set", b"zset", b"hash", b"geo", b"stream", b"log", b"missing"),
    *(b"store", b"limit", b"get", b"streams", b"group", b"count"),  # keys that are called like options
]
WORDS = [
    *(
        b"0",
        b"1",
        b"2",
        b"01",
        b"-1",
        b"+",
        b"-",
        b"*",
        b"$",
        b">",
        b"0-0",
        b"1-1",
        b"(1",
        b"[a",
        b"#",
        b"g",
        b"m",
        b"",
    ),
    *(b"STORE", b"STOREDIST", b"COUNT", b"LIMIT", b"STREAMS", b"GROUP", b"KEYS", b"ASC", b"ALPHA", b"NOACK", b"LEFT"),
]
SKIPPED = {
    *("scan", "keys", "randomkey"),  # they are about all keys, and tell no values
    *("quit", "reset", "auth", "hello", "client|reply", "client|kill", "client|pause", "shutdown", "monitor", "debug"),
    *("acl|setuser", "acl|deluser"),
}


class Recorder(dict[bytes, Any]):
    """Data that notes which keys are looked up, set and deleted."""

    touched: set[bytes]

    def get(self, key: bytes, default: Any = None) -> Any:
        self.touched.add(key)
        return super().get(key, default)

    def __getitem__(self, key: bytes) -> Any:
        self.touched.add(key)
        return super().__getitem__(key)

    def __setitem__(self, key: bytes, value: Any) -> None:
        self.touched.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        self.touched.add(key)
        super().__delitem__(key)

    def pop(self, key: bytes, *default: Any) -> Any:
        self.touched.add(key)
        return super().pop(key, *default)


def recorded_client(engine: Engine) -> Session:
    """Somebody who may do everything, on the same data each time."""
    talk(Session(engine), b"FLUSHALL")
    client = prepare(engine)
    for line in (b"RPUSH limit 1 2", b"SADD store 1 2", b"SET get 1", b"SET count 1", b"XADD streams 1-1 f v"):
        talk(client, line)
    client.db.data = data = Recorder(client.db.data)
    data.touched = set()
    return client


def words_of(argument: Argument, random: Random) -> list[bytes]:
    """What may stand for an argument of a command's syntax."""
    if "optional" in argument.flags and random.random() < 0.5:
        return []
    times = random.choice((1, 1, 2, 3)) if "multiple" in argument.flags else 1
    words: list[bytes] = []
    for number in range(times):
        if argument.token is not None and (number == 0 or "multiple_token" in argument.flags):
            words.append(argument.token.encode())
        if argument.type == "oneof":
            words += words_of(random.choice(argument.arguments), random)
        elif argument.type == "block":
            words += [word for part in argument.arguments for word in words_of(part, random)]
        elif argument.type == "key":
            words.append(random.choice(NAMES))
        elif argument.type == "integer":
            words.append(random.choice((b"0", b"1", b"1", b"2", b"2", b"3", b"01")))
        elif argument.type == "double":
            words.append(b"1")
        elif argument.type == "pure-token":
            pass
        else:
            words.append(random.choice(random.choice((NAMES, WORDS))))
    return words


def request_of(record: Command, random: Random) -> list[bytes]:
    """A request of a command as its syntax has it, or nearly so."""
    words = [word for argument in record.arguments for word in words_of(argument, random)]
    if random.random() < 0.3:  # what is optional, once more
        words += [word for argument in record.arguments[1:] for word in words_of(argument, random)]
    if random.random() < 0.2:
        words.insert(random.randrange(len(words) + 1), random.choice(random.choice((NAMES, WORDS))))
    return [*record.name.upper().encode().split(b"|"), *words]


def commands(engine: Engine) -> Iterator[Command]:
    for entry in engine.all_entries:
        record = entry.command
        if record.handler is not None and record.name not in SKIPPED:
            yield record


@pytest.mark.slow
def test_every_key_that_a_command_touches_is_found() -> None:
    """Access control and scripts rest on this: `find_keys` tells all keys, whatever a request looks like."""
    random = Random(0)
    client = recorded_client(make_engine())
    for record in list(commands(client.engine)):
        for number in range(10):
            request = request_of(record, random)
            found = {request[key.position] for key in find_keys(request, record.keys, record.key_finder)}
            if client.gate:
                client = recorded_client(make_engine())
            elif number == 0 or not isinstance(client.db.data, Recorder):
                client = recorded_client(client.engine)
            data = client.db.data
            assert isinstance(data, Recorder)
            data.touched.clear()
            talk(client, *request)
            if record.name in ("sort", "sort_ro"):
                data.touched = {key for key in data.touched if key in NAMES}  # patterns are asked for elsewhere
            assert data.touched <= found, request


def test_every_command_with_keys_is_denied_those_of_others(engine: Engine) -> None:
    """Each command is asked for on foreign keys only: where it takes keys, it is refused."""
    nothing = Selector()
    nothing.permit_all(engine.acl.catalogue.everything)
    with_keys = [record for record in commands(engine) if has_keys(record.keys)]

    assert len(with_keys) > 150
    for record in with_keys:
        args = [*record.name.encode().split(b"|"), b"string"]
        while not record.takes(len(args)) or (len(args) < 3 and record.maximum > 2):
            args.append(b"1")
        if record.keys[0].is_range:
            assert nothing.denial(record, args) is not None, record.name
