import pytest

from compat.bench import scripts
from compat.bench.figures import CALL_BAR, Figure
from compat.bench.scripts import ScriptCosts, compare_scripts


def test_each_script_runs_on_both_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "CALLS", 200)
    monkeypatch.setattr(scripts, "SECONDS", 0.01)
    steps: list[None] = []
    costs = compare_scripts(1, lambda: steps.append(None))

    assert len(steps) == 3
    assert len(costs.judged) == 1 + len(costs.commands)
    for figure in (costs.throughput, *costs.commands, *costs.libraries):
        assert figure.ratio > 0


def test_a_command_in_a_script_is_judged_by_itself() -> None:
    throughput = Figure("EVALSHA", (2.0,), (2.0,), None)
    for microseconds, missed in ((3.0, False), (3.2, True)):
        (_, call) = ScriptCosts(throughput, (Figure("call", (0.1,), (microseconds,), None),), ()).judged
        assert (call.missed, call.bar) == (missed, CALL_BAR)
