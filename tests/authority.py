"""A certificate authority that lives as long as a test: nothing of it is in the repository."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Makes certificates, as files in a folder.

    Args:
        folder: where they are written; it may hold those of one authority.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.certificate = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.certificate)

    def issue(self, name: str) -> tuple[Path, Path]:
        """The files of a new certificate for this machine, and of its key."""
        issued = self._authority.issue_cert("localhost", "127.0.0.1", key_type=trustme.KeyType.ECDSA)
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return certificate, key

    def options(self, port: int) -> dict[str, object]:
        """Options of a server that speaks TLS at a port and asks clients for no certificates."""
        certificate, key = self.issue("server")
        return {
            "tls_port": port,
            "tls_cert_file": str(certificate),
            "tls_key_file": str(key),
            "tls_ca_cert_file": str(self.certificate),
            "tls_auth_clients": "no",
        }

    def client(self, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """How a client connects that trusts this authority, and has a certificate if one is given."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if certificate is not None:
            context.load_cert_chain(*certificate)
        return context
