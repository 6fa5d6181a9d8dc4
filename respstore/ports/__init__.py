"""Ports: to listen on an address, to find a free one, and to say who holds a taken one.

    listening.py    sockets that listen on TCP and unix addresses, and free ports
    holders.py      who holds a taken address: asks it, and asks the system

A taken port is never a stack trace and never silent. All of this is synchronous: a server listens before its loop
runs, and `respstore.store` has no loop.
"""

from respstore.exceptions import Holder, HolderKind, PortInUseError
from respstore.ports.holders import who_holds
from respstore.ports.listening import get_free_port, get_socket_with_port, listen_tcp, listen_unix

__all__ = [
    "Holder",
    "HolderKind",
    "PortInUseError",
    "get_free_port",
    "get_socket_with_port",
    "listen_tcp",
    "listen_unix",
    "who_holds",
]
