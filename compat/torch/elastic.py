"""torchrun's agents as processes, and three things that happen to elastic jobs, on our backend or torch's own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs

from compat.patience import until
from compat.servers import REPOSITORY

WORKER = Path(__file__).with_name("worker.py")
LATE_SECONDS = 10.0
STEPS = 20

FINISHES = "finishes"
HANGS = "hangs"


@attrs.frozen
class Job:
    """An elastic job on this machine.

    Attributes:
        backend, endpoint: of torchrun.
        nodes: `2`, or `1:2`.
        folder: of this job, empty at first.
        world_size: how many ranks it must have to finish.
        dies: whether a worker kills itself once.
        seconds: after which it hangs.
    """

    backend: str
    endpoint: str
    nodes: str
    folder: Path
    world_size: int = 4
    dies: bool = False
    seconds: float = 120.0

    @contextlib.contextmanager
    def agent(self, number: int) -> Iterator["subprocess.Popen[bytes]"]:
        """An agent with two workers, in a session of its own; it is gone afterwards, with all that it started."""
        command = [sys.executable, "-m", "torch.distributed.run", f"--nnodes={self.nodes}", "--nproc-per-node=2"]
        command += ["--max-restarts=2", f"--rdzv-backend={self.backend}", f"--rdzv-endpoint={self.endpoint}"]
        command += ["--rdzv-id=job", "--local-addr=127.0.0.1", "--monitor-interval=0.1"]
        # A node is given up when nothing was heard of it for 12 s: on a busy machine, less takes the living for dead.
        command += ["--rdzv-conf=last_call_timeout=1,keep_alive_interval=1,keep_alive_max_attempt=12"]
        command += [str(WORKER), str(self.folder), str(STEPS), str(self.world_size), str(int(self.dies))]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "JOB_TIMEOUT": "30"}
        with (self.folder / f"agent-{number}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            try:
                yield process
            finally:
                self.kill(process)

    def kill(self, agent: "subprocess.Popen[bytes]") -> None:
        """What becomes of a node whose power fails: the agent and its workers are gone at once."""
        for session in (agent.pid, *self._workers_of(agent.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(session, signal.SIGKILL)
        agent.wait()

    def _workers_of(self, pid: int) -> Sequence[int]:
        found = []
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = file.read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid:
                    found.append(int(file.parent.name))
        return found

    def outcome(self, *agents: "subprocess.Popen[bytes]") -> str:
        """What becomes of it: FINISHES, HANGS, or how it fails."""
        deadline = time.monotonic() + self.seconds
        try:
            statuses = [agent.wait(max(deadline - time.monotonic(), 0.1)) for agent in agents]
        except subprocess.TimeoutExpired:
            return HANGS
        if any(statuses):
            return f"fails (status {', '.join(map(str, statuses))})"
        ranks = sorted(path.name for path in self.folder.glob("rank-*"))
        wanted = sorted(f"rank-{rank}" for rank in range(self.world_size))
        return FINISHES if ranks == wanted else f"ends with {', '.join(ranks)}"

    def wait_for(self, name: str) -> None:
        """Until a worker has made this file."""
        until((self.folder / name).exists, f"{name} of\n{self.log()}", seconds=self.seconds)

    def wait_for_workers(self, count: int) -> None:
        """Until so many workers have begun altogether, those of former rounds included."""
        until(lambda: len(list(self.folder.glob("pid-*"))) >= count, f"worker {count}", seconds=self.seconds)

    def log(self) -> str:
        """What the agents said, for the failure of a test."""
        return "\n".join(f"{path.name}:\n{path.read_text()[-4000:]}" for path in self.folder.glob("agent-*.log"))


def worker_is_killed(job: Job) -> str:
    """A worker dies by SIGKILL: all are started again, and finish."""
    job = attrs.evolve(job, nodes="2", dies=True)
    with job.agent(1) as one, job.agent(2) as two:
        outcome = job.outcome(one, two)
        return outcome if (job.folder / "died").exists() else f"{outcome}, but nobody was killed"


def agent_comes_late(job: Job) -> str:
    """A second agent joins when the first has trained for a while: both start again together, and finish."""
    job = attrs.evolve(job, nodes="1:2")
    with job.agent(1) as one:
        job.wait_for("training")
        time.sleep(LATE_SECONDS)
        with job.agent(2) as two:
            return job.outcome(one, two)


def first_agent_is_killed(job: Job) -> str:
    """The first agent's node is gone: the other one goes on alone, and finishes."""
    job = attrs.evolve(job, nodes="1:2", world_size=2)
    with attrs.evolve(job, world_size=4_000).agent(1) as one:
        job.wait_for("training")
        with job.agent(2) as two:
            (job.folder / "training").unlink()
            job.wait_for_workers(6)  # both nodes' are there: two of the first round, four of the second
            job.kill(one)
            return job.outcome(two)


EVENTS: dict[str, Callable[[Job], str]] = {
    "a worker is killed": worker_is_killed,
    "an agent comes 10 s late": agent_comes_late,
    "the first agent's node is gone": first_agent_is_killed,
}
