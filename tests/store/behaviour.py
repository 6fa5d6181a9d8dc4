"""What a store does, whatever it runs on: tests for a fixture `store`, and `another`, which makes further stores on it.

tests/store/test_store.py runs them against respstore, compat/store/ against stock servers; both import them by name.
"""

import contextlib
import pickle
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from respstore import Store
from respstore.exceptions import QueueEmptyError, StoreError, StoreTimeoutError
from respstore.store.barriers import BarrierResult
from respstore.store.connection import pack
from respstore.store.portable import Portable, companions
from tests.store.servers import Background

Another = Callable[..., Store]


def test_values_are_bytes(store: Store) -> None:
    store.set("k", "text")
    assert store.get("k") == b"text"
    store.set(b"k", b"\0\r\n\xff")
    assert store.get("k") == b"\0\r\n\xff"
    store.set("empty", "")
    assert store.get("empty") == b""
    store.set("", "a key may be empty")
    assert store.get(b"") == b"a key may be empty"
    store.set("ключ", bytearray(b"v"))
    assert store.get("ключ".encode()) == b"v"


def test_large_values_go_through(store: Store) -> None:
    value = bytes(range(256)) * 40_000
    store.set("large", value)
    assert store.get("large") == value
    assert store.multi_get(["large", "large"]) == [value, value]


@pytest.mark.parametrize("key", [1, None, ["k"], memoryview(b"k")])
def test_a_key_is_str_or_bytes(store: Store, key: object) -> None:
    with pytest.raises(TypeError, match="a key is str or bytes, not "):
        store.get(key)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1, None, ["k"], 1.5])
def test_a_value_is_str_or_bytes(store: Store, value: object) -> None:
    for call in (store.set, store.append, store.queue_push):
        with pytest.raises(TypeError, match="a value is str or bytes, not "):
            call("k", value)  # type: ignore[arg-type]
    assert not store.check(["k"])


def test_one_string_is_not_a_list_of_keys(store: Store) -> None:
    for call in (store.check, store.wait, store.multi_get):
        with pytest.raises(TypeError, match="keys are a list of str or bytes, not one str"):
            call("key")


def test_get_waits_for_the_key(store: Store, another: Another) -> None:
    waiting = Background(another().get, "later")
    store.set("later", "v")
    assert waiting.result() == b"v"


def test_a_thread_that_waits_holds_up_no_other_on_the_same_store(store: Store) -> None:
    waits = [Background(store.wait, ["later"]) for _ in range(5)]
    gets = [Background(store.get, "later") for _ in range(5)]
    assert store.add("n", 1) == 1
    assert not any(call.is_over() for call in waits + gets)
    store.set("later", "v")
    assert [call.result() for call in waits + gets] == [None] * 5 + [b"v"] * 5


def test_get_of_what_never_comes_names_the_key(store: Store) -> None:
    store.set_timeout(0.3)
    start = time.monotonic()
    with pytest.raises(StoreTimeoutError, match=r"^timed out after 0\.3 s, missing 1 of 1 keys: 'nope'$") as caught:
        store.get("nope")
    assert time.monotonic() - start > 0.28
    assert caught.value.missing == ("nope",)
    assert caught.value.waited == 0.3
    assert isinstance(caught.value, TimeoutError)


def test_an_error_names_only_the_keys_that_are_still_missing(store: Store) -> None:
    store.multi_set(["a", "c"], ["1", "2"])
    for call in (lambda: store.wait(["a", "b", "c", "b", "d"], 0.05), lambda: store.multi_get(["a", "b", "c", "d"])):
        store.set_timeout(0.05)
        with pytest.raises(StoreTimeoutError, match=r"missing 2 of 4 keys: 'b', 'd'$") as caught:
            call()
        assert caught.value.missing == ("b", "d")


def test_a_long_list_of_missing_keys_is_cut(store: Store) -> None:
    with pytest.raises(StoreTimeoutError, match=r"missing 300 of 300 keys: 'k0', .*'k19' and 280 more$") as caught:
        store.wait([f"k{n}" for n in range(300)], 0)
    assert len(caught.value.missing) == 300


