"""What waits or compares, on a respstore: BGET, BEXISTS and CAS, one round trip each.

A stock server answers these as unknown commands, before it has done anything; the store goes on with portable.py then.
"""

from typing import Any

from hiredis import ReplyError

from respstore.errors import StoreError
from respstore.store.connection import pack
from respstore.store.link import Link

Name = str | bytes
"""A key as the server has it, the store's prefix included."""


class UnknownCommandError(Exception):
    """The server has no such command: it is no respstore."""


class Native:
    """A store's operations on a respstore."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def fetch(self, names: list[Name], limit: float) -> list[bytes] | None:
        """Wait until all keys exist.

        Args:
            names: the keys.
            limit: seconds; more than 0.

        Returns:
            Their values; None when the time is over.
        """
        values: list[bytes] | None = self._wait("BGET", names, limit)
        return values

    def wait(self, names: list[Name], limit: float) -> bool:
        """Wait until all keys exist, of any type.

        Args:
            names: the keys.
            limit: seconds; more than 0.

        Returns:
            Whether they do.
        """
        return self._wait("BEXISTS", names, limit) is not None

    def look(self, names: list[Name], limit: float, *, values: bool) -> tuple[list[bytes], list[Name]]:
        """See at one moment what there is.

        Returns:
            The values, where they are asked for and all keys exist, and the keys that do not.
        """
        request = [pack(("MULTI",))]
        if values:
            request.append(pack(("BGET", *names, "1")))  # in a transaction it does not wait
        request.extend(pack(("EXISTS", name)) for name in names)
        request.append(pack(("EXEC",)))
        replies = self._link.call(b"".join(request), limit, repeatable=True, commands=len(request))
        results = [answer(reply) for reply in replies][-1]  # EXEC's
        found = answer(results[0]) if values else None
        exist = results[1:] if values else results
        return found or [], [name for name, exists in zip(names, exist, strict=True) if not exists]

    def compare_set(self, name: Name, expected: Name, desired: Name, limit: float) -> bytes:
        """Set a key to `desired` if it holds `expected`, or if that is empty and there is no key.

        Returns:
            The value afterwards; `expected` if there is no key.
        """
        request = pack(("CAS", name, expected, desired))
        value: bytes = answer(self._link.call(request, limit, repeatable=expected == desired))
        return value

    def _wait(self, command: str, names: list[Name], limit: float) -> Any:
        def packed(left: float) -> bytes:
            return pack((command, *names, seconds(left)))

        return answer(self._link.call(packed(limit), limit, repeatable=True, repack=packed))


def seconds(limit: float) -> str:
    """A time limit as commands take it, where 0 stands for ever."""
    return "0" if limit == float("inf") else f"{limit:.6f}"


def answer(reply: Any) -> Any:
    """A reply that is no error.

    Raises:
        UnknownCommandError: the server does not know the command.
        StoreError: any other error.
    """
    if reply.__class__ is ReplyError:
        text = str(reply)
        if text.startswith("ERR unknown command"):
            raise UnknownCommandError(text)
        raise StoreError(text)
    return reply
