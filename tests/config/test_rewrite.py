"""CONFIG REWRITE: the file stays the user's, and says what holds."""

from pathlib import Path

import pytest

from respstore.config import Config
from respstore.config.rewrite import MARKER, rewrite

FILE = """\
# Mine.

port 7000
  timeout    5
# twice
timeout 6
include /etc/respstore/*.conf
slave-priority 50
loglevel "verbose"

client-output-buffer-limit normal 1kb 1 1
client-output-buffer-limit pubsub 2 2 2
nonsense that was there
requirepass "unbalanced
# the end
"""


@pytest.fixture
def config() -> Config:
    config = Config.from_text(
        "\n".join(line for line in FILE.splitlines() if not line.startswith(("include", "nonsense", "requirepass")))
    )
    config.dir = None  # no file names it here, and where tests run is nobody's business
    return config


def test_nothing_changes_while_nothing_has_changed(config: Config) -> None:
    assert rewrite(FILE, config) == FILE


def test_a_changed_option_keeps_its_place(config: Config) -> None:
    config.change([("timeout", "9"), ("loglevel", "debug"), ("replica-priority", "51")])
    expected = FILE.replace("  timeout    5", "timeout 9").replace("timeout 6\n", "")
    expected = expected.replace('loglevel "verbose"', "loglevel debug").replace(
        "slave-priority 50", "replica-priority 51"
    )
    assert rewrite(FILE, config) == expected


def test_lines_that_add_up_become_one(config: Config) -> None:
    config.change([("client-output-buffer-limit", "normal 3 3 3")])
    lines = rewrite(FILE, config).splitlines()
    expected = "client-output-buffer-limit normal 3 3 3 slave 268435456 67108864 60 pubsub 2 2 2"
    assert [line for line in lines if line.startswith("client-output")] == [expected]


def test_users_take_the_places_of_users(config: Config) -> None:
    text = FILE.replace("# twice\n", "# twice\nuser alice on\nuser bob off\n")
    assert rewrite(text, config, ["user carol on", "user dave on"]) == text.replace("alice on", "carol on").replace(
        "bob off", "dave on"
    )
    assert rewrite(text, config, ["user carol on"]) == FILE.replace("# twice\n", "# twice\nuser carol on\n")
    assert rewrite(text, config) == FILE
    assert rewrite(FILE, config, ["user carol on"]) == f"{FILE}\n{MARKER}\nuser carol on\n"


def test_an_option_back_at_its_default_is_still_written(config: Config) -> None:
    config.change([("timeout", "0")])
    assert "\ntimeout 0\n" in rewrite(FILE, config)


def test_what_the_file_never_said_is_appended_under_the_marker(config: Config) -> None:
    config.change([("maxclients", "5"), ("masterauth", 'a "b\n')])
    assert rewrite(FILE, config) == f'{FILE}\n{MARKER}\nmaxclients 5\nmasterauth "a \\"b\\n"\n'


def test_the_marker_stands_once(config: Config) -> None:
    config.change([("maxclients", "5")])
    once = rewrite(FILE, config)
    assert rewrite(once, config) == once
    config.change([("maxclients", "6"), ("hz", "20")])
    again = rewrite(once, config)
    assert again.count(MARKER) == 1
    assert again.endswith("maxclients 6\nhz 20\n")


def test_an_empty_value_of_several_words(config: Config) -> None:
    config.change([("latency-tracking-info-percentiles", "")])
    assert '\nlatency-tracking-info-percentiles ""\n' in rewrite("", config)


def test_a_rewritten_file_says_the_same() -> None:
    config = Config.from_text("")
    config.on_change("oom-score-adj-values", lambda: None)
    changes = [
        ("requirepass", "\udcff é\x00'\""),
        ("client-output-buffer-limit", "normal 1 2 3"),
        ("latency-tracking-info-percentiles", "50 99.5"),
        ("oom-score-adj-values", "1 2 3"),
        ("shutdown-on-sigterm", "nosave now"),
        ("maxclients", "5"),
        ("protected-mode", "no"),
        ("hash-max-ziplist-value", "1kb"),
    ]
    config.change(changes)
    again = Config.from_text(rewrite("", config))
    assert {name: again.get_text(name) for name in again.names()} == {
        name: config.get_text(name) for name in config.names()
    }


def test_the_directory_is_written_as_it_depends_on_where_the_server_runs(tmp_path: Path) -> None:
    config = Config()
    config.dir = str(tmp_path)
    assert rewrite("", config) == f"\n{MARKER}\ndir {tmp_path}\n"


def test_everything_is_written_on_request() -> None:
    config = Config()
    config.timeout = 7
    text = rewrite("", config, everything=True)
    read = Config.from_text(text)
    assert all(read.get_text(name) == config.get_text(name) for name in config.names())
    assert "timeout 7\n" in text
    assert "tcp-backlog 511\n" in text
    assert rewrite(text, config, everything=True) == text
