"""With LONG=1: what happens to the jobs of test_elastic.py, on torch's own backend, too; for compat/README.md.

Some of torch's hang, which takes its time to see.
"""

import os

import pytest

from compat.patience import ImpatientError
from compat.report import markdown_table, write_section
from compat.servers import free_port, respstore_server
from compat.torch.elastic import EVENTS, HANGS, Job

__test__ = bool(os.environ.get("LONG"))


@pytest.mark.timeout(900)
def test_the_same_on_torchs_own_backend(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = []
    for event, happen in EVENTS.items():
        with respstore_server() as server:
            ours = happen(Job("respstore", f"127.0.0.1:{server.port}", "2", tmp_path_factory.mktemp("ours")))
        try:
            theirs = happen(Job("c10d", f"127.0.0.1:{free_port()}", "2", tmp_path_factory.mktemp("theirs")))
        except ImpatientError:  # its agents did not even get to where the event happens
            theirs = HANGS
        rows.append([event, theirs, ours])
    write_section("elastic", markdown_table(["what happens", "--rdzv-backend=c10d", "respstore"], rows))
