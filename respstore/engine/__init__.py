"""How a command lives: from the bytes of a client to a reply, without a socket.

Read `session.py` first, then `dispatch.py`, `command.py` and `waiting.py`.
"""
