"""MIGRATE: move keys to another server, respstore or Redis, as DUMP and RESTORE would.

Everybody waits while that goes on, as in Redis: so a key is on one of the two servers at any moment, or on both if the
connection breaks, and nobody changes one that is on its way.
"""

from collections.abc import Sequence

import attrs

from respstore import errors
from respstore.engine.arguments import Words, integer
from respstore.engine.command import command
from respstore.engine.keyspecs import FoundKey, at, keyword
from respstore.engine.session import Session
from respstore.engine.system import Peer
from respstore.errors import RespError
from respstore.persistence.rdb.dump import encode_dump
from respstore.protocol.replies import OK
from respstore.protocol.requests import encode_request

_KEY, _FIRST_OPTION = 3, 6
_SPEC = at(_KEY, "RW access delete")
_FOLLOWED_BY = {b"AUTH": 1, b"AUTH2": 2}
_DEFAULT_TIMEOUT_MS = 1000


def keys_of_migrate(args: Sequence[bytes]) -> list[FoundKey]:
    """The key, or those behind KEYS; none if both are there."""
    places = range(_KEY, _KEY + 1)
    words = iter(enumerate(args))
    for place, word in words:
        if place < _FIRST_OPTION:
            continue
        if word.upper() == b"KEYS":
            places = range(0) if args[_KEY] else range(place + 1, len(args))
            break
        for _ in range(_FOLLOWED_BY.get(word.upper(), 0)):
            next(words, None)
    return [FoundKey(place, _SPEC.flags) for place in places]


@command(
    'migrate host port key_or_empty_string=(key | empty_string="") destination-db timeout:integer [COPY]@3.0.0 '
    "[REPLACE]@3.0.0 authentication=[[AUTH password]@4.0.7 | [AUTH2 (username password)]@6.0.0] [KEYS key...]@3.0.6",
    group="generic",
    since="2.6.0",
    flags="write",
    keys=(_SPEC, keyword("KEYS", "RW access delete incomplete", search_from=-2, last=-1)),
    key_finder=keys_of_migrate,
    categories="keyspace dangerous",
    tips="nondeterministic_output",
    complexity="O(N), N the size of the values, which also go over the network",
)
def migrate(session: Session, host: bytes, port: bytes, key: bytes, db: bytes, timeout: bytes, *options: bytes) -> str:
    """Move keys to another server, or copy them."""
    parsed = _Options.parse(key, options)
    milliseconds, index = integer(timeout), integer(db)
    requests = {name: _restore(session, name, replaces=parsed.replaces) for name in parsed.keys}
    found = {name: request for name, request in requests.items() if request is not None}
    if not found:
        return "NOKEY"
    before = [encode_request(words) for words in (*parsed.login, (b"SELECT", b"%d" % index))]
    seconds = (milliseconds if milliseconds > 0 else _DEFAULT_TIMEOUT_MS) / 1000
    peer = _connect(session, host, port, seconds)
    try:
        _send(peer, b"".join([*before, *found.values()]))
        problems = [line for line in (_read(peer) for _ in before) if line.startswith(b"-")]
        is_elsewhere = bool(problems)  # what is restored is not where it should be
        moved = []
        try:
            for name in found:
                line = _read(peer)
                if line.startswith(b"-"):
                    problems.append(line)
                elif not is_elsewhere:
                    moved.append(name)
        finally:  # what has arrived has, even if the connection breaks then
            if moved and not parsed.copies:
                _delete(session, moved)
        if problems:
            raise errors.target_replied(problems[0][1:])
    finally:
        peer.close()
    return OK


def _restore(session: Session, key: bytes, *, replaces: bool) -> bytes | None:
    """The request that makes the key on the other side; None if there is no such key here."""
    db = session.db
    value = db.read(key)
    if value is None:
        return None
    deadline = db.deadline(key)
    ttl = 0 if deadline is None else max(deadline - db.keyspace.now, 1)
    payload = encode_dump(value, session.engine.config)
    return encode_request((b"RESTORE", key, b"%d" % ttl, payload, *((b"REPLACE",) if replaces else ())))


def _connect(session: Session, host: bytes, port: bytes, seconds: float) -> Peer:
    try:
        return session.engine.system.connect(host.decode(errors="replace"), port.decode(errors="replace"), seconds)
    except ConnectionRefusedError:
        raise RespError(errors.TARGET_NOT_WRITTEN) from None  # so it is called by Redis, which connects without waiting
    except (OSError, UnicodeError):
        raise RespError(errors.TARGET_NOT_CONNECTED) from None


def _send(peer: Peer, data: bytes) -> None:
    try:
        peer.send(data)
    except OSError:
        raise RespError(errors.TARGET_NOT_WRITTEN) from None


def _read(peer: Peer) -> bytes:
    try:
        return peer.read_line()
    except OSError:
        raise RespError(errors.TARGET_NOT_READ) from None


def _delete(session: Session, keys: Sequence[bytes]) -> None:
    for key in keys:
        session.db.delete(key)
    session.db.propagate(b"DEL", *keys)


@attrs.frozen
class _Options:
    """What MIGRATE is told beside the other server: `login` is the request that authenticates there, if any."""

    keys: Sequence[bytes]
    copies: bool = False
    replaces: bool = False
    login: Sequence[Sequence[bytes]] = ()

    @classmethod
    def parse(cls, key: bytes, options: tuple[bytes, ...]) -> "_Options":
        keys: Sequence[bytes] = (key,)
        copies = replaces = False
        login: Sequence[Sequence[bytes]] = ()
        words = Words(options)
        for word in words:
            match word.upper():
                case b"COPY":
                    copies = True
                case b"REPLACE":
                    replaces = True
                case b"AUTH":
                    login = ((b"AUTH", words.argument()),)
                case b"AUTH2":
                    login = ((b"AUTH", words.argument(), words.argument()),)
                case b"KEYS" if key:
                    raise RespError(errors.MIGRATE_KEY_AND_KEYS)
                case b"KEYS":
                    keys = tuple(words)
                case _:
                    raise RespError(errors.SYNTAX)
        return cls(keys, copies, replaces, login)
