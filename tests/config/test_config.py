"""What a server is started with, and what CONFIG SET may do to it."""

import io
from pathlib import Path

import pytest

from respstore.config import Config
from respstore.exceptions import ConfigError, UnknownOptionError

# The command line


def test_options_override_the_file(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("port 1\ntimeout 5\n")
    config = Config.from_arguments([str(path), "--port", "7000"])
    assert (config.port, config.timeout, config.config_file) == (7000, 5, str(path))


def test_the_file_is_remembered_as_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "redis.conf").write_text("")
    assert Config.from_arguments(["redis.conf"]).config_file == str(tmp_path / "redis.conf")


def test_standard_input_comes_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("port 1\ntimeout 1\nhz 1\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("timeout 2\nhz 2\n"))
    config = Config.from_arguments([str(path), "--hz", "3", "-"])
    assert (config.port, config.timeout, config.hz) == (1, 2, 3)


def test_nothing_but_defaults() -> None:
    assert Config.from_arguments([]).config_file is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "x"], "command line: '--port x': argument couldn't be parsed into an integer"),
        (["--nosuch", "a b"], "command line: '--nosuch \"a b\"': Bad directive or wrong number of arguments"),
        (["/no/such.conf"], "can't open config file '/no/such.conf': No such file or directory"),
        (["/"], "can't open config file '/': Is a directory"),
        (["--cluster-enabled", "yes"], "command line: '--cluster-enabled yes': respstore supports only 'no' here"),
    ],
)
def test_mistakes(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Config.from_arguments(arguments)
    assert str(error.value) == message


def test_options_may_take_back_what_a_file_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("syslog-enabled yes\nsave 900 1\nlist-compress-depth 1\n")
    config = Config.from_arguments([str(path), "--syslog-enabled", "no", "--save", "", "--list-compress-depth", "0"])
    assert (config.syslog_enabled, config.save, config.warnings) == (False, (), [])


def test_what_an_include_asks_for_is_blamed_on_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("syslog-enabled yes\n")
    with pytest.raises(ConfigError, match=r"a\.conf, line 1: 'syslog-enabled yes': respstore supports only 'no' here$"):
        Config.from_arguments(["--include", str(tmp_path / "a.conf"), "--timeout", "1"])


def test_any_bytes_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_bytes(b"requirepass \xff\xc3\xa9\n")
    assert Config.from_arguments([str(path)]).requirepass == b"\xff\xc3\xa9"


# What CONFIG SET does; the reasons are those of redis-server 7.0.15


def refused(config: Config, *pairs: tuple[str, str], **options: bool) -> tuple[str, str]:
    with pytest.raises(ConfigError) as error:
        config.change(pairs, **options)
    return error.value.directive, error.value.reason


def test_all_pairs_are_set() -> None:
    config = Config()
    config.change([("TimeOut", "5"), ("maxclients", "7")])
    assert (config.timeout, config.maxclients) == (5, 7)


def test_none_is_set_when_one_is_wrong() -> None:
    config = Config()
    reason = "argument couldn't be parsed into an integer"
    assert refused(config, ("timeout", "5"), ("MAXclients", "x")) == ("MAXclients", reason)
    assert config.timeout == 0


def test_unknown_names() -> None:
    with pytest.raises(UnknownOptionError) as error:
        Config().change([("timeout", "5"), ("nosuch", "1"), ("databases", "2")])
    assert error.value.directive == "nosuch"


@pytest.mark.parametrize("value", ["2", "16"])
def test_options_of_the_start_stay(value: str) -> None:
    assert refused(Config(), ("databases", value)) == ("databases", "can't set immutable config")


def test_no_option_twice() -> None:
    expected = "TIMEOUT", "duplicate parameter"
    assert refused(Config(), ("timeout", "1"), ("TIMEOUT", "1")) == expected


def test_but_by_its_two_names() -> None:
    config = Config()
    config.change([("slave-priority", "1"), ("replica-priority", "2")])
    assert config.replica_priority == 2


def test_protected_options(tmp_path: Path) -> None:
    config = Config()
    pair = ("dir", str(tmp_path))
    assert refused(config, pair) == ("dir", "can't set protected config")
    config.change([pair], protected=True)
    assert config.dir == str(tmp_path.resolve())


def test_save_points_replace_one_another() -> None:
    config = Config()
    config.change([("save", "")])
    assert config.save == ()
    config.change([("save", "900 1")])
    config.change([("save", "60 2")])
    assert config.get_text("save") == "60 2"


def test_unsupported_options_may_only_be_set_to_what_they_are() -> None:
    config = Config()
    config.change([("tls-replication", "no"), ("min-replicas-to-write", "0")])
    assert refused(config, ("tls-replication", "yes")) == ("tls-replication", "respstore supports only 'no' here")


def test_what_only_the_server_can_change_needs_it() -> None:
    config = Config()
    config.change([("port", "6379")])
    assert refused(config, ("port", "7000")) == ("port", "this server can't change it while it runs")
    assert refused(config, ("port", "x")) == ("port", "argument couldn't be parsed into an integer")


# Who carries a change out


def test_a_callback_sees_the_new_values() -> None:
    config = Config()
    seen = []
    config.on_change("port", lambda: seen.append((config.port, config.timeout)))
    config.change([("port", "7000"), ("timeout", "5")])
    assert seen == [(7000, 5)]


def test_not_when_nothing_changes() -> None:
    config = Config()
    config.on_change("port", lambda: pytest.fail("called"))
    config.change([("port", "6379")])


def test_once_for_all_options_it_stands_for() -> None:
    config = Config()
    calls = []

    def rebind():
        calls.append((config.port, config.bind))

    config.on_change("port", rebind)
    config.on_change("bind", rebind)
    config.change([("port", "7000"), ("bind", "::1")])
    assert calls == [(7000, ("::1",))]


def test_by_either_name() -> None:
    config = Config()
    calls = []
    config.on_change("lua-time-limit", lambda: calls.append(config.busy_reply_threshold))
    config.change([("busy-reply-threshold", "1")])
    assert calls == [1]


def test_a_refusal_puts_everything_back() -> None:
    config = Config()
    ports = []

    def refuse():
        raise ConfigError("Failed to bind to specified addresses.")

    config.on_change("port", lambda: ports.append(config.port))
    config.on_change("bind", refuse)
    with pytest.raises(ConfigError) as error:
        config.change([("port", "7000"), ("Bind", "::1"), ("timeout", "5")])
    assert (error.value.directive, error.value.reason) == ("Bind", "Failed to bind to specified addresses.")
    assert (config.port, config.bind, config.timeout) == (6379, ("127.0.0.1", "-::1"), 0)
    assert ports == [7000, 6379]
