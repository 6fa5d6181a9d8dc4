"""The server's configuration: `Config` holds the value of every option, CONFIG SET and redis.conf change it.

- `options.py`: the table: name, default, kind, support, when it may change. Start reading there.
- `values.py`: the kinds of values.
- `syntax.py`: redis.conf and redis-server's command line, text to directives.
- `rewrite.py`: what CONFIG REWRITE makes of a file.

A value is an attribute: `config.port`, `config.proto_max_bulk_len`. There is one Config per server; whoever uses a
value reads it when it is needed, or registers with `on_change`. Only this file reads files, and only while starting.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs

from respstore.config.options import BY_NAME, Option, Options, Support, When
from respstore.config.syntax import BAD_DIRECTIVE, Directive, parse_arguments, parse_text
from respstore.errors import ConfigError, UnknownOptionError

__all__ = ["Config"]

# Directives that are no options: CONFIG knows nothing of them.
_REFUSED = {"rename-command", "user", "loadmodule"}
_IGNORED = {"list-max-ziplist-entries", "list-max-ziplist-value"}  # by Redis too, since 3.2
_DEEPEST_INCLUDE = 16


@attrs.define(eq=False, kw_only=True)
class Config(Options):
    """The options of one server.

    Args:
        config_file: the absolute path of the file that CONFIG REWRITE writes, or None.
        warnings: one line for each option that was given and has no effect in respstore.
    """

    config_file: str | None = attrs.field(default=None, init=False)
    warnings: list[str] = attrs.field(factory=list, init=False)
    _given: set[str] = attrs.field(factory=set, init=False)
    _callbacks: dict[str, Callable[[], None]] = attrs.field(factory=dict, init=False)

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Config:
        """The configuration that redis-server would take from the command line `[file] [--name word ...] ... [-]`.

        What comes later wins: the file, then standard input (`-`), then the options. Raises ConfigError, which tells
        the place, the line and what is wrong with it.
        """
        config = cls()
        command_line = parse_arguments(arguments)
        if command_line.file is not None:
            config.config_file = str(Path(command_line.file).absolute())
            config._load_file(command_line.file, depth=0)
        if command_line.read_stdin:
            config.load_text(sys.stdin.read(), "standard input")
        config._load(command_line.directives, depth=0)
        return config

    @classmethod
    def from_text(cls, text: str, source: str = "redis.conf") -> Config:
        """The configuration that a redis.conf with this text says. `source` is its name in messages."""
        config = cls()
        config.load_text(text, source)
        return config

    def load_text(self, text: str, source: str) -> None:
        """Take over what the text of a redis.conf says. Raises ConfigError."""
        self._load(parse_text(text, source), depth=0)

    def set(self, name: str, text: str) -> None:
        """Set an option as a line of redis.conf would. For CONFIG SET there is `change`. Raises ConfigError."""
        self._load([Directive(name.lower(), [text], where="")], depth=0)

    def _load(self, directives: Iterable[Directive], depth: int) -> None:
        for directive in directives:
            try:
                self._load_directive(directive, depth)
            except ConfigError:
                raise
            except ValueError as error:
                raise ConfigError(str(error), directive.name, directive.where) from None

    def _load_directive(self, directive: Directive, depth: int) -> None:
        name, words, _ = directive
        option = BY_NAME.get(name)
        if option:
            self._load_option(option, words)
        elif name == "include" and len(words) == 1:
            if depth == _DEEPEST_INCLUDE:
                raise ValueError("too many files include one another")
            for path in _matching_files(words[0]):
                self._load_file(path, depth + 1)
        elif name in _REFUSED:
            raise ValueError("respstore does not support this directive")
        elif name in _IGNORED and len(words) == 1:
            self.warnings.append(f"'{name}' has no effect in respstore")
        else:
            raise ValueError(BAD_DIRECTIVE)

    def _load_option(self, option: Option, words: list[str]) -> None:
        current = getattr(self, option.attribute)
        value = option.kind.parse(words, current)
        _check_support(option, value)
        if option.accumulates and option.name in self._given and value:
            value = current + value
        self._given.add(option.name)
        setattr(self, option.attribute, value)
        if option.support is Support.HARMLESS and value != option.default:
            self.warnings.append(f"'{option.name}' has no effect in respstore")

    def _load_file(self, path: str, depth: int) -> None:
        self._load(parse_text(_read_file(path), path), depth)

    def names(self) -> Iterable[str]:
        """The names of all options, second names included."""
        return BY_NAME.keys()

    def get_text(self, name: str) -> str:
        """The value of an option as CONFIG GET shows it; `name` in lower case. Raises KeyError if there is none."""
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

        Raises UnknownOptionError, or ConfigError with Redis's reason and the directive that it is about.
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
            _check_support(option, value)
        except ValueError as error:
            raise ConfigError(str(error), directive) from None
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


def _check_support(option: Option, value: object) -> None:
    if option.support is Support.UNSUPPORTED and value != option.default:
        raise ValueError(f"respstore supports only '{option.kind.text(option.default)}' here")


def _matching_files(pattern: str) -> list[str]:
    """The files that `include` means; a pattern may match none, as in Redis."""
    if not set(pattern) & set("*?["):
        return [pattern]
    path = Path(pattern)
    return sorted(map(str, Path(path.anchor).glob(str(path.relative_to(path.anchor)))))


def _read_file(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ConfigError(f"can't open config file '{path}': {error.strerror}") from None
