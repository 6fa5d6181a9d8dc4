"""MONITOR: clients that see what all others ask for, once it was done.

As long as there is one, every session's gate has the bit MONITORED, so that its commands go through dispatch.py, which
says what it ran; without one nobody pays. What was said in a turn is sent at its end, behind the replies.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from respstore.engine.command import Command
from respstore.engine.dispatch import MONITORED
from respstore.engine.redaction import without_secrets
from respstore.protocol.replies import Encoded

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

_ESCAPES: Final = {
    **{byte: b"\\x%02x" % byte for byte in range(256) if not 32 <= byte < 127},
    ord('"'): b'\\"',
    ord("\\"): b"\\\\",
    ord("\n"): b"\\n",
    ord("\r"): b"\\r",
    ord("\t"): b"\\t",
    ord("\a"): b"\\a",
    ord("\b"): b"\\b",
}


class Monitors:
    """Those who see everything.

    Args:
        engine: of which they are clients.

    Attributes:
        sessions: they themselves, in order of arrival.
    """

    __slots__ = ("_engine", "_lines", "sessions")

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._lines: list[bytes] = []
        self.sessions: dict[Session, None] = {}

    def add(self, session: "Session") -> None:
        """A session sees everything from now on, but not what was before."""
        self.deliver()
        self.sessions[session] = None
        self._switch(on=True)

    def remove(self, session: "Session") -> None:
        """A session sees only its own replies again; one that did so anyway is no error."""
        if session in self.sessions:
            del self.sessions[session]
            self._switch(on=bool(self.sessions))

    def tell(self, session: "Session", command: Command, args: Sequence[bytes]) -> None:
        """Somebody's request was run; a script is told of before.

        Args:
            session: whose.
            command: what it was; that of an administrator is nobody's business.
            args: the whole request.
        """
        if "admin" in command.flags:
            return
        if not self._lines:
            self._engine.touched.extend(self.sessions)
        now = self._engine.system.wall_clock_us()
        peer = session.peer.encode()
        if self._engine.scripts.is_in_script:
            peer = b"lua"
        elif session.is_on_unix_socket:
            peer = b"unix:" + peer.removesuffix(b":0")
        words = b" ".join(map(quoted, without_secrets(command.name, args)))
        self._lines.append(b"+%d.%06d [%d %b] %b\r\n" % (*divmod(now, 1_000_000), session.db.index, peer, words))

    def deliver(self) -> None:
        """Send what was told in this turn."""
        if self._lines:
            text = Encoded([b"".join(self._lines)])
            self._lines.clear()
            for session in self.sessions:
                session.send(text)

    def _switch(self, *, on: bool) -> None:
        for session in self._engine.sessions.values():
            session.set_gate(MONITORED, on=on)


def quoted(text: bytes) -> bytes:
    r"""Text between quotes as Redis shows it: `"a\x00\n"`."""
    if text.isalnum():
        return b'"%b"' % text
    return b'"%b"' % b"".join(_ESCAPES.get(byte) or bytes((byte,)) for byte in text)
