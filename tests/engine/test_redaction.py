"""Passwords are not shown."""

import pytest

from respstore.engine.redaction import without_secrets


@pytest.mark.parametrize(
    ("name", "request_", "shown"),
    [
        ("get", "GET password", "GET password"),
        ("auth", "AUTH secret", "AUTH (redacted)"),
        ("auth", "AUTH alice secret", "AUTH (redacted) (redacted)"),
        ("hello", "HELLO 3 SETNAME me", "HELLO 3 SETNAME me"),
        ("hello", "HELLO 3 auth alice secret SETNAME me", "HELLO 3 auth (redacted) (redacted) SETNAME me"),
        ("hello", "HELLO 3 AUTH alice", "HELLO 3 AUTH (redacted)"),
        ("acl|setuser", "ACL SETUSER alice on >secret", "ACL SETUSER (redacted) (redacted) (redacted)"),
        ("config|set", "CONFIG SET requirepass secret", "CONFIG SET requirepass (redacted)"),
        ("config|set", "CONFIG SET hz 10 MasterAuth secret", "CONFIG SET hz 10 MasterAuth (redacted)"),
        ("config|set", "CONFIG SET requirepass", "CONFIG SET requirepass"),
        ("config|get", "CONFIG GET requirepass", "CONFIG GET requirepass"),
        ("migrate", "MIGRATE host 6379 auth 0 100 COPY", "MIGRATE host 6379 auth 0 100 COPY"),
        ("migrate", "MIGRATE host 6379 k 0 100 AUTH secret KEYS a", "MIGRATE host 6379 k 0 100 AUTH (redacted) KEYS a"),
        ("migrate", "MIGRATE h 1 k 0 100 AUTH2 alice secret", "MIGRATE h 1 k 0 100 AUTH2 (redacted) (redacted)"),
    ],
)
def test_passwords_are_replaced(name: str, request_: str, shown: str) -> None:
    assert b" ".join(without_secrets(name, request_.encode().split())) == shown.encode()
