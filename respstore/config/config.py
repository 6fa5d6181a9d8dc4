"""The options of one server, and what CONFIG SET does to them.

A value is an attribute: `config.port`, `config.proto_max_bulk_len`. There is one Config per server; whoever uses a
value reads it when it is needed, or registers with `on_change`. Files are read in `loading.py` only, while starting.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from respstore.config.loading import Loader
from respstore.config.options import BY_NAME, Option, Options, Support, When
from respstore.config.syntax import Directive, parse_arguments
from respstore.exceptions import ConfigError, UnknownOptionError


class Renaming(NamedTuple):
    """A line `rename-command`: the command `old` is called `new`, or cannot be called where that is empty."""

    old: str
    new: str
    where: str


@attrs.define(eq=False, kw_only=True)
class Config(Options):
    """The options of one server.

    Args:
        config_file: the absolute path of the file that CONFIG REWRITE writes, or None.
        users: the `user` lines, for engine/acl/ to understand.
        renamings: of commands, in the order of the file.
        warnings: one line for each option that was given and has no effect in respstore.
    """

    config_file: str | None = attrs.field(default=None, init=False)
    users: list[Directive] = attrs.field(factory=list, init=False)
    renamings: list[Renaming] = attrs.field(factory=list, init=False)
    warnings: list[str] = attrs.field(factory=list, init=False)
    _callbacks: dict[str, Callable[[], None]] = attrs.field(factory=dict, init=False)

    @classmethod
    def from_arguments(cls, arguments: Sequence[str], **defaults: Any) -> "Config":
        """The configuration that redis-server would take from the command line `[file] [--name word ...] ... [-]`.

        What comes later wins: the file, then standard input (`-`), then the options.

        Args:
            arguments: the command line.
            defaults: by attribute, values of options of which it says nothing.

        Raises:
            ConfigError: a directive is wrong or not supported; it tells the place and the line.
        """
        config = cls(**defaults)
        loader = Loader(config)
        command_line = parse_arguments(arguments)
        if command_line.file is not None:
            config.config_file = str(Path(command_line.file).absolute())
            loader.load_file(command_line.file)
        if command_line.read_stdin:
            loader.load_text(sys.stdin.read(), "standard input")
        loader.load(command_line.directives)
        config.warnings = loader.finish()
        config.users = loader.users
        config.renamings = [Renaming(old, new, where) for _, (old, new), where in loader.renamings]
        return config

    @classmethod
    def from_text(cls, text: str, source: str = "redis.conf") -> "Config":
        """The configuration that a redis.conf with this text says; `source` is its name in messages.

        Raises:
            ConfigError: as for `from_arguments`.
        """
        config = cls()
        loader = Loader(config)
        loader.load_text(text, source)
        config.warnings = loader.finish()
        config.users = loader.users
        config.renamings = [Renaming(old, new, where) for _, (old, new), where in loader.renamings]
        return config

    def names(self) -> Iterable[str]:
        """The names of all options, second names included."""
        return BY_NAME.keys()

    def get_text(self, name: str) -> str:
        """The value of an option as CONFIG GET shows it; `name` in lower case.

        Raises:
            KeyError: there is no such option.
        """
        option = BY_NAME[name]
        return option.kind.text(getattr(self, option.attribute))

    def on_change(self, name: str, callback: Callable[[], None]) -> None:
        """Call back when CONFIG SET has changed an option, with the new values in place.

        To refuse the change, the callback raises ConfigError with a reason; the old values are put back then, and the
        callbacks that came before it are called once more. One callback may stand for several options.
        """
        self._callbacks[BY_NAME[name].name] = callback

    def change(self, pairs: Sequence[tuple[str, str]], *, protected: bool = False) -> None:
        """Change options of a running server, all of them or none: CONFIG SET (https://redis.io/commands/config-set/).

        Args:
            pairs: name, of either case, and new value.
            protected: options that enable-protected-configs guards may be changed.

        Raises:
            UnknownOptionError: there is no such option.
            ConfigError: for another reason, with Redis's words for it and the directive that it is about.
        """
        changes = self._changeable(pairs, protected)
        before = {option: getattr(self, option.attribute) for _, option, _ in changes}
        called: list[Callable[[], None]] = []
        try:
            for directive, option, text in changes:
                self._change_option(directive, option, text)
            for directive, option, _ in changes:
                callback = self._callbacks.get(option.name)
                if callback and callback not in called and getattr(self, option.attribute) != before[option]:
                    _call_back(callback, directive)
                    called.append(callback)
        except ConfigError:
            for option, value in before.items():
                setattr(self, option.attribute, value)
            for callback in called:
                callback()
            raise

    def _change_option(self, directive: str, option: Option, text: str) -> None:
        current = getattr(self, option.attribute)
        try:
            value = option.kind.parse([text], current)
        except ValueError as error:
            raise ConfigError(str(error), directive) from None
        if option.support is Support.UNSUPPORTED and value != option.default:
            raise ConfigError(option.refusal(), directive)
        if option.when is When.BY_SERVER and option.name not in self._callbacks and value != current:
            raise ConfigError("this server can't change it while it runs", directive)
        setattr(self, option.attribute, value)

    def _changeable(self, pairs: Sequence[tuple[str, str]], protected: bool) -> list[tuple[str, Option, str]]:
        """The options that the pairs name, between name and new value; each of them may be changed now."""
        changes: list[tuple[str, Option, str]] = []
        names: set[str] = set()
        for directive, text in pairs:
            name = directive.lower()
            option = BY_NAME.get(name)
            if option is None:
                raise UnknownOptionError("unknown option", directive)
            if option.when is When.AT_START:
                raise ConfigError("can't set immutable config", directive)
            if option.when is When.PROTECTED and not protected:
                raise ConfigError("can't set protected config", directive)
            if name in names:
                raise ConfigError("duplicate parameter", directive)
            names.add(name)
            changes.append((directive, option, text))
        return changes


def _call_back(callback: Callable[[], None], directive: str) -> None:
    try:
        callback()
    except ConfigError as error:
        raise ConfigError(error.reason, directive) from None
