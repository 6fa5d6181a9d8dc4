"""Barriers, waits for keys and CAS by many clients at once, against a model that knows nothing of queues or deadlines.

The model holds plain dictionaries and looks at everybody after every step. What each client has been sent must be, to
the byte, what the model says it has been told.
"""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from respstore import errors, own_errors
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol.replies import Output, encode
from tests.fuzz.invariants import check_engine
from tests.talk import make_engine, pass_time, received, talk

COUNT = 8
CLIENTS = st.integers(0, COUNT - 1)
KEYS = st.sampled_from([b"a", b"b", b"c"])
VALUES = st.sampled_from([b"", b"0", b"1", b"1", b"2", b"2", b"3", b"x"])
TIMEOUTS = st.sampled_from([0, 1, 1, 2, 3])
MEMBERS = st.sampled_from([None, b"0", b"1", b"2", b"3"])

WRONG_TYPE = RespError(errors.WRONG_TYPE)
LIST = "a list"


@attrs.frozen
class Request:
    """A BARRIER; its timeout in seconds, 0 for ever."""

    name: bytes
    parties: int
    member: bytes | None
    epoch: int | None
    timeout: int

    def words(self) -> list[bytes]:
        words = [b"BARRIER", self.name, b"%d" % self.parties, b"TIMEOUT", b"%d" % self.timeout]
        if self.member is not None:
            words += [b"MEMBER", self.member]
        if self.epoch is not None:
            words += [b"EPOCH", b"%d" % self.epoch]
        return words


REQUESTS = st.builds(
    Request,
    name=KEYS,
    parties=st.sampled_from([2, 3, 4, 4, 4]),
    member=MEMBERS,
    epoch=st.sampled_from([None, None, None, 0, 1, 2]),
    timeout=TIMEOUTS,
)


@attrs.define(eq=False)
class Waiting:
    """Somebody who waits for keys."""

    client: int
    keys: Sequence[bytes]
    strings_only: bool
    deadline: float
    seen: set[bytes]


@attrs.define(eq=False)
class Waiter:
    """Somebody who waits at a barrier."""

    client: int
    name: bytes
    epoch: int | None
    since: float
    deadline: float


@attrs.define(eq=False)
class Meeting:
    """A barrier at which somebody waits: members in order of arrival, and those who gave up."""

    parties: int
    epoch: int
    counter: int | None
    members: dict[bytes, Waiter]
    gave_up: list[bytes]


