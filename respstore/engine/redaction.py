"""Requests as others may see them, in MONITOR and SLOWLOG: without passwords."""

from collections.abc import Sequence
from typing import Final

REDACTED: Final = b"(redacted)"
SECRET_OPTIONS: Final = frozenset(
    (b"requirepass", b"masterauth", b"masteruser", b"tls-key-file-pass", b"tls-client-key-file-pass")
)
_CREDENTIALS: Final = {b"AUTH": 1, b"AUTH2": 2}
"""MIGRATE's words, and how many secrets follow."""


def without_secrets(name: str, args: Sequence[bytes]) -> Sequence[bytes]:
    """A request whose passwords are replaced.

    Args:
        name: of the command, `config|set` for a subcommand.
        args: the whole request.
    """
    if name == "auth":
        return _redact(args, range(1, len(args)))
    if name == "acl|setuser":
        return _redact(args, range(2, len(args)))
    if name == "hello":
        place = next((place for place, word in enumerate(args) if word.upper() == b"AUTH"), len(args))
        return _redact(args, range(place + 1, place + 3))
    if name == "config|set":
        return _redact(args, [place + 1 for place in range(2, len(args), 2) if args[place].lower() in SECRET_OPTIONS])
    if name == "migrate":
        credentials = [(place, _CREDENTIALS.get(word.upper(), 0)) for place, word in enumerate(args) if place > 5]
        place, count = next((found for found in credentials if found[1]), (0, 0))
        return _redact(args, range(place + 1, place + 1 + count))
    return args


def _redact(args: Sequence[bytes], places: Sequence[int]) -> Sequence[bytes]:
    return [REDACTED if place in places else word for place, word in enumerate(args)]
