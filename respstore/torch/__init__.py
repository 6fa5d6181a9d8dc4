"""respstore for torch jobs: a `torch.distributed.Store`, rendezvous by URL, and a backend for torchrun.

This is the only room that imports torch, and no other imports it. What torch's own stores do, and what C++ asks of a
Python one, was measured with torch 2.13.

    store.py        RespStore: respstore.Store as torch's processes, C++ included, want one
    failures.py     torch's exceptions, which are respstore's, too
    create.py       create_c10d_store, as torch.distributed.elastic.utils.distributed has it
    rendezvous.py   init_process_group(init_method="respstore://host:port/namespace")
    elastic.py      torchrun --rdzv-backend=respstore

Importing it makes the URL scheme known. torchrun finds its backend by an entry point.
"""

from respstore.ports import get_free_port, get_socket_with_port
from respstore.torch import rendezvous
from respstore.torch.create import create_c10d_store
from respstore.torch.store import RespStore

__all__ = ["RespStore", "create_c10d_store", "get_free_port", "get_socket_with_port"]

rendezvous.register()
