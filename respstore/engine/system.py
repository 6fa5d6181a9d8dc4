"""What the engine needs from the machine it runs on. `server/` gives the real thing, tests a fake one."""

from typing import Protocol


class System(Protocol):
    """The process that an engine lives in.

    Attributes:
        pid: process id.
        config_file: absolute path of the configuration file, or None.
        tcp_port: port that clients reach the server at, 0 if there is none.
        executable: absolute path of the program.
        io_backend: what serves the connections: `poller` or `streams`.
    """

    pid: int
    config_file: str | None
    tcp_port: int
    executable: str
    io_backend: str

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

    def secret(self, digits: int) -> str:
        """So many hexadecimal digits that nobody can guess."""

    def stop(self) -> None:
        """Begin to shut the server down, as SIGTERM does."""
