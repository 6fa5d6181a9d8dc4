"""DEBUG: what test suites ask of a server. https://redis.io/docs/latest/commands/debug/

DEBUG is refused unless `enable-debug-command` allows it. Its subcommands are no commands of their own: COMMAND does not
list them and INFO does not count them. A handler's signature is a subcommand's arity, and the first line of its
docstring is its line in DEBUG HELP.

Subcommands that would end the process, or that are about something that this server does not have, answer an error
that says so (`_UNSUPPORTED`); the remaining ones of Redis 7.0 do what they do there, or what comes closest to it.
"""

import inspect
import logging
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, Final

import attrs

from respstore import errors
from respstore.commands.config import enabled, rewrite_file
from respstore.commands.keys import idle_seconds
from respstore.config.values import Memory
from respstore.engine.arguments import integer, integer_between
from respstore.engine.client_eviction import LARGEST_CLASS, SMALLEST_CLASS, clients_by_class
from respstore.engine.command import command
from respstore.engine.help import INDENT
from respstore.engine.session import Session
from respstore.errors import RespError, printable
from respstore.keyspace import SortedSet, Value
from respstore.keyspace.digest import digest_of_keyspace, digest_of_value
from respstore.keyspace.encodings import encoding_of, refcount_of, serialized_length_of
from respstore.keyspace.glob import compile_glob
from respstore.keyspace.list import LongList
from respstore.numbers import MAX_INTEGER, leading_integer, parse_float
from respstore.protocol.replies import OK, Attributed, BigNumber, Push, SetOf, Verbatim

logger = logging.getLogger("respstore")

