"""respstore: a server that speaks Redis's protocol, written in Python on trio."""

__version__ = "0.1.0"

from respstore.server.serve import Address, serve

__all__ = ["Address", "__version__", "serve"]
