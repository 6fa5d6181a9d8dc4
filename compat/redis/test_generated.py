"""Random commands get the same replies from respstore and from a real redis-server, and leave the same keys.

10,000 commands by default, 200,000 with LONG=1; always the same ones, unless SEED says otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from compat.redis import keyspace
from compat.redis.harness import Harness
from compat.redis.known_differences import ADDITIONS, tolerant_rule_of
from compat.redis.pair import Compared, Pair
from compat.redis.strategies import EXCLUDED, STRATEGIES, examples
from compat.redis.strategies.pieces import Step, lasts_a_moment

LONG = bool(os.environ.get("LONG"))
SEED = int(os.environ.get("SEED", "0"))
AMOUNT = 100_000 if LONG else 5_000  # commands on each protocol


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("protocol", [2, 3])
def test_same_replies_and_keys(harness: Harness, protocol: int) -> None:
    before = harness.compared["generated", protocol]

    compare(harness, protocol, commands(harness), AMOUNT)

    assert harness.compared["generated", protocol] - before >= AMOUNT


def compare(harness: Harness, protocol: int, names: set[str], amount: int, first: Sequence[Step] = ()) -> None:
    """Run examples of some commands, about so many calls in all, on both servers; each begins with the same steps."""

    @seed(SEED)
    @settings(
        max_examples=amount // 40,  # an example has some 60 commands
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(examples(names))
    def play_all(steps: list[Step]) -> None:
        play(harness, protocol, [*first, *steps])

    play_all()


def play(harness: Harness, protocol: int, steps: list[Step]) -> None:
    """Run one example on both servers; a difference is shown as a scenario for scripts/."""
    pair = harness.pair()
    pair.begin(protocol)
    if not harness.is_self_test:
        pair.rule_of = tolerant_rule_of
    pair.take_time_out()
    for number, (client, calls) in enumerate(steps, 1):
        harness.compared["generated", protocol] += len(calls)
        found = [compared for compared in pair.send_pipeline(client, calls) if not compared.agree]
        found += [compared for compared in wait_a_moment(pair) if not compared.agree]
        assert not found, "\n".join(["", *as_script(steps[:number]), *map(str, found)])
    found_keys = differing_keys(pair)
    assert not found_keys, "\n".join(["", *as_script(steps), *found_keys])


def wait_a_moment(pair: Pair) -> Iterator[Compared]:
    """Wait for clients that wait no longer than a moment: nothing else happens before they have an answer."""
    for client, call in pair.waiting():
        if lasts_a_moment(call):
            yield from pair.answer(client)


def differing_keys(pair: Pair) -> list[str]:
    return keyspace.differences(keyspace.contents(pair.redis), keyspace.contents(pair.respstore))


def as_script(steps: list[Step]) -> list[str]:
    return [
        f"{client}> {' '.join(map(_quoted, call))}{' (and in the same packet)' * (call is not calls[-1])}"
        for client, calls in steps
        for call in calls
    ]


def test_every_command_has_a_strategy(harness: Harness) -> None:
    implemented = commands(harness)

    assert implemented - set(STRATEGIES) - set(EXCLUDED) == set()


def test_every_strategy_has_a_command(harness: Harness) -> None:
    assert (set(STRATEGIES) | set(EXCLUDED)) - commands(harness) == set()


def test_no_command_is_both_generated_and_excluded() -> None:
    assert set(STRATEGIES) & set(EXCLUDED) == set()


def commands(harness: Harness) -> set[str]:
    """Redis's commands that the server has; for a redis-server in its place, those that there are strategies for."""
    told = harness.pair().respstore.ask(b"COMMAND", b"LIST").parts
    listed = {part.text for part in told if part.text.partition("|")[0] not in ADDITIONS}
    return listed & (set(STRATEGIES) | set(EXCLUDED)) if harness.is_self_test else listed


def _quoted(word: object) -> str:
    if not isinstance(word, bytes):
        return str(word)
    plain = word.decode("latin-1")
    if plain.isascii() and plain.replace("-", "").replace(".", "").isalnum():
        return plain
    return '"' + "".join(c if " " <= c < "\x7f" and c not in '"\\' else f"\\x{ord(c):02x}" for c in plain) + '"'
