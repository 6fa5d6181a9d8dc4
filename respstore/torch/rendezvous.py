"""`init_process_group(init_method="respstore://host:port/namespace", rank=0, world_size=2)`.

The URL is that of the server: `respstore://[[user]:password@]host[:port][/namespace]`, `respstores://` with TLS. What
stands behind the host, or else `torch`, is the prefix of the job's keys. torch puts rank and world_size behind the `?`;
without them the environment's RANK and WORLD_SIZE count, as for `env://`.

torch names keys by counting what a process has created, so that a job which is started again, or a process group that
is made anew, would find the addresses of dead processes under the names of the living. Here all ranks meet first, at
the barrier `namespace/round`; how often it was passed is one more part of their prefix, which nobody has used before.
Who does not come is named, and rank 0 deletes what the round before has left.

Each connection of a rank is a client of the job's namespace (C10D JOIN): all keys go `tcpstore-namespace-ttl` seconds
after the last rank has ended, by SIGKILL if it must be. A stock Redis knows no such thing; there the keys of the last
round stay until the job meets again.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from torch import distributed

from respstore.exceptions import StoreError
from respstore.store import Store
from respstore.torch.failures import as_torch
from respstore.torch.store import RespStore

SCHEMES: Final = {"respstore": "redis", "respstores": "rediss"}
"""What torch's URLs begin with, and the Store's."""

DEFAULT_TIMEOUT: Final = timedelta(minutes=30)

DEFAULT_NAMESPACE: Final = "torch"


def register() -> None:
    """Make the schemes known to torch.distributed."""
    for scheme in SCHEMES:
        distributed.register_rendezvous_handler(scheme, handler)


def handler(url: str, timeout: timedelta = DEFAULT_TIMEOUT, **_options: Any) -> Iterator[tuple[RespStore, int, int]]:
    """What torch asks for a store.

    Args:
        url: see above.
        timeout: how long a call of the store may take.

    Yields:
        The store, this process's rank, and how many there are; once, for a job does not meet anew by this way.

    Raises:
        ValueError: rank or world size are not known, or the URL makes no sense.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    rank = _number(options.pop("rank", None), "RANK", "rank")
    world_size = _number(options.pop("world_size", None), "WORLD_SIZE", "world_size")
    namespace = options["namespace"] = parts.path.strip("/") or DEFAULT_NAMESPACE
    target = parts._replace(scheme=SCHEMES[parts.scheme], path="", query=urlencode(options)).geturl()
    yield RespStore(meet(target, namespace, timeout, rank, world_size), timeout=timeout), rank, world_size
    raise RuntimeError(f"a job cannot meet anew by {parts.scheme}://; torchrun --rdzv-backend=respstore can")


def meet(url: str, namespace: str, timeout: timedelta, rank: int, world_size: int) -> Store:
    """Wait for the other ranks.

    Args:
        url: of the server.
        namespace: of the job.
        timeout: how long to wait, and how long a call of the store may take.
        rank, world_size: who this is, and how many have to come.

    Returns:
        A store with a prefix that all of them share, and nobody else.

    Raises:
        DistStoreError: not all came in time; the text says who did not.
        DistNetworkError: there is no server.
    """
    try:
        with Store(url, timeout=timeout) as store:
            number = store.barrier(f"{namespace}/round", world_size, member=rank).epoch
        if rank == 0 and number:
            with Store(url, prefix=f"{namespace}/{number - 1}", timeout=timeout) as former:
                for key in former.list_keys():
                    former.delete_key(key)
    except StoreError as error:
        raise as_torch(error) from error
    return Store(url, prefix=f"{namespace}/{number}", timeout=timeout)


def _number(value: str | None, variable: str, name: str) -> int:
    text = os.environ.get(variable) if value is None else value
    if text is None:
        raise ValueError(
            f"Error initializing torch.distributed using respstore://: {name} is not given, {variable} unset"
        )
    return int(text)
