"""What `respstore.Server(process=True)` runs as a child process: one server, for as long as the parent lives.

    parent                                              child
    starts  python -m respstore.cli.child FD PID   ->
    Config, pickled                                ->   listens
                                                   <-   Address, or the exception that says why not, pickled

`FD` is this end of a socket pair, which both close then, and `PID` the parent. SIGTERM stops the server gracefully.

How the child knows that its parent died: getppid() says so, whatever the parent died of. The usual ways do not do. The
end of a pipe is not seen while another child that the parent forked holds the pipe open, too. PR_SET_PDEATHSIG means
the death of the *thread* that started the child, and a server may well be started by a thread that ends.
"""

import logging
import os
import pickle
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import trio

from respstore.cli.serve import LEVELS, limit_clients, obey_signals, open_log
from respstore.config import Config
from respstore.server.listeners import Address
from respstore.server.output import GRACE_SECONDS
from respstore.server.serve import Server

LOOK_SECONDS: Final = 0.1
"""How long an orphan may go on before it notices."""

logger = logging.getLogger("respstore")


class ParentWatch:
    """A thread that ends this process when the parent has died; the server may be stuck in a long request.

    Args:
        parent: the pid of the parent.

    Attributes:
        stop: what is tried first, where that is possible: it ends the server gracefully.
    """

    def __init__(self, parent: int) -> None:
        self.stop: Callable[[], None] | None = None
        self._parent = parent
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(LOOK_SECONDS)
        if self.stop is not None:
            self.stop()
            time.sleep(2 * GRACE_SECONDS)
        os._exit(1)


def main(channel: socket.socket, watch: ParentWatch) -> None:
    """Serve as the parent says.

    Args:
        channel: where it says so, and is told what became of it.
        watch: is told how to stop the server.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the thread that started us may have blocked SIGTERM
    with channel.makefile("rb") as stream:
        config: Config = pickle.load(stream)  # noqa: S301 - from nobody but the parent
    try:
        log = open_log(config)
        logger.addHandler(log)
        logger.setLevel(LEVELS[config.loglevel])
        limit_clients(config)
        server = Server(config, dedicated=True, owns_process=True)
        server.listen()
    except (OSError, ValueError) as error:  # ConfigError is one
        _answer(channel, error)
    else:
        trio.run(_serve, server, channel, watch)


async def _serve(server: Server, channel: socket.socket, watch: ParentWatch) -> None:
    token = trio.lowlevel.current_trio_token()
    watch.stop = lambda: _stop(server, token)
    async with trio.open_nursery() as outer:
        await outer.start(obey_signals, server)
        async with trio.open_nursery() as inner:
            try:
                address = await inner.start(server.run)
            except OSError as error:
                _answer(channel, error)
            else:
                _answer(channel, address)
        outer.cancel_scope.cancel()


def _stop(server: Server, token: trio.lowlevel.TrioToken) -> None:
    try:
        token.run_sync_soon(server.stopping.set)
    except trio.RunFinishedError:
        pass


def _answer(channel: socket.socket, answer: Address | Exception) -> None:
    with channel:
        try:
            channel.sendall(pickle.dumps(answer))
        except OSError:
            pass  # the parent died; the watch ends us


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), ParentWatch(int(sys.argv[2])))