class Model:
    """What ought to be. `told` gathers what each client hears, as values; a client that is told something is idle."""

    def __init__(self) -> None:
        self.keys: dict[bytes, bytes | str] = {}
        self.waits: dict[int, Waiting] = {}
        self.meetings: dict[bytes, Meeting] = {}
        self.told: dict[int, list[Any]] = {}
        self.now = 0.0

    def tell(self, client: int, value: Any) -> None:
        self.told.setdefault(client, []).append(value)

    # Waits for keys

    def wait(self, client: int, keys: Sequence[bytes], strings_only: bool, timeout: float) -> Any:
        wait = Waiting(client, keys, strings_only, self.until(timeout), set())
        reply = self.look(wait)
        if reply is None:
            self.waits[client] = wait
        return reply

    def look(self, wait: Waiting) -> Any:
        values = [self.keys.get(key) for key in wait.keys]
        wait.seen = {key for key in wait.keys if key in self.keys}
        if wait.strings_only and LIST in values:
            return WRONG_TYPE
        if None in values:
            return None
        return values if wait.strings_only else len(values)

    def look_again(self) -> None:
        for client, wait in list(self.waits.items()):
            new = {key for key in wait.keys if key in self.keys} - wait.seen
            reply: Any = None
            if wait.strings_only and LIST in [self.keys[key] for key in new]:
                reply = WRONG_TYPE
            elif new:
                wait.seen |= new
                if wait.seen.issuperset(wait.keys):
                    reply = self.look(wait)
            if reply is not None:
                del self.waits[client]
                self.tell(client, reply)

    # Barriers

    def counter(self, name: bytes) -> int | RespError | None:
        value = self.keys.get(name)
        if value is None:
            return None
        if value == LIST:
            return WRONG_TYPE
        assert isinstance(value, bytes)
        return int(value) if value.isdigit() else RespError(errors.NOT_AN_INTEGER)

    def arrive(self, client: int, request: Request, number: int) -> Any:
        """The reply; or who has come, where and how, still to be let in. `number` is the client's id."""
        name, parties, epoch = request.name, request.parties, request.epoch
        counter = self.counter(name)
        if isinstance(counter, RespError):
            return counter
        meeting = self.meetings.get(name)
        if meeting is None:
            meeting = Meeting(parties, (epoch or 0) if counter is None else counter, counter, {}, [])
        if epoch is not None and epoch < meeting.epoch:
            return [epoch, -1]
        if epoch is not None and epoch > meeting.epoch:
            return own_errors.wrong_epoch(name, meeting.epoch, epoch)
        if parties != meeting.parties:
            return own_errors.wrong_parties(name, meeting.parties, parties)
        who = b"client:%d" % number if request.member is None else request.member
        if len({*meeting.members, who}) < parties:
            return who, meeting, Waiter(client, name, epoch, self.now, self.until(request.timeout))
        self.meetings.pop(name, None)
        self.keys[name] = b"%d" % (meeting.epoch + 1)
        for index, waiter in enumerate(meeting.members.values()):
            self.tell(waiter.client, [meeting.epoch, index])
        return [meeting.epoch, parties - 1]

    def let_in(self, who: bytes, meeting: Meeting, waiter: Waiter) -> None:
        older = meeting.members.get(who)
        if older is not None:
            self.tell(older.client, own_errors.member_replaced(who))
        meeting.members[who] = waiter
        if who in meeting.gave_up:
            meeting.gave_up.remove(who)
        self.meetings[waiter.name] = meeting

    def leave(self, client: int, gave_up: bool = False) -> bool:
        for name, meeting in list(self.meetings.items()):
            for who, waiter in list(meeting.members.items()):
                if waiter.client == client:
                    del meeting.members[who]
                    if gave_up:
                        meeting.gave_up.append(who)
                        del meeting.gave_up[: -meeting.parties]
                    if not meeting.members:
                        del self.meetings[name]
                    return True
        return self.waits.pop(client, None) is not None

    def judge_again(self) -> None:
        for name, meeting in list(self.meetings.items()):
            counter = self.counter(name)
            if counter == meeting.counter:
                continue
            if isinstance(counter, RespError):
                del self.meetings[name]
                for waiter in meeting.members.values():
                    self.tell(waiter.client, counter)
                continue
            meeting.counter = counter
            named = [waiter.epoch for waiter in meeting.members.values() if waiter.epoch is not None]
            epoch = counter if counter is not None else max(named, default=0)
            if epoch != meeting.epoch:
                meeting.gave_up.clear()
            meeting.epoch = epoch
            for waiter in list(meeting.members.values()):
                if waiter.epoch is None or waiter.epoch == epoch:
                    continue
                late = waiter.epoch < epoch
                self.leave(waiter.client)
                self.tell(
                    waiter.client,
                    [waiter.epoch, -1] if late else own_errors.wrong_epoch(name, epoch, waiter.epoch),
                )

    def timeout_of(self, client: int) -> Any:
        """What a client hears whose time is over; None for one that waits for keys."""
        for name, meeting in self.meetings.items():
            for waiter in meeting.members.values():
                if waiter.client == client:
                    return self.complaint(name, meeting, waiter)
        return None

    def complaint(self, name: bytes, meeting: Meeting, waiter: Waiter) -> RespError:
        came = [who.decode() for who in (*meeting.members, *meeting.gave_up)]
        ranks = [str(rank) for rank in range(meeting.parties)]
        parts = [f"{len(meeting.members)} of {meeting.parties} arrived after {self.seconds(self.now - waiter.since)}"]
        if not set(came) <= set(ranks):
            parts.append("present: " + ", ".join(who.decode() for who in meeting.members))
        elif missing := [rank for rank in ranks if rank not in came]:
            parts.append("missing: " + ", ".join(missing))
        if meeting.gave_up:
            parts.append("gave up before: " + ", ".join(who.decode() for who in meeting.gave_up))
        return own_errors.barrier_timeout(name, meeting.epoch, "; ".join(parts))

    # Time

    def until(self, timeout: float) -> float:
        return self.now + timeout if timeout else float("inf")

    @staticmethod
    def seconds(seconds: float) -> str:
        return f"{seconds:.1f}s" if seconds else "0s"

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        waiters = [waiter for meeting in self.meetings.values() for waiter in meeting.members.values()]
        late = [each for each in (*waiters, *self.waits.values()) if each.deadline <= self.now]
        late.sort(key=lambda each: each.deadline)
        replies = [(each.client, self.timeout_of(each.client)) for each in late]
        for client, reply in replies:
            self.leave(client, gave_up=True)
            self.tell(client, reply)


