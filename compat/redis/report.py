"""The section of compat/README.md that says what was compared, what differs, and what is missing."""

from __future__ import annotations

from collections import defaultdict

from compat.redis.harness import Harness
from compat.redis.known_differences import ADDITIONS, KNOWN_DIFFERENCES
from compat.redis.script import load_all
from compat.redis.wire import Reply
from compat.report import markdown_table


def is_whole_run(harness: Harness) -> bool:
    """Whether everything was compared that there is, and not just a part that someone asked for."""
    scenarios = {(scenario.name, protocol) for scenario in load_all() for protocol in scenario.protocols}
    return scenarios == harness.played and all(harness.compared["generated", protocol] for protocol in (2, 3))


def section(harness: Harness) -> str:
    """What this run has compared, the known differences, and the commands that only one of the servers has."""
    rows = [
        [kind, *(f"{harness.compared[kind, protocol]:,}" for protocol in (2, 3))] for kind in ("by hand", "generated")
    ]
    differences = dict.fromkeys(known.reason for known in KNOWN_DIFFERENCES)
    missing = missing_commands(harness)
    return "\n\n".join(
        [
            "Commands compared in the last whole run:",
            markdown_table(["", "RESP2", "RESP3"], rows),
            "Known differences, all of them (compat/redis/known_differences.py):",
            "\n".join(f"- {reason}." for reason in differences) or "None.",
            "Commands that respstore adds, so that there is nothing to compare them with: "
            + ", ".join(sorted(map(str.upper, ADDITIONS)))
            + ".",
            "Commands of Redis 7.0 that respstore does not have yet, by group:",
            "\n".join(f"- **{group}:** {', '.join(names)}" for group, names in missing.items()) or "None.",
        ]
    )


def missing_commands(harness: Harness) -> dict[str, list[str]]:
    """Redis's commands and subcommands that respstore does not list, by their group in COMMAND DOCS."""
    pair = harness.pair()
    ours = {part.text for part in pair.respstore.ask(b"COMMAND", b"LIST").parts}
    missing = defaultdict[str, list[str]](list)
    for name, docs in _pairs(pair.redis.ask(b"COMMAND", b"DOCS")):
        facts = dict(_pairs(docs))
        subcommands = [text for text, _ in _pairs(facts["subcommands"])] if "subcommands" in facts else []
        absent = [command for command in [name, *subcommands] if command not in ours]
        # A container that is missing with all that is in it is named once.
        shown = [name] if name in absent else absent
        missing[facts["group"].text] += [command.replace("|", " ").upper() for command in shown]
    return {group: sorted(names) for group, names in sorted(missing.items()) if names}


def _pairs(reply: Reply) -> list[tuple[str, Reply]]:
    return [(key.text, value) for key, value in zip(reply.parts[::2], reply.parts[1::2], strict=True)]
