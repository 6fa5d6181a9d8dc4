"""Users as lines of redis.conf, and of a file of their own."""

import pytest

from respstore.commands import TABLE
from respstore.config import Config
from respstore.config.syntax import split_words
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.acl.describing import user_line
from respstore.engine.acl.rules import change_user
from respstore.engine.acl.storage import Users, UsersFileError, config_line, parse_users, users_of_directives
from respstore.engine.acl.user import User
from respstore.exceptions import ConfigError

CATALOGUE = Catalogue(TABLE)
END = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"


def parsed(text: str) -> list[bytes]:
    users = parse_users(text, "users.acl", CATALOGUE, all_channels=False)
    return [user_line(user, CATALOGUE) for user in users.values()]


def declared(text: str) -> Users:
    return users_of_directives(Config.from_text(text).users, User(b"default"), CATALOGUE, all_channels=False)


def test_a_file_has_a_line_for_each_user() -> None:
    text = 'user alice on nopass ~a"b +get\r\n\n  user bob on (~x %R~y)  +set \nuser c >p\t on'
    assert parsed(text) == [
        b'user alice on nopass ~a"b resetchannels -@all +get',
        b"user bob on resetchannels -@all +set (~x %R~y resetchannels -@all)",
        b"user c on #148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940 resetchannels -@all",
    ]
    assert parsed("") == []


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("user", "users.acl:1 should start with user keyword followed by the username."),
        ("# comment", "users.acl:1 should start with user keyword followed by the username."),
        ("\nUSER x on", "users.acl:2 should start with user keyword followed by the username."),
        ("user a on\nuser a off", "WARNING: Duplicate user 'a' found on line 2."),
        ("user a\tb on", "'users.acl:1: username 'a\tb' contains invalid characters."),
        ("user a on foo +get bar", "users.acl:1: Syntax error."),
        ("user  a on", "users.acl:1: Syntax error."),
        ("user a (~a", "users.acl:1: Unmatched parenthesis in selector definition."),
        (
            "user a +no +no2 foo (+no3)\nuser b on\nuser c (",
            (
                "users.acl:1: Error in applying operation '+no': Unknown command or category name in ACL."
                " users.acl:1: Error in applying operation '+no2': Unknown command or category name in ACL."
                " users.acl:1: Syntax error."
                " users.acl:1: Error in applying operation '(+no3)': Unknown command or category name in ACL."
                " users.acl:3: Unmatched parenthesis in selector definition."
            ),
        ),
    ],
)
def test_all_mistakes_of_a_file_are_told(text: str, mistakes: str) -> None:
    with pytest.raises(UsersFileError) as refusal:
        parsed(text)
    assert str(refusal.value) == f"{mistakes} {END}"


def test_users_of_a_configuration() -> None:
    users = declared('user alice on "~a*b"\nuser bob on\n')
    assert list(users) == [b"default", b"alice", b"bob"]
    assert user_line(users[b"alice"], CATALOGUE) == b"user alice on ~a*b resetchannels -@all"


def test_a_line_about_the_default_user_begins_anew() -> None:
    default = User(b"default")
    change_user(default, [b"on", b"nopass", b"~*"], CATALOGUE, all_channels=False)
    users = users_of_directives(Config.from_text("user x on").users, default, CATALOGUE, all_channels=False)
    assert users[b"default"] is default
    assert user_line(declared("user default +get")[b"default"], CATALOGUE) == (
        b"user default off sanitize-payload resetchannels -@all +get"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "user x on foo",
            (
                "redis.conf, line 1: 'user x on foo': "
                "Error in user declaration 'x': Error in ACL SETUSER modifier 'foo': Syntax error"
            ),
        ),
        (
            "\nuser x on\nuser x off",
            (
                "redis.conf, line 3: 'user x off': Error in user declaration 'x': "
                "Duplicate user found. A user can only be defined once in config files"
            ),
        ),
        (
            'user "x y" on',
            (
                "redis.conf, line 1: 'user \"x y\" on': Error in user declaration 'x y': "
                "Usernames can't contain spaces or null characters"
            ),
        ),
        (
            "user default on\nuser default off",
            (
                "redis.conf, line 2: 'user default off': Error in user declaration 'default': "
                "Duplicate user found. A user can only be defined once in config files"
            ),
        ),
    ],
)
def test_a_mistake_in_a_configuration_is_told_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        declared(text)
    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    "rules",
    [
        [b"on", b">p", b"~a*", b"+get", b"(~b +set)", b"(&c)"],
        [b"on", b'~a"b', b"~\xff", b"&'"],
        [b'("~a\\"b" +get)'],
        [b"+get|a b"],
    ],
)
def test_a_line_of_a_configuration_makes_the_user_again(rules: list[bytes]) -> None:
    user = User(b'al"ice')
    change_user(user, rules, CATALOGUE, all_channels=False)
    line = config_line(user, CATALOGUE)
    again = declared(line)[b'al"ice']
    assert user_line(again, CATALOGUE) == user_line(user, CATALOGUE)


def test_a_line_of_a_configuration_is_quoted_only_where_it_must_be() -> None:
    user = User(b"alice")
    change_user(user, [b"on", b">p", b"~a*", b"(~b +set)"], CATALOGUE, all_channels=False)
    line = config_line(user, CATALOGUE)
    assert '"' not in line
    assert line.encode() == user_line(user, CATALOGUE)
    assert split_words(line)[:3] == ["user", "alice", "on"]
