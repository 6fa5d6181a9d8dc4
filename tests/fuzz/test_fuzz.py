"""A little of `make fuzz` with every run of the tests, and that it would find something if there was something."""

import subprocess
import sys
from collections import deque
from random import Random
from typing import Any

import pytest

from respstore.commands import TABLE
from respstore.engine.command import command
from respstore.engine.session import Session
from respstore.errors import RespError
from tests.fuzz.__main__ import TARGETS
from tests.fuzz.grammar import Grammar
from tests.fuzz.parsing import Parsing
from tests.fuzz.servers import Servers
from tests.fuzz.sessions import Sessions
from tests.fuzz.target import Failure, Step, Target, failure_of, fuzz, make_case, minimize
from tests.fuzz.tcpstores import TCPStores
from tests.talk import array

SEED = 20_240_601


@pytest.mark.slow
@pytest.mark.parametrize(
    "target", [Parsing(), Sessions(most_seconds=1.0), TCPStores(most_seconds=1.0)], ids=lambda target: target.name
)
def test_a_little(target: Target) -> None:
    """The same inputs each time; `make fuzz` takes others. (How long a step takes is left to it, too.)"""
    assert str(fuzz(target, SEED, 1000) or "") == ""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["poller", "streams"])
def test_a_little_over_loopback(backend: str) -> None:
    steps = Servers(500).make_case(Random(SEED))

    assert failure_of(Servers(), [("serve", backend), *steps[1:]]) is None


# What it would find


class Planted:
    """A module of commands that should not be."""

    @staticmethod
    @command("crash", group="generic", since="1.0.0")
    def crash(session: Session) -> None:
        """Raise what is no error reply."""
        raise ZeroDivisionError

    @staticmethod
    @command("nonsense", group="generic", since="1.0.0")
    def nonsense(session: Session) -> Any:
        """Answer what is no reply."""
        return object()

    @staticmethod
    @command("twice", group="generic", since="1.0.0")
    def twice(session: Session) -> int:
        """Answer twice."""
        session.send(1)
        return 2

    @staticmethod
    @command("garble", group="generic", since="1.0.0")
    def garble(session: Session) -> str:
        """Answer what is no reply of the protocol."""
        return "a\r\n!?\r\n"

    @staticmethod
    @command("hollow", group="generic", since="1.0.0")
    def hollow(session: Session) -> int:
        """Leave an empty list as a key."""
        session.db.data[b"hollow"] = deque()
        return 1

    @staticmethod
    @command("stray", group="generic", since="1.0.0")
    def stray(session: Session) -> int:
        """Give a time to live to a key that is not there."""
        session.db.expires[b"stray"] = 1
        return 1

    @staticmethod
    @command("spy", group="generic", since="1.0.0")
    def spy(session: Session) -> int:
        """Observe a key without waiting for it or watching it."""
        session.db.observe(b"spy", lambda db, key: None)
        return 1

    @staticmethod
    @command("keep", group="generic", since="1.0.0")
    def keep(session: Session) -> int:
        """Remember a client for ever."""
        session.engine.statistics.count_error(session)  # type: ignore[arg-type]
        return 1

    @staticmethod
    @command("deafen", group="generic", since="1.0.0")
    def deafen(session: Session) -> int:
        """Stop another client from being answered."""
        for other in session.engine.sessions.values():
            other.mute("off")
        return 1

    @staticmethod
    @command("refuse", group="generic", since="1.0.0")
    def refuse(session: Session) -> None:
        """Answer an error, which is no bug."""
        raise RespError("ERR no")


FINDINGS = {
    "crash": "a bug is logged: ZeroDivisionError in crash",
    "nonsense": "a bug is logged: TypeError in encode",
    "twice": "there are more replies than requests",
    "garble": "a reply is not well-formed",
    "hollow": "an empty list is a key",
    "stray": "a key that is not there has a time to live",
    "spy": "observed keys are not those that somebody waits for or watches",
    "keep": "somebody remembers a client that is gone",
    "deafen": "a PING is not answered at once",
}


