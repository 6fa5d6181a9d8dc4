"""Show what both servers answer to scripts: `python -m compat.redis [--differences] [--resp3] [FILE [TITLE]]...`.

Without --differences every reply is shown, also where both agree: the way to see what Redis says to a new script.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from compat.redis.harness import Harness
from compat.redis.pair import Compared, ServerSilentError
from compat.redis.script import FOLDER, Scenario, Step, load


def main() -> None:
    """Play scripts and print."""
    parser = argparse.ArgumentParser(prog="python -m compat.redis", description=__doc__)
    parser.add_argument("files", nargs="*", help="names in scripts/, or paths; all if none")
    parser.add_argument("--title", default="", help="only scenarios whose title contains this")
    parser.add_argument("--resp3", action="store_true", help="speak RESP3")
    parser.add_argument("--differences", action="store_true", help="only replies that differ, grouped by command")
    options = parser.parse_args()
    paths = [path if (path := Path(name)).is_file() else FOLDER / f"{name}.txt" for name in options.files]
    scenarios = [
        scenario
        for path in paths or sorted(FOLDER.glob("*.txt"))
        for scenario in load(path)
        if options.title in scenario.title and (3 if options.resp3 else 2) in scenario.protocols
    ]
    with Harness() as harness:
        if options.differences:
            _print_differences(harness, scenarios, 3 if options.resp3 else 2)
        else:
            _print_transcript(harness, scenarios, 3 if options.resp3 else 2)


def _print_transcript(harness: Harness, scenarios: list[Scenario], protocol: int) -> None:
    for scenario in scenarios:
        print(f"\n== {scenario.name}")
        for step, compared in scenario.play(harness.pair(), protocol):
            print(f"{step.number}: {compared}")
        for command in harness.pair().unanswered():
            print(f"still waiting: {command}")


def _print_differences(harness: Harness, scenarios: list[Scenario], protocol: int) -> None:
    by_command: dict[str, list[tuple[Scenario, Step, Compared]]] = defaultdict(list)
    for scenario in scenarios:
        try:
            for step, compared in scenario.play(harness.pair(), protocol):
                if not compared.agree:
                    command = compared.command.partition(" ")[0].upper()
                    by_command[command].append((scenario, step, compared))
        except (ServerSilentError, AssertionError, OSError) as error:
            print(f"{scenario.name}: {error!r}\n")
    for command, found in sorted(by_command.items()):
        print(f"#### {command}: {len(found)} differences")
        for scenario, step, compared in found:
            print(f"{scenario.file}.txt:{step.number} ({scenario.title}) {compared}")
        print()


if __name__ == "__main__":
    main()
