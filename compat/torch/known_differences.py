"""Where one of the stores in test_stores.py does otherwise than its suite says, and why: all of it, here.

Each entry names the test that shows it. That test must fail there, with one of these exceptions, so that no entry
outlives its reason. What torch's TCPStore does was measured with torch 2.13; what the suite asks for is what the better
of two does.
"""

from __future__ import annotations

import attrs
import pytest
from torch.distributed import DistNetworkError, DistStoreError, QueueEmptyError

NOT_RAISED = pytest.fail.Exception
"""What an expected exception that does not come is for pytest."""


@attrs.frozen
class Difference:
    """A test of the suite that some stores do not pass.

    Attributes:
        test: its name, with its parameters if the others pass.
        kinds: the stores.
        reason: why they do otherwise.
        raises: how the test fails.
    """

    test: str
    kinds: frozenset[str]
    reason: str
    raises: tuple[type[BaseException], ...]


def _both(*bases: str) -> frozenset[str]:
    """These stores, and each of them behind a PrefixStore."""
    return frozenset(bases) | {f"prefix-{base}" for base in bases}


TCPSTORE = _both("tcpstore")
CPP = _both("tcpstore", "wire")
"""torch's C++ client, on whichever server."""
RESPSTORE = frozenset({"respstore", "redis"})
PREFIXED_RESPSTORE = frozenset({"prefix-respstore", "prefix-redis"})
ALL_PREFIXED = frozenset({"prefix-tcpstore", "prefix-wire"}) | PREFIXED_RESPSTORE

QUEUES_BEHIND_PREFIX = "C++ reaches no queues of a Python store: torch's trampoline has no such methods"
ONE_KIND_OF_KEY = "a queue is a Redis list: values and queues share one space of names, as redis-cli sees them"

KNOWN_DIFFERENCES: tuple[Difference, ...] = (
    # Faults of TCPStore's server, which respstore does not share
    Difference(
        "test_a_wait_is_over_only_when_all_keys_are_there_at_one_moment",
        TCPSTORE,
        "a fault: a wait counts each missing key once, and ends though one of them is gone again",
        (NOT_RAISED,),
    ),
    Difference(
        "test_a_wrong_expectation_wakes_nobody",
        TCPSTORE,
        "a fault: compare_set with a wrong expectation wakes who waits for the key, which does not exist",
        (NOT_RAISED,),
    ),
    Difference(
        "test_an_item_that_comes_ends_no_other_wait",
        TCPSTORE,
        "a fault: a push ends whatever wait of a client that once waited for the queue",
        (NOT_RAISED,),
    ),
    Difference(
        "test_what_begins_like_a_number_is_none",
        TCPSTORE,
        "a fault: counters are read by stoll, which takes what begins like a number",
        (NOT_RAISED,),
    ),
    Difference(
        "test_a_sum_that_does_not_fit_is_no_sum",
        TCPSTORE,
        "a fault: sums wrap around at 2**63 without a word",
        (NOT_RAISED,),
    ),
    # What the C++ client and its protocol do, whatever the server
    Difference(
        "test_adding_to_text_ends_nothing",
        CPP,
        "a fault: the protocol has no errors, so that what cannot be done ends the connection, for good",
        (DistNetworkError,),
    ),
    Difference(
        "test_a_thread_that_waits_holds_up_no_other",
        CPP,
        "a fault: a TCPStore has one lock, which its waits keep",
        (DistStoreError,),
    ),
    Difference(
        "test_an_error_names_the_keys_that_are_missing",
        CPP,
        "a fault: the client writes the error, and does not know what is missing",
        (AssertionError,),
    ),
    Difference(
        "test_keys_that_are_no_utf8_are_listed",
        CPP,
        "a fault: one key that is no UTF-8 ends list_keys",
        (UnicodeDecodeError,),
    ),
    # What follows from a Python store, and from PrefixStore above one
    Difference(
        "test_a_barrier_is_one_operation",
        RESPSTORE | ALL_PREFIXED,
        "barrier is add, set and wait on two keys, as in torch's Store: C++ above a Python store knows no other way; "
        "RespStore.store.barrier is one operation",
        (AssertionError,),
    ),
    Difference(
        "test_a_barrier_for_nobody_is_open",
        RESPSTORE | ALL_PREFIXED,
        "torch's barrier of add, set and wait is passed by the arrival that makes it full, and no other",
        (DistStoreError,),
    ),
    *(
        Difference(test, PREFIXED_RESPSTORE, QUEUES_BEHIND_PREFIX, (NotImplementedError,))
        for test in (
            "test_queue",
            "test_an_empty_queue",
            "test_each_item_is_for_one",
            "test_an_item_that_comes_ends_no_other_wait",
            "test_a_queue_is_there_when_it_has_items",
            "test_a_queue_and_a_value_of_one_name_are_two",
            "test_a_queue_has_no_value",
            "test_queues_are_no_keys_to_count_or_list",
        )
    ),
    Difference(
        "test_keys_are_listed",
        PREFIXED_RESPSTORE,
        "C++ does not reach list_keys of a Python store: torch's trampoline has no such method",
        (NotImplementedError,),
    ),
    *(
        Difference(
            test,
            PREFIXED_RESPSTORE,
            "C++ hands keys to a Python store as str, which a key that is no UTF-8 cannot become",
            (UnicodeDecodeError,),
        )
        for test in ("test_keys_need_not_be_utf8", "test_keys_that_are_no_utf8_are_listed")
    ),
    *(
        Difference(
            f"test_a_timeout_is_a_timedelta_or_a_float[{kind}-{timeout}]",
            frozenset({kind}),
            "RespStore takes whole seconds, too, and None for the store's own timeout",
            (NOT_RAISED,),
        )
        for kind in sorted(RESPSTORE)
        for timeout in ("1", "None")
    ),
    *(
        Difference(
            f"test_other_types_are_refused[{kind}-surrogate]",
            frozenset({kind}),
            "RespStore's names of keys that are no UTF-8 have surrogates; one that stands for no byte is a "
            "UnicodeEncodeError, which says where it is",
            (UnicodeEncodeError,),
        )
        for kind in sorted(RESPSTORE)
    ),
    # What follows from Redis's keys
    Difference(
        "test_a_queue_and_a_value_of_one_name_are_two",
        _both("wire") | RESPSTORE,
        ONE_KIND_OF_KEY,
        (QueueEmptyError,),
    ),
    Difference(
        "test_a_queue_has_no_value", RESPSTORE, f"{ONE_KIND_OF_KEY}; to get a list is an error", (DistStoreError,)
    ),
)
