"""CLIENT TRACKING and its kin, client-side caching: https://redis.io/docs/latest/develop/reference/client-side-caching/

How it works stands in `engine/tracking.py`.
"""

from typing import Any, Final

from respstore import errors
from respstore.engine.arguments import Words, integer
from respstore.engine.command import command
from respstore.engine.session import Session
from respstore.engine.tracking import BCAST, NOLOOP, OPTIN, OPTOUT, Tracking
from respstore.errors import RespError
from respstore.protocol.replies import OK, SetOf


@command(
    "client|tracking status=(ON | OFF) [REDIRECT client-id] [PREFIX prefix]... [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
    group="connection",
    since="6.0.0",
    flags="noscript loading stale",
    complexity="O(1), or O(N) in the number of prefixes",
)
def client_tracking(session: Session, status: bytes, *options: bytes) -> str:
    """Have the connection told of keys that it may have cached and that change, or no more."""
    redirect, prefixes, modes = _read(session, options)
    match status.upper():
        case b"ON":
            _check(session.tracking, prefixes, modes)
            if BCAST in modes:
                known = () if session.tracking is None else session.tracking.prefixes
                prefixes = sorted({*known, *(prefixes or [b""])})
            mode = next(iter(modes - {NOLOOP}), None)
            session.engine.trackers.add(session, Tracking(redirect, mode, NOLOOP in modes, prefixes))
        case b"OFF":
            session.engine.trackers.remove(session)
        case _:
            raise RespError(errors.SYNTAX)
    return OK


_MODES: Final = (BCAST, OPTIN, OPTOUT, NOLOOP)


def _read(session: Session, options: tuple[bytes, ...]) -> tuple[int, list[bytes], set[bytes]]:
    """The connection to redirect to (0 for none), the prefixes, and the words BCAST, OPTIN, OPTOUT, NOLOOP if said."""
    redirect = 0
    prefixes: list[bytes] = []
    modes: set[bytes] = set()
    words = Words(options)
    for word in words:
        match word.upper():
            case b"REDIRECT":
                target = words.argument()
                if redirect:
                    raise RespError(errors.REDIRECTED_TWICE)
                redirect = integer(target)
                if redirect not in session.engine.sessions:
                    raise RespError(errors.REDIRECTED_TO_NOBODY)
            case b"PREFIX":
                prefixes.append(words.argument())
            case mode if mode in _MODES:
                modes.add(mode)
            case _:
                raise RespError(errors.SYNTAX)
    return redirect, prefixes, modes


def _check(current: Tracking | None, prefixes: list[bytes], modes: set[bytes]) -> None:
    """Refuse what contradicts itself, or the way in which the connection tracks already."""
    broadcast = BCAST in modes
    if prefixes and not broadcast:
        raise RespError(errors.PREFIX_WITHOUT_BCAST)
    if current is not None and broadcast is not (current.mode == BCAST):
        raise RespError(errors.BCAST_SWITCHED)
    if broadcast and modes & {OPTIN, OPTOUT}:
        raise RespError(errors.BCAST_AND_OPTED)
    if {OPTIN, OPTOUT} <= modes:
        raise RespError(errors.OPTIN_AND_OPTOUT)
    if current is not None and {OPTIN, OPTOUT} <= {current.mode, *modes}:
        raise RespError(errors.OPTED_OTHERWISE)
    known = () if current is None else current.prefixes
    for place, prefix in enumerate(prefixes, 1):
        for others, are_known in ((known, True), (prefixes[place:], False)):
            for other in others:
                if prefix.startswith(other) or other.startswith(prefix):
                    raise errors.prefixes_overlap(prefix, other, known=are_known)


@command(
    "client|caching mode=(YES | NO)",
    group="connection",
    since="6.0.0",
    flags="noscript loading stale",
    complexity="O(1)",
)
def client_caching(session: Session, mode: bytes) -> str:
    """Let the keys of the next command or transaction count, or not count, as cached."""
    tracking = session.tracking
    if tracking is None:
        raise RespError(errors.CACHING_WITHOUT_TRACKING)
    match mode.upper():
        case b"YES":
            if tracking.mode != OPTIN:
                raise RespError(errors.CACHING_YES_WITHOUT_OPTIN)
        case b"NO":
            if tracking.mode != OPTOUT:
                raise RespError(errors.CACHING_NO_WITHOUT_OPTOUT)
        case _:
            raise RespError(errors.SYNTAX)
    tracking.caching = True
    return OK


@command("client|getredir", group="connection", since="6.0.0", flags="noscript loading stale", complexity="O(1)")
def client_getredir(session: Session) -> int:
    """Answer which connection is told in place of this one: 0 for none, -1 if this one does not track."""
    return -1 if session.tracking is None else session.tracking.redirect


@command("client|trackinginfo", group="connection", since="6.2.0", flags="noscript loading stale", complexity="O(1)")
def client_trackinginfo(session: Session) -> dict[bytes, Any]:
    """Describe how the connection tracks."""
    tracking = session.tracking
    flags = [b"off"] if tracking is None else _flags(tracking)
    return {
        b"flags": SetOf(flags),
        b"redirect": client_getredir(session),
        b"prefixes": [] if tracking is None else list(tracking.prefixes),
    }


def _flags(tracking: Tracking) -> list[bytes]:
    flags = {
        b"on": True,
        b"bcast": tracking.mode == BCAST,
        b"optin": tracking.mode == OPTIN,
        b"caching-yes": tracking.mode == OPTIN and tracking.caching,
        b"optout": tracking.mode == OPTOUT,
        b"caching-no": tracking.mode == OPTOUT and tracking.caching,
        b"noloop": tracking.noloop,
        b"broken_redirect": tracking.is_broken,
    }
    return [flag for flag, holds in flags.items() if holds]
