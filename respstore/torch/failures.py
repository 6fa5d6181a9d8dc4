"""What a RespStore raises: torch's exceptions, for code that was written for TCPStore, and respstore's, which say more.

Where torch has a text, it stands first: programs look for it.
"""

from collections.abc import Iterable
from datetime import timedelta

from torch import distributed

from respstore.exceptions import QueueEmptyError, StoreConnectionError, StoreError, StoreTimeoutError


class RespStoreError(StoreError, distributed.DistStoreError):
    """The server refused a request."""


class RespStoreTimeoutError(StoreTimeoutError, distributed.DistStoreError):
    """Keys were still missing when the time was over; `missing` has them."""


class RespStoreSilentError(StoreTimeoutError, distributed.DistNetworkError):
    """The server did not answer within the time."""


class RespStoreConnectionError(StoreConnectionError, distributed.DistNetworkError):
    """The server cannot be reached, or was lost."""


class RespQueueEmptyError(QueueEmptyError, distributed.QueueEmptyError):
    """There is nothing in the queue."""


def as_torch(error: StoreError, keys: Iterable[str] = ()) -> StoreError:
    """The error that torch's store would raise in the place of a Store's.

    Args:
        error: what happened.
        keys: those that were asked for, as the caller named them, if the error may be that some are missing.
    """
    if isinstance(error, StoreTimeoutError):
        if not error.missing:
            return RespStoreSilentError(str(error), waited=error.waited)
        text = str(error)
        if asked := ", ".join(f"/{key}" for key in keys):
            limit = milliseconds(error.waited)
            text = f"wait timeout after {limit}ms, keys: {asked}; missing: {', '.join(error.missing)}"
        return RespStoreTimeoutError(text, error.missing, error.waited)
    if isinstance(error, StoreConnectionError):
        return RespStoreConnectionError(str(error))
    if isinstance(error, QueueEmptyError):
        return RespQueueEmptyError(f"queue is empty: {error}")
    return RespStoreError(str(error))


def milliseconds(seconds: float | timedelta) -> int:
    """Whole milliseconds, as torch counts."""
    exact = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
    return exact // timedelta(milliseconds=1)
