"""How a command lives: from the bytes of a client to a reply, without a socket.

Read `session.py` first, then `dispatch.py`, `command.py` and `waiting.py`.
"""

from typing import Final

REDIS_VERSION: Final = "7.0.15"
"""The release whose behaviour clients may expect: many decide by it which commands they dare to use."""