def test_a_timeout_of_zero_is_one_look(store: Store) -> None:
    store.set("here", "v")
    store.wait(["here"], 0)
    with pytest.raises(StoreTimeoutError, match="after 0 s, missing 1 of 2 keys: 'gone'"):
        store.wait(["here", "gone"], 0)
    store.set_timeout(0)
    assert store.get("here") == b"v"
    assert store.add("n", 1) == 1
    with pytest.raises(StoreTimeoutError, match="after 0 s, missing 1 of 1 keys: 'gone'"):
        store.get("gone")
    with pytest.raises(StoreTimeoutError, match="after 0 s waiting for an item in the queue 'q'"):
        store.queue_pop("q")


def test_time_limits_are_seconds_or_timedeltas_or_none(store: Store) -> None:
    for given, kept in ((1.5, 1.5), (2, 2.0), (timedelta(milliseconds=1500), 1.5), (None, None), (-1, None)):
        store.set_timeout(given)
        assert store.timeout == kept
    with pytest.raises(TypeError, match="a timeout is a number of seconds, a timedelta or None, not str"):
        store.set_timeout("3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not NaN"):
        store.set_timeout(float("nan"))
    with pytest.raises(StoreTimeoutError, match=r"after 0\.02 s"):
        store.wait(["nope"], timedelta(milliseconds=20))


def test_a_negative_timeout_waits_for_ever(store: Store) -> None:
    store.set_timeout(0.05)
    waiting = Background(store.wait, ["later"], -1)
    with pytest.raises(StoreTimeoutError):
        store.get("later")
    store.set("later", "v")
    waiting.result()


def test_a_wait_ends_when_all_keys_are_there_at_once(store: Store) -> None:
    store.set("a", "1")
    waiting = Background(store.wait, ["a", "b"])
    store.delete_key("a")
    store.set("b", "1")
    assert store.delete_key("b")
    store.set("a", "1")
    assert not waiting.is_over()
    store.set("b", "1")
    waiting.result()


def test_waits_are_over_at_once_where_nothing_is_missing(store: Store) -> None:
    store.wait([])
    assert store.multi_get([]) == []
    assert store.check([])
    store.set("k", "v")
    store.queue_push("q", "item")
    store.wait(["k", "q", "k"], 0)
    store.wait(("k", "q", "k"), 5)
    store.wait({"k"})


def test_a_wait_does_not_take_a_failed_compare_set_for_a_key(store: Store) -> None:
    waiting = Background(store.get, "k")
    assert store.compare_set("k", "wrong", "x") == b"wrong"
    assert not waiting.is_over()
    assert store.compare_set("k", "", "right") == b"right"
    assert waiting.result() == b"right"


def test_check(store: Store) -> None:
    store.set("empty", "")
    store.queue_push("q", "item")
    assert store.check(["empty", "q", "q"])
    assert not store.check(["empty", "gone"])


def test_add(store: Store) -> None:
    assert store.add("n", 0) == 0
    assert store.get("n") == b"0"
    assert store.add("n", 5) == 5
    assert store.add("n", -7) == -2
    assert store.get("n") == b"-2"
    store.set("n", str(2**63 - 2))
    assert store.add("n", 1) == 2**63 - 1


@pytest.mark.parametrize("held", ["abc", "", "1.5", "9" * 40, " 1"])
def test_a_bad_add_is_an_error_that_changes_nothing(store: Store, held: str) -> None:
    store.set("k", held)
    with pytest.raises(StoreError, match="value is not an integer or out of range"):
        store.add("k", 1)
    assert store.get("k") == held.encode()


