"""The data, and nothing but the data: no client, no socket, no clock. Start with `database.py`."""

from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.database import Database, Keyspace, ReadItems, Value
from respstore.keyspace.list import List
from respstore.keyspace.sorted_set import SortedSet

__all__ = ["Database", "Hash", "Keyspace", "List", "ReadItems", "Set", "SortedSet", "Value"]
