"""A barrier by itself: what it keeps, what it forgets, and what it costs."""

import pytest

from respstore import errors
from respstore.engine.barriers import PASSED, Barrier, arrive, find, read_counter
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.waiting import Park, WaitingRoom
from respstore.errors import RespError
from respstore.wording import LISTED
from tests.talk import pass_time, received, talk


@pytest.fixture
def room(engine: Engine) -> WaitingRoom:
    return engine.waiting


@pytest.fixture
def clients(engine: Engine) -> list[Session]:
    return [Session(engine) for _ in range(4)]


def come(session: Session, parties: int, member: bytes, epoch: int | None = None, timeout: float | None = None) -> None:
    """Arrive at `b` and be parked."""
    park = arrive(session, b"b", parties, member=member, epoch=epoch, timeout=timeout)
    assert isinstance(park, Park)
    session.engine.waiting.park(session, park, session.engine.system.monotonic())


def the_barrier(session: Session) -> Barrier:
    barrier = find(session.engine.waiting, session.db, b"b")
    assert barrier is not None
    return barrier


def test_nobody_has_arrived_before_being_parked(clients: list[Session], room: WaitingRoom) -> None:
    assert isinstance(arrive(clients[0], b"b", 2), Park)
    assert not room.barriers
    assert isinstance(arrive(clients[1], b"b", 2), Park)


def test_a_barrier_is_there_while_somebody_waits(clients: list[Session], room: WaitingRoom) -> None:
    db = clients[0].db
    come(clients[0], 3, b"x")
    come(clients[1], 3, b"y")
    assert [*room.barriers] == [(db, b"b")]
    assert [*the_barrier(clients[0]).arrivals] == [b"x", b"y"]
    room.withdraw(clients[0])
    assert [*the_barrier(clients[0]).arrivals] == [b"y"]
    room.withdraw(clients[1])
    assert not room.barriers
    assert not db.observed


def test_a_release(clients: list[Session], room: WaitingRoom) -> None:
    come(clients[0], 2, b"x")
    assert arrive(clients[1], b"b", 2) == [0, 1]
    assert received(clients[0]) == b"*2\r\n:0\r\n:0\r\n"
    assert clients[0].db.data == {b"b": 1}
    room.serve()
    assert not room.barriers
    assert len(room) == len(room.ready) == 0


def test_what_is_late(clients: list[Session]) -> None:
    clients[0].db.put(b"b", 3, "set")
    assert arrive(clients[0], b"b", 2, epoch=2) == [2, PASSED]
    with pytest.raises(RespError, match="'b' is at epoch 3, not 4"):
        arrive(clients[0], b"b", 2, epoch=4)


def test_the_key_is_judged_once_however_often_it_changed(
    clients: list[Session], room: WaitingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = 0
    judge = Barrier.judge

    def count(self: Barrier) -> None:
        nonlocal judged
        judged += 1
        judge(self)

    monkeypatch.setattr(Barrier, "judge", count)
    come(clients[0], 2, b"x")
    for number in range(5):
        clients[0].db.put(b"b", number, "set")
    room.serve()
    assert judged == 1
    assert the_barrier(clients[0]).epoch == 4


def test_an_adopted_epoch_stays_when_who_named_it_leaves(clients: list[Session], room: WaitingRoom) -> None:
    come(clients[0], 3, b"x", epoch=7)
    come(clients[1], 3, b"y")
    room.withdraw(clients[0])
    assert the_barrier(clients[1]).epoch == 7


def test_those_who_gave_up_are_remembered_as_many_as_there_may_be(clients: list[Session], engine: Engine) -> None:
    come(clients[0], 3, b"0")
    for number in range(10):
        come(clients[1], 3, b"made up %d" % number, timeout=1.0)
        pass_time(engine, 1)
    assert [*the_barrier(clients[0]).gave_up] == [b"made up 7", b"made up 8", b"made up 9"]


def test_who_leaves_in_another_way_did_not_give_up(clients: list[Session], engine: Engine, room: WaitingRoom) -> None:
    come(clients[0], 4, b"0")
    come(clients[1], 4, b"1", timeout=1.0)
    come(clients[2], 4, b"2")
    assert room.unblock(clients[2], RespError(errors.UNBLOCKED))
    clients[1].receive_eof()
    pass_time(engine, 1)
    assert the_barrier(clients[0]).gave_up == {}
    assert the_barrier(clients[0]).missing() == [1, 2, 3]


def test_missing(clients: list[Session]) -> None:
    come(clients[0], 3, b"2")
    assert the_barrier(clients[0]).missing() == [0, 1]
    come(clients[1], 3, b"3")
    assert the_barrier(clients[0]).missing() is None


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0s"), (0.05, "0.05s"), (0.9999, "1s"), (1.0, "1.0s"), (90.26, "90.3s")]
)
def test_how_long_it_took(clients: list[Session], seconds: float, shown: str) -> None:
    come(clients[0], 2, b"0")
    assert the_barrier(clients[0]).timeout(seconds).text == (
        f"TIMEOUT barrier 'b' epoch 0: 1 of 2 arrived after {shown}; missing: 1"
    )


def test_all_whose_time_is_over_at_once_share_the_looking(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    ranks = Barrier._ranks

    def count(self: Barrier) -> set[int] | None:
        nonlocal looked
        looked += 1
        return ranks(self)

    monkeypatch.setattr(Barrier, "_ranks", count)
    crowd = [Session(engine) for _ in range(200)]
    for rank, session in enumerate(crowd):
        come(session, 300, b"%d" % rank, timeout=5.0)
    pass_time(engine, 5)
    said = {received(session) for session in crowd}
    assert len(said) == 1
    assert said.pop().endswith(
        b"; missing: 200, %b ... and %d more\r\n"
        % (b", ".join(b"%d" % rank for rank in range(201, 200 + LISTED)), 100 - LISTED)
    )
    assert looked == 1


@pytest.mark.parametrize(
    ("request_", "counter"),
    [(b"PING", None), (b"SET b 5", 5), (b"INCR b", 1), (b"SETRANGE b 0 12", 12), (b"SET b -3", -3)],
)
def test_reading_a_counter(session: Session, request_: bytes, counter: int | None) -> None:
    talk(session, request_)
    assert read_counter(session.db, b"b") == counter


@pytest.mark.parametrize("request_", [b"SET b 05", b"SET b 1.0", b"RPUSH b 1", b"SET b 9223372036854775807"])
def test_what_is_no_counter(session: Session, request_: bytes) -> None:
    talk(session, request_)
    with pytest.raises(RespError):
        read_counter(session.db, b"b")
