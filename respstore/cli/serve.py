"""`respstore serve`: a server in the foreground, with a log, signals and an exit status."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from respstore.config import Config
from respstore.errors import ConfigError, HolderKind, PortInUseError
from respstore.server.serve import Address, Server

logger = logging.getLogger("respstore")

LEVELS: Final = {"debug": logging.DEBUG, "verbose": logging.DEBUG, "notice": logging.INFO, "warning": logging.WARNING}


@attrs.frozen
class _Options:
    """What `serve` understands beside redis-server's directives."""

    join: bool
    port_file: Path | None
    directives: list[str]


def serve(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM, SIGINT or SHUTDOWN.

    Args:
        arguments: `[FILE] [--join] [--port-file PATH] [--directive value ...]`

    Returns:
        The exit status.
    """
    try:
        options = _parse(arguments)
        config = Config.from_arguments(options.directives)
    except (ConfigError, OSError) as error:
        print(f"respstore: {error}", file=sys.stderr)
        return 2
    _set_up_logging(config)
    for warning in config.warnings:
        logger.warning(warning)
    try:
        os.chdir(config.dir)
        server = Server(config, dedicated=True)
        address = server.listen()
        if options.port_file is not None:
            _write_port(options.port_file, address)
        trio.run(_serve, server)
    except PortInUseError as error:
        if options.join and error.holder.kind is HolderKind.RESPSTORE:
            print(f"respstore: joined: {error}")
            return 0
        print(f"respstore: {error}", file=sys.stderr)
        return 98
    except OSError as error:
        print(f"respstore: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


async def _serve(server: Server) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(_obey_signals, server)
        await server.run()
        nursery.cancel_scope.cancel()


async def _obey_signals(server: Server, *, task_status: trio.TaskStatus[None]) -> None:
    """The first signal stops the server gracefully, a second one at once."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            name = signal.Signals(number).name
            if server.stopping.is_set():
                logger.warning("%s again: ending at once", name)
                logging.shutdown()
                os._exit(128 + number)
            logger.info("%s: stopping", name)
            server.stopping.set()


def _parse(arguments: Sequence[str]) -> _Options:
    directives: list[str] = []
    join, port_file = False, None
    words = iter(arguments)
    for word in words:
        if word == "--join":
            join = True
        elif word == "--port-file":
            path = next(words, None)
            if path is None:
                raise ConfigError("--port-file needs the path of a file")
            port_file = Path(path)
        else:
            directives.append(word)
    return _Options(join, port_file, directives)


def _write_port(path: Path, address: Address) -> None:
    """Write the port for a script that waits for the file: it must never see half of it."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(f"{address.port}\n")
    temporary.replace(path)


def _set_up_logging(config: Config) -> None:
    handler: logging.Handler
    handler = logging.FileHandler(config.logfile) if config.logfile else logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(LEVELS.get(config.loglevel, logging.INFO))