def test_an_add_does_not_wrap(store: Store) -> None:
    store.set("n", str(2**63 - 1))
    with pytest.raises(StoreError, match="overflow"):
        store.add("n", 1)
    with pytest.raises(StoreError, match="value is not an integer or out of range"):
        store.add("n", 2**63)
    assert store.get("n") == b"9223372036854775807"
    with pytest.raises(TypeError):
        store.add("n", 1.5)  # type: ignore[arg-type]


def test_add_counts_exactly_from_many_threads(store: Store) -> None:
    def count() -> None:
        for _ in range(50):
            store.add("n", 1)

    for call in [Background(count) for _ in range(8)]:
        call.result()
    assert store.add("n", 0) == 400


def test_append(store: Store) -> None:
    store.append("k", "a")
    store.append("k", b"\0b")
    assert store.get("k") == b"a\0b"
    store.append("new", "")


@pytest.mark.parametrize(
    ("held", "expected", "desired", "value"),
    [
        (None, "", "new", b"new"),
        (None, "x", "new", b"x"),
        (None, "", "", b""),
        ("old", "old", "new", b"new"),
        ("old", "x", "new", b"old"),
        ("old", "", "new", b"old"),
        ("", "", "new", b"new"),
        ("old", "old", "", b""),
    ],
)
def test_compare_set(store: Store, held: str | None, expected: str, desired: str, value: bytes) -> None:
    if held is not None:
        store.set("k", held)
    assert store.compare_set("k", expected, desired) == value
    exists = held is not None or expected == ""
    assert store.check(["k"]) == exists
    if exists:
        assert store.get("k") == value


def test_only_one_of_many_wins_a_compare_set(store: Store) -> None:
    calls = [Background(store.compare_set, "leader", "", f"rank-{n}") for n in range(8)]
    assert len({call.result() for call in calls}) == 1


def test_delete_key(store: Store) -> None:
    store.set("k", "v")
    assert store.delete_key("k")
    assert not store.delete_key("k")


def test_multi_set_and_get(store: Store) -> None:
    store.multi_set(["a", b"b", "a"], ["1", b"2", "3"])
    assert store.multi_get(["b", "a", "b"]) == [b"2", b"3", b"2"]
    store.multi_set([], [])
    with pytest.raises(ValueError, match="multi_set got 2 keys and 1 values"):
        store.multi_set(["a", "b"], ["1"])


def test_multi_get_waits(store: Store) -> None:
    waiting = Background(store.multi_get, ["a", "b", "a"])
    store.set("a", "1")
    store.set("b", "2")
    assert waiting.result() == [b"1", b"2", b"1"]


def test_hundreds_of_keys_at_once(store: Store) -> None:
    keys = [f"key-{n}" for n in range(500)]
    waiting = Background(store.wait, keys)
    store.multi_set(keys, [str(n) for n in range(500)])
    waiting.result()
    assert store.multi_get(keys) == [str(n).encode() for n in range(500)]
    assert store.check(keys)
    assert store.num_keys() == 500


def test_queues_are_first_in_first_out(store: Store) -> None:
    assert store.queue_len("q") == 0
    for item in ("a", b"\0", ""):
        store.queue_push("q", item)
    assert store.queue_len("q") == 3
    assert [store.queue_pop("q"), store.queue_pop("q", False), store.queue_pop("q", block=True)] == [b"a", b"\0", b""]
    with pytest.raises(QueueEmptyError, match="the queue 'q' is empty"):
        store.queue_pop("q", block=False)


def test_a_pop_waits_for_an_item(store: Store) -> None:
    pops = [Background(store.queue_pop, "q") for _ in range(3)]
    for item in ("a", "b", "c"):
        store.queue_push("q", item)
    assert sorted(pop.result() for pop in pops) == [b"a", b"b", b"c"]
    store.set_timeout(0.05)
    with pytest.raises(StoreTimeoutError, match=r"after 0\.05 s waiting for an item in the queue 'q'") as caught:
        store.queue_pop("q")
    assert caught.value.missing == ("q",)


