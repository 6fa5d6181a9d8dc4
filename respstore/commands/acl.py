"""ACL: users and what they may do. https://redis.io/docs/latest/commands/acl/

What rules mean, and what a change means for clients, stands in engine/acl/.
"""

from typing import Any, Final

from respstore import errors
from respstore.engine.acl.describing import channel_rules, command_rules, key_rules, user_flags
from respstore.engine.acl.log import LogEntry
from respstore.engine.acl.selector import Reason, Selector
from respstore.engine.arguments import integer
from respstore.engine.command import command, container
from respstore.engine.dispatch import find
from respstore.engine.help import help_lines
from respstore.engine.session import Session
from respstore.errors import RespError, printable
from respstore.protocol.replies import OK, SetOf

MOST_BITS: Final = 4096
SHOWN: Final = 10
"""Entries that ACL LOG shows unless it is told a number."""

ACL: Final = container("acl", summary="Manage users and what they may do.", group="server", since="6.0.0")


# Users


@command("acl|whoami", group="server", since="6.0.0", flags="noscript loading stale", complexity="O(1)")
def acl_whoami(session: Session) -> bytes:
    """Answer the name of the connection's user."""
    return session.user.name


@command(
    "acl|users",
    group="server",
    since="6.0.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of users",
)
def acl_users(session: Session) -> list[bytes]:
    """Name all users."""
    return sorted(session.engine.acl.users)


@command(
    "acl|list",
    group="server",
    since="6.0.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of users",
)
def acl_list(session: Session) -> list[bytes]:
    """Describe all users by the rules that make them, in a line each, as files have them."""
    return session.engine.acl.lines()


@command(
    "acl|getuser username",
    group="server",
    since="6.0.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of the user's passwords and rules",
)
def acl_getuser(session: Session, username: bytes) -> dict[bytes, Any] | None:
    """Describe a user: flags, hashed passwords, and rules; null if there is none of that name."""
    user = session.engine.acl.users.get(username)
    if user is None:
        return None
    root, *others = (_described(session, selector) for selector in user.selectors)
    return {b"flags": SetOf(user_flags(user)), b"passwords": user.passwords, **root, b"selectors": others}


def _described(session: Session, selector: Selector) -> dict[bytes, Any]:
    return {
        b"commands": b" ".join(command_rules(selector, session.engine.acl.catalogue)),
        b"keys": b" ".join(key_rules(selector)),
        b"channels": b" ".join(channel_rules(selector)),
    }


@command(
    "acl|setuser username [rule]...",
    group="server",
    since="6.0.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of rules",
)
def acl_setuser(session: Session, username: bytes, *rules: bytes) -> str:
    """Make a user, or change one by rules, of which all hold or none."""
    session.engine.acl.change(username, rules, session)
    return OK


@command(
    "acl|deluser username...",
    group="server",
    since="6.0.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of connections",
)
def acl_deluser(session: Session, username: bytes, *more: bytes) -> int:
    """Delete users and close their connections; answer how many there were."""
    return session.engine.acl.delete((username, *more), session)


# Rules


@command(
    "acl|cat [categoryname]",
    group="server",
    since="6.0.0",
    flags="noscript loading stale",
    complexity="O(1)",
)
def acl_cat(session: Session, category: bytes | None = None) -> list[bytes]:
    """Name the categories of commands, or the commands of one."""
    catalogue = session.engine.acl.catalogue
    if category is None:
        return [name.encode() for name in catalogue.categories]
    name = printable(category).lower()
    if name not in catalogue.categories:
        raise errors.unknown_category(category)
    return [record.name.encode() for record in catalogue if name in record.categories]


@command("acl|genpass [bits:integer]", group="server", since="6.0.0", flags="noscript loading stale", complexity="O(1)")
def acl_genpass(session: Session, bits: bytes = b"256") -> bytes:
    """Make up a password that nobody can guess, of some bits, in hexadecimal digits."""
    number = integer(bits)
    if not 0 < number <= MOST_BITS:
        raise RespError(errors.ACL_GENPASS_BITS)
    return session.engine.system.secret((number + 3) // 4).encode()


@command(
    "acl|dryrun username command [arg]...",
    group="server",
    since="7.0.0",
    flags="admin noscript loading stale",
    complexity="O(1)",
)
def acl_dryrun(session: Session, username: bytes, name: bytes, *arguments: bytes) -> str | bytes:
    """Say whether a user may run a request, without running it."""
    engine, request = session.engine, [name, *arguments]
    user = engine.acl.users.get(username)
    if user is None:
        raise errors.user_not_found(username)
    entry = find(engine.entries, name)
    try:
        entry = None if entry is None else entry.resolve(request)
    except RespError:
        entry = None  # no such subcommand
    if entry is None:
        raise errors.command_not_found(name)
    if not entry.command.takes(len(request)):
        raise errors.wrong_arity(entry.command.name)
    denial = user.denial(entry.command, request)
    if denial is None:
        return OK
    if denial.reason == Reason.COMMAND:
        return b"This user has no permissions to run the '%b' command" % entry.command.name.encode()
    what, kind = request[denial.position], denial.reason.name.lower().encode()
    return b"This user has no permissions to access the '%b' %b" % (what, kind)


# What was denied


@command(
    "acl|log operation=[count:integer | RESET]",
    group="server",
    since="6.0.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of entries shown",
)
def acl_log(session: Session, operation: bytes = b"%d" % SHOWN) -> str | list[dict[bytes, Any]]:
    """Show what was denied lately, or forget it."""
    entries = session.engine.acl.log.entries
    if operation.upper() == b"RESET":
        entries.clear()
        return OK
    now = session.engine.keyspace.now
    return [_shown(entry, now) for entry in entries[: max(integer(operation), 0)]]


def _shown(entry: LogEntry, now: int) -> dict[bytes, Any]:
    return {
        b"count": entry.count,
        b"reason": entry.reason.name.lower().encode(),
        b"context": entry.context.encode(),
        b"object": entry.object,
        b"username": entry.username,
        b"age-seconds": (now - entry.time) / 1000,
        b"client-info": entry.client.encode("utf-8", "surrogateescape"),
    }


# Files


@command(
    "acl|load",
    group="server",
    since="6.0.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of users",
)
def acl_load(session: Session) -> str:
    """Take over the users of the ACL file in place of all that there are."""
    session.engine.acl.load(session)
    return OK


@command(
    "acl|save",
    group="server",
    since="6.0.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of users",
)
def acl_save(session: Session) -> str:
    """Write all users into the ACL file."""
    session.engine.acl.save()
    return OK


@command("acl|help", group="server", since="6.0.0", flags="loading stale", complexity="O(1)")
def acl_help(session: Session) -> list[str]:
    """Describe the subcommands of ACL."""
    return help_lines(session.engine.originals[b"acl"].command)
