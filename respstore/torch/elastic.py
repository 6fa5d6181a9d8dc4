"""`torchrun --rdzv-backend=respstore --rdzv-endpoint=host:port`: both halves of an elastic job on one respstore.

The agents (torchrun, one per node) agree on who takes part through a state that torch's DynamicRendezvousHandler keeps;
here it lies under the key `torch.rendezvous.RUN_ID` as JSON. Nobody unpickles what others can write: pickles are made
of it, and read, within a process. `redis-cli GET` shows it to people.

The workers meet through MASTER_ADDR and MASTER_PORT, by the C++ TCPStore of any torch, which the server speaks: each
round gets a port with a namespace of its own (`C10D OPEN`), so that workers which are started again never read the keys
of dead ones, and nodes that come late find what all find. No agent hosts anything, and any of them may die, unless the
endpoint is on this machine and nobody serves there: then an agent starts the server, as long as it lives itself.

The keys of a round expire an hour after it; if no agent is left to see to that, all keys by which the agents meet go
some time after the last of them (C10D JOIN).

`--rdzv-conf` takes, beside what torch's own backends take (join_timeout, last_call_timeout, close_timeout,
heartbeat_timeout, keep_alive_interval, keep_alive_max_attempt): `is_host`, whether this agent may start the server, and
`read_timeout`, how long to wait for it, in seconds (60).
"""

import json
import logging
import pickle
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from torch.distributed.elastic.rendezvous.api import (
    RendezvousConnectionError,
    RendezvousInfo,
    RendezvousParameters,
    RendezvousStateError,
    RendezvousStoreInfo,
)
from torch.distributed.elastic.rendezvous.dynamic_rendezvous import (
    DynamicRendezvousHandler,
    RendezvousBackend,
    RendezvousTimeout,
    _NodeDesc,
    _RendezvousState,
)
from torch.distributed.elastic.rendezvous.utils import _matches_machine_hostname, parse_rendezvous_endpoint

from respstore.exceptions import PortInUseError, StoreError, display_address
from respstore.server.embedded import Server
from respstore.store import Store
from respstore.store.create import start_server
from respstore.torch.store import RespStore

logger = logging.getLogger("respstore")

KEYS: Final = "torch.rendezvous"
"""How torch's keys of a rendezvous begin; the run id is next, and of a round's the number."""

DEFAULT_PORT: Final = 6379
READ_SECONDS: Final = 60
KEPT_SECONDS: Final = 3600
"""How long the agents' keys stay after the last of them wrote there, or after their round."""

State = tuple[bytes, Any]
"""A pickled state, and the token that stands for it: the JSON that the store holds."""


def handler_creator() -> Callable[[RendezvousParameters], DynamicRendezvousHandler]:
    """What torch's entry point `torchrun.handlers` asks for."""
    return create_handler


def create_handler(params: RendezvousParameters) -> "RespRendezvousHandler":
    """The rendezvous of an agent.

    Raises:
        RendezvousConnectionError: there is no server, and it is not for us to start it; or the port is somebody else's.
    """
    host, port = parse_rendezvous_endpoint(params.endpoint, default_port=DEFAULT_PORT)
    is_host = params.get_as_bool("is_host")
    server = _start(host, port) if (_matches_machine_hostname(host) if is_host is None else is_host) else None
    timeout = timedelta(seconds=params.get_as_int("read_timeout") or READ_SECONDS)
    namespace = f"{KEYS}.{params.run_id}"
    url = f"redis://{display_address(host, port)}?{urlencode({'namespace': namespace})}"
    store = RespStore(url, prefix=namespace, timeout=timeout)
    backend = RespRendezvousBackend(RespStore(url, timeout=timeout).store, params.run_id)
    handler: RespRendezvousHandler = RespRendezvousHandler.from_backend(
        params.run_id,
        store,
        backend,
        params.min_nodes,
        params.max_nodes,
        params.local_addr,
        RendezvousTimeout(*(_limit(params, name) for name in ("join", "last_call", "close", "heartbeat"))),
        keep_alive_interval=params.get_as_int("keep_alive_interval", 5),
        keep_alive_max_attempt=params.get_as_int("keep_alive_max_attempt", 3),
    )
    handler.server = server
    return handler


def _limit(params: RendezvousParameters, name: str) -> timedelta | None:
    seconds = params.get_as_int(f"{name}_timeout")
    return None if seconds is None else timedelta(seconds=seconds)


def _start(host: str, port: int) -> Server | None:
    """A server, unless there is one."""
    try:
        server = start_server(host, port)
    except PortInUseError as error:  # another agent was faster, or the server is there for longer than this job
        logger.info("joining the server at %s: %s", display_address(host, port), error)
        return None
    except OSError as error:
        raise RendezvousConnectionError(f"cannot start a server at {display_address(host, port)}: {error}") from error
    logger.info("started the server of the rendezvous at %s (pid %d)", server.url, server.pid)
    return server


