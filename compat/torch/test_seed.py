"""The test of torch's that started this project, unchanged, with respstore's functions in the place of torch's.

It stands in shared/seeds/distributed_test.md, beside this repository where its developers work; elsewhere there is
nothing to run. `test_create.py` has the same behaviours.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compat.servers import REPOSITORY

SEED = REPOSITORY.parent / "shared" / "seeds" / "distributed_test.md"
FENCED = re.compile(r"^```py\n(.*?)^```$", re.DOTALL | re.MULTILINE)

__test__ = SEED.exists()

REPLACED = """
import torch.distributed.elastic.utils.distributed as theirs
import respstore.torch as ours
theirs.create_c10d_store = ours.create_c10d_store
theirs.get_socket_with_port = ours.get_socket_with_port
import sys, runpy
sys.argv = [sys.argv[1], "-v"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("use_libuv", ["1", "0"])
def test_all_eight_pass(tmp_path: Path, use_libuv: str) -> None:
    (source,) = FENCED.findall(SEED.read_text())
    script = tmp_path / "distributed_test.py"
    script.write_text(source)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}  # where torch writes XML
    run = subprocess.run(
        [sys.executable, "-c", REPLACED, str(script)],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(REPOSITORY), "USE_LIBUV": use_libuv},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "Ran 8 tests" in run.stderr
    assert "\nOK\n" in run.stderr
