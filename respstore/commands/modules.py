"""MODULE: Redis's modules are programs for Redis's own binary interface; none can be loaded here.

https://redis.io/docs/latest/commands/module-list/
"""

import logging
from typing import Any, Final, NoReturn

from respstore import errors
from respstore.commands.config import enabled
from respstore.engine.command import Command, command, container
from respstore.engine.help import help_lines
from respstore.engine.session import Session
from respstore.errors import RespError

logger = logging.getLogger("respstore")

MODULE: Final[Command] = container("module", summary="Look at modules.", group="server", since="4.0.0")


@command(
    "module|list",
    group="server",
    since="4.0.0",
    flags="admin noscript",
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of modules",
)
def module_list(session: Session) -> list[Any]:
    """List the modules, of which there are none."""
    return []


@command(
    "module|load path [arg]...",
    group="server",
    since="4.0.0",
    flags="admin noscript no_async_loading",
    guard=enabled("module"),
    complexity="O(1)",
)
def module_load(session: Session, path: bytes, *arguments: bytes) -> NoReturn:
    """Load a module, which is refused."""
    logger.warning("client %s asked for a module, but modules of Redis cannot be loaded here", session.describe())
    raise RespError(errors.MODULE_NOT_LOADED)


@command(
    "module|loadex path [CONFIG configs=(name value)]... [ARGS args=(arg)...]",
    group="server",
    since="7.0.0",
    flags="admin noscript no_async_loading",
    guard=enabled("module"),
    complexity="O(1)",
)
def module_loadex(session: Session, path: bytes, *options: bytes) -> NoReturn:
    """Load a module with options, which is refused."""
    module_load(session, path)


@command(
    "module|unload name",
    group="server",
    since="4.0.0",
    flags="admin noscript no_async_loading",
    guard=enabled("module"),
    complexity="O(1)",
)
def module_unload(session: Session, name: bytes) -> NoReturn:
    """Unload a module."""
    raise RespError(errors.NO_SUCH_MODULE)


@command("module|help", group="server", since="5.0.0", flags="loading stale", complexity="O(1)")
def module_help(session: Session) -> list[str]:
    """Describe the subcommands of MODULE."""
    return help_lines(session.engine.originals[b"module"].command)
