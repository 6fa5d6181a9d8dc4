"""A connection to another server, for the command that waits for one: MIGRATE (`engine/system.Peer`)."""

import socket


class Peer:
    """A connection on which every step waits, no longer than `timeout` seconds; then it raises OSError."""

    def __init__(self, host: str, port: str, timeout: float) -> None:
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send all of this."""
        self._socket.sendall(data)

    def read_line(self) -> bytes:
        """The next line that comes, without its end."""
        line = self._lines.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the connection was closed")
        return line[:-2]

    def close(self) -> None:
        """Give the connection up."""
        self._lines.close()
        self._socket.close()
