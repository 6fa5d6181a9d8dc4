"""Who else may hold a port: servers in a thread of this process, on loopback."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

Handler = Callable[[bytes], bytes | None]
"""Makes the answer to what a client sends; None hangs up without one."""


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


@contextlib.contextmanager
def holding(
    host: str = "127.0.0.1", port: int = 0, *, listens: bool = True, reuse: bool = False, dual: bool = False
) -> Iterator[socket.socket]:
    """A TCP socket that is bound and, if it `listens`, takes connections that nobody accepts or answers."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        sock.bind((host, port))
        if listens:
            sock.listen(16)
        yield sock


@contextlib.contextmanager
def answering(
    handler: Handler | bytes, address: tuple[str, int] | Path = ("127.0.0.1", 0), *, hangs_up: bool = False
) -> Iterator[int]:
    """A server that answers as the handler says when something comes in, and then perhaps hangs up. Yields its port."""
    handle = handler if callable(handler) else lambda _: handler

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                while data := self.request.recv(65536):
                    answer = handle(data)
                    if answer is None:
                        return
                    self.request.sendall(answer)
                    if hangs_up:
                        return

    unix = isinstance(address, Path)

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer if unix else socketserver.TCPServer):
        daemon_threads = True
        address_family = socket.AF_UNIX if unix else socket.AF_INET6 if ":" in address[0] else socket.AF_INET

    with Server(str(address) if unix else address, Connection) as server, served(server):
        yield 0 if unix else server.server_address[1]


@contextlib.contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def info(**fields: object) -> bytes:
    """The reply of a server to INFO server."""
    text = "# Server\r\n" + "".join(f"{name}:{value}\r\n" for name, value in fields.items())
    return b"$%d\r\n%s\r\n" % (len(text), text.encode())


RESPSTORE = info(
    redis_version="7.0.15", respstore_version="0.1.0", process_id=1, tcp_port=6379, uptime_in_seconds=3 * 3600 + 59
)
