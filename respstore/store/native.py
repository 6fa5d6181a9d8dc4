"""What waits or compares, on a respstore: BGET, BEXISTS, CAS and BARRIER, one round trip each.

A stock server answers these as unknown commands, before it has done anything; the store goes on with portable.py then.
"""

import re
from typing import Any, Final

from hiredis import ReplyError

from respstore.exceptions import BrokenBarrierError, StoreTimeoutError
from respstore.store.connection import pack
from respstore.store.link import Link
from respstore.store.operations import Arrival, Name, WrongEpochError, answer, read_epoch, seconds

IS_AT_EPOCH: Final = re.compile(r"ERR barrier '.*' is at epoch \d+, not \d+", re.DOTALL)
MISSING: Final = re.compile(r".*; missing: ([\d, ]*\d)", re.DOTALL)


class Native:
    """The operations of a store on a respstore; see `Operations`.

    Args:
        link: the way there.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._limit = (0.0, "")

    def fetch(self, names: list[Name], limit: float) -> list[bytes] | None:
        values: list[bytes] | None = self._wait(("BGET", *names), limit)
        return values

    def wait(self, names: list[Name], limit: float) -> bool:
        return self._wait(("BEXISTS", *names), limit) is not None

    def look(self, names: list[Name], *, values: bool) -> tuple[list[bytes], list[Name]]:
        request = [pack(("MULTI",))]
        if values:
            request.append(pack(("BGET", *names, "1")))  # in a transaction it does not wait
        request.extend(pack(("EXISTS", name)) for name in names)
        request.append(pack(("EXEC",)))
        replies = self._link.call(b"".join(request), 0.0, repeatable=True, commands=len(request))
        results = [answer(reply) for reply in replies][-1]  # EXEC's
        found = answer(results[0]) if values else None
        exist = results[1:] if values else results
        return found or [], [name for name, exists in zip(names, exist, strict=True) if not exists]

    def compare_set(self, name: Name, expected: str | bytes, desired: str | bytes, limit: float) -> bytes:
        # Sent twice, it could undo what others have set in between; but not where it changes nothing.
        request = pack(("CAS", name, expected, desired))
        value: bytes = answer(self._link.call(request, limit, repeatable=expected == desired))
        return value

    def epoch(self, name: Name, limit: float) -> int:
        request = pack(("GET", name)) + pack(("BARRIERINFO", name))
        counter, info = map(answer, self._link.call(request, limit, repeatable=True, commands=2))
        if counter is None and info is not None:
            counter = dict(zip(info[::2], info[1::2], strict=True))[b"epoch"]
        return read_epoch(counter)

    def arrive(self, name: Name, parties: int, member: str | bytes, epoch: int, limit: float) -> Arrival:
        was_repeated = False

        def packed(left: float, was_executed: bool = False) -> bytes:
            nonlocal was_repeated
            was_repeated = was_executed
            return pack(("BARRIER", name, parties, "MEMBER", member, "EPOCH", epoch, "TIMEOUT", seconds(left)))

        reply = self._link.call(packed(limit), limit, repeatable=True, repack=packed)
        if reply.__class__ is ReplyError:
            raise_barrier_error(str(reply), limit)
        passed, index = answer(reply)
        return Arrival(passed, index, was_repeated)

    def _wait(self, words: tuple[Name, ...], limit: float) -> Any:
        if limit <= 0:
            return None
        request = pack((*words, self._limit[1] if limit == self._limit[0] else self._remember(limit)))
        reply = self._link.call(
            request, limit, repeatable=True, repack=lambda left, was_executed: pack((*words, seconds(left)))
        )
        return answer(reply) if reply.__class__ is ReplyError else reply

    def _remember(self, limit: float) -> str:
        """A time limit as text. It is the same for most calls, and takes as long as the rest of them to make."""
        text = seconds(limit)
        self._limit = (limit, text)
        return text


def raise_barrier_error(text: str, limit: float) -> None:
    """Raise what a reply of BARRIER means that has an exception of its own."""
    code, _, rest = text.partition(" ")
    if code == "TIMEOUT":
        missing = MISSING.match(rest)
        raise StoreTimeoutError(rest, tuple(missing[1].split(", ")) if missing else (), limit)
    if code == "BROKENBARRIER":
        raise BrokenBarrierError(rest)
    if IS_AT_EPOCH.fullmatch(text):
        raise WrongEpochError(text)
