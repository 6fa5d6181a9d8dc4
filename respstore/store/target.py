"""Where a Store's data is: URLs as redis-py takes them, and what to say to a server when a connection begins.

    redis://[[user]:password@]host[:port][/db]      TCP
    rediss://...                                    TLS
    unix://[[user]:password@]/path[?db=0]           a unix socket

Options go behind a `?`, with redis-py's names: db, username, password, client_name, and for TLS ssl_cert_reqs (none,
optional, required), ssl_check_hostname, ssl_ca_certs, ssl_ca_path, ssl_certfile, ssl_keyfile, ssl_password.
"""

import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import attrs

from respstore.errors import display_address

DEFAULT_PORT: Final = 6379

SCHEMES: Final = {"redis": False, "rediss": True, "unix": False}
"""Whether there is TLS."""

OPTIONS: Final = {"db", "username", "password", "client_name"}
TLS_OPTIONS: Final = {
    "ssl_cert_reqs",
    "ssl_check_hostname",
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_password",
}


@attrs.frozen
class Node:
    """The address of a server; `port` is None for a unix socket, whose path is `host`."""

    host: str
    port: int | None

    def __str__(self) -> str:
        return display_address(self.host, self.port)


@attrs.frozen
class Target:
    """A URL, read.

    `tls` holds the options of TLS by name, and is None where there is none.
    """

    url: str
    node: Node
    db: int = 0
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    client_name: str | None = None
    tls: Mapping[str, str] | None = None

    @property
    def display_url(self) -> str:
        """The URL without its passwords."""
        parts = urlsplit(self.url)
        address = parts.netloc.rpartition("@")[2]
        if parts.username:
            address = f"{parts.username}:***@{address}"
        elif self.password is not None:
            address = f":***@{address}"
        return f"{parts.scheme}://{address}{parts.path}"

    def greeting(self) -> list[tuple[str, ...]]:
        """The commands to begin a connection with; the answer to each is OK."""
        commands: list[tuple[str, ...]] = []
        if self.password is not None:
            commands.append(("AUTH", *([self.username] if self.username else []), self.password))
        if self.client_name is not None:
            commands.append(("CLIENT", "SETNAME", self.client_name))
        if self.db:
            commands.append(("SELECT", str(self.db)))
        return commands

    def tls_context(self) -> ssl.SSLContext | None:
        """How to make TLS of a connection; None where there is none.

        Raises:
            OSError: a file with certificates cannot be read.
        """
        if self.tls is None:
            return None
        context = ssl.create_default_context()
        demands = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
        demand = demands[self.tls.get("ssl_cert_reqs", "required")]
        checks_name = self.tls.get("ssl_check_hostname", "true").lower() not in ("false", "no", "0", "f", "n")
        context.check_hostname = checks_name and demand != ssl.CERT_NONE
        context.verify_mode = demand
        if "ssl_ca_certs" in self.tls or "ssl_ca_path" in self.tls:
            context.load_verify_locations(self.tls.get("ssl_ca_certs"), self.tls.get("ssl_ca_path"))
        if "ssl_certfile" in self.tls:
            context.load_cert_chain(self.tls["ssl_certfile"], self.tls.get("ssl_keyfile"), self.tls.get("ssl_password"))
        return context


def parse_url(url: str) -> Target:
    """Read a URL.

    Raises:
        ValueError: it is none of the forms above; the text says what is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        forms = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"the URL of a store starts with one of {forms}: {url!r}")
    is_tls = SCHEMES[parts.scheme]
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    known = OPTIONS | (TLS_OPTIONS if is_tls else set())
    for name in options:
        if name not in known:
            raise ValueError(f"unknown option {name!r} in the URL of a store; known are {', '.join(sorted(known))}")
    if options.get("ssl_cert_reqs", "none") not in ("none", "optional", "required"):
        raise ValueError("ssl_cert_reqs is one of none, optional, required")
    if parts.scheme == "unix":
        path = unquote(parts.path)
        if not path:
            raise ValueError(f"the URL of a unix socket has its path behind three slashes, unix:///run/x.sock: {url!r}")
        node = Node(path, None)
        db = options.get("db", "0")
    else:
        port = parts.port  # raises ValueError where it is no port
        node = Node(unquote(parts.hostname or "localhost"), DEFAULT_PORT if port is None else port)
        db = options.get("db") or unquote(parts.path).strip("/") or "0"
    if not db.isascii() or not db.isdigit():
        raise ValueError(f"the database of a store is a number, not {db!r}")
    return Target(
        url=url,
        node=node,
        db=int(db),
        username=unquote(parts.username) if parts.username else options.get("username"),
        password=unquote(parts.password) if parts.password else options.get("password"),
        client_name=options.get("client_name"),
        tls={name: value for name, value in options.items() if name in TLS_OPTIONS} if is_tls else None,
    )
