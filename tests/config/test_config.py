"""redis.conf, the command line and CONFIG SET's rules: what `respstore/config/__init__.py` makes of them."""

import io

import pytest

from respstore.config import Config
from respstore.errors import ConfigError, UnknownOptionError


def refusal(text):
    with pytest.raises(ConfigError) as error:
        Config.from_text(text)
    return str(error.value)


class TestFile:
    def test_values_are_attributes(self):
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

    def test_the_last_line_counts(self):
        assert Config.from_text("timeout 5\nTIMEOUT 6\n").timeout == 6

    def test_both_names_are_one_option(self):
        config = Config.from_text("slave-priority 50\n")
        assert config.replica_priority == 50
        assert config.get_text("replica-priority") == config.get_text("slave-priority") == "50"

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
    def test_a_mistake_is_named_with_its_place(self, line, reason):
        assert refusal(f"# one\n{line}\n") == f"redis.conf, line 2: '{line}': {reason}"

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("appendonly yes", "respstore supports only 'no' here"),
            ("save 900 1", "respstore supports only '' here"),
            ("replicaof 127.0.0.1 6379", "respstore supports only '' here"),
            ("slaveof 127.0.0.1 6379", "respstore supports only '' here"),
            ("cluster-enabled yes", "respstore supports only 'no' here"),
            ("maxmemory 100mb", "respstore supports only '0' here"),
            ("tls-port 6380", "respstore supports only '0' here"),
            ("daemonize yes", "respstore supports only 'no' here"),
            ("rename-command GET x", "respstore does not support this directive"),
            ("user default off", "respstore does not support this directive"),
            ("loadmodule x.so", "respstore does not support this directive"),
        ],
    )
    def test_a_promise_that_respstore_cannot_keep_is_refused(self, line, reason):
        assert refusal(f"{line}\n") == f"redis.conf, line 1: '{line}': {reason}"

    def test_an_unsupported_option_may_say_its_default(self):
        config = Config.from_text(
            'appendonly NO\nsave ""\nreplicaof no one\nmaxmemory 0gb\nnotify-keyspace-events ""\n'
        )
        assert config.warnings == []

    def test_an_option_without_effect_is_kept_and_warned_of(self):
        config = Config.from_text("list-compress-depth 1\nhz 50\nactivedefrag no\nlist-max-ziplist-value 1\n")
        assert config.get_text("list-compress-depth") == "1"
        assert config.warnings == [
            "'list-compress-depth' has no effect in respstore",
            "'list-max-ziplist-value' has no effect in respstore",
        ]

    def test_a_directory_must_exist(self):
        assert refusal("dir /no/such\n") == "redis.conf, line 1: 'dir /no/such': No such file or directory"

    def test_two_configurations_share_nothing(self):
        one, other = Config.from_text("port 1\nlist-compress-depth 1\n"), Config()
        assert other.port == 6379
        assert other.warnings == []
        assert one.port == 1


class TestInclude:
    def test_files_are_read_where_they_are_included(self, tmp_path):
        (tmp_path / "a.conf").write_text("timeout 1\nport 1\n")
        (tmp_path / "b.conf").write_text("timeout 2\n")
        config = Config.from_text(f'port 5\ninclude "{tmp_path}/*.conf"\nport 7\n')
        assert (config.timeout, config.port) == (2, 7)

    def test_a_pattern_may_match_nothing(self, tmp_path):
        Config.from_text(f"include {tmp_path}/none*.conf\n")

    def test_a_relative_pattern_starts_at_the_working_directory(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a.conf").write_text("timeout 1\n")
        assert Config.from_text("include [a].conf\n").timeout == 1

    def test_a_file_must_exist(self, tmp_path):
        message = f"can't open config file '{tmp_path}/none.conf': No such file or directory"
        assert refusal(f"include {tmp_path}/none.conf\n") == message

    def test_a_mistake_is_named_with_its_own_file(self, tmp_path):
        (tmp_path / "a.conf").write_text("\nport x\n")
        assert refusal(f"include {tmp_path}/a.conf\n").startswith(f"{tmp_path}/a.conf, line 2: 'port x': ")

    def test_a_circle_is_refused(self, tmp_path):
        path = tmp_path / "a.conf"
        path.write_text(f"include {path}\n")
        assert refusal(path.read_text()).endswith("too many files include one another")


class TestArguments:
    def test_options_override_the_file(self, tmp_path):
        path = tmp_path / "redis.conf"
        path.write_text("port 1\ntimeout 5\n")
        config = Config.from_arguments([str(path), "--port", "7000"])
        assert (config.port, config.timeout, config.config_file) == (7000, 5, str(path))

    def test_the_file_is_remembered_as_absolute(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "redis.conf").write_text("")
        assert Config.from_arguments(["redis.conf"]).config_file == str(tmp_path / "redis.conf")

    def test_standard_input_comes_between(self, tmp_path, monkeypatch):
        path = tmp_path / "redis.conf"
        path.write_text("port 1\ntimeout 1\nhz 1\n")
        monkeypatch.setattr("sys.stdin", io.StringIO("timeout 2\nhz 2\n"))
        config = Config.from_arguments([str(path), "--hz", "3", "-"])
        assert (config.port, config.timeout, config.hz) == (1, 2, 3)

    def test_nothing_but_defaults(self):
        assert Config.from_arguments([]).config_file is None

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--port", "x"], "command line: '--port x': argument couldn't be parsed into an integer"),
            (["--nosuch", "a b"], "command line: '--nosuch \"a b\"': Bad directive or wrong number of arguments"),
            (["/no/such.conf"], "can't open config file '/no/such.conf': No such file or directory"),
            (["/"], "can't open config file '/': Is a directory"),
            (["--appendonly", "yes"], "command line: '--appendonly yes': respstore supports only 'no' here"),
        ],
    )
    def test_mistakes(self, arguments, message):
        with pytest.raises(ConfigError) as error:
            Config.from_arguments(arguments)
        assert str(error.value) == message

    def test_any_bytes_in_a_file(self, tmp_path):
        path = tmp_path / "redis.conf"
        path.write_bytes(b"requirepass \xff\xc3\xa9\n")
        assert Config.from_arguments([str(path)]).requirepass == b"\xff\xc3\xa9"


