"""EVAL and its kin, SCRIPT."""

from respstore.engine.session import Session
from tests.talk import talk

SHA = b"e0e1f9fabfc9d4800c877a703b823ac0578ff8db"


def test_eval_runs_a_script(session: Session) -> None:
    script = b"redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])"

    assert talk(session, b"EVAL", script, b"1", b"k", b"v") == b"$1\r\nv\r\n"
    assert talk(session, b"EVAL_RO", b"return redis.call('get', KEYS[1])", b"1", b"k") == b"$1\r\nv\r\n"


def test_what_is_no_sha1_is_no_known_script_whatever_follows(session: Session) -> None:
    assert talk(session, b"EVALSHA junk 3 a") == b"-NOSCRIPT No matching script. Please use EVAL.\r\n"
    assert talk(session, b"EVALSHA_RO junk x") == b"-NOSCRIPT No matching script. Please use EVAL.\r\n"
    assert talk(session, b"EVALSHA", SHA, b"x") == b"-ERR value is not an integer or out of range\r\n"


def test_evalsha_runs_a_script_that_is_known(session: Session) -> None:
    assert talk(session, b"EVALSHA", SHA, b"0") == b"-NOSCRIPT No matching script. Please use EVAL.\r\n"
    assert talk(session, b"EVAL", b"return 1", b"0") == b":1\r\n"
    assert talk(session, b"EVALSHA", SHA.upper(), b"0") == b":1\r\n"
    assert talk(session, b"EVALSHA_RO", SHA, b"0") == b":1\r\n"
    assert talk(session, b"SCRIPT", b"EXISTS", SHA, b"abc") == b"*2\r\n:1\r\n:0\r\n"
    assert talk(session, b"SCRIPT FLUSH") == b"+OK\r\n"
    assert talk(session, b"SCRIPT", b"EXISTS", SHA) == b"*1\r\n:0\r\n"


def test_script_load_keeps_a_script(session: Session) -> None:
    assert talk(session, b"SCRIPT", b"LOAD", b"return 1") == b"$40\r\n%b\r\n" % SHA
    assert talk(session, b"EVALSHA", SHA, b"0") == b":1\r\n"
    assert talk(session, b"SCRIPT", b"LOAD", b"return (") == (
        b"-ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'\r\n"
    )


def test_the_number_of_keys_is_checked(session: Session) -> None:
    assert talk(session, b"EVAL x 2 a") == b"-ERR Number of keys can't be greater than number of args\r\n"
    assert talk(session, b"EVAL x -1") == b"-ERR Number of keys can't be negative\r\n"
    assert talk(session, b"EVAL x x") == b"-ERR value is not an integer or out of range\r\n"


def test_script_says_no_to_what_it_cannot(session: Session) -> None:
    assert talk(session, b"SCRIPT FLUSH now") == b"-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n"
    assert talk(session, b"SCRIPT DEBUG x") == b"-ERR Use SCRIPT DEBUG YES/SYNC/NO\r\n"
    assert talk(session, b"SCRIPT DEBUG no") == b"+OK\r\n"
    assert talk(session, b"SCRIPT DEBUG yes") == b"-ERR this server has no debugger for scripts\r\n"
    assert talk(session, b"SCRIPT KILL") == b"-NOTBUSY No scripts in execution right now.\r\n"


def test_a_script_that_fails_says_its_name_and_line(session: Session) -> None:
    assert talk(session, b"EVAL", b"error('boom')", b"0") == (
        b"-ERR user_script:1: boom script: 82903a0434f1503e152f89c03c9acd881a0e8150, on @user_script:1.\r\n"
    )


def test_scripts_run_in_a_transaction(session: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"EVAL", b"return redis.call('incr', 'n')", b"0")
    talk(session, b"EVAL", b"return {err = 'MY error'}", b"0")
    assert talk(session, b"EXEC") == b"*2\r\n:1\r\n-MY error\r\n"
