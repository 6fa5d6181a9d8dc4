"""A script that runs, as the engine sees it: on a stack of its own, so that others can be told that the server is busy.

A script is not interrupted. Only when it has run for `busy-reply-threshold` the server looks after its clients again:
between two slices of it they are told BUSY, and one of them may end it (SCRIPT KILL, FUNCTION KILL, SHUTDOWN NOSAVE).
Nothing else happens meanwhile: no time-out, no expiry, no save, for what the script has done so far is half of it.

The stack is a greenlet. Lua looks at the clock all the time (`tick`); when the slice is over it switches back to the
loop, which has the script go on at its next turn (`go_on`). The client that has sent it is parked until then.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from respstore import errors
from respstore.engine.dispatch import BUSY, PARKED
from respstore.errors import RespError
from respstore.protocol.replies import NO_REPLY

if TYPE_CHECKING:
    from greenlet import greenlet

    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

logger = logging.getLogger("respstore")

SLICE_SECONDS: Final = 0.01
"""How long a script that takes too long goes on before clients are told that the server is busy."""
PAUSE_SECONDS: Final = 0.001
"""What others get in between, at least."""

LOAD_SECONDS: Final = 0.5
"""How long the code of a library may run when it is loaded, as in Redis."""


class Usage(NamedTuple):
    """How many scripts, libraries and functions there are, and how many bytes they take.

    Attributes:
        scripts, functions, libraries: numbers of them.
        script_texts, library_texts: bytes of their code.
        script_memory, function_memory: bytes that the interpreters take.
    """

    scripts: int = 0
    functions: int = 0
    libraries: int = 0
    script_texts: int = 0
    library_texts: int = 0
    script_memory: int = 0
    function_memory: int = 0


class Scripts:
    """What runs, and whether others have to wait for it.

    Args:
        engine: whose scripts they are.

    Attributes:
        interpreter: what runs scripts, once there was one (see the room `scripting`).
        running: whose script it is; None if none is running.
        name: of the function that runs; empty for a script.
        words: the request by which a function was called.
        keys: those that the script was called with.
        started: when, on the monotonic clock.
        is_in_script: whether what runs now was called by a script.
        has_written: whether it has run a command that writes; then it cannot be ended by SCRIPT KILL.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.interpreter: Any = None
        self.running: Session | None = None
        self.name = b""
        self.words: Sequence[bytes] = ()
        self.keys: Sequence[bytes] = ()
        self.started = 0.0
        self.is_in_script = False
        self.has_written = False
        self._is_killed = False
        self._slice_end = 0.0
        self._load_end: float | None = None
        self._works: list[Callable[[], Any]] = []  # what the stage is to do, ...
        self._outcomes: list[tuple[Any, RespError | None]] = []  # ... and what came of it
        self._stage: greenlet | None = None
        self._loop: greenlet | None = None
        self._again: float | None = None

    @property
    def is_suspended(self) -> bool:
        """Whether a script is in the midst of its work, while others are looked after."""
        return self._again is not None

    def perform(self, session: "Session", work: Callable[[], Any]) -> Any:
        """Do what runs a script, or several (EXEC).

        Returns:
            What `work` does; NO_REPLY if the session has to wait for it.

        Raises:
            RespError: that of `work`.
        """
        if self.running is not None:
            return work()
        if self._stage is None:
            self._loop, self._stage = _make_stage(self._works, self._outcomes)
        self.running = session
        self._is_killed = False
        self._engine.effects.begin_unit()
        self._works.append(work)
        self._stage.switch()
        if self._outcomes:
            return self._end()
        logger.warning("a script of client %s is slow: clients are told BUSY until it ends", session.describe())
        session.set_gate(PARKED, on=True)
        self._engine.set_gates(BUSY, on=True)
        self._engine.waiting.is_held = True
        self._rest()
        return NO_REPLY

    def begin(self, keys: Sequence[bytes], request: Sequence[bytes] = ()) -> None:
        """A script begins that is called with some keys, or the function that a request calls by its name."""
        self.name, self.words = request[1] if request else b"", request
        self.keys = keys
        self.is_in_script = True
        self.has_written = False
        self.started = self._engine.system.monotonic()
        if not self.is_suspended:
            self._slice_end = self.started + self._engine.config.busy_reply_threshold / 1000

    def end(self) -> None:
        """It is over."""
        self.is_in_script = False

    @contextmanager
    def loading(self) -> Iterator[None]:
        """While a library is loaded: that is not to take long, and nobody is looked after meanwhile."""
        self._load_end = self._engine.system.monotonic() + LOAD_SECONDS
        try:
            yield
        finally:
            self._load_end = None

    def tick(self) -> bool:
        """Called by Lua all the time; may not raise.

        Returns:
            Whether the script has to end.
        """
        engine = self._engine
        try:
            if self._load_end is not None:
                return engine.system.monotonic() >= self._load_end
            if engine.system.monotonic() >= self._slice_end and not self._is_killed:
                now = engine.keyspace.now
                assert self._loop is not None
                self._loop.switch()
                engine.keyspace.now = now  # the script's clock stands still
                self._slice_end = engine.system.monotonic() + SLICE_SECONDS
        except BaseException:
            logger.exception("a script was interrupted")
            self._is_killed = True
        return self._is_killed

    def kill(self) -> None:
        """Have the script end with an error."""
        self._is_killed = True

    def go_on(self, now: float) -> None:
        """Let the script go on if it is time; to be called at `next_deadline`."""
        if self._again is None or now < self._again or self._stage is None:
            return
        self._stage.switch()
        if not self._outcomes:
            self._rest()
            return
        session = self.running
        assert session is not None
        self._engine.set_gates(BUSY, on=False)
        self._engine.waiting.is_held = False
        try:
            value = self._end()
        except RespError as error:
            value = error
        session.resume(value)

    def stop(self) -> None:
        """The server stops: what is still running ends now."""
        self.kill()
        while self.is_suspended:
            self._engine.effects.drop_unit()
            self.go_on(float("inf"))

    def close(self) -> None:
        """Part with what runs scripts: it refers to the engine in a way that the garbage collector does not see."""
        self.interpreter = None

    def next_deadline(self) -> float | None:
        """When the script has to go on, on the monotonic clock in seconds; None if there is none."""
        return self._again

    def check_may_kill(self, *, function: bool) -> None:
        """Refuse to end a script, or a function, that is not there or has written.

        Raises:
            RespError: the reason.
        """
        if not self.is_suspended:
            raise RespError(errors.NOT_BUSY)
        if self.has_written:
            raise RespError(errors.UNKILLABLE)
        if bool(self.name) is not function:
            raise self.busy()

    def busy(self) -> RespError:
        """What others are told meanwhile."""
        return RespError(errors.BUSY_FUNCTION if self.name else errors.BUSY_SCRIPT)

    def _rest(self) -> None:
        self._again = self._engine.system.monotonic() + PAUSE_SECONDS
        self._engine.waiting.rearm(self._again)

    def _end(self) -> Any:
        self._again = self.running = None
        self.words = self.keys = ()
        self._engine.effects.end_unit()
        value, error = self._outcomes.pop()
        if error is not None:
            raise error
        return value


def _make_stage(
    works: list[Callable[[], Any]], outcomes: list[tuple[Any, RespError | None]]
) -> "tuple[greenlet, greenlet]":
    """This stack, and one that does what `works` has and puts what comes of it into `outcomes`, again and again.

    To make one takes longer than most scripts do. It holds nothing while it rests, neither what it did nor for whom.
    """
    from greenlet import getcurrent, greenlet  # noqa: PLC0415 - who runs no scripts need not wait for it

    loop = getcurrent()

    def play() -> None:
        while True:
            outcomes.append(_settled(works.pop()))
            loop.switch()

    return loop, greenlet(play)


def _settled(work: Callable[[], Any]) -> tuple[Any, RespError | None]:
    """What comes of some work. Nothing may leave the stack of a script but by its end."""
    try:
        return work(), None
    except RespError as error:
        return None, error
    except Exception:
        logger.exception("bug: a script failed")
        return None, RespError(errors.INTERNAL)
