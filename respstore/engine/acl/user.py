"""A user: who it is is proved by a password, what it may do its selectors say."""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest

from respstore.engine.acl.selector import Denial, Reason, Selector
from respstore.engine.channels import Subscriptions
from respstore.engine.command import Command


class User:
    """What is known of a user.

    Attributes:
        name: as clients say it.
        is_on: it can be authenticated.
        needs_no_password: any will do.
        passwords: SHA-256 of each, in hexadecimal digits.
        sanitizes: whether RESTORE shall look closely at what this user brings, as far as a rule has said so.
        selectors: the root selector, which rules change one by one, and others; a request needs one that permits it.
    """

    __slots__ = ("is_on", "name", "needs_no_password", "passwords", "sanitizes", "selectors")

    def __init__(self, name: bytes, *, all_channels: bool = False) -> None:
        """A user that may not do anything, and is off."""
        self.name = name
        self.is_on = False
        self.needs_no_password = False
        self.passwords: list[bytes] = []
        self.sanitizes: bool | None = None
        self.selectors = [Selector(all_channels=all_channels)]

    def copy(self) -> "User":
        """The same under the same name, to be changed apart."""
        other = User(self.name)
        other.become(self)
        return other

    def become(self, other: "User") -> None:
        """Have all that another one has, but for its name."""
        self.is_on = other.is_on
        self.needs_no_password = other.needs_no_password
        self.passwords = list(other.passwords)
        self.sanitizes = other.sanitizes
        self.selectors = [selector.copy() for selector in other.selectors]

    @property
    def root(self) -> Selector:
        """The selector that rules outside of parentheses change."""
        return self.selectors[0]

    # Authentication

    @property
    def is_let_in(self) -> bool:
        """Whether a client need not authenticate to be this user, if it is the default user."""
        return self.is_on and self.needs_no_password

    def accepts(self, hashed: bytes) -> bool:
        """Whether a password, hashed, proves that a client is this user.

        How long that takes tells nothing of how much of the password was right, nor which of several.
        """
        if self.needs_no_password:
            return self.is_on
        matching = [compare_digest(hashed, password) for password in self.passwords]
        return self.is_on and any(matching)

    # Permissions

    @property
    def is_restricted(self) -> bool:
        """Whether there may be something that this user may not do."""
        return all(selector.is_restricted for selector in self.selectors)

    def denial(self, command: Command, args: Sequence[bytes]) -> Denial | None:
        """Why this user may not run a request, or None if it may.

        Args:
            command: its command, or the subcommand.
            args: the whole request.
        """
        denial = Denial(Reason.COMMAND, 0)
        for selector in self.selectors:
            found = selector.denial(command, args)
            if found is None:
                return None
            denial = max(denial, found)
        return denial

    def may_touch_all(self, command: Command, args: Sequence[bytes], access: int, prefix: bytes = b"") -> bool:
        """Whether this user may run a request that touches all keys that begin with a prefix.

        Args:
            command, args: as of `denial`.
            access: what is done to the keys: READ, WRITE or FULL.
            prefix: of their names; all keys have the empty one.
        """
        return any(
            selector.denial(command, args) is None and selector.permits_prefix(prefix, access)
            for selector in self.selectors
        )

    def may_go_on_listening(self, subscriptions: Subscriptions) -> bool:
        """Whether this user may listen to all that a client listens to."""
        channels = (*subscriptions.channels, *subscriptions.shard_channels)
        return all(self._may_hear(name, is_pattern=False) for name in channels) and all(
            self._may_hear(name, is_pattern=True) for name in subscriptions.patterns
        )

    def _may_hear(self, name: bytes, *, is_pattern: bool) -> bool:
        return any(selector.permits_channel(name, is_pattern=is_pattern) for selector in self.selectors)


def hash_password(password: bytes) -> bytes:
    """How a password is kept: SHA-256, in hexadecimal digits."""
    return sha256(password).hexdigest().encode()
