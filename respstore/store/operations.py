"""What a store needs beyond single commands of Redis, as an interface.

`Native` has it on a respstore, and `Portable` on stock servers, which know no BGET, BEXISTS, CAS or BARRIER.

Names are keys as the server has them, limits are seconds.
"""

from typing import Any, Final, Protocol

import attrs
from hiredis import ReplyError

from respstore import errors
from respstore.exceptions import StoreError
from respstore.numbers import parse_integer

Name = str | bytes
"""A key as the server has it, the store's prefix included."""

UNKNOWN_COMMAND: Final = "ERR unknown command"
"""How the error begins with which a server answers a command that it does not have."""

PASSED = -1
"""In the place of an index: others had passed the epoch, or it is not known any more as which one we did."""


@attrs.frozen
class Arrival:
    """How a member came through a barrier: the epoch, its index, and whether an earlier try may have been the one."""

    epoch: int
    index: int
    was_repeated: bool


class UnknownCommandError(StoreError):
    """The server has no such command: it is no respstore."""


class WrongEpochError(StoreError):
    """A barrier's epoch is behind the one that was named."""


class Operations(Protocol):
    """See the module."""

    def fetch(self, names: list[Name], limit: float) -> list[bytes] | None:
        """Wait until all keys exist at one moment; their values, or None when the time is over."""

    def wait(self, names: list[Name], limit: float) -> bool:
        """Wait until all keys exist at one moment, of any type; whether they do."""

    def look(self, names: list[Name], *, values: bool) -> tuple[list[bytes], list[Name]]:
        """See at one moment what there is: the values, if they are asked for and all keys exist, and the keys that do
        not. It takes no time to speak of, and is given hardly any."""

    def compare_set(self, name: Name, expected: str | bytes, desired: str | bytes, limit: float) -> bytes:
        """Set a key to `desired` if it holds `expected`, or if that is empty and there is no key.

        Returns:
            The value afterwards; `expected` if there is no key.
        """

    def epoch(self, name: Name, limit: float) -> int:
        """The epoch of a barrier: its counter, or without one what those name who wait there, or 0."""

    def arrive(self, name: Name, parties: int, member: str | bytes, epoch: int, limit: float) -> Arrival:
        """Wait at a barrier.

        Raises:
            WrongEpochError: it has not come so far.
            StoreTimeoutError: not all came in time; the text says who did not.
            BrokenBarrierError: somebody broke it.
        """


def answer(reply: Any) -> Any:
    """A reply that is no error.

    Raises:
        UnknownCommandError: the server does not know the command.
        StoreError: any other error.
    """
    if reply.__class__ is ReplyError:
        text = str(reply)
        raise (UnknownCommandError if text.startswith(UNKNOWN_COMMAND) else StoreError)(text)
    return reply


def read_epoch(counter: bytes | int | None) -> int:
    """The epoch that a barrier's counter tells, 0 where there is none.

    Raises:
        StoreError: it is no integer.
    """
    epoch = parse_integer(counter) if isinstance(counter, bytes) else counter or 0
    if epoch is None:
        raise StoreError(errors.NOT_AN_INTEGER)
    return epoch


def seconds(limit: float) -> str:
    """A time limit as commands take it, to the ms; 0 would stand for ever there, so that a limit of 0 is 1 ms.

    Whole seconds are digits alone, which a respstore reads ten times as fast.
    """
    if limit == float("inf"):
        return "0"
    whole, ms = divmod(max(round(limit * 1000), 1), 1000)
    return f"{whole}.{ms:03}" if ms else str(whole)
