"""trio, sockets, signals: what carries bytes between clients and the engine. Start with `serve.py`."""
