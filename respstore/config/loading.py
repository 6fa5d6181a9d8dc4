"""From directives to values: what a server starts with.

Files are read where they are included, and what comes later wins. So whether respstore can keep what an option promises
is judged at the end: a redis.conf made for another server serves if the command line overrides what is too much.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from respstore.config.options import BY_NAME, OPTIONS, Option, Options, Support
from respstore.config.syntax import BAD_DIRECTIVE, Directive, parse_text
from respstore.exceptions import ConfigError

# Directives that are no options: CONFIG knows nothing of them.
_REFUSED: Final = {"loadmodule"}
_IGNORED: Final = {"list-max-ziplist-entries", "list-max-ziplist-value"}  # by Redis too, since 3.2
_DEEPEST_INCLUDE: Final = 16


class Loader:
    """Puts what directives say into `options`; `finish` judges the result.

    Attributes:
        users: the lines that declare users.
        renamings: the lines `rename-command`, each of two words; which commands there are is not known here.
    """

    def __init__(self, options: Options) -> None:
        self.users: list[Directive] = []
        self._options = options
        self._given: dict[Option, Directive] = {}
        self._ignored: list[str] = []
        self.renamings: list[Directive] = []

    def load(self, directives: Iterable[Directive], depth: int = 0) -> None:
        """Take over what directives say, `depth` includes below the first file; raises ConfigError."""
        for directive in directives:
            try:
                self._load_directive(directive, depth)
            except ConfigError:
                raise
            except ValueError as error:
                raise ConfigError(str(error), directive.name, directive.where) from None

    def load_text(self, text: str, source: str, depth: int = 0) -> None:
        """The same for the text of a file; `source` is its name in messages."""
        self.load(parse_text(text, source), depth)

    def load_file(self, path: str, depth: int = 0) -> None:
        """The same for a file."""
        try:
            text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise ConfigError(f"can't open config file '{path}': {error.strerror}") from None
        self.load_text(text, path, depth)

    def finish(self) -> list[str]:
        """Judge what was loaded.

        Returns:
            A line for each option that has no effect.

        Raises:
            ConfigError: respstore cannot do what an option asks for.
        """
        warnings = [f"'{name}' has no effect in respstore" for name in self._ignored]
        for option in OPTIONS:
            value = getattr(self._options, option.attribute)
            if option not in self._given or value == option.default:
                continue
            if option.support is Support.HARMLESS:
                warnings.append(f"'{option.name}' has no effect in respstore")
            elif option.support is Support.UNSUPPORTED:
                directive = self._given[option]
                raise ConfigError(option.refusal(), directive.name, directive.where)
        return warnings

    def _load_directive(self, directive: Directive, depth: int) -> None:
        name, words, _ = directive
        option = BY_NAME.get(name)
        if option:
            current = getattr(self._options, option.attribute)
            value = option.kind.parse(words, current)
            if option.accumulates and option in self._given and value:
                value = current + value
            setattr(self._options, option.attribute, value)
            self._given[option] = directive
        elif name == "include" and len(words) == 1:
            if depth == _DEEPEST_INCLUDE:
                raise ValueError("too many files include one another")
            for path in _matching_files(words[0]):
                self.load_file(path, depth + 1)
        elif name == "user" and words:
            self.users.append(directive)
        elif name == "rename-command" and len(words) == 2:
            self.renamings.append(directive)
        elif name in _REFUSED:
            raise ValueError("respstore does not support this directive")
        elif name in _IGNORED and len(words) == 1:
            self._ignored.append(name)
        else:
            raise ValueError(BAD_DIRECTIVE)


def _matching_files(pattern: str) -> list[str]:
    """The files that `include` means; a pattern may match none, as in Redis."""
    if not set(pattern) & set("*?["):
        return [pattern]
    path = Path(pattern)
    return sorted(map(str, Path(path.anchor).glob(str(path.relative_to(path.anchor)))))
