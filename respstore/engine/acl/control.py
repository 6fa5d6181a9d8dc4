"""Who may do what on one server: its users, the clients that are these users, and a log of what was denied.

A change of a user acts at once. Its clients' gates are set anew; who listens to a channel and may not any more is
disconnected, and so are the clients of users that are gone. What was queued in MULTI is checked once more when it runs.
A client that waits was permitted to when it came, and is served, as in Redis 7.0.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from respstore import errors
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.acl.describing import user_line
from respstore.engine.acl.failures import Failures
from respstore.engine.acl.log import LogEntry, SecurityLog
from respstore.engine.acl.rules import apply, change_user, check_name
from respstore.engine.acl.selector import Reason
from respstore.engine.acl.storage import Users, UsersFileError, config_line, parse_users, users_of_directives
from respstore.engine.acl.user import User, hash_password
from respstore.engine.client_line import client_line
from respstore.engine.command import Command
from respstore.engine.dispatch import RESTRICTED
from respstore.errors import RespError
from respstore.exceptions import ConfigError

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

logger = logging.getLogger("respstore")

DEFAULT_USER: Final = b"default"
"""Who every client is before it says who it is."""
_ALL_RIGHTS: Final = (b"on", b"nopass", b"~*", b"&*", b"+@all")
_NOT_PERMITTED: Final = {Reason.KEY: errors.ACL_NO_KEYS, Reason.CHANNEL: errors.ACL_NO_CHANNELS}
_NOT_FOR_SCRIPTS: Final = {
    Reason.COMMAND: errors.SCRIPT_NO_COMMAND,
    Reason.KEY: errors.SCRIPT_NO_KEYS,
    Reason.CHANNEL: errors.SCRIPT_NO_CHANNELS,
}
_TAKEN_AWAY: Final = {
    Reason.COMMAND: errors.ACL_COMMAND_TAKEN_AWAY,
    Reason.KEY: errors.ACL_KEY_TAKEN_AWAY,
    Reason.CHANNEL: errors.ACL_CHANNEL_TAKEN_AWAY,
}


class AccessControl:
    """The users of a server.

    Args:
        engine: whose clients they are.
        table: its commands.

    Attributes:
        catalogue: these, as rules name them.
        users: all users by name.
        default: the one that clients are at first.
        trusted: who torch clients are on ports where nobody needs a password; no client can become it.
        log: what was denied.
        failures: attempts to authenticate that failed.
    """

    def __init__(self, engine: "Engine", table: Mapping[str, Command]) -> None:
        self._engine = engine
        self._config = engine.config
        self.catalogue = Catalogue(table)
        self.trusted = self._make_user(b"(noauth)", _ALL_RIGHTS)
        self.default = self._make_default()
        self.users: Users = {DEFAULT_USER: self.default}
        self.log = SecurityLog(engine.config)
        self.failures = Failures()
        engine.config.on_change("requirepass", self._obey_requirepass)

    # Users

    def change(self, name: bytes, rules: Sequence[bytes], caller: "Session | None" = None) -> None:
        """Make or change a user; a wrong rule changes nothing. `caller` is who asks for it.

        Raises:
            RespError: the name or a rule is wrong.
        """
        check_name(name)
        user = self.users.get(name)
        changed = User(name, all_channels=self._all_channels) if user is None else user.copy()
        change_user(changed, rules, self.catalogue, all_channels=self._all_channels)
        if user is None:
            self.users[name] = changed
        else:
            user.become(changed)
            self._tell_clients(user, caller)

    def delete(self, names: Sequence[bytes], caller: "Session | None" = None) -> int:
        """Delete users, and disconnect their clients.

        Returns:
            How many there were.

        Raises:
            RespError: the default user is among them.
        """
        if DEFAULT_USER in names:
            raise RespError(errors.ACL_DEFAULT_STAYS)
        gone = [user for name in names if (user := self.users.pop(name, None)) is not None]
        self._disconnect(gone, caller)
        return len(gone)

    def lines(self) -> list[bytes]:
        """All users, by name, as the lines of a file."""
        return [user_line(self.users[name], self.catalogue) for name in sorted(self.users)]

    @property
    def _all_channels(self) -> bool:
        return self._config.acl_pubsub_default == "allchannels"

    def _make_user(self, name: bytes, rules: Iterable[bytes]) -> User:
        user = User(name)
        for rule in rules:
            apply(user, rule, self.catalogue, all_channels=False)
        return user

    def _make_default(self) -> User:
        """The default user, as far as no rule was given for it."""
        password = self._config.requirepass
        return self._make_user(DEFAULT_USER, (*_ALL_RIGHTS, b">" + password) if password else _ALL_RIGHTS)

    def _obey_requirepass(self) -> None:
        """CONFIG SET has changed the default user's password; its other passwords end with the old one."""
        for rule in (b"resetpass", b">" + self._config.requirepass if self._config.requirepass else b"nopass"):
            apply(self.default, rule, self.catalogue, all_channels=self._all_channels)

    # Clients

    def authenticate(self, session: "Session", name: bytes, password: bytes, command: bytes) -> None:
        """Let a client be a user from now on; `command` is the one that it uses for that.

        Raises:
            RespError: the name or the password is wrong, or the user is off; the client stays who it was.
        """
        hashed = hash_password(password)  # for a name that does not exist, too: it shall take the same time
        user = self.users.get(name)
        if user is None or not user.accepts(hashed):
            self.failures.add(session.host, self._engine.system.monotonic())
            session.last = self._engine.originals[command]
            self._note(session, Reason.AUTH, "toplevel", command, name)
            raise RespError(errors.WRONG_PASSWORD)
        session.log_in(user)

    def check(self, session: "Session", command: Command, args: Sequence[bytes]) -> None:
        """Refuse a request that the client's user may not run.

        Raises:
            RespError: it may not.
        """
        reason = self._denied(session, command, args, "toplevel" if session.transaction is None else "multi")
        if reason == Reason.COMMAND:
            raise errors.command_not_permitted(command.name)
        if reason is not None:
            raise RespError(_NOT_PERMITTED[reason])

    def check_queued(self, session: "Session", command: Command, args: Sequence[bytes]) -> None:
        """The same for a request that was permitted when it was queued, and now is to be run by EXEC."""
        reason = self._denied(session, command, args, "multi")
        if reason is not None:
            raise errors.permission_taken_away(_TAKEN_AWAY[reason])

    def check_in_script(self, session: "Session", command: Command, args: Sequence[bytes]) -> None:
        """The same for a command that a script of the client calls."""
        reason = self._denied(session, command, args, "lua")
        if reason is not None:
            raise RespError(_NOT_FOR_SCRIPTS[reason])

    def _denied(self, session: "Session", command: Command, args: Sequence[bytes], context: str) -> Reason | None:
        denial = session.user.denial(command, args)
        if denial is None:
            return None
        reason, place = denial
        what = command.name.encode() if reason == Reason.COMMAND else args[place]
        self._note(session, reason, context, what, session.user.name)
        return reason

    def _note(self, session: "Session", reason: Reason, context: str, what: bytes, name: bytes) -> None:
        self.log.add(LogEntry(reason, context, what, name, client_line(session), self._engine.keyspace.now))

    def _tell_clients(self, user: User, caller: "Session | None") -> None:
        """The permissions of a user have changed."""
        for session in list(self._engine.sessions.values()):
            if session.user is user:
                session.set_gate(RESTRICTED, on=user.is_restricted)
                if session.subscriptions is not None and not user.may_go_on_listening(session.subscriptions):
                    session.kill(caller)

    def _disconnect(self, users: Iterable[User], caller: "Session | None") -> None:
        gone = set(users)
        for session in list(self._engine.sessions.values()):
            if session.user in gone:
                session.user = self.default  # ... and hold nothing of the old one, for as long as the last reply takes
                session.kill(caller)

    # Files

    def load_at_start(self) -> None:
        """Take over the users that the configuration declares, or those of its `aclfile`.

        Raises:
            ConfigError: they make no sense, or there is no such file.
        """
        config = self._config
        if config.aclfile:
            if config.users:
                raise ConfigError(errors.ACL_TWO_PLACES, "aclfile", config.users[0].where)
            try:
                self.load()
            except RespError as error:
                raise ConfigError(error.text.removeprefix("ERR "), "aclfile", "aclfile") from None
        else:
            self._install(
                users_of_directives(config.users, self._make_default(), self.catalogue, all_channels=self._all_channels)
            )

    def load(self, caller: "Session | None" = None) -> None:
        """Take over the users of the `aclfile` in place of all that there are, and disconnect their clients.

        The default user's clients stay. If the file does not speak of that user, it is as without a file.

        Raises:
            RespError: there is no such file, or it has mistakes; nothing has changed.
        """
        name = self._file_name()
        try:
            text = self._engine.system.read_file(self._path(name))
        except OSError as error:
            raise errors.users_not_loaded(name, error.strerror or str(error)) from None
        try:
            users = parse_users(text, name, self.catalogue, all_channels=self._all_channels)
        except UsersFileError as error:
            logger.warning("the users of %s are not loaded: %s", name, error)
            raise RespError(f"ERR {error}") from None
        self._install(users, caller)

    def save(self) -> None:
        """Write all users into the `aclfile`.

        Raises:
            RespError: that is not possible.
        """
        name = self._file_name()
        text = b"".join(line + b"\n" for line in self.lines()).decode("utf-8", "surrogateescape")
        try:
            self._engine.system.replace_file(self._path(name), text)
        except OSError as error:
            logger.warning("cannot write the users into %s: %s", name, error)
            raise RespError(errors.ACL_NOT_SAVED) from None

    def config_lines(self) -> list[str]:
        """The users as lines of redis.conf; without those who stand in the `aclfile`, or are there anyway."""
        if self._config.aclfile:
            return []
        users = [self.users[name] for name in sorted(self.users)]
        lines = [config_line(user, self.catalogue) for user in users]
        known = config_line(self._make_default(), self.catalogue)
        return [line for line in lines if line != known]

    def _file_name(self) -> str:
        if not self._config.aclfile:
            raise RespError(errors.ACL_NO_FILE)
        return self._config.aclfile

    def _path(self, name: str) -> str:
        return str(PurePath(self._config.dir, name))

    def _install(self, users: Users, caller: "Session | None" = None) -> None:
        gone = [user for user in self.users.values() if user is not self.default]
        self.default.become(users.get(DEFAULT_USER) or self._make_default())
        self.users = {**users, DEFAULT_USER: self.default}
        self._tell_clients(self.default, caller)
        self._disconnect(gone, caller)