def test_a_queue_is_no_value_and_a_value_no_queue(store: Store) -> None:
    store.queue_push("q", "item")
    store.set("k", "v")
    for call in (
        lambda: store.get("q"),
        lambda: store.multi_get(["k", "q"]),
        lambda: store.add("q", 1),
        lambda: store.append("q", "x"),
        lambda: store.compare_set("q", "", "x"),
        lambda: store.queue_push("k", "x"),
        lambda: store.queue_pop("k", block=False),
        lambda: store.queue_pop("k"),
        lambda: store.queue_len("k"),
    ):
        with pytest.raises(StoreError, match="WRONGTYPE Operation against a key holding the wrong kind of value"):
            call()


def test_a_queue_that_appears_ends_a_get(store: Store) -> None:
    waiting = Background(store.multi_get, ["k", "gone"])
    store.queue_push("k", "item")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        waiting.result()


def test_keys_are_listed_without_queues(store: Store) -> None:
    assert store.list_keys() == []
    assert store.num_keys() == 0
    store.multi_set(["a", "ключ", ""], ["1", "2", "3"])
    store.queue_push("q", "item")
    assert sorted(store.list_keys()) == ["", "a", "ключ"]
    assert store.num_keys() == 3


def test_keys_that_are_no_utf8_are_listed_and_found(store: Store) -> None:
    store.set(b"\xff\xfe", "v")
    [key] = store.list_keys()
    assert key == "\udcff\udcfe"
    assert store.get(key) == b"v"
    with pytest.raises(StoreTimeoutError, match="missing 1 of 1 keys: 'b\\\\udcff'"):
        store.wait([b"b\xff"], 0)


def test_a_prefix_is_a_space_of_its_own(store: Store, another: Another) -> None:
    a, ab, odd = another(prefix="a"), another(prefix="ab"), another(prefix="a*[?]\\é")
    for n, some in enumerate((a, ab, odd, store)):
        some.set("k", str(n))
    ab.set("y", "")
    assert [some.get("k") for some in (a, ab, odd, store)] == [b"0", b"1", b"2", b"3"]
    assert sorted(store.list_keys()) == ["a*[?]\\é/k", "a/k", "ab/k", "ab/y", "k"]
    assert (a.list_keys(), sorted(ab.list_keys()), odd.list_keys()) == (["k"], ["k", "y"], ["k"])
    assert (a.num_keys(), ab.num_keys(), odd.num_keys(), store.num_keys()) == (1, 2, 1, 5)
    assert a.prefix == "a"
    assert not a.check(["y"])
    assert a.multi_get([b"k"]) == [b"0"]
    with pytest.raises(StoreTimeoutError, match="missing 1 of 2 keys: 'y'"):
        a.wait(["k", b"y"], 0)


def test_a_clone_shares_the_keys_but_not_the_life(store: Store, another: Another) -> None:
    original = another(prefix="p", timeout=7)
    with original.clone() as clone:
        clone.set("k", "v")
        assert (clone.prefix, clone.timeout, clone.host, clone.port) == ("p", 7.0, original.host, original.port)
    assert original.get("k") == b"v"


def test_a_store_can_be_pickled(store: Store, another: Another) -> None:
    with pickle.loads(pickle.dumps(another(prefix="p", timeout=None))) as copy:
        assert (copy.prefix, copy.timeout) == ("p", None)
        copy.set("k", "v")
    assert store.get("p/k") == b"v"


def test_a_closed_store_says_so(another: Another) -> None:
    store = another()
    store.set("k", "v")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        store.get("k")


def test_closing_a_store_ends_its_waits(another: Another) -> None:
    store = another()
    waiting = Background(store.get, "never")
    another().check(["k"])  # meanwhile it waits, or will soon; both must end
    store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        waiting.result()


def test_a_store_is_a_context_manager(another: Another) -> None:
    with contextlib.suppress(KeyError), another() as store:
        store.set("k", "v")
        raise KeyError
    with pytest.raises(StoreError, match="closed"):
        store.get("k")


# Barriers


