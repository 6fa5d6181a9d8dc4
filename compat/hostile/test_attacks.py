"""Each attack is survived, and costs the others little; a whole run writes the table in compat/README.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.hostile.attacks import ATTACKS, PASSWORD, Attack, half_a_handshake, many_files
from compat.hostile.pinging import pinging
from compat.report import markdown_table, write_section
from compat.servers import free_port, respstore_server
from tests.authority import Authority

Rows = dict[str, list[str]]


@pytest.fixture(scope="module")
def rows() -> Iterator[Rows]:
    """What each attack cost, by its name."""
    rows: Rows = {}
    yield rows
    if rows.keys() == {attack.name for attack in ATTACKS}:
        header = ["what a peer does", "what comes of it", "CPU s", "memory MB", "longest PING ms"]
        table = markdown_table(header, [rows[attack.name] for attack in ATTACKS])
        write_section(
            "hostile", f"{table}\n\nMemory is what the server still held after the attack, beyond what it held before."
        )


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_is_survived(attack: Attack, rows: Rows, tmp_path: Path) -> None:
    options = list(attack.options)
    if attack.run is half_a_handshake:
        given = Authority(tmp_path / "authority").options(free_port())
        options += [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    with many_files(), respstore_server(*options) as server:
        cpu, memory = server.cpu_seconds(), server.resident_bytes()
        with pinging(server.port, PASSWORD if "--requirepass" in options else "") as worst:
            outcome = attack.run(server)
        costs = [server.cpu_seconds() - cpu, max(server.resident_bytes() - memory, 0) / 1e6, worst()]
        assert server.process.poll() is None
        log = server.log.read_text()
    assert "Traceback" not in log
    rows[attack.name] = [attack.name, outcome, *(f"{cost:.1f}" for cost in costs)]
