"""How names that people gave, and how long somebody waited, stand in messages: of errors, of the log, of tables."""

from collections.abc import Iterable
from itertools import islice
from typing import Final


def escaped(data: bytes) -> str:
    r"""Bytes of a peer as printable text between quotes: a NUL becomes `\x00`; what is longer than a line is cut."""
    text = data[:QUOTED].replace(b"\\", rb"\\").replace(b"'", rb"\'").decode("utf-8", "backslashreplace")
    escaped = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return f"{escaped}..." if len(data) > QUOTED else escaped


QUOTED: Final = 128
"""How many bytes of a name are shown at most."""


def member_name(member: bytes | int) -> bytes:
    """What a member of a barrier is called: by its name, or if it gave none by the number of its connection."""
    return member if isinstance(member, bytes) else b"client:%d" % member


def shown_member(member: bytes | int) -> str:
    """A member of a barrier, for a list of names."""
    return listable(member_name(member))


def listable(name: bytes) -> str:
    """A name for a list of names: between quotes where it could be taken for anything else."""
    text = escaped(name)
    return f"'{text}'" if not text or any(char in " ,;'" for char in text) else text


LISTED: Final = 20
"""How many names a list has at most."""


def listed(names: Iterable[str], count: int) -> str:
    """The first of so many names, and how many more there are."""
    text = ", ".join(islice(names, LISTED))
    return f"{text} ... and {count - LISTED} more" if count > LISTED else text


def time_waited(seconds: float) -> str:
    """How long somebody has waited at a barrier."""
    return f"{seconds:.1f}s" if seconds >= 1 else f"{seconds:.3g}s"
