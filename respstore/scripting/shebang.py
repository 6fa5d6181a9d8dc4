"""The first line of a script or a library that begins with `#!`: its engine, its name, its flags."""

from typing import Final

from respstore import errors
from respstore.errors import RespError, printable

FLAGS: Final = ("no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys")
"""What a script, or a function, may say of itself."""
_ENGINE: Final = b"#!lua"


def parse_script_head(text: bytes) -> tuple[frozenset[str] | None, bytes]:
    """The flags of a script, None if it has no such line, and its code, in which that line is empty.

    Raises:
        RespError: the line makes no sense.
    """
    if not text.startswith(b"#!"):
        return None, text
    head, line_end, code = text.partition(b"\n")
    if not line_end:
        raise RespError(errors.SCRIPT_HEAD)
    engine, *options = head.split()
    if engine != _ENGINE:
        raise errors.unexpected_engine(engine)
    flags: set[str] = set()
    for option in options:
        if not option.startswith(b"flags="):
            raise errors.unknown_script_option(option)
        words = option.removeprefix(b"flags=")
        for flag in map(printable, words.split(b",") if words else ()):
            if flag not in FLAGS:
                raise errors.unexpected_script_flag(flag)
            flags.add(flag)
    return frozenset(flags), b"\n" + code
