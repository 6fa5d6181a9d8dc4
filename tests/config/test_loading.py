"""What files make of the options, and what is said of a mistake."""

from pathlib import Path

import pytest

from respstore.config import Config
from respstore.config.loading import Loader
from respstore.exceptions import ConfigError


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        Config.from_text(text)
    return str(error.value)


# A file


def test_values_are_attributes() -> None:
    config = Config.from_text(
        'port 7000\nbind 127.0.0.1 ::1\nrequirepass "a b"\nproto-max-bulk-len 1mb\nprotected-mode no\n'
        "unixsocketperm 700\nclient-output-buffer-limit pubsub 1 2 3\n"
    )
    assert config.port == 7000
    assert config.bind == ("127.0.0.1", "::1")
    assert config.requirepass == b"a b"
    assert config.proto_max_bulk_len == 1024**2
    assert config.protected_mode is False
    assert config.unixsocketperm == 0o700
    assert config.client_output_buffer_limit.pubsub == (1, 2, 3)
    assert config.client_output_buffer_limit.normal == (0, 0, 0)
    assert config.get_text("unixsocketperm") == "700"


def test_the_last_line_counts() -> None:
    assert Config.from_text("timeout 5\nTIMEOUT 6\n").timeout == 6


def test_both_names_are_one_option() -> None:
    config = Config.from_text("slave-priority 50\n")
    assert config.replica_priority == 50
    assert config.get_text("replica-priority") == config.get_text("slave-priority") == "50"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("save 900 1\nsave 60 5\n", "900 1 60 5"),
        ("save 900 1 60 5\n", "900 1 60 5"),
        ('save "900 1"\nsave 60 5\n', "900 1 60 5"),
        ('save 900 1\nsave ""\n', ""),
        ('save 900 1\nsave ""\nsave 60 5\n', "60 5"),
        ("save\n", ""),
    ],
)
def test_save_points_add_up(text: str, value: str) -> None:
    config = Config()
    Loader(config).load_text(text, "redis.conf")
    assert config.get_text("save") == value


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nosuch 1", "Bad directive or wrong number of arguments"),
        ("port", "wrong number of arguments"),
        ("port x", "argument couldn't be parsed into an integer"),
        ("port 1 2", "wrong number of arguments"),
        ("timeout 5 # comment", "wrong number of arguments"),
        ("include", "Bad directive or wrong number of arguments"),
        ("loglevel x", "argument(s) must be one of the following: debug, verbose, notice, warning"),
    ],
)
def test_a_mistake_is_named_with_its_place(line: str, reason: str) -> None:
    assert refusal(f"# one\n{line}\n") == f"redis.conf, line 2: '{line}': {reason}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("replicaof 127.0.0.1 6379", "respstore supports only '' here"),
        ("slaveof 127.0.0.1 6379", "respstore supports only '' here"),
        ("cluster-enabled yes", "respstore supports only 'no' here"),
        ("min-replicas-to-write 1", "respstore supports only '0' here"),
        ("tls-replication yes", "respstore supports only 'no' here"),
        ("syslog-enabled yes", "respstore supports only 'no' here"),
        ("rename-command GET", "Bad directive or wrong number of arguments"),
        ("loadmodule x.so", "respstore does not support this directive"),
    ],
)
def test_a_promise_that_respstore_cannot_keep_is_refused(line: str, reason: str) -> None:
    assert refusal(f"{line}\n") == f"redis.conf, line 1: '{line}': {reason}"


def test_lines_about_users_are_kept_for_whoever_understands_them() -> None:
    config = Config.from_text('user alice on >"a b"\ntimeout 1\nUSER bob\n')
    assert [(user.words, user.where) for user in config.users] == [
        (["alice", "on", ">a b"], "redis.conf, line 1: 'user alice on >\"a b\"'"),
        (["bob"], "redis.conf, line 3: 'USER bob'"),
    ]
    assert refusal("user\n") == "redis.conf, line 1: 'user': Bad directive or wrong number of arguments"


def test_an_unsupported_option_may_say_its_default() -> None:
    config = Config.from_text('appendonly NO\nsave ""\nreplicaof no one\nmaxmemory 0gb\nnotify-keyspace-events ""\n')
    assert config.warnings == []


def test_an_option_without_effect_is_kept_and_warned_of() -> None:
    config = Config.from_text("list-compress-depth 1\nhz 10\nactivedefrag no\nlist-max-ziplist-value 1\n")
    assert config.get_text("list-compress-depth") == "1"
    assert config.warnings == [
        "'list-max-ziplist-value' has no effect in respstore",
        "'list-compress-depth' has no effect in respstore",
    ]


def test_a_directory_must_exist() -> None:
    assert refusal("dir /no/such\n") == "redis.conf, line 1: 'dir /no/such': No such file or directory"


def test_two_configurations_share_nothing() -> None:
    one, other = Config.from_text("port 1\nlist-compress-depth 1\n"), Config()
    assert other.port == 6379
    assert other.warnings == []
    assert one.port == 1


# Files that include others


def test_files_are_read_where_they_are_included(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("timeout 1\nport 1\n")
    (tmp_path / "b.conf").write_text("timeout 2\n")
    config = Config.from_text(f'port 5\ninclude "{tmp_path}/*.conf"\nport 7\n')
    assert (config.timeout, config.port) == (2, 7)


def test_a_pattern_may_match_nothing(tmp_path: Path) -> None:
    Config.from_text(f"include {tmp_path}/none*.conf\n")


def test_a_relative_pattern_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.conf").write_text("timeout 1\n")
    assert Config.from_text("include [a].conf\n").timeout == 1


def test_a_file_must_exist(tmp_path: Path) -> None:
    message = f"can't open config file '{tmp_path}/none.conf': No such file or directory"
    assert refusal(f"include {tmp_path}/none.conf\n") == message


def test_a_mistake_is_named_with_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("\nport x\n")
    assert refusal(f"include {tmp_path}/a.conf\n").startswith(f"{tmp_path}/a.conf, line 2: 'port x': ")


def test_a_circle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text(f"include {path}\n")
    assert refusal(path.read_text()).endswith("too many files include one another")
