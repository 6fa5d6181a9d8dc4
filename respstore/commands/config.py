"""CONFIG: the server's options while it runs. https://redis.io/docs/latest/commands/config/

Options, their values and the rules of changing them are `respstore/config/`; here stands what a client says and hears.
"""

import logging
from typing import Final

from respstore import errors
from respstore.config.rewrite import rewrite
from respstore.engine.command import Guard, command, container
from respstore.engine.help import help_lines
from respstore.engine.session import Session
from respstore.errors import RespError, printable
from respstore.exceptions import ConfigError, UnknownOptionError
from respstore.keyspace.glob import compile_glob
from respstore.protocol.replies import OK

logger = logging.getLogger("respstore")

CONFIG: Final = container("config", summary="Show and change the server's options.", group="server", since="2.0.0")


@command(
    "config|get parameter=(parameter)...",
    group="server",
    since="2.0.0",
    flags="admin noscript loading stale",
    complexity="O(N*M), N the number of parameters given, M the number of options",
)
def config_get(session: Session, first: bytes, *more: bytes) -> dict[bytes, bytes]:
    """Answer the options whose names match glob patterns, with their values."""
    config = session.engine.config
    shown: dict[str, bytes] = {}
    for pattern in (first, *more):
        name = printable(pattern)
        if name.lower() in config.names():
            shown.setdefault(name.lower(), pattern)  # Redis answers a plain name in the letters of the question
        else:
            matches = compile_glob(pattern, ignore_case=True)
            shown |= {name: name.encode() for name in config.names() if name not in shown and matches(name.encode())}
    return {label: config.get_text(name).encode("utf-8", "surrogateescape") for name, label in shown.items()}


@command(
    "config|set (parameter value)...",
    group="server",
    since="2.0.0",
    flags="admin noscript loading stale",
    tips="request_policy:all_nodes response_policy:all_succeeded",
    complexity="O(N) in the number of options set",
)
def config_set(session: Session, parameter: bytes, value: bytes, *more: bytes) -> str:
    """Change options, either all that are named or none."""
    if len(more) % 2:
        raise RespError(errors.SYNTAX)
    words = [printable(word) for word in (parameter, value, *more)]
    try:
        session.engine.config.change(
            list(zip(words[::2], words[1::2], strict=True)),
            protected=is_allowed(session, session.engine.config.enable_protected_configs),
        )
    except UnknownOptionError as error:
        raise errors.unknown_option(error.directive) from None
    except ConfigError as error:
        raise errors.config_set_failed(error.directive, error.reason) from None
    return OK


def is_allowed(session: Session, option: str) -> bool:
    """Whether a client may do what an option of `no`, `yes` or `local` forbids or allows."""
    return option == "yes" or (option == "local" and session.is_local)


def enabled(name: str) -> Guard:
    """A guard that lets only those use a command whom the option `enable-<name>-command` allows it."""

    def refusal(session: Session) -> RespError | None:
        option: str = getattr(session.engine.config, f"enable_{name}_command")
        return None if is_allowed(session, option) else errors.not_allowed(name.upper())

    return refusal


@command("config|resetstat", group="server", since="2.0.0", flags="admin noscript loading stale", complexity="O(1)")
def config_resetstat(session: Session) -> str:
    """Set the counters that INFO shows back to zero."""
    session.engine.reset_statistics()
    return OK


@command("config|rewrite", group="server", since="2.8.0", flags="admin noscript loading stale", complexity="O(1)")
def config_rewrite(session: Session) -> str:
    """Write the options as they are now into the configuration file, keeping what else stands there."""
    path = session.engine.system.config_file
    if path is None:
        raise RespError(errors.NO_CONFIG_FILE)
    try:
        rewrite_file(session, path)
    except OSError as error:
        raise errors.config_rewrite_failed(error.strerror or str(error)) from None
    return OK


def rewrite_file(session: Session, path: str, *, everything: bool = False) -> None:
    """Write the options into a file as `rewrite` does, and what happened into the log; raises OSError."""
    system = session.engine.system
    try:
        try:
            text = system.read_file(path)
        except FileNotFoundError:
            text = ""
        engine = session.engine
        system.replace_file(path, rewrite(text, engine.config, engine.acl.config_lines(), everything=everything))
    except OSError as error:
        logger.warning("cannot rewrite %s: %s", path, error)
        raise
    logger.info("rewrote %s as client %s asked", path, session.describe())


@command("config|help", group="server", since="5.0.0", flags="loading stale", complexity="O(1)")
def config_help(session: Session) -> list[str]:
    """Describe the subcommands of CONFIG."""
    return help_lines(session.engine.originals[b"config"].command)