def meet(stores: list[Store], key: str, **options: object) -> list[BarrierResult]:
    """All stores at a barrier, in threads; what they got, in their order."""
    calls = [Background(store.barrier, key, len(stores), **options) for store in stores]
    return [call.result() for call in calls]


def until_there(store: Store, key: str, count: int = 1) -> None:
    """Until so many members wait at a barrier."""
    name = store._name(key)
    store._do(lambda operations: operations.compare_set("probe", "x", "x", 1.0))  # finds out what the server is
    while True:
        if isinstance(store._operations, Portable):
            arrived = store._link.call(pack(("ZCARD", companions(name, 0)[0])), 20.0, repeatable=True, key=name)
        else:
            info = store._ask("BARRIERINFO", name)
            arrived = 0 if info is None else dict(zip(info[::2], info[1::2], strict=True))[b"arrived"]
        if arrived >= count:
            return


def test_a_barrier_releases_all_at_once_again_and_again(store: Store, another: Another) -> None:
    stores = [another() for _ in range(4)]
    for epoch in range(3):
        results = meet(stores, "b")
        assert sorted(results) == [(epoch, index) for index in range(4)]
        assert {result.epoch for result in results} == {epoch}
        assert store.get("b") == b"%d" % (epoch + 1)


def test_threads_that_share_a_store_meet_in_a_barrier(store: Store) -> None:
    for epoch in range(3):
        assert sorted(meet([store] * 5, "b")) == [(epoch, index) for index in range(5)]


def test_who_waits_in_a_barrier_is_released_by_the_last(store: Store, another: Another) -> None:
    waiting = Background(store.barrier, "b", 2, member=0)
    until_there(another(), "b")
    assert another().barrier("b", 2, member="1") == (0, 1)
    assert waiting.result() == (0, 0)


def test_a_barrier_of_one_is_passed_at_once(store: Store) -> None:
    assert [store.barrier("b", 1) for _ in range(3)] == [(0, 0), (1, 0), (2, 0)]
    assert store.barrier("b", 1, 0) == (3, 0)
    assert store.get("b") == b"4"


def test_a_barrier_that_times_out_names_the_missing(store: Store) -> None:
    start = time.monotonic()
    text = r"^barrier 'b' epoch 0: 1 of 4 arrived after 0\.[0-9]+s; missing: 0, 1, 3$"
    with pytest.raises(StoreTimeoutError, match=text) as caught:
        store.barrier("b", 4, 0.1, member=2)
    assert caught.value.missing == ("0", "1", "3")
    assert time.monotonic() - start >= 0.1
    with pytest.raises(StoreTimeoutError, match=r"epoch 0: 1 of 2 arrived after .*; present: mine$") as caught:
        store.barrier("b", 2, 0.02, member="mine")
    assert caught.value.missing == ()
    store.set_timeout(0.02)
    with pytest.raises(StoreTimeoutError, match=r"1 of 2 arrived after .*; missing: 0$"):
        store.barrier("b", 2, member=b"1")
    with pytest.raises(StoreTimeoutError, match=r"1 of 50 arrived after .*; missing: 1, 2, .*, 20 \.\.\. and 29 more$"):
        store.barrier("b", 50, 0, member=0)


def test_an_error_names_the_first_of_many_who_are_missing(store: Store) -> None:
    with pytest.raises(StoreTimeoutError, match=r"missing: 1, 2, .*, 20 \.\.\. and 79 more$") as caught:
        store.barrier("b", 100, 0.05, member=0)
    assert caught.value.missing == tuple(map(str, range(1, 21)))


def test_who_gave_up_has_not_come_and_is_not_missing(store: Store, another: Another) -> None:
    waiting = Background(another().barrier, "b", 3, 0.4, member=0)
    until_there(store, "b")
    with pytest.raises(StoreTimeoutError, match=r"2 of 3 arrived after .*; missing: 2$"):
        store.barrier("b", 3, 0.05, member=1)
    with pytest.raises(StoreTimeoutError, match=r"1 of 3 arrived after .*; missing: 2; gave up before: 1$"):
        waiting.result()
    assert not store.check(["b"])


