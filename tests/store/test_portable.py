"""The portable operations without a server: a link that gives replies from a list. compat/store/ has the servers."""

import time
from typing import Any

import hiredis
import pytest

from respstore.exceptions import StoreError, StoreTimeoutError
from respstore.store import portable
from respstore.store.link import Link
from respstore.store.operations import Name, WrongEpochError
from respstore.store.portable import LONGEST_PAUSE, Portable, companions, pauses, timeout
from respstore.store.slots import hash_slot
from respstore.store.target import parse_url


class Scripted(Link):
    """Notes requests, and answers each with the next of some replies; the last one for ever."""

    def __init__(self, *replies: Any) -> None:
        super().__init__(parse_url("redis://nowhere"))
        self.replies = list(replies)
        self.requests: list[list[bytes]] = []

    def call(self, request: bytes, limit: float, **options: Any) -> Any:
        reader = hiredis.Reader()
        reader.feed(request)
        self.requests.append(reader.gets())
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def test_a_wait_looks_again_until_all_is_there() -> None:
    link = Scripted([0, [2]], [0, [1, 2]], [1, [b"1", b"2"]])

    assert Portable(link).fetch(["a", "b"], 60.0) == [b"1", b"2"]
    assert [request[:1] for request in link.requests] == [[b"EVALSHA"]] * 3
    assert link.requests[0][2:] == [b"2", b"a", b"b", b"1"]


def test_a_wait_ends_with_its_time() -> None:
    start = time.monotonic()
    assert Portable(Scripted([0, [1]])).fetch(["a"], 0.05) is None
    assert not Portable(Scripted([0, [1]])).wait(["a"], 0.05)
    assert time.monotonic() - start >= 0.1


def test_look_says_what_is_missing() -> None:
    assert Portable(Scripted([0, [1, 3]])).look(["a", "b", "c"], values=True) == ([], ["a", "c"])
    assert Portable(Scripted([1, []])).look(["a"], values=False) == ([], [])
    assert Portable(Scripted([1, [b"v", b"w"]])).look(["a", "b"], values=True) == ([b"v", b"w"], [])


def test_a_script_that_the_server_does_not_know_is_sent() -> None:
    link = Scripted(hiredis.ReplyError("NOSCRIPT No matching script. Please use EVAL."), b"v")

    assert Portable(link).compare_set("k", "", "v", 1.0) == b"v"
    assert [request[0] for request in link.requests] == [b"EVALSHA", b"EVAL"]
    assert link.requests[0][2:] == link.requests[1][2:] == [b"1", b"k", b"", b"v"]


def test_an_error_of_a_script_is_an_error() -> None:
    with pytest.raises(StoreError, match="WRONGTYPE"):
        Portable(Scripted(hiredis.ReplyError("WRONGTYPE no"))).fetch(["k"], 1.0)


def test_a_member_looks_until_all_have_come() -> None:
    link = Scripted([b"waits", 0], [b"waits", 0], [b"passed", 2])
    arrival = Portable(link).arrive("b", 3, "1", 5, 60.0)

    assert (arrival.epoch, arrival.index) == (5, 2)
    assert [request[-1] for request in link.requests] == [b"1", b"0", b"0"]  # only the first comes, the others look
    assert len({request[-2] for request in link.requests}) == 1
    assert all(request[2:9] == [b"5", b"b", *companions("b", 5), b"3"] for request in link.requests)


def test_an_epoch_that_others_passed_is_told_from_our_own() -> None:
    assert not Portable(Scripted([b"passed", -1])).arrive("b", 3, "1", 5, 60.0).was_repeated
    assert Portable(Scripted([b"passed", 0])).arrive("b", 3, "1", 5, 60.0).was_repeated
    assert not Portable(Scripted([b"waits", 0], [b"passed", -1])).arrive("b", 3, "1", 5, 60.0).was_repeated


def test_who_slept_longer_than_its_lease_takes_a_passed_epoch_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "LEASE_MS", 0)
    assert Portable(Scripted([b"waits", 0], [b"passed", -1])).arrive("b", 3, "1", 5, 60.0).was_repeated


def test_a_member_whose_time_is_over_leaves() -> None:
    link = Scripted([b"waits", 0], [b"left", [[b"0", b"2"], [b"1"]]])
    with pytest.raises(StoreTimeoutError, match=r"2 of 4 arrived after .*; missing: 3; gave up before: 1$") as caught:
        Portable(link).arrive("b", 4, "2", 5, 0.0)
    assert caught.value.missing == ("3",)
    assert link.requests[-1][-2] == b"2"


def test_a_release_at_the_last_moment_counts() -> None:
    arrival = Portable(Scripted([b"waits", 0], [b"passed", 1])).arrive("b", 2, "2", 5, 0.0)
    assert (arrival.epoch, arrival.index) == (5, 1)


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        ([b"epoch", 4], WrongEpochError, "ERR barrier 'b' is at epoch 4, not 5"),
        ([b"parties", 4], StoreError, "ERR barrier 'b' expects 4 parties, not 3"),
        ([b"replaced", 0], StoreError, "REPLACED member 1 arrived again from another connection"),
    ],
)
def test_refusals_are_those_of_a_respstore(reply: Any, error: type[StoreError], text: str) -> None:
    with pytest.raises(error, match=text):
        Portable(Scripted(reply)).arrive("b", 3, "1", 5, 60.0)


@pytest.mark.parametrize(
    ("came", "gave_up", "text", "missing"),
    [
        ([b"1"], [], "1 of 3 arrived after 1.5s; missing: 0, 2", ("0", "2")),
        ([b"1"], [b"0"], "1 of 3 arrived after 1.5s; missing: 2; gave up before: 0", ("2",)),
        ([b"1"], [b"0", b"2"], "1 of 3 arrived after 1.5s; gave up before: 0, 2", ()),
        ([b"1", b"a b"], [], "2 of 3 arrived after 1.5s; present: 1, 'a b'", ()),
        ([b"1", b"3"], [], "2 of 3 arrived after 1.5s; present: 1, 3", ()),
    ],
)
def test_timeout(came: list[bytes], gave_up: list[bytes], text: str, missing: tuple[str, ...]) -> None:
    error = timeout("b", 2, 3, came, gave_up, waited=1.5)
    assert (str(error), error.missing, error.waited) == (f"barrier 'b' epoch 2: {text}", missing, 1.5)


def test_many_members_are_counted() -> None:
    error = timeout("b", 0, 100, [b"0"], [], waited=0.25)
    assert str(error).endswith(
        "1 of 100 arrived after 0.25s; missing: " + ", ".join(map(str, range(1, 21))) + " ... and 79 more"
    )
    assert error.missing == tuple(map(str, range(1, 21)))


def test_pauses_grow_and_end() -> None:
    some = [pause for pause, _ in zip(pauses(float("inf")), range(5), strict=False)]
    assert all(0 < pause <= LONGEST_PAUSE for pause in some)
    assert list(pauses(0.0)) == []
    assert next(pauses(1e-5)) <= 1e-5


@pytest.mark.parametrize("name", ["b", "", "{tag}b", "a}b", "{}b", "}", "{", "{a", b"\xff}", "ключ"])
def test_all_keys_of_a_barrier_are_in_one_slot(name: Name) -> None:
    keys = companions(name, 3)
    assert {hash_slot(key) for key in keys} == {hash_slot(name.encode() if isinstance(name, str) else name)}
    assert len(set(keys)) == 4


def test_the_keys_of_two_barriers_are_different() -> None:
    assert not set(companions("{t}a", 0)) & set(companions("{t}b", 0))
