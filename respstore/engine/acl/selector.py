"""A selector: which commands may be run, and which keys and channels they may touch."""

import enum
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Self

from respstore.engine.command import Command
from respstore.engine.keyspecs import FoundKey, find_keys
from respstore.keyspace.glob import Predicate, compile_glob


class Reason(enum.IntEnum):
    """Why a request is denied; of several reasons the greatest is told. ACL LOG calls them by these names."""

    COMMAND = 1
    KEY = 2
    AUTH = 3
    CHANNEL = 4


class Denial(NamedTuple):
    """Why a request is denied, and which of its arguments is to blame; of several, the last one."""

    reason: Reason
    position: int


READ: Final = 1
WRITE: Final = 2
FULL: Final = READ | WRITE
"""What may be done to a key, or is about to be done: bits, which are 0 for a command that looks at no value."""
_CHANGES: Final = frozenset(("insert", "delete", "update"))
_SPECIAL: Final = frozenset(b"*?[\\")


class KeyPattern(NamedTuple):
    """How the keys are called to which there is some access."""

    matches: Predicate
    access: int


class Selector:
    """One set of permissions; whoever changes one does so before it is in use.

    Attributes:
        commands: full names of those that may be run.
        all_commands: no command was forbidden since all were permitted.
        takes_future: commands that do not exist yet may be run as well: the rules began with `+@all`.
        first_arguments: of commands that may not be run otherwise, by name, first arguments with which they may.
        keys: patterns of keys.
        all_keys: whatever `keys` say.
        channels: patterns of channels.
        all_channels: whatever `channels` say.
    """

    __slots__ = (
        "all_channels",
        "all_commands",
        "all_keys",
        "channels",
        "commands",
        "first_arguments",
        "keys",
        "takes_future",
    )

    def __init__(self, *, all_channels: bool = False) -> None:
        """No permission, but perhaps for all channels."""
        self.commands: frozenset[str] = frozenset()
        self.all_commands = False
        self.takes_future = False
        self.first_arguments: dict[str, tuple[bytes, ...]] = {}
        self.keys: dict[bytes, KeyPattern] = {}
        self.all_keys = False
        self.channels: dict[bytes, Predicate] = {}
        self.all_channels = all_channels

    def copy(self) -> Self:
        """The same permissions, to be changed apart."""
        other = type(self)(all_channels=self.all_channels)
        other.commands = self.commands
        other.all_commands = self.all_commands
        other.takes_future = self.takes_future
        other.first_arguments = dict(self.first_arguments)
        other.keys = dict(self.keys)
        other.all_keys = self.all_keys
        other.channels = dict(self.channels)
        return other

    # Changing

    def permit_all(self, names: frozenset[str]) -> None:
        """Let all commands be run: those of these names, which are all that there are, and future ones."""
        self.permit(names)
        self.all_commands = self.takes_future = True

    def forbid_all(self) -> None:
        """Let no command be run."""
        self.commands = frozenset()
        self.all_commands = self.takes_future = False
        self.first_arguments.clear()

    def permit(self, names: frozenset[str]) -> None:
        """Let commands be run, with whatever arguments."""
        self.commands |= names
        self._forget_first_arguments(names)

    def forbid(self, names: frozenset[str]) -> None:
        """Let commands not be run any more."""
        self.commands -= names
        self.all_commands = False
        self._forget_first_arguments(names)

    def permit_first_argument(self, command: Command, argument: bytes) -> None:
        """Let a command be run with a first argument."""
        known = self.first_arguments.get(command.name, ())
        if argument.lower() not in map(bytes.lower, known):
            self.first_arguments[command.name] = (*known, argument)

    def add_keys(self, pattern: bytes, access: int) -> None:
        """Give access to keys, in addition to the access that there is."""
        known = self.keys.get(pattern)
        if known is None:
            self.keys[pattern] = KeyPattern(compile_glob(pattern), access)
        else:
            self.keys[pattern] = known._replace(access=known.access | access)

    def add_channels(self, pattern: bytes) -> None:
        """Give access to channels."""
        self.channels[pattern] = compile_glob(pattern)

    def _forget_first_arguments(self, names: Iterable[str]) -> None:
        if self.first_arguments:
            for name in names:
                self.first_arguments.pop(name, None)

    # Asking

    @property
    def is_restricted(self) -> bool:
        """Whether there may be something that is not permitted."""
        return not (self.all_commands and self.all_keys and self.all_channels)

    def denial(self, command: Command, args: Sequence[bytes]) -> Denial | None:
        """Why this selector does not permit a request, or None if it does.

        Args:
            command: its command, or the subcommand.
            args: the whole request.
        """
        if not self._permits(command, args):
            return Denial(Reason.COMMAND, 0)
        if command.keys and not self.all_keys:
            for key in find_keys(args, command.keys, command.key_finder):
                if not self._permits_key(key, args[key.position]):
                    return Denial(Reason.KEY, key.position)
        if command.channels is not None and not self.all_channels:
            is_pattern = command.channels == "patterns"
            for place in range(1, 2 if command.channels == "first" else len(args)):
                if not self.permits_channel(args[place], is_pattern=is_pattern):
                    return Denial(Reason.CHANNEL, place)
        return None

    def permits_prefix(self, prefix: bytes, access: int) -> bool:
        """Whether there is this access to all keys that begin with a prefix, as far as a single pattern tells."""
        return self.all_keys or any(
            known.access & access == access
            and pattern.endswith(b"*")
            and not _SPECIAL.intersection(pattern[:-1])
            and prefix.startswith(pattern[:-1])
            for pattern, known in self.keys.items()
        )

    def permits_channel(self, name: bytes, *, is_pattern: bool) -> bool:
        """Whether a channel may be used, or listened to by a pattern: that one must be among the rules as it is."""
        if self.all_channels:
            return True
        return name in self.channels if is_pattern else any(matches(name) for matches in self.channels.values())

    def _permits(self, command: Command, args: Sequence[bytes]) -> bool:
        """Whether a request's command may be run, whatever it touches. What needs no user at all may be."""
        if self.all_commands or command.name in self.commands or "no_auth" in command.flags:
            return True
        allowed = self.first_arguments.get(command.name)
        return allowed is not None and len(args) > 1 and args[1].lower() in map(bytes.lower, allowed)

    def _permits_key(self, key: FoundKey, name: bytes) -> bool:
        """Whether what a request does to a key may be done to the one of this name."""
        needed = (READ if "access" in key.flags else 0) | (WRITE if key.flags & _CHANGES else 0)
        return any(pattern.access & needed == needed and pattern.matches(name) for pattern in self.keys.values())
