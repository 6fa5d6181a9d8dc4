"""A job of some ranks: `python -m compat.torch.job WAY ADDRESS PLAN [WORLD_SIZE]`. Each rank prints a line at its end.

WAY is how the ranks find each other: `store` (a RespStore, ADDRESS its URL), `url` (ADDRESS is the init_method), or
`env` (torch's own C++ TCPStore as a client, ADDRESS `host:port`). Who joins again needs keys that no dead process has
left: a URL gives them by itself, a store gets another prefix, and for `env` ADDRESS holds a second address behind a
comma. PLAN is the name of a function below. The ranks are forked from a process that has torch imported already, which
takes longer than all they do.
"""

import os
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

import respstore.torch

Again = Callable[[int], None]
"""Joins once more, for the so-manieth time, counted from 0."""

TIMEOUT = timedelta(seconds=60)
SHORT = timedelta(seconds=3)


def join(way: str, address: str, rank: int, world_size: int, time: int = 0) -> None:
    """Become a member of the process group, for the first `time` (0) or again."""
    if way == "store":
        store = respstore.torch.RespStore(address, prefix=f"job/{time}", timeout=TIMEOUT)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=world_size, timeout=TIMEOUT)
    elif way == "url":
        dist.init_process_group("gloo", init_method=address, rank=rank, world_size=world_size, timeout=TIMEOUT)
    else:
        host, _, port = address.split(",")[time].rpartition(":")
        os.environ.update(MASTER_ADDR=host, MASTER_PORT=port, TORCHELASTIC_USE_AGENT_STORE="True")
        os.environ.update(RANK=str(rank), WORLD_SIZE=str(world_size))
        dist.init_process_group("gloo", timeout=TIMEOUT)


def collectives(again: Again) -> str:
    """all_reduce, a group of some, objects; then the same once more, after the group was destroyed."""
    for time in (1, 0):
        rank, world_size = dist.get_rank(), dist.get_world_size()
        total = torch.tensor([rank + 1.0])
        dist.all_reduce(total)
        assert total.item() == sum(range(world_size + 1))
        group = dist.new_group([0, world_size - 1])
        if rank in (0, world_size - 1):
            pair = torch.tensor([rank])
            dist.all_reduce(pair, group=group)
            assert pair.item() == world_size - 1
        names: list[object] = [None] * world_size
        dist.all_gather_object(names, f"rank {rank}")
        assert names == [f"rank {number}" for number in range(world_size)]
        dist.monitored_barrier(timeout=TIMEOUT)
        if time:
            dist.destroy_process_group()
            again(time)
    return "done"


def train(again: Again) -> str:
    """Some steps of a small model in DistributedDataParallel: all ranks end with the same weights."""
    torch.manual_seed(dist.get_rank())
    model = DistributedDataParallel(torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(8, 4)).square().mean().backward()
        optimizer.step()
    weights = model.module.weight.detach().clone()
    dist.broadcast(weights, src=0)
    assert torch.equal(weights, model.module.weight)
    return "trained"


def missing(again: Again) -> str:
    """The last rank does not come to a monitored barrier: rank 0 hears who it is."""
    rank, world_size = dist.get_rank(), dist.get_world_size()
    store = dist.distributed_c10d._get_default_store()
    if rank == world_size - 1:
        store.wait(["missed"])
        return "stayed away"
    try:
        dist.monitored_barrier(timeout=SHORT, wait_all_ranks=True)
    except RuntimeError as error:
        store.set("missed", f"by rank {rank}")
        return " ".join(str(error).split())
    return "passed"


def run_rank(way: str, address: str, plan: str, rank: int, world_size: int) -> int:
    """One process of the job. Returns its exit status."""
    try:
        join(way, address, rank, world_size)
        result = globals()[plan](lambda time: join(way, address, rank, world_size, time))
        dist.destroy_process_group()
    except Exception:  # noqa: BLE001 - the parent is told by the status
        traceback.print_exc()
        return 1
    os.write(sys.stdout.fileno(), f"rank {rank}: {result}\n".encode())
    return 0


def main() -> int:
    """See the first lines of this file. Returns how many ranks failed."""
    way, address, plan, *size = sys.argv[1:]
    world_size = int(size[0]) if size else 4
    torch.set_num_threads(1)
    children = []
    for rank in range(world_size):
        child = os.fork()
        if child == 0:
            os._exit(run_rank(way, address, plan, rank, world_size))
        children.append(child)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main())