def test_set_is_a_line_of_a_file():
    config = Config()
    config.set("DATABASES", "4")
    assert config.databases == 4
    with pytest.raises(ConfigError, match=r"^Bad directive or wrong number of arguments$"):
        config.set("nosuch", "4")


class TestChange:
    """What CONFIG SET does; the reasons are those of redis-server 7.0.15."""

    def refused(self, config, *pairs, **options):
        with pytest.raises(ConfigError) as error:
            config.change(pairs, **options)
        return error.value.directive, error.value.reason

    def test_all_pairs_are_set(self):
        config = Config()
        config.change([("TimeOut", "5"), ("maxclients", "7")])
        assert (config.timeout, config.maxclients) == (5, 7)

    def test_none_is_set_when_one_is_wrong(self):
        config = Config()
        reason = "argument couldn't be parsed into an integer"
        assert self.refused(config, ("timeout", "5"), ("MAXclients", "x")) == ("MAXclients", reason)
        assert config.timeout == 0

    def test_unknown_names(self):
        with pytest.raises(UnknownOptionError) as error:
            Config().change([("timeout", "5"), ("nosuch", "1"), ("databases", "2")])
        assert error.value.directive == "nosuch"

    @pytest.mark.parametrize("value", ["2", "16"])
    def test_options_of_the_start_stay(self, value):
        assert self.refused(Config(), ("databases", value)) == ("databases", "can't set immutable config")

    def test_no_option_twice(self):
        expected = "TIMEOUT", "duplicate parameter"
        assert self.refused(Config(), ("timeout", "1"), ("TIMEOUT", "1")) == expected

    def test_but_by_its_two_names(self):
        config = Config()
        config.change([("slave-priority", "1"), ("replica-priority", "2")])
        assert config.replica_priority == 2

    def test_protected_options(self, tmp_path):
        config = Config()
        pair = ("dir", str(tmp_path))
        assert self.refused(config, pair) == ("dir", "can't set protected config")
        config.change([pair], protected=True)
        assert config.dir == str(tmp_path.resolve())

    def test_save_points_replace_one_another_and_none_is_supported(self):
        config = Config()
        config.change([("save", "")])
        assert self.refused(config, ("save", "900 1")) == ("save", "respstore supports only '' here")

    def test_unsupported_options_may_only_be_set_to_what_they_are(self):
        config = Config()
        config.change([("appendonly", "no"), ("maxmemory", "0")])
        assert self.refused(config, ("maxmemory", "1gb")) == ("maxmemory", "respstore supports only '0' here")

    def test_what_only_the_server_can_change_needs_it(self):
        config = Config()
        config.change([("port", "6379")])
        assert self.refused(config, ("port", "7000")) == ("port", "this server can't change it while it runs")
        assert self.refused(config, ("port", "x")) == ("port", "argument couldn't be parsed into an integer")


class TestOnChange:
    def test_a_callback_sees_the_new_values(self):
        config = Config()
        seen = []
        config.on_change("port", lambda: seen.append((config.port, config.timeout)))
        config.change([("port", "7000"), ("timeout", "5")])
        assert seen == [(7000, 5)]

    def test_not_when_nothing_changes(self):
        config = Config()
        config.on_change("port", lambda: pytest.fail("called"))
        config.change([("port", "6379")])

    def test_once_for_all_options_it_stands_for(self):
        config = Config()
        calls = []

        def rebind():
            calls.append((config.port, config.bind))

        config.on_change("port", rebind)
        config.on_change("bind", rebind)
        config.change([("port", "7000"), ("bind", "::1")])
        assert calls == [(7000, ("::1",))]

    def test_by_either_name(self):
        config = Config()
        calls = []
        config.on_change("lua-time-limit", lambda: calls.append(config.busy_reply_threshold))
        config.change([("busy-reply-threshold", "1")])
        assert calls == [1]

    def test_a_refusal_puts_everything_back(self):
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