def test_all_agree_on_the_number_of_parties(store: Store, another: Another) -> None:
    waiting = Background(another().barrier, "b", 2)
    until_there(store, "b")
    with pytest.raises(StoreError, match="ERR barrier 'b' expects 2 parties, not 3"):
        store.barrier("b", 3)
    store.barrier("b", 2)
    waiting.result()


def test_a_member_that_comes_again_takes_its_own_place(store: Store, another: Another) -> None:
    older = Background(another().barrier, "b", 2, member=1)
    until_there(store, "b")
    newer = Background(another().barrier, "b", 2, member=1)
    with pytest.raises(StoreError, match="REPLACED member 1 arrived again from another connection"):
        older.result()
    assert store.barrier("b", 2, member=0) == (0, 1)
    assert newer.result() == (0, 0)


def test_a_key_that_counts_nothing_is_no_barrier(store: Store) -> None:
    store.queue_push("q", "item")
    store.set("k", "v")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        store.barrier("q", 2)
    with pytest.raises(StoreError, match="value is not an integer"):
        store.barrier("k", 2)
    with pytest.raises(StoreError, match="parties must be an integer from 1 to 1000000"):
        store.barrier("b", 0)
    with pytest.raises(TypeError):
        store.barrier("b", 1.5)  # type: ignore[arg-type]


def test_an_epoch_may_be_named(store: Store) -> None:
    assert store.barrier("b", 1, epoch=7) == (7, 0)
    assert store.barrier("b", 1, epoch=8) == (8, 0)
    with pytest.raises(StoreError, match="ERR barrier 'b' is at epoch 9, not 11"):
        store.barrier("b", 1, epoch=11)
    assert store.barrier("b", 1, epoch=3, member="x") == (3, -1)


def test_a_store_goes_on_with_the_present_epoch_if_others_met_without_it(store: Store, another: Another) -> None:
    assert store.barrier("b", 1) == (0, 0)
    assert another().barrier("b", 1) == (1, 0)
    assert another().barrier("b", 1) == (2, 0)
    assert store.barrier("b", 1) == (3, 0)
    store.set("b", "1")
    assert store.barrier("b", 1) == (1, 0)


def test_what_a_store_knows_survives_the_loss_of_the_counter(store: Store, another: Another) -> None:
    assert store.barrier("b", 1) == (0, 0)
    assert store.barrier("b", 1) == (1, 0)
    store.delete_key("b")
    late = Background(another().barrier, "b", 2)  # knows nothing, and comes first
    until_there(another(), "b")
    assert store.barrier("b", 2).epoch == 2
    assert late.result().epoch == 2


def test_a_newcomer_joins_those_who_know_the_epoch(store: Store, another: Another) -> None:
    assert [store.barrier("b", 1).epoch for _ in range(3)] == [0, 1, 2]
    store.delete_key("b")
    waiting = Background(store.barrier, "b", 2)
    until_there(another(), "b")
    assert another().barrier("b", 2) == (3, 1)
    assert waiting.result() == (3, 0)


def test_a_barrier_has_the_stores_prefix(another: Another) -> None:
    a, plain = another(prefix="a"), another()
    assert a.barrier("b", 1) == (0, 0)
    assert plain.get("a/b") == b"1"
    assert a.list_keys() == ["b"]


@pytest.mark.parametrize("key", ["", "{tag}b", "a}b", "{}b", "}", "ключ", "with space\0\r\n"])
def test_a_barrier_may_have_any_name(store: Store, another: Another, key: str) -> None:
    assert sorted(meet([store, another()], key)) == [(0, 0), (0, 1)]
    assert store.list_keys() == [key]


@pytest.mark.slow
def test_a_barrier_of_many_threads(store: Store) -> None:
    for epoch in range(3):
        assert sorted(meet([store] * 60, "b")) == [(epoch, index) for index in range(60)]
