"""What torchrun runs in these tests: a small model, trained in DistributedDataParallel, and somebody to kill it.

    worker.py FOLDER STEPS WORLD_SIZE DIES

It trains STEPS steps, once the world has WORLD_SIZE ranks (until then it goes on and on), and says in FOLDER what it
came to: a file `rank-R` per rank. If DIES is 1, rank 1 kills itself at step 3, the first time that it gets there.
"""

import gc
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

TIMEOUT = timedelta(seconds=int(os.environ.get("JOB_TIMEOUT", "60")))


def main() -> None:
    """See the first lines of this file."""
    folder, steps, wanted, dies = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=TIMEOUT)
    rank, world_size = dist.get_rank(), dist.get_world_size()
    (folder / f"pid-{os.getpid()}").touch()
    train(folder, steps, world_size != wanted, dies and rank == 1)
    (folder / f"rank-{rank}").write_text(f"{world_size} ranks\n")
    # The model holds the process group, in cycles. If one is left, one process in ten ends by an abort ("terminate
    # called without an active exception"; torch 2.13, whatever the store), which its agent takes for a failure.
    gc.collect()
    dist.destroy_process_group()


def train(folder: Path, steps: int, for_ever: bool, dies: bool) -> None:
    """Train so many steps, or on and on; or die at the third one, if nobody has yet."""
    model = DistributedDataParallel(torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    step = 0
    while step < steps or for_ever:
        optimizer.zero_grad()
        model(torch.randn(8, 4)).square().mean().backward()
        optimizer.step()
        step += 1
        if dies and step == 3 and not (folder / "died").exists():
            (folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / "training").touch()


if __name__ == "__main__":
    main()
