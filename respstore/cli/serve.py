"""`respstore serve`: a server that has the process to itself, with a log, signals and an exit status.

The log goes to standard error or to `logfile`. Standard output gets one line once clients are served: a URL such as
`redis://127.0.0.1:6379`, which redis-cli -u, redis-py and `respstore ping` take, and a script can read.
"""

import errno
import logging
import logging.handlers
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from respstore.cli.daemon import go_into_background, let_go, pidfile, tell_supervisor
from respstore.cli.join import NotJoinedError, attempts, join, may_be_starting
from respstore.cli.limits import allow_clients
from respstore.cli.loading_bar import LoadingBar
from respstore.config import Config
from respstore.exceptions import ConfigError, PortInUseError, display_address
from respstore.server.listeners import Address
from respstore.server.serve import Server

logger = logging.getLogger("respstore")

LEVELS: Final = {"debug": logging.DEBUG, "verbose": logging.DEBUG, "notice": logging.INFO, "warning": logging.WARNING}

WRONG_CONFIGURATION: Final = 2
PORT_IN_USE: Final = 98
"""EADDRINUSE of Linux, on every system."""


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
        log = open_log(config)
    except ValueError as error:  # ConfigError is one, and so is text that is not in the encoding of this system
        print(f"respstore: {error}", file=sys.stderr)
        return WRONG_CONFIGURATION
    if config.daemonize:
        go_into_background()
    logger.addHandler(log)
    logger.setLevel(LEVELS[config.loglevel])
    try:
        _run(config, options)
    except ConfigError as error:  # of options that do not go together
        print(f"respstore: {error}", file=sys.stderr)
        return WRONG_CONFIGURATION
    except OSError as error:
        return _fail(error, config)
    except KeyboardInterrupt:  # before or after the time when signals are obeyed
        return 128 + signal.SIGINT
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(log)
        log.close()
    return 0


def _run(config: Config, options: _Options) -> None:
    if options.port_file is not None:
        options.port_file.unlink(missing_ok=True)  # who waits for it shall not find that of the last server
    limit_clients(config)
    shows = sys.stderr.isatty() and not config.logfile and not config.daemonize
    server = Server(config, dedicated=True, owns_process=True, report=LoadingBar() if shows else None)
    if options.join:
        found = _listen_or_join(server)
        if found is not None:
            _announce(found, options.port_file)
            return
    else:
        server.listen()
    with pidfile(config):
        trio.run(_serve, server, options.port_file)


async def _serve(server: Server, port_file: Path | None) -> None:
    problem: OSError | None = None
    async with trio.open_nursery() as outer:
        await outer.start(obey_signals, server)
        async with trio.open_nursery() as inner:
            try:
                address = await inner.start(server.run)
                _announce(address, port_file)
                tell_supervisor(server.config, "READY=1")
                if server.config.daemonize:
                    let_go()
            except OSError as error:
                problem = error
                server.stopping.set()
        outer.cancel_scope.cancel()
    if problem is not None:
        raise problem


async def obey_signals(server: Server, *, task_status: trio.TaskStatus[None]) -> None:
    """The first signal stops the server gracefully, a second one at once. A terminal that closes is nothing to us."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            name = signal.Signals(number).name
            if server.stopping.is_set():
                logger.warning("%s while stopping: ending at once", name)
                logging.shutdown()
                os._exit(128 + number)
            logger.info("%s: stopping", name)
            config = server.config
            server.stop(config.shutdown_on_sigint if number == signal.SIGINT else config.shutdown_on_sigterm)


def _listen_or_join(server: Server) -> Address | None:
    """Listen, or find a server that may stand in.

    Returns:
        Where that one is to be reached, None if ours listens.

    Raises:
        OSError: neither is possible.
    """
    for is_not_the_last in attempts():
        try:
            server.listen()
            return None
        except PortInUseError as taken:
            if may_be_starting(taken) and is_not_the_last:
                continue
            try:
                join(server.config, taken)
            except NotJoinedError as reason:
                raise OSError(taken.errno, f"{taken}; it cannot be joined: {reason}") from None
            logger.info("joined %s at %s", taken.holder, display_address(taken.host, taken.port))
            return Address(taken.host, taken.port or 0, taken.host if taken.port is None else None)
    raise AssertionError("there is a last attempt")


def _parse(arguments: Sequence[str]) -> _Options:
    directives: list[str] = []
    wants_join, port_file = False, None
    words = iter(arguments)
    for word in words:
        if word == "--join":
            wants_join = True
        elif word == "--port-file":
            path = next(words, "")
            if not path:
                raise ConfigError("--port-file needs the path of a file")
            port_file = Path(path)
        else:
            directives.append(word)
    return _Options(wants_join, port_file, directives)


def _announce(address: Address, port_file: Path | None) -> None:
    """Tell a script, or a person, that the server can be reached, and where.

    Raises:
        OSError: the port's file cannot be written.
    """
    if port_file is not None:
        temporary = port_file.with_name(f"{port_file.name}.{os.getpid()}")
        try:
            temporary.write_text(f"{address.port or address.tls_port}\n")
            temporary.replace(port_file)  # nobody shall see half of it
        except OSError as error:
            raise OSError(error.errno, f"cannot write the port to {port_file}: {error.strerror}") from None
    try:
        print(address.url, flush=True)
    except OSError:
        pass  # nobody reads it, which is no reason not to serve


def limit_clients(config: Config) -> None:
    """Let the process open as many files as `maxclients` asks for, or bring that down to what the system permits."""
    allowed = allow_clients(config.maxclients)
    if allowed < config.maxclients:
        logger.warning(
            "maxclients is %d rather than %d: the system permits no more open files; see 'ulimit -n'",
            max(allowed, 1),
            config.maxclients,
        )
        config.maxclients = max(allowed, 1)

    def maxclients_changed() -> None:
        allowed = allow_clients(config.maxclients)
        if allowed < config.maxclients:
            raise ConfigError(
                f"The operating system is not able to handle the specified number of clients, try with {allowed}"
            )

    config.on_change("maxclients", maxclients_changed)


def open_log(config: Config) -> logging.Handler:
    """What writes the log where the options say; it is not in use yet.

    Raises:
        ConfigError: the file cannot be opened.
    """
    log: logging.Handler
    if config.logfile:
        try:  # a file that is moved away, as logrotate does, is made anew
            log = logging.handlers.WatchedFileHandler(
                Path(config.dir, config.logfile), encoding="utf-8", errors="backslashreplace"
            )
        except OSError as error:
            raise ConfigError(f"cannot open the log file {config.logfile}: {error.strerror}") from None
    else:
        log = logging.StreamHandler(sys.stderr)
    log.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    config.on_change("loglevel", lambda: logger.setLevel(LEVELS[config.loglevel]))
    return log


def _fail(error: OSError, config: Config) -> int:
    text = error.strerror or str(error)
    if error.filename is not None:
        text = f"{error.filename}: {text}"
    print(f"respstore: {text}", file=sys.stderr)
    if config.logfile:
        logger.error(text)
    return PORT_IN_USE if error.errno == errno.EADDRINUSE else 1
