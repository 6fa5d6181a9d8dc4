"""The first line of a script or a library that begins with `#!`: its engine, its name, its flags."""

import re
from typing import Final

from respstore import errors
from respstore.errors import RespError, printable
from respstore.protocol.inline import split_arguments

NO_WRITES: Final = "no-writes"
FLAGS: Final = (NO_WRITES, "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys")
"""What a script, or a function, may say of itself."""
_ENGINE: Final = b"#!lua"
_NAME: Final = re.compile(rb"[A-Za-z0-9_]+")


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


def parse_library_head(code: bytes) -> bytes:
    """The name of a library.

    Raises:
        RespError: its first line makes no sense.
    """
    head, line_end, _ = code.partition(b"\n")
    if not head.startswith(b"#!"):
        raise RespError(errors.NO_LIBRARY_HEAD)
    words = split_arguments(head)
    if words is None or not line_end:
        raise RespError(errors.LIBRARY_HEAD)
    engine, *options = words
    name: bytes | None = None
    for option in options:
        if not option.lower().startswith(b"name="):
            raise errors.unknown_library_option(option)
        if name is not None:
            raise RespError(errors.LIBRARY_NAMED_TWICE)
        name = option[len(b"name=") :]
    if name is None:
        raise RespError(errors.LIBRARY_WITHOUT_NAME)
    if not _NAME.fullmatch(name):
        raise RespError(errors.LIBRARY_NAME)
    if engine.lower() != _ENGINE:
        raise errors.unknown_script_engine(engine.removeprefix(b"#!"))
    return name