@pytest.mark.parametrize(("name", "finding"), FINDINGS.items())
def test_a_planted_bug_is_found_and_made_small(name: str, finding: str) -> None:
    planted = {name: getattr(Planted, name).command}
    target = Sessions({**{name: TABLE[name] for name in ("ping", "set", "get", "rpush", "exec", "multi")}, **planted})

    found = fuzz(target, SEED, 2000)

    assert found is not None
    assert found.failure.startswith(finding)
    assert len(found.steps) <= 3
    requests = b"".join(part for step in found.steps for part in step if isinstance(part, bytes))
    assert name.encode() in requests.lower()
    assert len(requests) < 40
    assert repr(found.steps[-1]) in str(found)


def test_an_error_reply_is_no_finding() -> None:
    assert (
        fuzz(Sessions({"refuse": Planted.refuse.command, "ping": TABLE["ping"], "set": TABLE["set"]}), SEED, 300)
        is None
    )


@pytest.mark.parametrize("target", [Parsing(), Sessions(), TCPStores(), Servers(200)], ids=lambda target: target.name)
def test_cases_depend_on_nothing_but_seed_and_number(target: Target) -> None:
    assert make_case(target, SEED, 3) == make_case(target, SEED, 3)
    assert make_case(target, SEED, 3) != make_case(target, SEED, 4)
    assert make_case(target, SEED, 3) != make_case(target, SEED + 1, 3)


def test_cases_are_read_again_as_they_are_printed() -> None:
    steps = make_case(TARGETS["sessions"], SEED, 1)

    assert eval(repr(steps)) == steps


def test_making_smaller() -> None:
    steps: list[Step] = [("data", 1, b"abc"), ("sleep", 1.0), ("data", 2, b"xyzzy" * 20), ("open", 1)]

    def fails(less: list[Step]) -> bool:
        return ("open", 1) in less and any(step[:2] == ("data", 2) and b"zz" in step[2] for step in less)

    assert minimize(steps, fails) == [("data", 2, b"zz"), ("open", 1)]
    assert len(minimize(steps, fails, effort=1)) >= 2


def test_the_grammar_says_every_command() -> None:
    grammar = Grammar(TABLE, Random(SEED))
    unsaid = {name.encode() for name in TABLE}
    for _ in range(10_000):
        unsaid.discard(grammar.request()[0].lower())
        if not unsaid:
            break

    assert not unsaid


def test_the_grammar_leaves_out_what_it_is_told() -> None:
    def sets(grammar: Grammar) -> int:
        return sum(grammar.request()[0] in (b"set", b"SET") for _ in range(2000))

    assert sets(Grammar(TABLE, Random(SEED))) > 5
    assert sets(Grammar(TABLE, Random(SEED), without=["set"])) < 2  # a bent request may begin with any word


def test_a_request_that_is_not_bent_is_mostly_right(session: Session) -> None:
    grammar = Grammar(TABLE, Random(SEED))
    session.receive_data(grammar.build(300))

    replies = session.data_to_send().split(b"\r\n")
    assert sum(reply.startswith(b"-ERR") for reply in replies) < 150


@pytest.mark.slow
def test_the_command_line() -> None:
    arguments = ["30", "--seed", "7", "--target", "sessions"]
    run = subprocess.run([sys.executable, "-m", "tests.fuzz", *arguments], capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith("seed 7\nsessions: ")


def test_what_fails_otherwise_is_not_taken_for_the_same() -> None:
    class Fickle:
        name = "fickle"

        def make_case(self, random: Random) -> list[Step]:
            return [("data", 0, b"ab")]

        def run(self, steps: list[Step]) -> None:
            raise Failure("whole\ndetails" if steps == [("data", 0, b"ab")] else "part")

    found = fuzz(Fickle(), 0, 1)

    assert found is not None
    assert found.steps == [("data", 0, b"ab")]
    assert found.failure == "whole\ndetails"


def test_a_promise_is_no_request() -> None:
    """What begins and does not end leaves nothing behind either."""
    Sessions().run([("open", 1), ("data", 1, b"*1000000000\r\n"), ("data", 1, array(b"SET", b"k", b"v")[:-4])])
