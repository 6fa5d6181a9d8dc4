"""What waits or compares, on a stock Redis or Valkey: a script per operation, and looks with growing pauses for waits.

Between two looks a wait pauses for a quarter of the time that it has waited, so that what comes soon is seen soon and a
long wait asks seldom: at most 1,000, and at least 4 times a second.

A barrier keeps, beside its counter, who waits there; all of it lies in the counter's hash slot:

    waiting     a sorted set: the members, by the order in which they came
    leases      a sorted set: the same members, by the time at which each must have looked again (server's clock, ms)
    facts       a hash: the number of parties, the epoch, the call in which each member waits, and who gave up
    passed      a sorted set for each epoch that was passed a minute ago or less: its members, in order

Nobody tells the server that a member has died; it does not look again, its lease ends, and the next look of another
one takes it out. Each look is one script, the same for a member that comes and for one that waits.
"""

import itertools
import secrets
from collections.abc import Iterator, Sequence
from time import monotonic, sleep
from typing import Any, Final

from hiredis import ReplyError

from respstore import own_errors
from respstore.exceptions import StoreError, StoreTimeoutError
from respstore.numbers import parse_integer
from respstore.store.connection import Word, pack
from respstore.store.link import Link
from respstore.store.operations import PASSED, Arrival, Name, WrongEpochError, answer, read_epoch
from respstore.store.scripts import ARRIVE, COMPARE_SET, LEAVE, LOOK, Script
from respstore.store.slots import hash_slot, hash_tag
from respstore.wording import LISTED, listable, listed, time_waited

SHORTEST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.25
"""Seconds between two looks."""

LEASE_MS: Final = 10_000
"""How long a member of a barrier is taken to be alive after its last look: many times the longest pause."""

MAX_PARTIES: Final = 1_000_000


