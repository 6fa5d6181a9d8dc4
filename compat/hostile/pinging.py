"""How long a server lets others wait: a process of its own asks it PING, again and again.

    with pinging(port) as worst:
        ...
    assert worst() < 250    # ms

The clients that make the server busy must not hold up the one that watches, so it shares no interpreter with them.
"""

import contextlib
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from compat.servers import REPOSITORY

PAUSE = 0.005  # seconds between an answer and the next question


@contextlib.contextmanager
def pinging(port: int, password: str = "") -> Iterator[Callable[[], float]]:
    """Ask until the end of the block; what is given tells the longest wait in ms afterwards."""
    command = [sys.executable, "-m", "compat.hostile.pinging", str(port), password]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()  # it is connected
        answers: list[float] = []
        try:
            yield lambda: answers[0]
        finally:
            process.stdin.close()
            answers.append(float(process.stdout.read() or "inf"))


def main(port: int, password: str) -> None:
    """Ask until standard input is closed, then print the longest wait in ms."""
    worst = 0.0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if password:
            client.sendall(f"AUTH {password}\r\n".encode())
            client.recv(100)
        client.sendall(b"PING\r\n")
        client.recv(100)
        print("connected", flush=True)
        while not select.select([sys.stdin], [], [], PAUSE)[0]:  # at its end it is readable
            started = time.perf_counter()
            client.sendall(b"PING\r\n")
            answer = client.recv(100)
            worst = max(worst, time.perf_counter() - started)
            assert answer == b"+PONG\r\n", answer
    print(worst * 1000)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
