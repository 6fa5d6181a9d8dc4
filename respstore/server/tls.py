"""TLS: what the options `tls-...` ask for, and the handshake with each client that comes to `tls-port`.

The options make an `ssl.SSLContext` each time that one of them changes, so that a certificate is renewed by CONFIG SET
(to the same name, even) without a restart. Clients that are connected keep what they have; a file that is no good
changes nothing, and the error says why.
"""

import logging
import socket
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import trio

from respstore.config import Config
from respstore.exceptions import ConfigError

Stream = trio.SSLStream[trio.SocketStream]

logger = logging.getLogger("respstore")

HANDSHAKE_SECONDS: Final = 10.0
"""How long a client may take to prove who it is."""

OPTIONS: Final = (
    *(
        "tls-cert-file",
        "tls-key-file",
        "tls-key-file-pass",
        "tls-ca-cert-file",
        "tls-ca-cert-dir",
        "tls-dh-params-file",
    ),
    *("tls-auth-clients", "tls-protocols", "tls-ciphers", "tls-prefer-server-ciphers"),
)
_DEMANDS: Final = {"no": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "yes": ssl.CERT_REQUIRED}
_VERSIONS: Final = {
    "tlsv1": ssl.TLSVersion.TLSv1,
    "tlsv1.1": ssl.TLSVersion.TLSv1_1,
    "tlsv1.2": ssl.TLSVersion.TLSv1_2,
    "tlsv1.3": ssl.TLSVersion.TLSv1_3,
}
_USUAL_VERSIONS: Final = "TLSv1.2 TLSv1.3"


class TLS:
    """What a server needs to speak TLS.

    Args:
        config: its options.
        serve: what to do with the stream of a client that has shaken hands.
    """

    def __init__(self, config: Config, serve: Callable[[Stream], None]) -> None:
        self._config = config
        self._serve = serve
        self._context: ssl.SSLContext | None = None
        self._nursery: trio.Nursery | None = None

    def load(self) -> None:
        """Take over what the options say, if there is a port for TLS.

        Raises:
            ConfigError: they do not go together, or a file is no good; what was loaded before stays.
        """
        self._context = make_context(self._config) if self._config.tls_port else None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Shake hands with whoever is to be welcomed, until cancelled."""
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None

    def __len__(self) -> int:
        """How many clients are shaking hands."""
        return 0 if self._nursery is None else len(self._nursery.child_tasks)

    def welcome(self, sock: socket.socket) -> None:
        """Shake hands with a client, whose accepted, non-blocking socket this is; it is closed if that fails."""
        if self._nursery is None or self._context is None:
            sock.close()
        else:
            self._nursery.start_soon(self._shake_hands, sock, self._context)

    async def _shake_hands(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        transport = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        stream = trio.SSLStream(transport, context, server_side=True, https_compatible=True)
        is_done = False
        try:
            with trio.fail_after(HANDSHAKE_SECONDS):
                await stream.do_handshake()
            is_done = True
        except trio.TooSlowError:
            logger.info("closing a connection: no TLS handshake within %.0f s", HANDSHAKE_SECONDS)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            logger.info("closing a connection: no TLS handshake: %s", error.__cause__ or "it ended")
        finally:
            if not is_done:
                transport.socket.close()
        if is_done:
            self._serve(stream)


def make_context(config: Config) -> ssl.SSLContext:
    """What the options say, for the module `ssl`.

    Raises:
        ConfigError: they do not go together, or a file is no good.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_certificate(context, config)
    _load_authorities(context, config)
    _choose_versions(context, config.tls_protocols or _USUAL_VERSIONS)
    if config.tls_ciphers:
        _try(context.set_ciphers, config.tls_ciphers, option="tls-ciphers", what="no such cipher")
    if not config.tls_prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if config.tls_dh_params_file:
        path = _readable(config.tls_dh_params_file, "tls-dh-params-file", config)
        _try(context.load_dh_params, path, option="tls-dh-params-file", what=f"{path} has no DH parameters")
    return context


def _load_certificate(context: ssl.SSLContext, config: Config) -> None:
    for option, name in (("tls-cert-file", config.tls_cert_file), ("tls-key-file", config.tls_key_file)):
        if not name:
            raise ConfigError(f"No {option} configured!", option)
    certificate = _readable(config.tls_cert_file, "tls-cert-file", config)
    key = _readable(config.tls_key_file, "tls-key-file", config)
    # A password is given always, or OpenSSL would ask for it on the terminal where the key has one.
    what = f"{key} is no private key of the certificate in {certificate}"
    _try(context.load_cert_chain, certificate, key, lambda: config.tls_key_file_pass, option="tls-key-file", what=what)


def _load_authorities(context: ssl.SSLContext, config: Config) -> None:
    context.verify_mode = _DEMANDS[config.tls_auth_clients]
    file, folder = config.tls_ca_cert_file, config.tls_ca_cert_dir
    if not file and not folder:
        if config.tls_auth_clients != "no":
            raise ConfigError(
                "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is enabled!",
                "tls-auth-clients",
            )
        return
    file = _readable(file, "tls-ca-cert-file", config) if file else ""
    folder = str(Path(config.dir, folder)) if folder else ""
    what = f"{file or folder} has no certificates of an authority"
    _try(context.load_verify_locations, file or None, folder or None, option="tls-ca-cert-file", what=what)


def _choose_versions(context: ssl.SSLContext, words: str) -> None:
    names = words.lower().split()
    if not names or not set(names) <= _VERSIONS.keys():
        raise ConfigError(
            "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.",
            "tls-protocols",
        )
    versions = [version for name, version in _VERSIONS.items() if name in names]
    if versions[-1] - versions[0] >= len(versions):
        raise ConfigError("the tls-protocols must follow one another", "tls-protocols")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # who asks for old ones knows that
        context.minimum_version, context.maximum_version = versions[0], versions[-1]


def _readable(name: str, option: str, config: Config) -> str:
    """The path of a file; ssl would not say which of them cannot be read."""
    path = Path(config.dir, name)
    try:
        path.open("rb").close()
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}", option) from None
    return str(path)


def _try(load: Callable[..., Any], *args: object, option: str, what: str) -> None:
    try:
        load(*args)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(f"{what} ({getattr(error, 'reason', None) or error})", option) from None
