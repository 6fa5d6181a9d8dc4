"""create_c10d_store, as torch.distributed.elastic.utils.distributed has it."""

import logging
from typing import Final

from respstore.exceptions import PortInUseError, StoreError, StoreTimeoutError
from respstore.store import create_store
from respstore.torch.failures import RespStoreConnectionError, RespStoreTimeoutError, as_torch
from respstore.torch.store import RespStore

logger = logging.getLogger("respstore")

CANNOT_LISTEN: Final = "The server socket has failed to listen on any local network address. port: {}, {}"
"""Torch's words, for which its tests and users look, and then why."""


def create_c10d_store(  # noqa: PLR0917 - torch's signature
    is_server: bool,
    server_addr: str,
    server_port: int = -1,
    world_size: int | None = 1,
    timeout: float = 600,
    wait_for_workers: bool = True,
    retries: int = 3,
    use_libuv: bool | None = None,
) -> RespStore:
    """The store of a job, in one process with its server; see `respstore.create_store`, which does it.

    Args:
        is_server: whether this process is to run the server, which it does in a child process.
        server_addr: the server's address or name.
        server_port: its port; -1 and, for the server, 0 for a free one.
        world_size: how many workers there are.
        timeout: how long to wait, in seconds; the store's own afterwards.
        wait_for_workers: whether to return only when all have joined.
        retries: how often to try another port, where it is free to choose.
        use_libuv: ignored, as by torch. `USE_LIBUV=0` in the environment chooses the server's other I/O backend.

    Raises:
        ValueError: a port must be given when there are several workers.
        DistNetworkError: the port is taken, or there is no server.
        DistStoreError: not all workers joined in time.
    """
    if use_libuv is not None:
        logger.warning("the argument use_libuv is ignored; set USE_LIBUV=0 in the environment of the server")
    if not is_server and server_port in (-1, 0):
        if server_port == -1 and world_size is not None and world_size > 1:
            create_store(is_server, server_addr, server_port, world_size)  # raises the error
        raise RespStoreConnectionError(
            f"The client socket has timed out after {timeout * 1000:.0f}ms while trying to connect to "
            f"({server_addr}, {server_port}): no server has that port; a worker needs the server's"
        )
    try:
        store = create_store(is_server, server_addr, server_port, world_size, timeout, wait_for_workers, retries)
    except PortInUseError as error:
        raise RespStoreConnectionError(CANNOT_LISTEN.format(server_port, f"EADDRINUSE: {error}")) from error
    except StoreTimeoutError as error:
        if error.missing:
            raise RespStoreTimeoutError(str(error), error.missing, error.waited) from error
        raise as_torch(error) from error
    except StoreError as error:
        raise as_torch(error) from error
    except OSError as error:
        raise RespStoreConnectionError(CANNOT_LISTEN.format(server_port, error)) from error
    return RespStore(store)
