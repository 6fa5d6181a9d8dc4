"""One Lua interpreter, closed in: Python gives it words and gets values that `protocol/replies.py` knows.

What must stay true, for else the process ends or stands still for ever: nothing is handed to Lua that it has no memory
for. Where Lua is called, that would be an error outside of any protection; where Lua calls, an error would jump over
Python's frames. So there is always as much left below the limit as the next value takes, and each value is weighed.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
from lupa.lua51 import LuaError, LuaRuntime

from respstore.engine import REDIS_VERSION
from respstore.errors import RespError, printable
from respstore.protocol.replies import BigNumber, MapOf, SetOf, Verbatim
from respstore.scripting.bytecode import without_tail_calls
from respstore.scripting.libraries import install

MAX_MEMORY: Final = 512 * 1024**2
"""What the values of scripts may take, in bytes."""
RESERVE: Final = 1024**2
"""What is left free for what Python hands over without weighing it."""
LIGHT: Final = 64 * 1024
"""A value that is not weighed is no larger, and there are no more than `CHUNK` of them at once."""
CHUNK: Final = 200
"""How many values are handed over at once: Lua's stack is small."""

STATUS, ERROR, LIST, REPLY, NOTHING, NO_MEMORY = 1, 2, 3, 4, 5, 0
"""What `Host.take` answers: one of these, and what belongs to it (see sandbox.lua)."""
_ARRAY, _MAP, _SET, _DOUBLE, _BIG_NUMBER, _VERBATIM, _TRUE, _FALSE, _NULL, _EMITTED, _FAILED = range(6, 17)

_LOWEST: Final = -(2**63)
"""What C makes of a double that is no 64-bit integer."""


class Host(Protocol):
    """What scripts can do outside of Lua. None of it raises."""

    def call(self, *words: bytes) -> Any:
        """Run a command: its reply, if that is a string or an integer; True for OK, False for null, None for others."""

    def gather(self, is_first: bool, *words: bytes) -> None:
        """These are the first, or the next, words of a command that has many."""

    def call_gathered(self) -> Any:
        """As `call`, of the words that were gathered."""

    def take(self) -> Any:
        """The reply for which `call` gave None, in parts: one of the kinds above, and what belongs to it."""

    def set_protocol(self, number: int) -> None:
        """Replies of commands are those of this version of the protocol from now on."""

    def is_permitted(self, *words: bytes) -> bool | None:
        """Whether the user may run a command; None if there is none such."""

    def log(self, level: int, text: bytes) -> None:
        """Write to the server's log."""

    def hash(self, text: bytes) -> bytes:
        """SHA-1 in hexadecimal digits."""

    def tick(self) -> bool:
        """Called all the time while a script runs; answers whether it has to end."""


@attrs.frozen
class Failure:
    """A script ended with an error.

    Attributes:
        text: the error, its code first.
        place: where in the script that was, empty if nobody knows.
    """

    text: str
    place: str


@attrs.frozen
class Registered:
    """A function of a library: its name, what it is for, if anybody said that, its flags, and what to call."""

    name: bytes
    description: bytes | None
    flags: list[str]
    callback: Callable[..., Any]


class BrokenRuntimeError(Exception):
    """The interpreter cannot be used any more; its scripts and what they have remembered are lost."""


