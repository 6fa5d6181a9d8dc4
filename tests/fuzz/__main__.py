"""`make fuzz`: python -m tests.fuzz [BUDGET] [--target NAME] [--seed NUMBER] [--case NUMBER]

Feeds BUDGET hostile inputs to each target, and prints the smallest case that breaks one, if any does.
"""

import argparse
import secrets
import sys
import time

from tests.fuzz.parsing import Parsing
from tests.fuzz.servers import Servers
from tests.fuzz.sessions import Sessions
from tests.fuzz.target import Failure, Finding, Target, fuzz, make_case
from tests.fuzz.tcpstores import TCPStores

TARGETS: dict[str, Target] = {target.name: target for target in (Parsing(), Sessions(), TCPStores(), Servers())}


class Progress:
    """Counts, on one line if somebody looks at a terminal."""

    def __init__(self, target: Target, budget: int) -> None:
        self._name = target.name
        self._budget = budget
        self._done = 0
        self._start = self._shown = time.monotonic()

    def __call__(self, done: int) -> None:
        self._done += done
        now = time.monotonic()
        if sys.stdout.isatty() and now - self._shown > 0.2:
            self._shown = now
            print(f"\r{self._name}: {self._done} of {self._budget}", end="\r", flush=True)

    def __str__(self) -> str:
        seconds = time.monotonic() - self._start
        return f"{self._name}: {self._done} hostile inputs in {seconds:.0f} s, and every invariant held"


def main() -> int:
    """Run; the exit status is 1 if an invariant did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Feed hostile inputs to the server.")
    parser.add_argument("budget", nargs="?", type=int, default=100_000, help="inputs for each target (100000)")
    parser.add_argument("--target", choices=TARGETS, help="this one only")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="of all cases (by chance)")
    parser.add_argument("--case", type=int, help="run only the case of this number")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    targets = [TARGETS[arguments.target]] if arguments.target else list(TARGETS.values())
    if arguments.case is not None:
        return run_case(targets, arguments.seed, arguments.case)
    findings = [run(target, arguments.seed, arguments.budget) for target in targets]
    return int(any(findings))


def run(target: Target, seed: int, budget: int) -> Finding | None:
    """Feed a target, and print what came of it."""
    progress = Progress(target, budget)
    finding = fuzz(target, seed, budget, progress)
    print(progress if finding is None else finding, flush=True)
    return finding


def run_case(targets: list[Target], seed: int, number: int) -> int:
    """Run one case of each target as it was made, and print what is wrong with it."""
    status = 0
    for target in targets:
        try:
            target.run(make_case(target, seed, number))
        except Failure as failure:
            print(f"{target.name}, case {number}: {failure}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
