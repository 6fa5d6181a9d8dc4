"""`respstore barriers` prints who waits at barriers, for people and for scripts."""

import json
import subprocess

import pytest

from respstore.cli import main
from respstore.cli.barriers import to_json, to_text
from tests.cli.programs import COMMAND, PATIENCE, ROOT, served
from tests.cli.waiting import barrier, knowing, parked, waiter
from tests.ports.strangers import answering, holding, info


def test_a_paragraph_tells_of_a_barrier():
    strange = barrier("a\nb", db=3, missing=None, waiting_s=3600, waiters=[waiter(9, member="client:9")])

    assert list(to_text([barrier(), strange])) == [
        "epoch (db 0): epoch 3, 2 of 4 arrived, waiting 12.3 s, missing: 1, 2",
        "    0: client 7 trainer-0 at 127.0.0.1:7, waiting 12.3 s",
        "    3: client 8 at 127.0.0.1:8, waiting 1.0 s",
        "a\\x0ab (db 3): epoch 3, 2 of 4 arrived, waiting 1 h 0 min, missing: 2 more",
        "    client:9: client 9 at 127.0.0.1:9, waiting 1.0 s",
    ]


def test_scripts_get_objects():
    first, second = json.loads(to_json([barrier(), barrier("a\nb", missing=None)]))

    assert first == {
        "name": "epoch",
        "db": 0,
        "epoch": 3,
        "parties": 4,
        "arrived": 2,
        "members": ["0", "3"],
        "missing": [1, 2],
        "gave_up": [],
        "waiting_s": 12.34,
        "clients": [
            {"client": 7, "name": "trainer-0", "addr": "127.0.0.1:7", "member": "0", "waiting_s": 12.34},
            {"client": 8, "name": "", "addr": "127.0.0.1:8", "member": "3", "waiting_s": 1.0},
        ],
    }
    assert (second["name"], second["missing"]) == ("a\nb", None)


def test_asks_the_server(capsys):
    with served() as address, parked(address, ("BARRIER", "epoch", 3, "MEMBER", 1)):
        assert main(["barriers", address.url]) == 0
        first, second = capsys.readouterr().out.splitlines()
        assert main(["barriers", "--json", str(address.port)]) == 0
        (found,) = json.loads(capsys.readouterr().out)

    assert first.startswith("epoch (db 0): epoch 0, 1 of 3 arrived, waiting ")
    assert first.endswith(", missing: 0, 2")
    assert second.startswith("    1: client ")
    assert (found["name"], found["arrived"], found["missing"]) == ("epoch", 1, [0, 2])


def test_says_that_nobody_waits(capsys):
    with served() as address:
        assert main(["barriers", str(address.port)]) == 0
        assert main(["barriers", str(address.port), "--json"]) == 0

    assert capsys.readouterr() == ("nobody waits at a barrier\n[]\n", "")


def test_says_in_a_line_that_a_stock_server_has_no_barriers(capsys):
    stock = knowing(WAITLIST=b"-ERR unknown command 'WAITLIST'\r\n", INFO=info(redis_version="7.0.15"))
    with answering(stock) as port:
        assert main(["barriers", str(port)]) == 1

    reason = "this is Redis 7.0.15, which has no barriers and does not tell who waits"
    assert capsys.readouterr() == ("", f"respstore barriers: 127.0.0.1:{port}: {reason}\n")


def test_tells_why_nobody_answers(capsys):
    with holding(listens=False) as sock:
        port = sock.getsockname()[1]
        assert main(["barriers", str(port)]) == 1
    assert main(["barriers", "http://127.0.0.1"]) == 1

    out, err = capsys.readouterr()
    first, second = err.splitlines()
    assert out == ""
    assert first.startswith(f"respstore barriers: 127.0.0.1:{port}: ")
    assert second.startswith("respstore barriers: http://127.0.0.1: ")


@pytest.mark.parametrize("arguments", [["1", "2"], ["--yaml"], ["--json", "--port"]])
def test_takes_one_address(capsys, arguments):
    assert main(["barriers", *arguments]) == 2
    assert capsys.readouterr().err.startswith("respstore barriers: one address, please: PORT, ")


@pytest.mark.slow
def test_is_a_command_of_its_own():
    with served() as address, parked(address, ("BARRIER", "epoch", 3)):
        command = [*COMMAND, "barriers", "--json", str(address.port)]
        found = json.loads(subprocess.check_output(command, cwd=ROOT, timeout=PATIENCE))

    assert found[0]["name"] == "epoch"
