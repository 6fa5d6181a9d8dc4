"""What an engine has of scripts: those that it knows by their SHA-1, and the interpreters that run them and functions.

A script that EVAL brought is forgotten when `MOST_SCRIPTS` others have been used since; one that SCRIPT LOAD brought
stays until SCRIPT FLUSH. An interpreter that cannot go on, for its memory is full, is replaced by a new one: scripts
are compiled again when they are called, libraries at once.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final

import attrs

from respstore import errors
from respstore.engine.dispatch import disk_problem
from respstore.engine.scripts import Usage
from respstore.errors import RespError, quotable
from respstore.scripting.calls import READS, WRITES, Calls, Permissions
from respstore.scripting.functions import Functions
from respstore.scripting.runtime import BrokenRuntimeError, Failure, Registered, Runtime
from respstore.scripting.shebang import NO_WRITES, parse_script_head

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

logger = logging.getLogger("respstore")

MOST_SCRIPTS: Final = 500
"""How many scripts that were only sent by EVAL are kept."""
SCRIPT_NAME: Final = b"user_script"


@attrs.define(eq=False)
class Script:
    """A script.

    Attributes:
        sha: SHA-1 of its text, in hexadecimal digits.
        text: as it was sent.
        code: without the head that names its flags; as many lines.
        flags: these; None if there is no head.
        is_kept: SCRIPT LOAD brought it.
        function: it, compiled.
    """

    sha: bytes
    text: bytes
    code: bytes
    flags: frozenset[str] | None
    is_kept: bool = False
    function: Callable[..., Any] | None = None


class Interpreter:
    """Scripts and functions of an engine.

    Args:
        engine: whose.

    Attributes:
        scripts: by SHA-1, those that were not used for longest first.
        functions: the libraries.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._calls = Calls(engine)
        self._runtime: Runtime | None = None
        self.scripts: dict[bytes, Script] = {}
        self.functions = Functions(engine, self._calls)
        self._loose = 0  # how many are not kept

    # The cache

    def add(self, text: bytes, *, keep: bool = False) -> Script:
        """The script of this text, compiled.

        Args:
            text: of the script.
            keep: until SCRIPT FLUSH.

        Raises:
            RespError: it cannot be compiled.
        """
        sha = sha1(text, usedforsecurity=False).hexdigest().encode()
        script = self.scripts.get(sha)
        if script is None:
            flags, code = parse_script_head(text)
            script = Script(sha, text, code, flags)
            script.function = self._compile(script)
            self.scripts[sha] = script
            self._loose += 1
            self._forget_oldest()
        if keep and not script.is_kept:
            script.is_kept = True
            self._loose -= 1
        return script

    def find(self, sha: bytes) -> Script | None:
        """The script of this SHA-1, in whatever case it is written."""
        return self.scripts.get(sha) or self.scripts.get(sha.lower())

    def flush(self) -> None:
        """Forget all scripts, and what they have left in the interpreter."""
        self.scripts.clear()
        self._loose = 0
        self._runtime = None

    def usage(self) -> Usage:
        """What there is, and what it takes."""
        return Usage(
            scripts=len(self.scripts),
            functions=self.functions.count(),
            libraries=len(self.functions.libraries),
            script_texts=sum(len(script.text) for script in self.scripts.values()),
            library_texts=sum(map(len, self._engine.keyspace.libraries)),
            script_memory=0 if self._runtime is None else self._runtime.memory(),
            function_memory=self.functions.memory(),
        )

    def _forget_oldest(self) -> None:
        if self._loose > MOST_SCRIPTS:
            oldest = next(script for script in self.scripts.values() if not script.is_kept)
            del self.scripts[oldest.sha]
            self._loose -= 1

    def _compile(self, script: Script) -> Callable[..., Any]:
        try:
            return self._ready().compile(script.code, SCRIPT_NAME)
        except BrokenRuntimeError:
            self._replace()
            raise RespError(errors.SCRIPT_NO_MEMORY) from None
        except RespError as error:
            raise RespError(f"ERR Error compiling script (new function): {error.text}") from None

    # Running

    def run(
        self, session: "Session", script: Script, key_count: int, words: Sequence[bytes], *, is_read_only: bool
    ) -> Any:
        """Call a script.

        Args:
            session: on whose behalf.
            script: which.
            key_count: how many of the words are keys.
            words: the keys, and other arguments behind them.
            is_read_only: it must not write.

        Returns:
            A value for the client; NO_REPLY if it has to wait for the script.

        Raises:
            RespError: the script failed.
        """
        permissions = self._permissions(script.flags, is_read_only=is_read_only)
        if not script.is_kept:  # the one that was used last stands last
            self.scripts[script.sha] = self.scripts.pop(script.sha, script)

        def work() -> Any:
            runtime = self._ready()
            if script.function is None:
                script.function = self._compile(script)
            try:
                run = partial(runtime.run_script, script.function, key_count, words)
                value = self._run(session, permissions, runtime, run, keys=words[:key_count])
            except BrokenRuntimeError:
                self._replace()
                raise RespError(errors.SCRIPT_NO_MEMORY) from None
            return self._checked(value, script.sha)

        return self._engine.scripts.perform(session, work)

    def run_function(
        self, session: "Session", function: Registered, key_count: int, words: Sequence[bytes], *, is_read_only: bool
    ) -> Any:
        """Call a function; the other arguments and what comes of it as of `run`."""
        permissions = self._permissions(frozenset(function.flags), is_read_only=is_read_only)
        command = b"fcall_ro" if is_read_only else b"fcall"
        request = (command, function.name, b"%d" % key_count, *words)

        def work() -> Any:
            runtime = self.functions.runtime
            try:
                run = partial(runtime.run_function, function.callback, key_count, words)
                value = self._run(session, permissions, runtime, run, keys=words[:key_count], request=request)
            except BrokenRuntimeError:
                self.functions.replace_runtime()
                raise RespError(errors.SCRIPT_NO_MEMORY) from None
            return self._checked(value, function.name)

        return self._engine.scripts.perform(session, work)

    def _run(
        self,
        session: "Session",
        permissions: Permissions,
        runtime: Runtime,
        run: Callable[[], Any],
        *,
        keys: Sequence[bytes],
        request: Sequence[bytes] = (),
    ) -> Any:
        """Run something for a session, called with some keys; `request` is the one that calls a function."""
        db = session.db
        self._calls.begin(session, permissions, runtime)
        self._engine.scripts.begin(keys, request)
        try:
            return run()
        finally:
            self._calls.end()
            self._engine.scripts.end()
            session.db = db

    def _checked(self, value: Any, name: bytes) -> Any:
        """What a script, or a function, of this name came to; an error is raised, and says where it came from."""
        if isinstance(value, RespError):
            error = value
        elif isinstance(value, Failure):
            place = f", on {value.place}." if value.place else ""
            error = RespError(f"{value.text} script: {quotable(name)}{place}")
        else:
            return value
        error.is_counted = self._calls.is_counted(value.text)
        raise error

    def _permissions(self, flags: frozenset[str] | None, *, is_read_only: bool) -> Permissions:
        """What a script of these flags may do, where the command that calls it says whether it may write.

        Raises:
            RespError: it may not be called by that command, or not now.
        """
        if flags is None:
            return READS if is_read_only else WRITES
        may_write = NO_WRITES not in flags
        if may_write and is_read_only:
            raise RespError(errors.SCRIPT_WRITES)
        if may_write and (problem := disk_problem(self._engine)) is not None:
            raise problem
        ignores_memory = "allow-oom" in flags or not may_write
        memory = self._engine.memory
        if not ignores_memory and memory.limit and not memory.has_room_for(()):
            raise RespError(errors.OUT_OF_MEMORY)
        return Permissions(may_write, ignores_memory)

    def _ready(self) -> Runtime:
        if self._runtime is None:
            self._runtime = Runtime(self._calls)
        return self._runtime

    def _replace(self) -> None:
        """Go on without the interpreter that cannot."""
        logger.warning("the memory of scripts was full: they start anew")
        self._runtime = None
        for script in self.scripts.values():
            script.function = None
