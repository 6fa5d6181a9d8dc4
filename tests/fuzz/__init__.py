"""Hostile bytes, and what must stay true whatever they are. `make fuzz` runs this; see __main__.py.

The head of each target says its invariant: `parsing.py` (the request parser), `sessions.py` (sessions of an engine),
`servers.py` (a server process on loopback). A case is a list of steps, made of nothing but a seed and a number, and
plain data: what fails is made smaller until every step and every byte of it matters, and printed as Python.
"""
