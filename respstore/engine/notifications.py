"""Keyspace notifications: events of keys as messages on channels (notify-keyspace-events)."""

from respstore.config import Config
from respstore.engine.channels import Channels
from respstore.keyspace import Keyspace
from respstore.keyspace.notifying import CLASSES, notify_of_events

ALL = "g$lshzxetd"
"""The classes that the letter A stands for."""


class Notifications:
    """Publishes the events that the configuration asks for.

    Args:
        config: whose notify-keyspace-events counts, now and when it changes.
        keyspace: where the events come from.
        channels: where they go.
    """

    __slots__ = ("_channels", "_config", "_keyspace", "_wanted", "_with_event_channels", "_with_key_channels")

    def __init__(self, config: Config, keyspace: Keyspace, channels: Channels) -> None:
        self._config = config
        self._keyspace = keyspace
        self._channels = channels
        self._wanted: frozenset[str] = frozenset()
        self._with_key_channels = self._with_event_channels = False
        config.on_change("notify-keyspace-events", self._configure)
        self._configure()

    def _configure(self) -> None:
        letters = set(self._config.notify_keyspace_events)
        if "A" in letters:
            letters |= set(ALL)
        self._wanted = frozenset(event for event, letter in CLASSES.items() if letter in letters)
        self._with_key_channels = "K" in letters
        self._with_event_channels = "E" in letters
        is_on = self._wanted and (self._with_key_channels or self._with_event_channels)
        notify_of_events(self._keyspace, self._notify if is_on else None)

    def _notify(self, index: int, key: bytes, event: str) -> None:
        if event in self._wanted:
            name = event.encode()
            if self._with_key_channels:
                self._channels.publish(b"__keyspace@%d__:%b" % (index, key), name)
            if self._with_event_channels:
                self._channels.publish(b"__keyevent@%d__:%b" % (index, name), key)
