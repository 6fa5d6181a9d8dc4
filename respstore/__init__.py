"""respstore: a server that speaks Redis's protocol, written in Python on trio."""

__version__ = "0.1.0"
