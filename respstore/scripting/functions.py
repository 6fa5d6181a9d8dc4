"""Libraries of functions: FUNCTION LOAD makes them of code, FCALL calls what they have registered.

Their code is data, as keys are (`Keyspace.libraries`): it is saved, loaded and replicated. What was made of it stands
here, and is made anew when the code is another: after a file was loaded, or when the interpreter had to be replaced.
Functions may remember things between two calls; that is lost then, as when the server starts again.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from respstore import errors
from respstore.errors import RespError
from respstore.protocol.replies import SetOf
from respstore.scripting.calls import Calls
from respstore.scripting.runtime import BrokenRuntimeError, Failure, Registered, Runtime
from respstore.scripting.shebang import parse_library_head

if TYPE_CHECKING:
    from respstore.engine.engine import Engine

logger = logging.getLogger("respstore")

FUNCTION_NAME: Final = b"user_function"


@attrs.frozen(eq=False)
class Library:
    """A library.

    Attributes:
        name: as its first line says it.
        code: all of it.
        functions: what it has registered.
    """

    name: bytes
    code: bytes
    functions: Sequence[Registered]

    def describe(self, *, with_code: bool) -> dict[bytes, Any]:
        """It as FUNCTION LIST answers it."""
        described: dict[bytes, Any] = {
            b"library_name": self.name,
            b"engine": b"LUA",
            b"functions": [
                {b"name": function.name, b"description": function.description, b"flags": SetOf(function.flags)}
                for function in self.functions
            ],
        }
        if with_code:
            described[b"library_code"] = self.code
        return described


class Functions:
    """The libraries of an engine.

    Args:
        engine: whose.
        calls: what functions can do outside of Lua.
    """

    def __init__(self, engine: "Engine", calls: Calls) -> None:
        self._scripts = engine.scripts
        self._calls = calls
        self._keyspace = engine.keyspace
        self._runtime: Runtime | None = None
        self._made_of: Sequence[bytes] = ()
        self._libraries: dict[bytes, Library] = {}
        self._functions: dict[bytes, Registered] = {}

    @property
    def libraries(self) -> dict[bytes, Library]:
        """All, by name."""
        self._catch_up()
        return self._libraries

    def find(self, name: bytes) -> Registered:
        """The function of a name, in whatever case it is written.

        Raises:
            RespError: there is none.
        """
        self._catch_up()
        function = self._functions.get(name.lower())
        if function is None:
            raise RespError(errors.NO_SUCH_FUNCTION)
        return function

    def count(self) -> int:
        """How many functions there are."""
        self._catch_up()
        return len(self._functions)

    @property
    def runtime(self) -> Runtime:
        """What runs them."""
        if self._runtime is None:
            self._runtime = Runtime(self._calls, is_for_functions=True)
        return self._runtime

    def memory(self) -> int:
        """Bytes that the interpreter takes."""
        return 0 if self._runtime is None else self._runtime.memory()

    # Changing

    def load(self, code: bytes, *, replace: bool = False) -> bytes:
        """Make a library; `replace` takes the place of one of the same name.

        Returns:
            Its name.

        Raises:
            RespError: it makes no sense, or one of its names is taken.
        """
        self._catch_up()
        name = parse_library_head(code)
        if name in self._libraries and not replace:
            raise errors.library_exists(name)
        self._add(self._make(name, code))
        self._note()
        return name

    def delete(self, name: bytes) -> None:
        """Remove a library.

        Raises:
            RespError: there is none of this name.
        """
        self._catch_up()
        if name not in self._libraries:
            raise RespError(errors.NO_SUCH_LIBRARY)
        self._remove(name)
        self._note()

    def flush(self) -> None:
        """Remove all."""
        self._clear()
        self._note()

    def restore(self, codes: Sequence[bytes], *, flush: bool = False, replace: bool = False) -> None:
        """Make all of these libraries, or none.

        Args:
            codes: of the libraries.
            flush: whether all others go first.
            replace: whether those of the same names go.

        Raises:
            RespError: one of them makes no sense, or a name is taken; nothing has changed.
        """
        self._catch_up()
        before = self._libraries, self._functions
        self._libraries, self._functions = ({}, {}) if flush else (dict(self._libraries), dict(self._functions))
        try:
            named = [(parse_library_head(code), code) for code in codes]
            for name, _ in named:
                if name in self._libraries:
                    if not replace:
                        raise errors.library_is_there(name)
                    self._remove(name)
            for name, code in named:
                self._add(self._make(name, code))
        except RespError:
            self._libraries, self._functions = before
            raise
        self._note()

    # Inside

    def replace_runtime(self) -> None:
        """Go on without the interpreter that cannot."""
        logger.warning("the memory of functions was full: they are loaded anew")
        self._clear()

    def _clear(self) -> None:
        self._runtime = None
        self._libraries, self._functions, self._made_of = {}, {}, ()

    def _note(self) -> None:
        """The code has changed."""
        self._made_of = self._keyspace.libraries = tuple(library.code for library in self._libraries.values())
        self._keyspace.changes += 1

    def _catch_up(self) -> None:
        """Make libraries of code that came by a file."""
        codes = self._keyspace.libraries
        if codes is self._made_of or codes == self._made_of:
            return
        self._clear()
        self._made_of = codes
        for code in codes:
            try:
                self._add(self._make(parse_library_head(code), code))
            except RespError as error:
                logger.warning("a library of functions cannot be loaded: %s", error.text)

    def _make(self, name: bytes, code: bytes) -> Library:
        line_end = code.index(b"\n")
        try:
            compiled = self.runtime.compile(code[line_end:], FUNCTION_NAME)
            with self._scripts.loading():
                registered = self.runtime.load_library(compiled)
        except BrokenRuntimeError:
            self._runtime = None
            self._made_of = ()
            raise RespError(errors.SCRIPT_NO_MEMORY) from None
        except RespError as error:
            raise RespError(f"ERR Error compiling function: {error.text}") from None
        if isinstance(registered, Failure):
            raise RespError(f"ERR Error registering functions: {registered.text}")
        if not registered:
            raise RespError(errors.NO_FUNCTIONS)
        return Library(name, code, registered)

    def _add(self, library: Library) -> None:
        old = self._libraries.get(library.name)
        own = {function.name.lower() for function in old.functions} if old is not None else set()
        for function in library.functions:
            if function.name.lower() in self._functions and function.name.lower() not in own:
                raise errors.function_exists(function.name)
        if old is not None:
            self._remove(library.name)
        self._libraries[library.name] = library
        self._functions.update((function.name.lower(), function) for function in library.functions)

    def _remove(self, name: bytes) -> None:
        for function in self._libraries.pop(name).functions:
            del self._functions[function.name.lower()]