class Coordination(RuleBasedStateMachine):
    """Some clients, one more that looks after things, and the model beside them."""

    @initialize()
    def start(self) -> None:
        self.engine = make_engine()
        self.doer = Session(self.engine)
        self.sessions = {client: Session(self.engine) for client in range(COUNT)}
        self.model = Model()

    def next_idle(self, client: int) -> int | None:
        """This client, or the next that does not wait."""
        turn = [(client + step) % COUNT for step in range(COUNT)]
        return next((each for each in turn if not self.sessions[each].is_parked), None)

    def settle(self, *told: tuple[int, Any]) -> None:
        """After a step: the model looks at everybody, and each must have been sent what the model says."""
        self.engine.end_of_turn()
        model = self.model
        for client, value in told:
            model.tell(client, value)
        model.judge_again()
        model.look_again()
        for client, session in self.sessions.items():
            assert received(session) == b"".join(map(_encoded, model.told.pop(client, ()))), client

    def do(self, *words: bytes) -> bytes:
        return talk(self.doer, *words)

    # Plain changes

    @rule(key=KEYS, change=st.sampled_from(["SET", "SET", "SET", "DEL", "RPUSH", "FLUSHALL"]), value=VALUES)
    def change(self, key: bytes, change: str, value: bytes) -> None:
        keys = self.model.keys
        match change:
            case "SET":
                self.do(b"SET", key, value)
                keys[key] = value
            case "DEL":
                self.do(b"DEL", key)
                keys.pop(key, None)
            case "RPUSH":
                for words in ((b"MULTI",), (b"DEL", key), (b"RPUSH", key, b"x"), (b"EXEC",)):
                    self.do(*words)
                keys[key] = LIST
            case "FLUSHALL":
                self.do(b"FLUSHALL")
                keys.clear()
        self.settle()

    @rule(near=CLIENTS, key=KEYS, expected=VALUES, desired=VALUES)
    def compare_and_set(self, near: int, key: bytes, expected: bytes, desired: bytes) -> None:
        client = self.next_idle(near)
        if client is None:
            return
        self.sessions[client].receive_data(_encoded([b"CAS", key, expected, desired]))
        current = self.model.keys.get(key)
        reply: Any = current if current is not None else expected
        if current == LIST:
            reply = WRONG_TYPE
        elif current == expected or (current is None and not expected):
            reply = self.model.keys[key] = desired
        self.settle((client, reply))

    # Those who wait

    @rule(near=CLIENTS, keys=st.lists(KEYS, min_size=1, max_size=4), strings=st.booleans(), timeout=TIMEOUTS)
    def wait(self, near: int, keys: list[bytes], strings: bool, timeout: int) -> None:
        client = self.next_idle(near)
        if client is None:
            return
        command = b"BGET" if strings else b"BEXISTS"
        self.sessions[client].receive_data(_encoded([command, *keys, b"%d" % timeout]))
        reply = self.model.wait(client, keys, strings, timeout)
        self.settle(*([] if reply is None else [(client, reply)]))

    @rule(near=CLIENTS, request=REQUESTS, others=st.lists(st.tuples(MEMBERS, TIMEOUTS), max_size=3))
    def arrive(self, near: int, request: Request, others: list[tuple[bytes | None, int]]) -> None:
        """One comes to a barrier, and others after it who agree on all but their names and patience."""
        self.come(near, request)
        for member, timeout in others:
            self.come(near, attrs.evolve(request, member=member, timeout=timeout))

    def come(self, near: int, request: Request) -> None:
        client = self.next_idle(near)
        if client is None:
            return
        session = self.sessions[client]
        session.receive_data(_encoded(request.words()))
        reply = self.model.arrive(client, request, session.id)
        if isinstance(reply, tuple):
            self.model.let_in(*reply)
            self.settle()
        else:
            self.settle((client, reply))

    @rule(request=REQUESTS, value=st.none() | VALUES)
    def arrive_in_a_transaction(self, request: Request, value: bytes | None) -> None:
        self.do(b"MULTI")
        replies: list[Any] = []
        if value is not None:
            self.do(b"SET", request.name, value)
            replies.append("OK")
            self.model.keys[request.name] = value
            self.model.judge_again()  # whoever arrives meets only those who may still wait
        self.do(*request.words())
        reply = self.model.arrive(-1, request, self.doer.id)
        replies.append(None if isinstance(reply, tuple) else reply)
        assert self.do(b"EXEC") == _encoded(replies)
        self.settle()

    # Those who leave

    @rule(client=CLIENTS)
    def disconnect(self, client: int) -> None:
        self.sessions[client].receive_eof()
        self.sessions[client] = Session(self.engine)
        self.model.leave(client)
        self.settle()

    @rule(client=CLIENTS, error=st.booleans())
    def unblock(self, client: int, error: bool) -> None:
        late = self.model.timeout_of(client)
        waited = self.model.leave(client, gave_up=not error)
        reply = self.do(b"CLIENT", b"UNBLOCK", b"%d" % self.sessions[client].id, b"ERROR" if error else b"TIMEOUT")
        assert reply == b":%d\r\n" % waited
        self.settle(*([(client, RespError(errors.UNBLOCKED) if error else late)] if waited else []))

    @rule(name=KEYS)
    def reset(self, name: bytes) -> None:
        meeting = self.model.meetings.pop(name, None)
        waiters = [] if meeting is None else [waiter.client for waiter in meeting.members.values()]
        assert self.do(b"BARRIERRESET", name, b"why") == b":%d\r\n" % len(waiters)
        self.settle(*[(client, own_errors.barrier_reset(name, b"why")) for client in waiters])

    @precondition(lambda self: self.model.meetings)
    @rule(seconds=st.integers(1, 2))
    def wait_a_while(self, seconds: int) -> None:
        pass_time(self.engine, seconds)
        self.model.pass_time(seconds)
        self.settle()

    @invariant()
    def all_agrees(self) -> None:
        check_engine(self.engine, 2**63)
        assert self.do(b"BARRIERLIST") == _encoded([*self.model.meetings])
        parked = {client for client in self.sessions if self.sessions[client].is_parked}
        at_barriers = {w.client for meeting in self.model.meetings.values() for w in meeting.members.values()}
        assert parked == at_barriers | self.model.waits.keys()


def _encoded(value: Any) -> bytes:
    pieces: Output = []
    encode(value, 2, pieces)
    return b"".join(pieces)


@pytest.mark.slow
class TestCoordination(Coordination.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
