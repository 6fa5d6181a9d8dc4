"""Each error of a Store becomes one of torch's, and stays one of respstore's."""

from datetime import timedelta

import pytest
import torch.distributed as dist

from respstore.exceptions import QueueEmptyError, StoreConnectionError, StoreError, StoreTimeoutError
from respstore.torch.failures import as_torch, milliseconds


@pytest.mark.parametrize(
    ("error", "theirs", "text"),
    [
        (StoreError("WRONGTYPE no"), dist.DistStoreError, "WRONGTYPE no"),
        (StoreConnectionError("cannot reach it"), dist.DistNetworkError, "cannot reach it"),
        (QueueEmptyError("the queue 'q' is empty"), dist.QueueEmptyError, "queue is empty: the queue 'q' is empty"),
        (StoreTimeoutError("it did not answer", waited=1.0), dist.DistNetworkError, "it did not answer"),
        (
            StoreTimeoutError("timed out", ("b",), 0.3),
            dist.DistStoreError,
            "wait timeout after 300ms, keys: /a, /b; missing: b",
        ),
    ],
)
def test_errors(error: StoreError, theirs: type[Exception], text: str) -> None:
    made = as_torch(error, ["a", "b"])
    assert isinstance(made, theirs)
    assert isinstance(made, type(error))
    assert isinstance(made, RuntimeError)
    assert str(made) == text


def test_a_timeout_tells_what_it_told_before() -> None:
    made = as_torch(StoreTimeoutError("timed out", ("b",), 0.25), ["b"])
    assert isinstance(made, StoreTimeoutError)
    assert (made.missing, made.waited) == (("b",), 0.25)


def test_milliseconds_are_cut() -> None:
    assert milliseconds(timedelta(microseconds=1500)) == 1
    assert milliseconds(2.0) == 2000
