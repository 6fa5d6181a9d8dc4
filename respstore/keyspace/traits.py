"""What databases do besides keeping data, as long as somebody asks for it: their traits.

A trait is a subclass of Database that overrides methods, calls theirs, and adds no attribute. Databases have the traits
that were switched on; a plain one pays for none. What must stay true: a trait knows nothing of the others.
"""

from respstore.keyspace.database import Database, Keyspace


def set_trait(keyspace: Keyspace, trait: type[Database], *, on: bool, is_last: bool = False) -> None:
    """Give all databases of a keyspace a trait, or take it away from them.

    Args:
        keyspace: whose databases.
        trait: the subclass.
        on: whether to give it.
        is_last: what it does beside calling the others' methods comes after what they do.
    """
    kind = type(keyspace.databases[0])
    traits = [base for base in kind.__mro__ if base is not trait and Database in base.__bases__]
    if on:
        traits.insert(0 if is_last else len(traits), trait)
    if len(traits) > 1:
        kind = type("DatabaseWithTraits", tuple(traits), {"__slots__": ()})
    else:
        kind = traits[0] if traits else Database
    for db in keyspace.databases:
        db.__class__ = kind
