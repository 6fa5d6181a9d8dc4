"""What a program that uses respstore may have to catch; what goes to clients of the protocol is in errors.py."""

import enum
import errno

import attrs


class ConfigError(ValueError):
    """An option is unknown, its value makes no sense, or respstore does not support it.

    Args:
        reason: what is wrong, in Redis's words where it has any.
        directive: the option's name as the user wrote it; empty where the line itself cannot be read.
        where: the place in a file or on the command line, with the line as it stands there; empty for CONFIG SET.
    """

    def __init__(self, reason: str, directive: str = "", where: str = "") -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.directive = directive


class UnknownOptionError(ConfigError):
    """CONFIG SET names an option that does not exist."""


# Ports


class HolderKind(enum.Enum):
    """What a program that starts a server may decide by when its port is taken."""

    RESPSTORE = "respstore"
    REDIS = "redis"
    """Redis, or another server that answers INFO as Redis does (Valkey)."""
    RESP = "resp"
    """Speaks Redis's protocol but says no more than an error, as when it wants a password; may be a respstore."""
    HTTP = "http"
    OTHER = "other"
    """Answers in some other way, or hangs up."""
    SILENT = "silent"
    """Listens, and did not answer in time."""
    NOT_LISTENING = "not listening"
    CONNECTION = "connection"
    """No server at all: the near end of a connection to somewhere else."""


@attrs.frozen
class Holder:
    """Who holds an address, as far as it or the system tells; `str()` is for people.

    `description` is what `str()` starts with. `pid` and `program` are the system's word, and None where it does not
    tell (the process of another user); `version` and `uptime` (seconds) are the server's own.
    """

    kind: HolderKind
    description: str
    version: str | None = None
    pid: int | None = None
    program: str | None = None
    uptime: int | None = None

    def __str__(self) -> str:
        notes = []
        if self.pid is not None:
            notes.append(f"pid {self.pid}")
        if self.uptime is not None:
            notes.append(f"up {_duration(self.uptime)}")
        elif self.program is not None:
            notes.append(self.program)
        return f"{self.description} ({', '.join(notes)})" if notes else self.description


def _duration(seconds: int) -> str:
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


class PortInUseError(OSError):
    """The address to listen on is taken (errno EADDRINUSE); `str()` is one line that says by whom.

    Args:
        host: the address that is taken, or the path of a unix socket.
        port: None for a unix socket.
        holder: who has it.
        wanted: the address to listen on, where that one is free and yet of no use: a client that asks for localhost
            might reach the holder instead.
    """

    def __init__(self, host: str, port: int | None, holder: Holder, wanted: str | None = None) -> None:
        taken = display_address(host, port)
        if wanted is None:
            text = f"{taken} is taken by {holder}"
        else:
            text = f"{wanted} is free, but a client of localhost:{port} may get to {taken}, which is taken by {holder}"
        super().__init__(errno.EADDRINUSE, text)
        self.host = host
        self.port = port
        self.holder = holder
        self.wanted = wanted

    def __str__(self) -> str:
        return str(self.strerror)

    def __reduce__(self) -> tuple[object, ...]:
        """OSError would be pickled with its errno and text; a server in a child process sends this to its parent."""
        return type(self), (self.host, self.port, self.holder, self.wanted)


# The Store, the Python client


class StoreError(Exception):
    """A Store's request failed: the server refused it, or the store is closed. All that a Store raises, beside
    TypeError and ValueError for arguments that make no sense, is one."""


class StoreTimeoutError(StoreError, TimeoutError):
    """A Store's time was over: keys or members were still missing, or the server did not answer.

    Args:
        text: the message.
        missing: the keys that were still missing, as the caller named them, or the first ranks that had not come to a
            barrier, up to `wording.LISTED`; empty where it waited for something else.
        waited: how long it waited, in seconds.
    """

    def __init__(self, text: str, missing: tuple[str, ...] = (), waited: float = 0.0) -> None:
        super().__init__(text)
        self.missing = missing
        self.waited = waited

    def __reduce__(self) -> tuple[object, ...]:
        """OSError would be pickled with its text alone; workers send their errors to their parents."""
        return type(self), (str(self), self.missing, self.waited)


class StoreConnectionError(StoreError, ConnectionError):
    """A Store could not reach its server, or lost it in the middle of what must not be sent twice; the text names the
    address and the cause, and says whether the request may have been executed."""


class QueueEmptyError(StoreError):
    """`Store.queue_pop(key, block=False)` found nothing."""


class BrokenBarrierError(StoreError):
    """Somebody broke the barrier (BARRIERRESET) at which a Store waited; the text has the reason that was given."""


def display_address(host: str, port: int | None) -> str:
    """`127.0.0.1:6379`, `[::1]:6379`, or the path of a unix socket."""
    if port is None:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
