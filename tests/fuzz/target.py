"""What a target is, and the loop that feeds it: seeded cases, one after the other, up to a number of inputs."""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any, Protocol, TypeVar

import attrs

Step = tuple[Any, ...]
"""A name and what belongs to it, all of which `repr` shows so that Python can read it again."""


Sliceable = TypeVar("Sliceable", bytes, list[Step])


class Failure(Exception):  # noqa: N818 - an invariant does not hold
    """An invariant does not hold. The first line tells which one, the same words each time."""

    @property
    def invariant(self) -> str:
        return str(self).partition("\n")[0]


class Target(Protocol):
    """Something that can be fed."""

    name: str

    def make_case(self, random: Random) -> list[Step]:
        """Steps that depend on nothing but `random`."""

    def run(self, steps: list[Step]) -> None:
        """Take the steps, from a fresh start.

        Raises:
            Failure: an invariant does not hold.
        """


@attrs.frozen
class Finding:
    """A case that failed, and the smallest one that fails in the same way."""

    target: str
    seed: int
    number: int
    failure: str
    steps: list[Step]

    def __str__(self) -> str:
        steps = "".join(f"    {step!r},\n" for step in self.steps)
        return (
            f"{self.failure.rstrip()}\n\n"
            f"target {self.target}, seed {self.seed}, case {self.number}; the same again, as it was found:\n"
            f"  python -m tests.fuzz --target {self.target} --seed {self.seed} --case {self.number}\n"
            f"and made smaller:\n"
            f"  python - <<'END'\n"
            f"from tests.fuzz.__main__ import TARGETS\n"
            f"TARGETS[{self.target!r}].run([\n{steps}])\nEND\n"
        )


def inputs(steps: list[Step]) -> int:
    """How many inputs these steps are: the pieces of data that a client sends."""
    return sum(any(isinstance(part, bytes) for part in step) for step in steps)


def cases(target: Target, seed: int, budget: int) -> Iterator[tuple[int, list[Step]]]:
    """Numbered cases with about `budget` inputs together."""
    number = done = 0
    while done < budget:
        steps = make_case(target, seed, number)
        yield number, steps
        done += inputs(steps)
        number += 1


def make_case(target: Target, seed: int, number: int) -> list[Step]:
    """A case by its number; it does not depend on those before it."""
    return target.make_case(Random(f"{target.name}/{seed}/{number}"))


def fuzz(target: Target, seed: int, budget: int, progress: Callable[[int], None] = lambda done: None) -> Finding | None:
    """Run cases until one fails or the budget is used up.

    Args:
        target: what to feed.
        seed: of all cases.
        budget: how many inputs.
        progress: told after each case how many inputs it had.
    """
    for number, steps in cases(target, seed, budget):
        failure = failure_of(target, steps)
        if failure is not None:
            smallest = minimize(steps, partial(_fails_alike, target, failure))
            again = failure_of(target, smallest) or failure
            return Finding(target.name, seed, number, str(again), smallest)
        progress(inputs(steps))
    return None


def failure_of(target: Target, steps: list[Step]) -> Failure | None:
    """What is wrong with these steps, if anything."""
    try:
        target.run(steps)
    except Failure as failure:
        return failure
    return None


def _fails_alike(target: Target, failure: Failure, steps: list[Step]) -> bool:
    other = failure_of(target, steps)
    return other is not None and other.invariant == failure.invariant


def minimize(steps: list[Step], fails: Callable[[list[Step]], bool], effort: int = 2000) -> list[Step]:
    """The fewest steps, and in them the fewest bytes, that still fail, as far as leaving out shows it.

    Args:
        steps: they fail.
        fails: tells whether others do.
        effort: how many to try at most.
    """
    tries = 0

    def still_fails(less: list[Step]) -> bool:
        nonlocal tries
        tries += 1
        return tries <= effort and fails(less)

    steps = shorten(steps, still_fails)
    for index, step in enumerate(steps):
        for place, part in enumerate(step):
            if isinstance(part, bytes):
                put = partial(_put, steps, index, place)
                steps = put(shorten(part, lambda data, put=put: still_fails(put(data))))  # type: ignore[misc]
    return steps


def _put(steps: list[Step], index: int, place: int, data: bytes) -> list[Step]:
    """The same steps with other data in one of them."""
    step = steps[index]
    return [*steps[:index], (*step[:place], data, *step[place + 1 :]), *steps[index + 1 :]]


def shorten(whole: Sliceable, fails: Callable[[Sliceable], bool]) -> Sliceable:
    """Leave out ever smaller parts (delta debugging), as long as it fails without them; never all of it."""
    size = len(whole) // 2
    while size:
        start = 0
        while start < len(whole):
            less = whole[:start] + whole[start + size :]
            if less and fails(less):
                whole = less
            else:
                start += size
        size //= 2
    return whole