class Portable:
    """The operations of a store on a stock server; see `Operations`.

    Args:
        link: the way there.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def fetch(self, names: list[Name], limit: float) -> list[bytes] | None:
        return self._poll(names, limit, values=True)

    def wait(self, names: list[Name], limit: float) -> bool:
        return self._poll(names, limit, values=False) is not None

    def look(self, names: list[Name], *, values: bool) -> tuple[list[bytes], list[Name]]:
        return self._look(names, 0.0, values=values)

    def compare_set(self, name: Name, expected: str | bytes, desired: str | bytes, limit: float) -> bytes:
        value: bytes = self._run(COMPARE_SET, [name], [expected, desired], limit, repeatable=expected == desired)
        return value

    def epoch(self, name: Name, limit: float) -> int:
        counter = answer(self._link.call(pack(("GET", name)), limit, repeatable=True, key=name))
        if counter is None:
            request = pack(("HGET", companions(name, 0)[2], "epoch"))
            counter = answer(self._link.call(request, limit, repeatable=True, key=name))
        return read_epoch(counter)

    def arrive(self, name: Name, parties: int, member: str | bytes, epoch: int, limit: float) -> Arrival:
        if not 1 <= parties <= MAX_PARTIES:
            raise StoreError(own_errors.PARTIES_OUT_OF_RANGE)
        keys = [name, *companions(name, epoch)]
        call = secrets.token_hex(4)
        start = looked = monotonic()
        breaks = pauses(limit)
        is_first = True
        while True:
            left = max(limit - (monotonic() - start), 0.0)
            state, detail = self._run(ARRIVE, keys, [parties, member, epoch, LEASE_MS, call, int(is_first)], left)
            if state == b"passed":
                was_asleep = not is_first and monotonic() - looked > LEASE_MS / 1000  # and passed that may be forgotten
                return Arrival(epoch, detail, was_repeated=detail != PASSED or was_asleep)
            if state != b"waits":
                raise refusal(state, detail, name, member, parties if state == b"parties" else epoch)
            is_first = False
            looked = monotonic()
            pause = next(breaks, None)
            if pause is None:
                break
            sleep(pause)
        state, detail = self._run(LEAVE, keys, [member, call], 0.0)
        if state == b"passed":
            return Arrival(epoch, detail, was_repeated=True)
        raise timeout(name, epoch, parties, *detail, waited=monotonic() - start)

    def _poll(self, names: list[Name], limit: float, *, values: bool) -> list[bytes] | None:
        start = monotonic()
        for pause in itertools.chain([0.0], pauses(limit)):
            sleep(pause)
            found, missing = self._look(names, max(limit - (monotonic() - start), 0.0), values=values)
            if not missing:
                return found
        return None

    def _look(self, names: list[Name], limit: float, *, values: bool) -> tuple[list[bytes], list[Name]]:
        found: dict[Name, bytes] = {}
        missing: list[Name] = []
        for group in self._link.groups(names, lambda name: name):
            is_whole, those = self._run(LOOK, group, [int(values)], limit)
            if not is_whole:
                missing.extend(group[place - 1] for place in those)
            elif values:
                found.update(zip(group, those, strict=True))
        return ([found[name] for name in names] if values and not missing else []), missing

    def _run(
        self, script: Script, keys: Sequence[Name], args: Sequence[Word], limit: float, *, repeatable: bool = True
    ) -> Any:
        words = (len(keys), *keys, *args)
        request = pack(("EVALSHA", script.sha, *words))
        reply = self._link.call(request, limit, repeatable=repeatable, key=keys[0])
        if reply.__class__ is ReplyError and str(reply).startswith("NOSCRIPT "):
            request = pack(("EVAL", script.text, *words))
            reply = self._link.call(request, limit, repeatable=repeatable, key=keys[0])
        return answer(reply)


def pauses(limit: float) -> Iterator[float]:
    """The seconds to sleep between looks, until `limit` seconds are over."""
    start = monotonic()
    while (left := limit - (waited := monotonic() - start)) > 0:
        yield min(max(waited / 4, SHORTEST_PAUSE), LONGEST_PAUSE, left)


def companions(name: Name, epoch: int) -> list[bytes]:
    """The keys beside the counter of a barrier: waiting, leases, facts, and the members that passed the epoch."""
    counter = name.encode() if isinstance(name, str) else name
    tag = hash_tag(counter)
    if tag == counter and (not counter or b"}" in counter):  # a brace would end the tag too soon
        slot = hash_slot(counter)
        tag = next(tag for tag in map(b"%x".__mod__, itertools.count()) if hash_slot(tag) == slot)
    return [b"respstore:barrier:{%b}:%b:%b" % (tag, counter, part) for part in (b"waiting", b"leases", b"facts")] + [
        b"respstore:barrier:{%b}:%b:passed:%d" % (tag, counter, epoch)
    ]


def refusal(state: bytes, theirs: int, name: Name, member: str | bytes, ours: int) -> StoreError:
    """What a member hears that may not wait, as its parties or epoch are not theirs; the texts are a respstore's."""
    counter = name.encode() if isinstance(name, str) else name
    if state == b"replaced":
        return StoreError(own_errors.member_replaced(member.encode() if isinstance(member, str) else member).text)
    if state == b"parties":
        return StoreError(own_errors.wrong_parties(counter, theirs, ours).text)
    return WrongEpochError(own_errors.wrong_epoch(counter, theirs, ours).text)


def timeout(
    name: Name, epoch: int, parties: int, came: list[bytes], gave_up: list[bytes], *, waited: float
) -> StoreTimeoutError:
    """What a member hears whose time is over; the text is a respstore's (engine/barriers.py).

    Args:
        name, epoch, parties: of the barrier.
        came: who waited there, this member included.
        gave_up: whose time was over before.
        waited: how long, in seconds.
    """
    counter = name.encode() if isinstance(name, str) else name
    ranks = {parse_integer(member) for member in (*came, *gave_up)}
    missing: list[bytes] = []
    others = ""
    if ranks <= set(range(parties)):
        missing = [b"%d" % rank for rank in range(parties) if rank not in ranks]
        if missing:
            others = f"; missing: {listed(map(listable, missing), len(missing))}"
    else:
        others = f"; present: {listed(map(listable, came), len(came))}"
    if gave_up:
        others += f"; gave up before: {listed(map(listable, gave_up), len(gave_up))}"
    state = f"{len(came)} of {parties} arrived after {time_waited(waited)}{others}"
    text = own_errors.barrier_timeout(counter, epoch, state).text
    return StoreTimeoutError(text.partition(" ")[2], tuple(map(bytes.decode, missing[:LISTED])), waited)