class RespRendezvousBackend(RendezvousBackend):
    """Where the agents keep the state of their rendezvous.

    Args:
        store: on the server, without a prefix.
        run_id: of the job.
    """

    def __init__(self, store: Store, run_id: str) -> None:
        if not run_id:
            raise ValueError("the run id is empty; give one with --rdzv-id")
        self.key = f"{KEYS}.{run_id}"
        self._store = store

    @property
    def name(self) -> str:
        """As --rdzv-backend has it."""
        return "respstore"

    def get_state(self) -> State | None:
        """What all agents have agreed on, None at the beginning.

        Raises:
            RendezvousConnectionError: the server cannot be reached.
            RendezvousStateError: what the key holds is no state.
        """
        text = self._call(lambda: self._store.execute_command("GET", self.key, repeatable=True))
        return None if text is None else (pickle.dumps(read_state(text)), text)

    def set_state(self, state: bytes, token: Any = None) -> tuple[bytes, Any, bool] | None:
        """Change the state, if it is still the one that the token stands for.

        Returns:
            What the state is now, and whether it is what was to be set.

        Raises:
            RendezvousConnectionError: the server cannot be reached.
            RendezvousStateError: what the key holds is no state.
        """
        desired = write_state(pickle.loads(state))  # noqa: S301 - torch has just pickled it in this process
        expected = token if isinstance(token, bytes) else b""
        current = self._call(lambda: self._store.compare_set(self.key, expected, desired))
        if current == expected != desired and not self._call(lambda: self._store.check([self.key])):
            # The server has lost it, and was started again: what we know is as good as what anybody knows.
            current = self._call(lambda: self._store.compare_set(self.key, b"", desired))
        if current == desired:
            self._call(lambda: self._store.execute_command("EXPIRE", self.key, KEPT_SECONDS, repeatable=True))
            return state, current, True
        return pickle.dumps(read_state(current)), current, False

    def _call(self, request: Callable[[], Any]) -> Any:
        try:
            return request()
        except StoreError as error:
            raise RendezvousConnectionError(f"the rendezvous' store failed: {error}") from error


class RespRendezvousHandler(DynamicRendezvousHandler):
    """An agent's side of the rendezvous.

    Attributes:
        server: that this agent started, None if another one did or it was there before.
    """

    server: Server | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Torch would host a TCPStore in the agent of rank 0 unless it believes that it does so already.
        self._shared_tcp_store_server = self._store
        self._bootstrap_store_info = RendezvousStoreInfo("", 0)
        self._round: int | None = None

    def next_rendezvous(self) -> RendezvousInfo:
        """Meet the other agents, and give the workers a place where they may meet.

        Raises:
            RendezvousError: it failed, or took too long.
        """
        info = super().next_rendezvous()
        if not self.use_agent_store:  # the user wants a TCPStore that rank 0 of the workers hosts
            return info
        former, self._round = self._round, self._state_holder.state.round
        store = self._store.store
        try:
            if former is not None and former != self._round:
                self._forget(former)
            port = store.execute_command("C10D", "OPEN", self._namespace(self._round), repeatable=True)
        except StoreError as error:
            raise RendezvousConnectionError(f"the server gives the workers no place to meet: {error}") from error
        return RendezvousInfo(info.store, info.rank, info.world_size, RendezvousStoreInfo(store.host, port))

    def shutdown(self) -> bool:
        """The job is over: tell the others, and let what it left expire."""
        done: bool = super().shutdown()
        if self._round is not None:
            try:
                self._forget(self._round)
            except StoreError as error:
                logger.info("the keys of the job stay: %s", error)
        return done

    def _namespace(self, number: int) -> str:
        return f"torchrun.{self._settings.run_id}.{number}"

    def _forget(self, number: int) -> None:
        """Let the keys expire by which the agents met in a round; the server does so with the workers'."""
        store = self._store.store
        prefix = f"{store.prefix}/{KEYS}.{self._settings.run_id}.{number}"
        for key in Store(store.url, prefix=prefix, timeout=store.timeout).list_keys():
            store.execute_command("EXPIRE", f"{prefix}/{key}", KEPT_SECONDS, repeatable=True)


# The state in JSON


def write_state(state: _RendezvousState) -> bytes:
    """A state as the store holds it: the same bytes for equal states."""
    return json.dumps(
        {
            "round": state.round,
            "complete": state.complete,
            "deadline": None if state.deadline is None else state.deadline.isoformat(),
            "closed": state.closed,
            "participants": sorted([*_write_node(node), rank] for node, rank in state.participants.items()),
            "wait_list": sorted(map(_write_node, state.wait_list)),
            "redundancy_list": sorted(map(_write_node, state.redundancy_list)),
            "last_heartbeats": sorted(
                [*_write_node(node), time.isoformat()] for node, time in state.last_heartbeats.items()
            ),
        }
    ).encode()


def read_state(text: bytes) -> _RendezvousState:
    """What `write_state` wrote.

    Raises:
        RendezvousStateError: it is not that.
    """
    state = _RendezvousState()
    try:
        fields = json.loads(text)
        state.round = int(fields["round"])
        state.complete = bool(fields["complete"])
        state.deadline = None if fields["deadline"] is None else datetime.fromisoformat(fields["deadline"])
        state.closed = bool(fields["closed"])
        state.participants = {_read_node(*node): int(rank) for *node, rank in fields["participants"]}
        state.wait_list = {_read_node(*node) for node in fields["wait_list"]}
        state.redundancy_list = {_read_node(*node) for node in fields["redundancy_list"]}
        state.last_heartbeats = {
            _read_node(*node): datetime.fromisoformat(time) for *node, time in fields["last_heartbeats"]
        }
    except (ValueError, TypeError, KeyError) as error:
        raise RendezvousStateError(f"the rendezvous' state is no state: {error!r}") from error
    return state


def _write_node(node: _NodeDesc) -> list[Any]:
    return [node.addr, node.pid, node.local_id]


def _read_node(address: str, pid: int, number: int) -> _NodeDesc:
    return _NodeDesc(str(address), int(pid), int(number))
