"""respstore answers each line of scripts/*.txt as a real redis-server does."""

from __future__ import annotations

import pytest

from compat.redis.harness import Harness
from compat.redis.known_differences import KNOWN_DIFFERENCES
from compat.redis.script import Scenario, load_all

SCENARIOS = load_all()
CASES = [(scenario, protocol) for scenario in SCENARIOS for protocol in scenario.protocols]


@pytest.mark.parametrize(
    ("scenario", "protocol"), CASES, ids=[f"{scenario.name} resp{protocol}" for scenario, protocol in CASES]
)
def test_same_replies(harness: Harness, scenario: Scenario, protocol: int) -> None:
    known = [k for k in KNOWN_DIFFERENCES if k.scenario == scenario.name and protocol in k.protocols]
    if harness.is_self_test:
        known = []
    unseen, differences = set(known), []
    pair = harness.pair()
    compared_before = pair.compared

    for step, compared in scenario.play(pair, protocol):
        if not compared.agree:
            expected = {k for k in known if step.text.startswith(k.line)}
            unseen -= expected
            if not expected:
                differences.append(f"{scenario.file}.txt:{step.number}: {compared}")
    harness.compared["by hand", protocol] += pair.compared - compared_before
    harness.played.add((scenario.name, protocol))

    assert not differences, f"{len(differences)} differences:\n" + "\n".join(differences)
    assert not unseen, f"no longer different, to be deleted from known_differences.py: {unseen}"


def test_each_scenario_has_a_title_of_its_own() -> None:
    names = [scenario.name for scenario in SCENARIOS]

    assert len(set(names)) == len(names)


def test_each_known_difference_names_a_scenario() -> None:
    assert {known.scenario for known in KNOWN_DIFFERENCES} <= {scenario.name for scenario in SCENARIOS}
