"""Barriers for workers that come back: each is told from the others by its member id, and each meeting by its epoch.

What makes a barrier safe to retry is that the server knows both: a member that comes again at the same epoch has its
place still, and one whose epoch is over is told that it was released, when the reply was lost on the way. So a store
always names an epoch. It learns it from the counter at first, and knows it afterwards: one more than the one it passed.

What a store knows can be wrong:

- The counter is ahead of it, on a first try: others met without us. We go on with the present epoch.
- The counter is behind it: the server has lost its data, and somebody came before us who knew less, perhaps one whose
  reply was lost when we passed. What we know has been true, so that we set the counter, if there is none, and those
  who wait for an epoch that is over are told so.
- There is neither counter nor anybody waiting: the server takes what we say.
"""

import itertools
import os
import secrets
import threading
from functools import cached_property
from time import monotonic
from typing import Final, NamedTuple

from respstore.exceptions import StoreTimeoutError
from respstore.store.operations import PASSED, Name, Operations, WrongEpochError

REMEMBERED: Final = 1024
"""Of how many barriers a store remembers the epoch; of others it learns it again."""


class BarrierResult(NamedTuple):
    """How a barrier was passed.

    Attributes:
        epoch: how often it had been passed before.
        index: the place in the order of arrival, from 0; exactly one member gets 0. It is -1 where this is not known
            any more: the barrier was passed, but the reply was lost on the way.
    """

    epoch: int
    index: int  # type: ignore[assignment]  # a field, and no more tuple's method


class Barriers:
    """What a store knows of barriers."""

    def __init__(self) -> None:
        self._epochs: dict[Name, int] = {}

    @cached_property
    def _token(self) -> str:
        return secrets.token_hex(3)

    def member(self) -> str:
        """An id for the calling thread, unique among stores, processes and machines."""
        return f"{os.uname().nodename}-{os.getpid()}-{threading.get_native_id()}-{self._token}"

    def arrive(
        self,
        operations: Operations,
        name: Name,
        parties: int,
        limit: float,
        *,
        member: str | bytes,
        epoch: int | None,
    ) -> BarrierResult:
        """Wait at a barrier; see `Store.barrier`."""
        if epoch is not None:
            arrival = operations.arrive(name, parties, member, epoch, limit)
            return BarrierResult(arrival.epoch, arrival.index)
        deadline = monotonic() + limit

        def left() -> float:
            return max(deadline - monotonic(), 0.0)

        known = self._epochs.get(name)
        for attempt in itertools.count():
            if attempt and not left():
                raise StoreTimeoutError(
                    f"timed out after {limit:g} s at a barrier that others keep changing", waited=limit
                )
            if known is None:
                known = operations.epoch(name, left())
            try:
                arrival = operations.arrive(name, parties, member, known, left())
            except WrongEpochError:
                if known > 0:
                    operations.compare_set(name, "", str(known), left())
                known = None
            else:
                if arrival.index != PASSED or arrival.was_repeated:
                    self._remember(name, arrival.epoch + 1)
                    return BarrierResult(arrival.epoch, arrival.index)
                known = None
        raise AssertionError("unreachable")

    def _remember(self, name: Name, epoch: int) -> None:
        self._epochs.pop(name, None)
        self._epochs[name] = epoch
        if len(self._epochs) > REMEMBERED:
            try:
                del self._epochs[next(iter(self._epochs))]
            except (KeyError, RuntimeError):  # another thread forgets, too
                pass
