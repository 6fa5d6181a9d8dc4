"""torchrun --rdzv-backend=respstore: what the agents keep in the store, and what becomes of jobs.

test_elastic_c10d.py lets the same happen to jobs on torch's own backend.
"""

import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from torch.distributed.elastic.rendezvous.api import (
    RendezvousConnectionError,
    RendezvousParameters,
    RendezvousStateError,
)
from torch.distributed.elastic.rendezvous.dynamic_rendezvous import _NodeDesc, _RendezvousState

from compat.patience import until
from compat.servers import REPOSITORY, RunningServer, free_port, respstore_server
from compat.torch.elastic import EVENTS, FINISHES, Job
from respstore import Store
from respstore.torch.elastic import RespRendezvousBackend, create_handler, read_state, write_state


def some_state() -> _RendezvousState:
    state = _RendezvousState()
    one, two, three = (_NodeDesc(f"10.0.0.{number}", 100 + number, 0) for number in range(3))
    now = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    state.round, state.complete, state.deadline, state.closed = 7, True, now + timedelta(seconds=30), False
    state.participants = {two: 1, one: 0}
    state.wait_list, state.redundancy_list = {three}, {one, three}
    state.last_heartbeats = {one: now, two: now}
    return state


def fields(state: _RendezvousState) -> dict[str, object]:
    return vars(state)


# The state


def test_a_state_is_written_and_read() -> None:
    for state in (some_state(), _RendezvousState()):
        assert fields(read_state(write_state(state))) == fields(state)


def test_equal_states_are_written_alike() -> None:
    one, two = some_state(), some_state()
    two.participants = dict(reversed(two.participants.items()))
    assert write_state(one) == write_state(two)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        pickle.dumps(_RendezvousState()),
        write_state(_RendezvousState()).replace(b"[]", b"[[1]]", 1),
        write_state(_RendezvousState()).replace(b"null", b'"yesterday"'),
    ],
)
def test_what_is_no_state_is_refused(text: bytes) -> None:
    with pytest.raises(RendezvousStateError):
        read_state(text)


@pytest.fixture
def backend(empty: RunningServer) -> RespRendezvousBackend:
    return RespRendezvousBackend(Store(f"redis://127.0.0.1:{empty.port}", timeout=10), "run")


def test_states_are_set_in_turn(backend: RespRendezvousBackend, empty: RunningServer) -> None:
    assert backend.get_state() is None
    first, second = pickle.dumps(_RendezvousState()), pickle.dumps(some_state())
    bits, token, done = backend.set_state(first)
    assert (bits, done) == (first, True)
    assert backend.get_state() == (pickle.dumps(read_state(token)), token)
    # Who does not know the state does not overwrite it.
    bits, seen, done = backend.set_state(second)
    assert (fields(pickle.loads(bits)), seen, done) == (fields(_RendezvousState()), token, False)
    _, token, done = backend.set_state(second, seen)
    assert done
    with empty.client() as client:
        assert client.get("torch.rendezvous.run") == token == write_state(some_state())
        assert 3500 < client.ttl("torch.rendezvous.run") <= 3600


def test_a_state_that_the_server_has_lost_is_set_again(backend: RespRendezvousBackend, empty: RunningServer) -> None:
    _, token, _ = backend.set_state(pickle.dumps(_RendezvousState()))
    with empty.client() as client:
        client.flushall()
    second = pickle.dumps(some_state())
    assert backend.set_state(second, token) == (second, write_state(some_state()), True)


def test_a_backend_without_its_server_says_so(backend: RespRendezvousBackend) -> None:
    backend._store.close()
    with pytest.raises(RendezvousConnectionError, match="the rendezvous' store failed"):
        backend.get_state()
    with pytest.raises(ValueError, match="run id is empty"):
        RespRendezvousBackend(backend._store, "")


# Handlers


def parameters(endpoint: str, run_id: str = "run", **options: str) -> RendezvousParameters:
    return RendezvousParameters("respstore", endpoint, run_id, 1, 1, "127.0.0.1", **options)


def test_a_round_has_a_place_of_its_own(empty: RunningServer) -> None:
    handler = create_handler(parameters(f"127.0.0.1:{empty.port}", last_call_timeout="1"))
    assert handler.server is None  # it was there
    info = handler.next_rendezvous()
    place = info.bootstrap_store_info
    assert (info.rank, info.world_size, place.master_addr) == (0, 1, "127.0.0.1")
    assert place.master_port not in (0, empty.port)
    info.store.set("k", "v")
    again = handler.next_rendezvous().bootstrap_store_info
    assert again.master_port != place.master_port
    assert handler.shutdown()
    with empty.client() as client:
        assert 0 < client.ttl("torch.rendezvous.run/torch.rendezvous.run.0/k") <= 3600


AGENT = """
import signal, sys
from compat.torch.test_elastic import create_handler, parameters

handler = create_handler(parameters(sys.argv[1], "killed", last_call_timeout="1"))
handler.next_rendezvous().store.set("k", "v")
signal.pause()
"""


def test_the_keys_go_some_time_after_the_last_agent_was_killed(empty: RunningServer) -> None:
    agent = subprocess.Popen([sys.executable, "-c", AGENT, f"127.0.0.1:{empty.port}"], cwd=REPOSITORY)
    with empty.client() as client:
        try:
            until(lambda: client.exists("torch.rendezvous.killed/torch.rendezvous.killed.0/k"))
            client.config_set("tcpstore-namespace-ttl", 1)
        finally:
            agent.kill()
            agent.wait()
        until(lambda: not client.keys("torch.rendezvous.killed/*"))
        client.config_set("tcpstore-namespace-ttl", 3600)
        assert 0 < client.ttl("torch.rendezvous.killed") <= 3600


def test_the_first_agent_starts_the_server() -> None:
    port = free_port()
    first = create_handler(parameters(f"localhost:{port}"))
    second = create_handler(parameters(f"localhost:{port}"))
    assert first.server is not None
    assert second.server is None
    first.server.close()


def test_without_a_server_that_it_may_start() -> None:
    with pytest.raises(RendezvousConnectionError, match="cannot reach"):
        create_handler(parameters(f"127.0.0.1:{free_port()}", is_host="false", read_timeout="1")).next_rendezvous()


# Whole jobs


@pytest.mark.timeout(200)
@pytest.mark.parametrize("event", EVENTS)
def test_jobs_go_on(event: str, tmp_path: Path) -> None:
    with respstore_server() as server:
        job = Job("respstore", f"127.0.0.1:{server.port}", "2", tmp_path)
        assert EVENTS[event](job) == FINISHES, job.log()
