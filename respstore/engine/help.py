"""What `CONFIG HELP` and its like answer: the subcommands of a container, described from their own records."""

from collections.abc import Iterable
from typing import Final

from respstore.engine.command import Command
from respstore.engine.syntax import Argument

INDENT: Final = "    "


def help_lines(container: Command) -> list[str]:
    """The lines of HELP, in the shape of Redis: a head, then each subcommand's syntax with its summary below.

    Args:
        container: a command that has subcommands; HELP itself comes last.
    """
    lines = [f"{container.name.upper()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    if container.handler is not None:
        lines += ["(no subcommand)", INDENT + container.summary]
    for word, command in sorted(container.subcommands.items(), key=lambda item: item[0] == "help"):
        lines += [" ".join([word.upper(), *map(_usage, command.arguments)]), INDENT + command.summary]
    return lines


def _usage(argument: Argument) -> str:
    """An argument as help texts write it: `<key> [<key> ...]`, `[COUNT <count>]`, `(YES|NO)`."""
    optional = "optional" in argument.flags
    text = _value(argument, may_stand_bare=optional and argument.token is None)
    if "multiple" in argument.flags:
        token_is_said_once = argument.token is not None and "multiple_token" not in argument.flags
        is_short = argument.type == "oneof" or (optional and not token_is_said_once)
        text = f"{text} ..." if is_short else f"{text} [{text} ...]"
    text = _words([argument.token, text])
    return f"[{text}]" if optional else text


def _value(argument: Argument, *, may_stand_bare: bool) -> str:
    match argument.type:
        case "pure-token":
            return ""
        case "oneof":
            text = "|".join(map(_usage, argument.arguments))
            return text if may_stand_bare else f"({text})"
        case "block":
            return _words(map(_usage, argument.arguments))
        case _:
            return f"<{argument.name}>"


def _words(parts: Iterable[str | None]) -> str:
    return " ".join(filter(None, parts))
