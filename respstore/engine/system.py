"""What the engine needs from the machine it runs on. `server/` gives the real thing, tests a fake one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from respstore.keyspace import Keyspace

Run = Callable[[Sequence[Sequence[bytes]]], None]
Facts = Mapping[str, str | int]
"""What a file says of itself: auxiliary fields of RDB."""


class Loaded(Protocol):
    """What is read from a file."""

    @property
    def keys(self) -> int:
        """How many keys there are."""

    @property
    def expired(self) -> int:
        """How many were left out, for their time is over."""

    @property
    def size(self) -> int:
        """How many bytes there are to read."""

    @property
    def at(self) -> int:
        """How many of them are read."""

    @property
    def used_memory(self) -> int:
        """Bytes of memory that the data took where it was written; 0 if that is not told."""


Load = Callable[[Keyspace, Run], tuple[Loaded, Iterator[None]] | None]
"""As `AppendFiles.load`."""


class Disk(Protocol):
    """The file that the data is saved to as a whole. Everything raises OSError where the disk does not do its part."""

    def save(self, keyspace: Keyspace, about: Facts) -> None:
        """Save now."""

    def start_save(self, keyspace: Keyspace, about: Facts) -> int:
        """Begin to save the data as it is now; answer the number of the process that does it."""

    def poll_save(self) -> str | None:
        """What came of it: None while it is under way, else what went wrong, nothing if nothing did."""

    def stop_save(self) -> None:
        """Give up what `start_save` began; the file stays as it was."""

    def load(self, keyspace: Keyspace) -> tuple[Loaded, Iterator[None]] | None:
        """Begin to load the file into an empty keyspace; None if there is none.

        Returns:
            What is read, and an iterator that reads on with each step. It raises OSError if the file is damaged.
        """


class Peer(Protocol):
    """A connection to another server, on which everything waits, no longer than its timeout; else it raises OSError."""

    def send(self, data: bytes) -> None:
        """Send all of this."""

    def read_line(self) -> bytes:
        """The next line that comes, without its end."""

    def close(self) -> None:
        """Give the connection up."""


class AppendFiles(Protocol):
    """The append-only file: what commands do is written behind what is there.

    Everything raises OSError where the disk does not do its part.
    """

    @property
    def size(self) -> int:
        """Bytes of all files that would be loaded."""

    @property
    def base_size(self) -> int:
        """The same when they were loaded, begun or rewritten last."""

    def load(self, keyspace: Keyspace, run: Run) -> tuple[Loaded, Iterator[None]] | None:
        """Begin to load the files into an empty keyspace; None if there are none.

        Args:
            keyspace: gets the data.
            run: runs commands that were run in one go.

        Returns:
            What is read, and an iterator that reads on with each step. It raises OSError if a file is damaged.
        """

    def open(self, keyspace: Keyspace, about: Facts) -> None:
        """Append from now on to what was loaded; where there is nothing, begin with the data as it is now."""

    def close(self) -> None:
        """Append no more. The files stay, as whole as they are on disk."""

    def append(self, data: bytes) -> None:
        """Write all of this or, as far as anybody will read, nothing."""

    def sync(self) -> None:
        """Wait until all is on disk that was written."""

    def start_sync(self) -> None:
        """Begin to do so without waiting."""

    def poll_sync(self) -> str | None:
        """What came of it: None while it is under way, else what went wrong, nothing if nothing did."""

    def start_rewrite(self, keyspace: Keyspace, about: Facts, *, anew: bool) -> int:
        """Begin to write a new base from the data as it is now, behind which a new file goes on from now on.

        Args:
            keyspace: the data.
            about: what the base says of itself.
            anew: nothing is appended yet, and what there is counts until the new base is there.

        Returns:
            The number of the process that does it.
        """

    def poll_rewrite(self) -> str | None:
        """What came of it, as of `poll_sync`. The new base counts from now on if nothing went wrong."""

    def stop_rewrite(self) -> None:
        """Give up what `start_rewrite` began."""


class System(Protocol):
    """The process that an engine lives in.

    Attributes:
        pid: process id.
        config_file: absolute path of the configuration file, or None.
        tcp_port: port that clients reach the server at, 0 if there is none.
        executable: absolute path of the program.
        io_backend: what serves the connections: `poller` or `streams`.
        disk: where the data is saved.
        append_files: where what commands do is written down.
    """

    pid: int
    config_file: str | None
    tcp_port: int
    executable: str
    io_backend: str
    disk: Disk
    append_files: AppendFiles

    def wall_clock_us(self) -> int:
        """Microseconds since 1970."""

    def monotonic(self) -> float:
        """Seconds of a clock that is never set, the one that deadlines are measured on."""

    def sleep(self, seconds: float) -> None:
        """Let the whole server stand still (DEBUG SLEEP)."""

    def memory(self) -> int:
        """Resident memory of the process, in bytes."""

    def peak_memory(self) -> int:
        """The most resident memory that the process ever had, in bytes."""

    def gather_small_objects(self) -> None:
        """Have small objects that are made from now on lie where most are, so that others' memory is given back."""

    def let_go_of_small_objects(self) -> None:
        """Give up the memory that is kept for the next small objects, wherever it lies."""

    def return_memory(self) -> None:
        """Give memory that is free within the process back to the system, as far as that can be done."""

    def total_memory(self) -> int:
        """Memory of the machine, in bytes."""

    def multiplexing(self) -> str:
        """What the connections are watched with (`epoll`)."""

    def cpu_seconds(self) -> tuple[float, float, float, float]:
        """System and user time of the process, then of its children."""

    def thread_cpu_seconds(self) -> tuple[float, float] | None:
        """System and user time of the thread that serves, None where the system does not tell."""

    def platform(self) -> str:
        """Operating system, release and machine, as `uname` has them: `Linux 6.1.0 x86_64`."""

    def read_file(self, path: str) -> str:
        """The text of a file; raises OSError."""

    def replace_file(self, path: str, text: str) -> None:
        """Put a text in the place of a file, whole or not at all; raises OSError."""

    def connect(self, host: str, port: str, timeout: float) -> Peer:
        """Connect to another server; `timeout` in seconds holds for this and each later step. Raises OSError."""

    def secret(self, digits: int) -> str:
        """So many hexadecimal digits that nobody can guess."""

    def stop(self) -> None:
        """Begin to shut the server down, as SIGTERM does."""

    def fail(self, problem: OSError) -> None:
        """Shut the server down, for it cannot do what it has promised."""
