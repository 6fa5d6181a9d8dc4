"""The commands of a server, as rules name them: `get`, `config|get`, `@string`."""

from collections.abc import Iterator, Mapping

from respstore.engine.categories import CATEGORIES
from respstore.engine.command import Command
from respstore.errors import printable


class Catalogue:
    """All commands and subcommands.

    A container stands for its subcommands, too: who may use CONFIG may use all of it, and a category that has the
    container brings or takes them all.

    Args:
        table: the commands by name.

    Attributes:
        everything: the full names of all, `config|get` for a subcommand.
        categories: the names of all categories.
    """

    def __init__(self, table: Mapping[str, Command]) -> None:
        self._commands = {record.name: record for top in table.values() for record in (top, *top.subcommands.values())}
        self.everything = frozenset(self._commands)
        self.categories = CATEGORIES
        self._members: dict[str, frozenset[str]] = {}  # made when a rule or a description asks for them
        self._families: dict[str, frozenset[str]] = {}

    def __iter__(self) -> Iterator[Command]:
        """All commands, each container before its subcommands."""
        return iter(self._commands.values())

    def find(self, name: bytes) -> Command | None:
        """The command of this name, in whatever case it is written."""
        return self._commands.get(printable(name).lower())

    def family(self, command: Command) -> frozenset[str]:
        """The names of a command and its subcommands."""
        return frozenset((command.name, *(record.name for record in command.subcommands.values())))

    def members(self, category: str) -> frozenset[str]:
        """The names of the commands that are of a category themselves."""
        if category not in self._members:
            self._members[category] = frozenset(record.name for record in self if category in record.categories)
        return self._members[category]

    def families(self, category: str) -> frozenset[str]:
        """The names of the commands that a rule about a category changes: its members and their subcommands."""
        if category not in self._families:
            members = (self._commands[name] for name in self.members(category))
            self._families[category] = frozenset[str]().union(*map(self.family, members))
        return self._families[category]
