import pytest

from respstore.store.target import Mode, Node, Target, parse_url


@pytest.mark.parametrize(
    ("url", "node", "db"),
    [
        ("redis://127.0.0.1:6379", Node("127.0.0.1", 6379), 0),
        ("redis://example", Node("example", 6379), 0),
        ("redis://", Node("localhost", 6379), 0),
        ("redis://[::1]:7000/3", Node("::1", 7000), 3),
        ("redis://h/?db=4", Node("h", 6379), 4),
        ("unix:///run/x.sock", Node("/run/x.sock", None), 0),
        ("unix:///run/a%20b.sock?db=2", Node("/run/a b.sock", None), 2),
    ],
)
def test_a_url_names_server_and_database(url: str, node: Node, db: int) -> None:
    target = parse_url(url)

    assert (target.nodes, target.db, target.tls, target.mode) == ((node,), db, None, Mode.SERVER)


def test_a_url_of_sentinels() -> None:
    target = parse_url("rediss+sentinel://me:secret@a:1,[::1],c/service/2?sentinel_password=other")

    assert target.nodes == (Node("a", 1), Node("::1", 26379), Node("c", 26379))
    assert (target.mode, target.service, target.db, target.tls) == (Mode.SENTINEL, "service", 2, {})
    assert (target.username, target.password, target.sentinel_password) == ("me", "secret", "other")


def test_a_url_of_a_cluster() -> None:
    target = parse_url("redis+cluster://:secret@a:7000,b")

    assert target.nodes == (Node("a", 7000), Node("b", 6379))
    assert (target.mode, target.db, target.password, target.tls) == (Mode.CLUSTER, 0, "secret", None)


@pytest.mark.parametrize(
    ("url", "username", "password"),
    [
        ("redis://h", None, None),
        ("redis://:p%40ss@h", None, "p@ss"),
        ("redis://me:secret@h", "me", "secret"),
        ("redis://h?username=me&password=secret", "me", "secret"),
    ],
)
def test_a_url_says_who_asks(url: str, username: str | None, password: str | None) -> None:
    target = parse_url(url)

    assert (target.username, target.password) == (username, password)


def test_a_connection_begins_with_what_the_url_says() -> None:
    assert parse_url("redis://h").greeting() == []
    assert parse_url("redis://:secret@h/0").greeting() == [("AUTH", "secret")]
    assert parse_url("redis://me:secret@h/3?client_name=rank-0").greeting() == [
        ("AUTH", "me", "secret"),
        ("CLIENT", "SETNAME", "rank-0"),
        ("SELECT", "3"),
    ]
    assert parse_url("redis://h?namespace=job").greeting() == [("C10D", "JOIN", "job")]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:1/2", "redis://h:1/2"),
        ("redis://:secret@h", "redis://:***@h"),
        ("redis://me:secret@h", "redis://me:***@h"),
        ("redis://h?password=secret", "redis://:***@h"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    target = parse_url(url)

    assert target.display_url == shown
    assert "secret" not in repr(attrs_without_url(target))


def attrs_without_url(target: Target) -> str:
    return repr(target).replace(repr(target.url), "")


def test_an_error_shows_no_password() -> None:
    for url in (
        "http://user:secret@h",
        "redis://:secret@h,i",
        "redis+sentinel://h?password=secret",
        "redis://:secret@[::1",
    ):
        with pytest.raises(ValueError, match="://") as caught:
            parse_url(url)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("127.0.0.1:6379", r"starts with one of redis://, rediss://, .*unix://"),
        ("http://h", r"starts with one of redis://"),
        ("redis://h:port", r"a server is host:port, with a port from 1 to 65535, not 'h:port'"),
        ("redis://h:70000", r"not 'h:70000'"),
        ("redis://h:0", r"not 'h:0'"),
        ("redis://[::1", r"Invalid IPv6 URL: 'redis://\[::1'"),
        ("redis+cluster://h,i:-1", r"not 'i:-1'"),
        ("redis://h/name", r"database of a store is a number, not 'name'"),
        (
            "redis://h?socket_timeout=3",
            r"unknown option 'socket_timeout'.*known are client_name, db, namespace, password, username",
        ),
        ("redis://h?ssl_ca_certs=x", r"unknown option 'ssl_ca_certs'"),
        ("rediss://h?ssl_cert_reqs=some", r"ssl_cert_reqs is one of none, optional, required"),
        ("unix://", r"three slashes"),
        ("redis+sentinel://h", r"names no service"),
        ("redis://a,b", r"several servers are redis\+sentinel:// or redis\+cluster://"),
        ("redis+cluster://h/1", r"no databases beside 0"),
        ("redis+cluster://h?sentinel_password=x", r"unknown option 'sentinel_password'"),
    ],
)
def test_a_wrong_url_says_what_is_wrong(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_url(url)


def test_tls_is_strict_unless_told_otherwise() -> None:
    strict = parse_url("rediss://h").tls_context()
    lax = parse_url("rediss://h?ssl_cert_reqs=none").tls_context()
    nameless = parse_url("rediss://h?ssl_check_hostname=false").tls_context()

    assert strict is not None
    assert strict.check_hostname
    assert lax is not None
    assert not lax.check_hostname
    assert lax.verify_mode == 0
    assert nameless is not None
    assert not nameless.check_hostname
    assert nameless.verify_mode == 2
    assert parse_url("redis://h").tls_context() is None


def test_a_missing_certificate_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        parse_url("rediss://h?ssl_ca_certs=/nowhere").tls_context()
