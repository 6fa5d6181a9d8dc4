"""Who guesses passwords gets answers late: attempts to authenticate that failed, by address.

Each address has a number of failures that are forgotten one by one as time passes. While there are more than a few,
every further answer to an attempt from there comes a little late, right or wrong: by more the more there are, but never
by so much that somebody behind the same address could not get in. Nobody else waits. The table is bounded: where it is
full, the address that has not failed for the longest time is forgotten.
"""

from collections import OrderedDict
from typing import Final

FREE: Final = 10
"""So many failures in a row are forgiven: a client that starts with a wrong password may try again at once."""
FORGOTTEN_PER_SECOND: Final = 1.0
DELAY_STEP: Final = 0.025
LONGEST_DELAY: Final = 0.25
"""In seconds; each failure above `FREE` adds a step."""
MOST_FAILURES: Final = FREE + LONGEST_DELAY / DELAY_STEP
"""More are not remembered: some time after the last one, in seconds as many, nothing is left of them."""
MOST_ADDRESSES: Final = 4096


class Failures:
    """Failed attempts by address; times are on the monotonic clock, in seconds."""

    __slots__ = ("_addresses",)

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, and when

    def __len__(self) -> int:
        """How many addresses are known."""
        return len(self._addresses)

    def add(self, address: str, now: float) -> None:
        """An attempt from this address has failed."""
        self._addresses[address] = (min(self._count(address, now) + 1, MOST_FAILURES), now)
        self._addresses.move_to_end(address)
        if len(self._addresses) > MOST_ADDRESSES:
            self._addresses.popitem(last=False)

    def delay(self, address: str, now: float) -> float:
        """How many seconds the answer to an attempt from this address has to wait."""
        return max(self._count(address, now) - FREE, 0) * DELAY_STEP

    def _count(self, address: str, now: float) -> float:
        count, when = self._addresses.get(address, (0.0, now))
        return max(count - (now - when) * FORGOTTEN_PER_SECOND, 0)
