"""What a store makes of a barrier's answers: operations that give them from a list."""

import itertools
from typing import Any

import pytest

from respstore.exceptions import StoreTimeoutError
from respstore.store import barriers as store_barriers
from respstore.store.barriers import REMEMBERED, Barriers
from respstore.store.operations import Arrival, WrongEpochError


class Script:
    """Operations that note what they are asked, and answer from lists."""

    def __init__(self, *answers: Any, epochs: tuple[int, ...] = (0,)) -> None:
        self.answers = list(answers)
        self.epochs = list(epochs)
        self.asked: list[Any] = []
        self.limits: list[float] = []

    def epoch(self, name: Any, limit: float) -> int:
        self.asked.append("epoch?")
        self.limits.append(limit)
        return self.epochs.pop(0)

    def arrive(self, name: Any, parties: int, member: Any, epoch: int, limit: float) -> Arrival:
        self.asked.append(epoch)
        self.limits.append(limit)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Arrival(epoch, *answer)

    def compare_set(self, name: Any, expected: Any, desired: Any, limit: float) -> bytes:
        self.asked.append((expected, desired))
        self.limits.append(limit)
        return b""


def arrive(barriers: Barriers, script: Script, epoch: int | None = None, limit: float = 60.0) -> Any:
    return barriers.arrive(script, "b", 2, limit, member="m", epoch=epoch)  # type: ignore[arg-type]


def test_the_epoch_is_learnt_once() -> None:
    barriers, script = Barriers(), Script((0, False), (1, False), (0, False), epochs=(5,))

    assert [arrive(barriers, script) for _ in range(3)] == [(5, 0), (6, 1), (7, 0)]
    assert script.asked == ["epoch?", 5, 6, 7]


def test_an_epoch_that_others_passed_is_not_ours() -> None:
    barriers, script = Barriers(), Script((-1, False), (1, False), epochs=(5, 8))

    assert arrive(barriers, script) == (8, 1)
    assert script.asked == ["epoch?", 5, "epoch?", 8]


def test_an_epoch_that_was_passed_when_the_reply_was_lost_is_ours() -> None:
    barriers, script = Barriers(), Script((-1, True), (1, False), epochs=(5,))

    assert arrive(barriers, script) == (5, -1)
    assert arrive(barriers, script) == (6, 1)


def test_a_counter_that_was_lost_is_set_to_what_is_known() -> None:
    barriers, script = Barriers(), Script((0, False), WrongEpochError(), (0, False), epochs=(5, 6))

    assert [arrive(barriers, script) for _ in range(2)] == [(5, 0), (6, 0)]
    assert script.asked == ["epoch?", 5, 6, ("", "6"), "epoch?", 6]


def test_nothing_is_set_where_nothing_is_known() -> None:
    script = Script(WrongEpochError(), (0, False), epochs=(0, 0))

    assert arrive(Barriers(), script) == (0, 0)
    assert script.asked == ["epoch?", 0, "epoch?", 0]


def test_a_named_epoch_is_taken_as_it_is() -> None:
    barriers, script = Barriers(), Script((-1, False), WrongEpochError())

    assert arrive(barriers, script, epoch=3) == (3, -1)
    with pytest.raises(WrongEpochError):
        arrive(barriers, script, epoch=9)
    assert script.asked == [3, 9]


def test_an_error_changes_nothing() -> None:
    barriers, script = Barriers(), Script((0, False), StoreTimeoutError("late"), (0, False))

    arrive(barriers, script)
    with pytest.raises(StoreTimeoutError):
        arrive(barriers, script)
    assert arrive(barriers, script) == (1, 0)


def test_a_barrier_that_is_never_the_same_is_given_up() -> None:
    script = Script(*[(-1, False)] * 10, epochs=tuple(range(10)))
    with pytest.raises(StoreTimeoutError, match="after 0 s at a barrier that others keep changing"):
        arrive(Barriers(), script, limit=0.0)


def test_each_question_has_the_time_that_the_others_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    barriers, script = Barriers(), Script((0, False), WrongEpochError(), (0, False), epochs=(5, 6))
    arrive(barriers, script)
    script.limits.clear()
    seconds = itertools.count()
    monkeypatch.setattr(store_barriers, "monotonic", lambda: float(next(seconds)))  # which pass at every look

    arrive(barriers, script)
    assert script.limits == sorted(script.limits, reverse=True)
    assert len(set(script.limits)) == len(script.limits) == 4
    assert max(script.limits) < 60.0


def test_old_barriers_are_forgotten() -> None:
    barriers = Barriers()
    for n in range(REMEMBERED + 5):
        barriers._remember(f"b{n}", n)

    assert len(barriers._epochs) == REMEMBERED
    assert "b4" not in barriers._epochs
    assert barriers._epochs["b5"] == 5


def test_members_are_told_apart() -> None:
    barriers = Barriers()
    assert barriers.member() == barriers.member()
    assert barriers.member() != Barriers().member()
