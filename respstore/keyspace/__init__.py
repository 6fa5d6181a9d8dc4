"""The data, and nothing but the data: no client, no socket, no clock. Start with `database.py`."""

from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.database import Database, Keyspace, Value

__all__ = ["Database", "Hash", "Keyspace", "Set", "Value"]
