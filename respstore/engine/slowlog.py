"""SLOWLOG: the last requests that took long, each with its own time. timing.py finds them."""

import marshal
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from respstore.config import Config
from respstore.engine.redaction import without_secrets

if TYPE_CHECKING:
    from respstore.engine.session import Session

MOST_ARGUMENTS: Final = 32
LONGEST_ARGUMENT: Final = 128
"""What is kept of a request: as much as Redis keeps."""


@attrs.frozen
class SlowRequest:
    """An entry.

    Attributes:
        id: its number; CONFIG RESETSTAT and SLOWLOG RESET do not start again from 0.
        time: seconds since 1970, at its end.
        duration: microseconds.
        args: the request, shortened, without secrets.
        peer, name: of the client.
    """

    id: int
    time: int
    duration: int
    args: tuple[bytes, ...]
    peer: bytes
    name: bytes


class SlowLog:
    """The entries, the latest first.

    They are kept packed, in one buffer. As objects they would lie scattered among those of the data that was there when
    something was slow, and as long as one object is left, the memory around it is not given back to the system.

    Args:
        config: `slowlog-max-len` says how many are kept.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        config.on_change("slowlog-max-len", self.trim)
        self._next_id = 0
        self._packed = bytearray()  # the oldest first
        self._lengths = array("I")  # in bytes, of each

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[SlowRequest]:
        end = len(self._packed)
        for length in reversed(self._lengths):
            yield SlowRequest(*marshal.loads(self._packed[end - length : end]))  # noqa: S302 - `add` wrote it
            end -= length

    def add(self, session: "Session", name: str, args: Sequence[bytes], duration: int, time: int) -> None:
        """Note a request.

        Args:
            session: whose.
            name: of the command, `config|set` for a subcommand.
            args: the whole request.
            duration: microseconds.
            time: seconds since 1970.
        """
        words = tuple(shortened(without_secrets(name, args)))
        packed = marshal.dumps((self._next_id, time, duration, words, session.peer.encode(), session.name))
        self._packed += packed
        self._lengths.append(len(packed))
        self._next_id += 1
        self.trim()

    def trim(self) -> None:
        """Forget the oldest, if there are more than `slowlog-max-len`."""
        excess = len(self._lengths) - self._config.slowlog_max_len
        if excess > 0:
            del self._packed[: sum(self._lengths[:excess])]
            del self._lengths[:excess]

    def clear(self) -> None:
        """Forget all entries."""
        self._packed.clear()
        del self._lengths[:]


def shortened(args: Sequence[bytes]) -> list[bytes]:
    """The beginning of a request, and in words how much is left out."""
    more = len(args) - MOST_ARGUMENTS
    if more > 0:
        return [*map(_shortened, args[: MOST_ARGUMENTS - 1]), b"... (%d more arguments)" % (more + 1)]
    return list(map(_shortened, args))


def _shortened(word: bytes) -> bytes:
    more = len(word) - LONGEST_ARGUMENT
    return word if more <= 0 else b"%b... (%d more bytes)" % (word[:LONGEST_ARGUMENT], more)
