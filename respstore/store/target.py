"""Where a Store's data is: URLs as redis-py takes them, and what to say to a server when a connection begins.

    redis://[[user]:password@]host[:port][/db]      TCP
    unix://[[user]:password@]/path[?db=0]           a unix socket
    redis+sentinel://host:port,host:port/service[/db]   the master of a service, as its sentinels say
    redis+cluster://host:port,host:port             a cluster; some of its nodes

With rediss in the place of redis there is TLS. User and password are those of the data's servers; sentinels that want
some have them from the options sentinel_username and sentinel_password.

Options go behind a `?`, with redis-py's names: db, username, password, client_name, and for TLS ssl_cert_reqs (none,
optional, required), ssl_check_hostname, ssl_ca_certs, ssl_ca_path, ssl_certfile, ssl_keyfile, ssl_password. One is our
own: namespace, that each connection joins (C10D JOIN), so that what begins with it and a `/` goes some time after the
last connection is gone. On a server that is no respstore it does nothing.
"""

import enum
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import attrs

from respstore.exceptions import display_address

DEFAULT_PORT: Final = 6379

SENTINEL_PORT: Final = 26379


class Mode(enum.Enum):
    """Who tells where the data is."""

    SERVER = ""
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


SCHEMES: Final = {f"{scheme}+{mode.value}".rstrip("+"): mode for mode in Mode for scheme in ("redis", "rediss")} | {
    "unix": Mode.SERVER
}

OPTIONS: Final = {"db", "username", "password", "client_name", "namespace"}
SENTINEL_OPTIONS: Final = {"sentinel_username", "sentinel_password"}
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

    Attributes:
        url: the URL.
        nodes: the servers that it names: the one, the sentinels, or some of a cluster.
        mode: what they are.
        service: what the sentinels watch over.
        db, username, password, client_name, namespace: what a connection to the data begins with.
        sentinel_username, sentinel_password: what one to a sentinel begins with.
        tls: the options of TLS by name, None where there is none.
    """

    url: str
    nodes: tuple[Node, ...]
    mode: Mode = Mode.SERVER
    service: str = ""
    db: int = 0
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    client_name: str | None = None
    namespace: str | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = attrs.field(default=None, repr=False)
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
        """The commands to begin a connection with; the answer to each is OK, but for C10D where it is unknown."""
        commands = credentials(self.username, self.password)
        if self.client_name is not None:
            commands.append(("CLIENT", "SETNAME", self.client_name))
        if self.db:
            commands.append(("SELECT", str(self.db)))
        if self.namespace is not None:
            commands.append(("C10D", "JOIN", self.namespace))
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


def credentials(username: str | None, password: str | None) -> list[tuple[str, ...]]:
    """The command that says who one is, if a password is known."""
    if password is None:
        return []
    return [("AUTH", username, password) if username else ("AUTH", password)]


@lru_cache(maxsize=16)
def parse_url(url: str) -> Target:
    """Read a URL; quickly, if it was among the last few.

    Raises:
        ValueError: it is none of the forms above; the text says what is wrong.
    """
    shown = repr(_without_password(url))
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"{error}: {shown}") from None
    if parts.scheme not in SCHEMES:
        forms = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"the URL of a store starts with one of {forms}: {shown}")
    mode, is_tls = SCHEMES[parts.scheme], parts.scheme.startswith("rediss")
    options = _options(parts.query, mode, is_tls)
    path, service = unquote(parts.path), ""
    if parts.scheme == "unix":
        if not path:
            raise ValueError(f"the URL of a unix socket has its path behind three slashes, unix:///run/x.sock: {shown}")
        nodes: tuple[Node, ...] = (Node(path, None),)
        path = ""
    else:
        nodes = _nodes(parts.netloc.rpartition("@")[2], SENTINEL_PORT if mode is Mode.SENTINEL else DEFAULT_PORT)
        if mode is Mode.SENTINEL:
            service, _, path = path.lstrip("/").partition("/")
            if not service:
                raise ValueError(f"the URL names no service, as in redis+sentinel://host:port/service: {shown}")
        elif mode is Mode.SERVER and len(nodes) > 1:
            raise ValueError(f"several servers are redis+sentinel:// or redis+cluster://: {shown}")
    db = options.get("db") or path.strip("/") or "0"
    if not db.isascii() or not db.isdigit():
        raise ValueError(f"the database of a store is a number, not {db!r}")
    if mode is Mode.CLUSTER and int(db):
        raise ValueError(f"a cluster has no databases beside 0: {shown}")
    return Target(
        url=url,
        nodes=nodes,
        mode=mode,
        service=service,
        db=int(db),
        username=unquote(parts.username) if parts.username else options.get("username"),
        password=unquote(parts.password) if parts.password else options.get("password"),
        client_name=options.get("client_name"),
        namespace=options.get("namespace"),
        sentinel_username=options.get("sentinel_username"),
        sentinel_password=options.get("sentinel_password"),
        tls={name: value for name, value in options.items() if name in TLS_OPTIONS} if is_tls else None,
    )


def _options(query: str, mode: Mode, is_tls: bool) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    known = OPTIONS | (TLS_OPTIONS if is_tls else set()) | (SENTINEL_OPTIONS if mode is Mode.SENTINEL else set())
    for name in options:
        if name not in known:
            raise ValueError(f"unknown option {name!r} in the URL of a store; known are {', '.join(sorted(known))}")
    if options.get("ssl_cert_reqs", "none") not in ("none", "optional", "required"):
        raise ValueError("ssl_cert_reqs is one of none, optional, required")
    return options


def _nodes(hosts: str, port: int) -> tuple[Node, ...]:
    """`host:port,host:port`; a missing port is `port`."""
    nodes = []
    for host in hosts.split(","):
        try:
            parts = urlsplit(f"//{host}")
            node = Node(unquote(parts.hostname or "localhost"), port if parts.port is None else parts.port)
        except ValueError:
            node = None
        if node is None or not node.port:
            raise ValueError(f"a server is host:port, with a port from 1 to 65535, not {host!r}")
        nodes.append(node)
    return tuple(nodes)


def _without_password(url: str) -> str:
    """A URL as an error shows it, whatever is wrong with it."""
    scheme, separator, rest = url.partition("://")
    credentials, at, address = rest.rpartition("@")
    return f"{scheme}{separator}{'***' if credentials else ''}{at}{address.partition('?')[0]}"