class Runtime:
    """An interpreter.

    Args:
        host: what its scripts can do.
        is_for_functions: whether it is for the functions of libraries, or for scripts.
        max_memory: the limit, in bytes.
    """

    def __init__(self, host: Host, *, is_for_functions: bool = False, max_memory: int = MAX_MEMORY) -> None:
        self._lua = lua = LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            attribute_handlers=(_refuse, _refuse),
            unpack_returned_tuples=True,
            max_memory=max_memory,
        )
        self._emitted: list[Any] = []
        self._limit = max_memory
        self._full = max_memory - RESERVE
        self._used = lua.get_memory_used
        views = lua.table()
        sandbox = lua.eval(b"loadstring")(Path(__file__).with_name("sandbox.lua").read_bytes(), b"=respstore")
        self._compile, self._run_script, self._run_function, self._stage, self._load = sandbox(
            *(host.call, host.gather, host.call_gathered, host.take),
            *(host.set_protocol, host.is_permitted, host.log, host.hash, host.tick),
            *(
                _collector(self._emitted),
                without_tail_calls,
                is_for_functions,
                REDIS_VERSION.encode(),
                _version_number(),
                install(lua, views),
                views,
            ),
        )

    def memory(self) -> int:
        """Bytes in use."""
        return int(self._used())

    def has_room_for(self, size: int) -> bool:
        """Whether a value of so many bytes can be handed over; garbage is collected to make room."""
        if self._used() + size <= self._full:
            return True
        self._lua.gccollect()
        return bool(self._used() + size <= self._full)

    def compile(self, text: bytes, name: bytes) -> Callable[..., Any]:
        """A script's text as a function.

        Args:
            text: in Lua.
            name: of the whole, which errors name.

        Raises:
            RespError: it is no Lua; the text of the error is Lua's.
        """
        self._check_room(len(text))
        try:
            compiled = self._compile(text, b"@" + name)
        except LuaError as error:
            raise BrokenRuntimeError from error
        if isinstance(compiled, tuple):
            raise RespError(printable(compiled[1]))
        function: Callable[..., Any] = compiled
        return function

    def run_script(self, function: Callable[..., Any], key_count: int, words: Sequence[bytes]) -> Any:
        """Call a script.

        Args:
            function: compiled.
            key_count: how many of the words are keys.
            words: the keys, and other arguments behind them.

        Returns:
            A value for a client, or a `Failure`.

        Raises:
            BrokenRuntimeError: it has left the interpreter in a state in which nothing more can be run.
        """
        return self._run(self._run_script, function, key_count, words)

    def run_function(self, function: Callable[..., Any], key_count: int, words: Sequence[bytes]) -> Any:
        """Call a function of a library; all as of `run_script`."""
        return self._run(self._run_function, function, key_count, words)

    def load_library(self, function: Callable[..., Any]) -> list[Registered] | Failure:
        """Run the compiled code of a library, which registers functions.

        Raises:
            BrokenRuntimeError: as of `run_script`.
        """
        try:
            result = self._load(function)
        except LuaError as error:
            raise BrokenRuntimeError from error
        emitted = self._take_emitted()
        if result is not True:
            return _failure(result)
        return [
            Registered(name, description or None, flags.decode().split(), callback)
            for name, description, flags, callback in zip(*[iter(emitted)] * 4, strict=True)
        ]

    def _run(self, run: Callable[..., Any], function: Any, key_count: int, words: Sequence[bytes]) -> Any:
        self._check_room(sum(map(len, words)) + 64 * len(words))
        try:
            if len(words) > CHUNK:
                for start in range(0, len(words), CHUNK):
                    self._stage(*words[start : start + CHUNK])
                words = ()
            result = run(function, key_count, *words)
        except LuaError as error:
            raise BrokenRuntimeError from error
        if type(result) is bytes:
            return result
        if type(result) is int or type(result) is float:
            return _integer(result)
        if result[1] == _EMITTED:
            result = self._take_emitted()
        elif result[1] == _FAILED:
            return _failure(result)
        return _value(iter(result))

    def _take_emitted(self) -> list[Any]:
        emitted = self._emitted[:]
        self._emitted.clear()
        return emitted

    def _check_room(self, size: int) -> None:
        if not self.has_room_for(size):
            raise BrokenRuntimeError


def _collector(items: list[Any]) -> Callable[..., None]:
    """What adds to a list. Lua's references keep what they are to for good: the interpreter is not to be among that."""

    def collect(*more: Any) -> None:
        items.extend(more)

    return collect


def _failure(result: Sequence[Any]) -> Failure:
    return Failure(printable(result[2]), printable(result[3]) if len(result) > 3 and result[3] else "")


def _refuse(*anything: Any) -> None:
    raise AttributeError("closed")


def _version_number() -> int:
    major, minor, patch = map(int, REDIS_VERSION.split("."))
    return major << 16 | minor << 8 | patch


def _integer(number: float) -> int:
    return int(number) if _LOWEST <= number < -_LOWEST else _LOWEST


def _value(tokens: Iterator[Any]) -> Any:
    """The next value of those that sandbox.lua put in a row: a word as it is, else False, its kind, and its parts."""
    token = next(tokens)
    if type(token) is bytes:
        return token
    if token is not False:
        return _integer(token)
    kind = next(tokens)
    if kind == _ARRAY:
        return [_value(tokens) for _ in range(int(next(tokens)))]
    if kind == _NULL:
        return None
    if kind == STATUS:
        return printable(next(tokens)).replace("\r", " ").replace("\n", " ")
    if kind == ERROR:
        return RespError(printable(next(tokens)))
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE
    if kind == _MAP:
        return MapOf([(_value(tokens), _value(tokens)) for _ in range(int(next(tokens)))])
    if kind == _SET:
        return SetOf([_value(tokens) for _ in range(int(next(tokens)))])
    if kind == _DOUBLE:
        return float(next(tokens))
    if kind == _BIG_NUMBER:
        return BigNumber(next(tokens))
    assert kind == _VERBATIM
    return Verbatim(format=printable(next(tokens)), text=next(tokens))