PACKED_THRESHOLDS: Final = Memory(0, 2**32 - 2**20)
GLOB_TRIALS: Final = 2000
GLOB_ALPHABET: Final = b"ab-^[]*?\\"
_NUMBER: Final = re.compile(rb"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


@command(
    "debug",
    group="server",
    since="1.0.0",
    flags="admin noscript loading stale",
    guard=enabled("debug"),
    complexity="Depends on the subcommand.",
    is_syscmd=True,
)
def debug(session: Session, subcommand: bytes, *arguments: bytes) -> Any:
    """Look inside the server and make it misbehave, for tests."""
    name = printable(subcommand.upper())
    known = _SUBCOMMANDS.get(name)
    if known is None:
        if name in _UNSUPPORTED:
            raise errors.debug_unsupported(name, _UNSUPPORTED[name])
        raise errors.wrong_subcommand_or_arguments("debug")
    try:
        inspect.signature(known.handler).bind(session, *arguments)
    except TypeError:
        raise errors.wrong_subcommand_or_arguments("debug") from None
    return known.handler(session, *arguments)


@attrs.frozen
class Subcommand:
    """A subcommand of DEBUG: its arguments as HELP shows them, and what does it."""

    usage: str
    handler: Callable[..., Any]


def _help(session: Session) -> list[str]:
    """Describe the subcommands."""
    lines = ["DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    for name, subcommand in _SUBCOMMANDS.items():
        summary = (subcommand.handler.__doc__ or "").partition("\n")[0]
        lines += [f"{name} {subcommand.usage}".rstrip(), INDENT + summary]
    return lines


def _flag(arg: bytes) -> bool:
    """Whether a number is not 0; what is no number is (C's atoi)."""
    return leading_integer(arg) != 0


# Time


def _sleep(session: Session, seconds: bytes) -> str:
    """Let the whole server stand still."""
    match = _NUMBER.match(seconds)  # what follows the number is ignored
    duration = parse_float(match[1]) if match is not None else None
    if duration is not None and duration > 0 and isfinite(duration):
        session.engine.system.sleep(duration)
        session.engine.read_clock()
    return OK


def _set_active_expire(session: Session, flag: bytes) -> str:
    """Switch off (0) or on that keys are deleted when their time is over though nobody asks for them."""
    session.engine.active_expiry = _flag(flag)
    return OK


def _pause_cron(session: Session, flag: bytes) -> str:
    """Stop (1) or resume what the server does by itself ten times a second."""
    session.engine.maintenance_paused = _flag(flag)
    return OK


# Data


def _find(session: Session, key: bytes) -> Value:
    return _existing(session.db.peek(key))


def _find_even_dead(session: Session, key: bytes) -> Value:
    """As `_find`, but a key whose time is over is there as long as nobody has deleted it."""
    return _existing(session.db.peek_even_dead(key))


def _existing(value: Value | None) -> Value:
    if value is None:
        raise RespError(errors.NO_SUCH_KEY)
    return value


def _object(session: Session, key: bytes) -> str:
    """Tell how the value of a key is kept, in Redis's terms."""
    value = _find_even_dead(session, key)
    idle = idle_seconds(session.db, key)
    clock = session.engine.keyspace.now // 1000 - idle & 0xFFFFFF
    return (
        f"Value at:{id(value):#x} refcount:{refcount_of(value)} encoding:{encoding_of(value)} "
        f"serializedlength:{serialized_length_of(value)} lru:{clock} lru_seconds_idle:{idle}"
    )


def _digest(session: Session) -> str:
    """Answer the digest of all data: the same where the data is the same, in Redis, too."""
    return digest_of_keyspace(session.engine.keyspace)


def _digest_value(session: Session, *keys: bytes) -> list[str]:
    """Answer the digests of the values of keys."""
    return [digest_of_value(session.db, key) for key in keys]


def _populate(session: Session, count: bytes, prefix: bytes = b"key", size: bytes = b"0") -> str:
    """Make keys `key:0`, `key:1`, ... that hold `value:0`, ..., cut off or filled up with zero bytes to the size."""
    keys = integer_between(count, 0, MAX_INTEGER, errors.NOT_POSITIVE)
    length = integer_between(size, 0, MAX_INTEGER, errors.NOT_POSITIVE)
    db = session.db
    for number in range(keys):
        key = b"%b:%d" % (prefix, number)
        if db.get(key) is None:
            value = b"value:%d" % number
            db.put(key, value[:length].ljust(length, b"\0") if length else value, "set")
    return OK


def _sdslen(session: Session, key: bytes) -> str:
    """Tell the lengths of a key and of the string it holds, and what Python allocated for them."""
    value = _find_even_dead(session, key)
    if not isinstance(value, bytes | bytearray) or encoding_of(value) == "int":
        raise RespError(errors.NOT_AN_SDS_STRING)
    spare = value.__alloc__() - len(value) - 1 if isinstance(value, bytearray) and value else 0
    return (
        f"key_sds_len:{len(key)}, key_sds_avail:0, key_zmalloc: {sys.getsizeof(key)}, "
        f"val_sds_len:{len(value)}, val_sds_avail:{spare}, val_zmalloc: {sys.getsizeof(value)}"
    )


def _htstats(session: Session, dbid: bytes) -> Verbatim:
    """Tell how large the dictionaries of a database are."""
    number = integer(dbid)
    databases = session.engine.keyspace.databases
    if not 0 <= number < len(databases):
        raise RespError(errors.NO_SUCH_DATABASE)
    db = databases[number]
    lines = ["[Dictionary HT]", *_size(db.data), "[Expires HT]", *_size(db.expires)]
    return Verbatim("".join(f"{line}\n" for line in lines).encode())


def _size(table: Mapping[bytes, Any]) -> Iterator[str]:
    yield f" number of elements: {len(table)}"
    yield f" size in bytes: {sys.getsizeof(table)}"


def _htstats_key(session: Session, key: bytes) -> Verbatim:
    """Tell how large the dictionary of a key's value is."""
    value = _find(session, key)
    if encoding_of(value) not in ("hashtable", "skiplist"):
        raise RespError(errors.NOT_A_HASH_TABLE)
    table: Any = value.scores if isinstance(value, SortedSet) else value
    return Verbatim("".join(f"{line}\n" for line in ("[Value HT]", *_size(table))).encode())


def _listpack(session: Session, key: bytes) -> str:
    """Look into a listpack, which no value is kept in here."""
    if encoding_of(_find(session, key)) == "listpack":
        raise errors.debug_unsupported("LISTPACK", "small values are Python's dictionaries here")
    raise RespError(errors.NOT_A_LISTPACK)


def _quicklist(session: Session, key: bytes, level: bytes = b"0") -> str:
    """Look into a quicklist, which no value is kept in here."""
    if isinstance(_find(session, key), deque | LongList):
        raise errors.debug_unsupported("QUICKLIST", "lists are kept in another way here")
    raise RespError(errors.NOT_A_QUICKLIST)


# The protocol


def _protocol(session: Session, kind: bytes) -> Any:
    """Answer something of a type of the protocol, as a wrong type's error lists them."""
    match kind.lower():
        case b"string":
            return b"Hello World"
        case b"integer":
            return 12345
        case b"double":
            return 3.141
        case b"bignum":
            return BigNumber(b"1234567999999999999999999999999999999")
        case b"null":
            return None
        case b"array":
            return [0, 1, 2]
        case b"set":
            return SetOf((0, 1, 2))
        case b"map":
            return {0: False, 1: True, 2: False}
        case b"attrib":
            return Attributed({b"key-popularity": [b"key:123", 90]}, b"Some real reply following the attribute")
        case b"push":
            if session.protocol == 2:
                raise RespError(errors.NEEDS_RESP3)
            session.send(Push([b"server-cpu-usage", 42]))
            return b"Some real reply following the push reply"
        case b"verbatim":
            return Verbatim(b"This is a verbatim\nstring")
        case b"true":
            return True
        case b"false":
            return False
    raise RespError(errors.DEBUG_PROTOCOL_TYPES)


def _error(session: Session, text: bytes) -> RespError:
    """Answer an error with a text."""
    return RespError(printable(text))  # not raised: DEBUG did not fail, and INFO does not count it


# The server


def _log(session: Session, message: bytes) -> str:
    """Write a message into the log."""
    logger.warning("DEBUG LOG: %s", printable(message).encode("unicode_escape").decode())  # one line, whatever it is
    return OK


def _change_repl_id(session: Session) -> str:
    """Give the data's history a new replication id."""
    engine = session.engine
    engine.replication_id = engine.make_id()
    logger.warning("new replication id, as DEBUG CHANGE-REPL-ID asked")
    return OK


def _config_rewrite_force_all(session: Session) -> str:
    """Rewrite the configuration file as CONFIG REWRITE does, but with all options."""
    path = session.engine.system.config_file
    if path is None:
        raise errors.forced_rewrite_failed("Bad address")  # what Redis makes of a file that has no name
    try:
        rewrite_file(session, path, everything=True)
    except OSError as error:
        raise errors.forced_rewrite_failed(error.strerror or str(error)) from None
    return OK


def _replicate(session: Session, word: bytes, *more: bytes) -> str:
    """Send a command to the replicas only; there are none."""
    return OK


def _stringmatch_test(session: Session) -> str:
    """Match random texts with random glob patterns."""
    random = session.engine.random
    for _ in range(GLOB_TRIALS):
        pattern, text = (bytes(random.choices(GLOB_ALPHABET, k=random.randrange(12))) for _ in range(2))
        compile_glob(pattern, ignore_case=bool(random.getrandbits(1)))(text)
    return "Apparently Redis did not crash: test passed"


def _structsize(session: Session) -> bytes:
    """Tell the sizes of the Python objects that data is made of, empty ones."""
    sizes = " ".join(f"{kind.__name__}:{sys.getsizeof(kind())}" for kind in (bytes, bytearray, int, dict, deque))
    return f"bits:64 {sizes} ".encode()


def _client_eviction(session: Session) -> Verbatim:
    """Tell how many clients are in each of the classes of which the largest is closed first."""
    engine = session.engine
    if not engine.config.maxmemory_clients:
        raise RespError(errors.CLIENT_MEMORY_UNLIMITED)
    lines = []
    for number, clients in clients_by_class(engine).items():
        least = 0 if number == SMALLEST_CLASS else 1 << number - 1
        bounds = f"{least:10}+{'':12}" if number == LARGEST_CLASS else f"{least:10} - {(1 << number) - 1:10}"
        lines.append(f"bucket {bounds}: tot-mem: {sum(clients.values()):10}, clients: {len(clients)}\n")
    return Verbatim("".join(lines).encode())


# What Redis takes and what has nothing to change here


def _quicklist_packed_threshold(session: Session, size: bytes) -> str:
    """Taken without effect: no list is kept packed."""
    try:
        PACKED_THRESHOLDS.parse_word(printable(size))
    except ValueError:
        raise RespError(errors.PACKED_THRESHOLD) from None
    return OK


def _replybuffer(session: Session, what: bytes, value: bytes) -> str:
    """Taken without effect: reply buffers have no fixed size."""
    match what.upper():
        case b"PEAK-RESET-TIME":
            if value.upper() not in (b"NEVER", b"RESET"):
                integer(value)
        case b"RESIZING":
            pass
        case _:
            raise errors.wrong_subcommand_or_arguments("debug")
    return OK


def _drop_cluster_packet_filter(session: Session, kind: bytes) -> str:
    """Taken without effect: there is no cluster."""
    integer(kind)
    return OK


def _clusterlink(session: Session, *arguments: bytes) -> str:
    """Kill a link of the cluster; there is none."""
    raise RespError(errors.NO_CLUSTER_LINKS)


def _reload(session: Session, *options: bytes) -> str:
    """Save the data and load it again, or load what was saved before (NOSAVE)."""
    words = {option.upper() for option in options}
    if not {b"MERGE", b"NOFLUSH", b"NOSAVE"}.issuperset(words):
        raise RespError(errors.DEBUG_RELOAD_OPTIONS)
    if words - {b"NOSAVE"}:
        raise errors.debug_unsupported("RELOAD", "the data is replaced as a whole")
    snapshots = session.engine.snapshots
    if b"NOSAVE" not in words:
        snapshots.save()
    snapshots.reload()
    return OK


def _loadaof(session: Session) -> str:
    """Write down what was done, and load the append-only file again."""
    session.engine.append_only.reload()
    return OK


_NO_PERSISTENCE: Final = "this server does nothing of that kind"
_NO_CRASH: Final = "this server does not crash on request"
_UNSUPPORTED: Final = {
    "AOF-FLUSH-SLEEP": _NO_PERSISTENCE,
    "SET-SKIP-CHECKSUM-VALIDATION": _NO_PERSISTENCE,
    "SET-DISABLE-DENY-SCRIPTS": "what scripts must not do, they never may",
    "ASSERT": _NO_CRASH,
    "CRASH-AND-RECOVER": _NO_CRASH,
    "OOM": _NO_CRASH,
    "PANIC": _NO_CRASH,
    "SEGFAULT": _NO_CRASH,
    "LEAK": "this server does not leak memory on request",
    "RESTART": "this server does not start itself again",
}
"""Subcommands of Redis 7.0 that are not to be had here, and why."""

_SUBCOMMANDS: Final = {
    "CHANGE-REPL-ID": Subcommand("", _change_repl_id),
    "CLIENT-EVICTION": Subcommand("", _client_eviction),
    "CLUSTERLINK": Subcommand("KILL <to|from|all> <node-id>", _clusterlink),
    "CONFIG-REWRITE-FORCE-ALL": Subcommand("", _config_rewrite_force_all),
    "DIGEST": Subcommand("", _digest),
    "DIGEST-VALUE": Subcommand("<key> [<key> ...]", _digest_value),
    "DROP-CLUSTER-PACKET-FILTER": Subcommand("<packet-type>", _drop_cluster_packet_filter),
    "ERROR": Subcommand("<text>", _error),
    "HTSTATS": Subcommand("<dbid>", _htstats),
    "HTSTATS-KEY": Subcommand("<key>", _htstats_key),
    "LISTPACK": Subcommand("<key>", _listpack),
    "LOG": Subcommand("<message>", _log),
    "LOADAOF": Subcommand("", _loadaof),
    "OBJECT": Subcommand("<key>", _object),
    "PAUSE-CRON": Subcommand("<0|1>", _pause_cron),
    "POPULATE": Subcommand("<count> [<prefix> [<size>]]", _populate),
    "PROTOCOL": Subcommand("<type>", _protocol),
    "QUICKLIST": Subcommand("<key> [<0|1>]", _quicklist),
    "QUICKLIST-PACKED-THRESHOLD": Subcommand("<size>", _quicklist_packed_threshold),
    "RELOAD": Subcommand("[<option> ...]", _reload),
    "REPLICATE": Subcommand("<word> [<word> ...]", _replicate),
    "REPLYBUFFER": Subcommand("(PEAK-RESET-TIME (NEVER|RESET|<ms>)|RESIZING <0|1>)", _replybuffer),
    "SDSLEN": Subcommand("<key>", _sdslen),
    "SET-ACTIVE-EXPIRE": Subcommand("<0|1>", _set_active_expire),
    "SLEEP": Subcommand("<seconds>", _sleep),
    "STRINGMATCH-TEST": Subcommand("", _stringmatch_test),
    "STRUCTSIZE": Subcommand("", _structsize),
    "HELP": Subcommand("", _help),
}
