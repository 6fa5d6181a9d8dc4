"""FUNCTION, FCALL and FCALL_RO."""

from respstore.engine.session import Session
from tests.talk import talk

CODE = b"""#!lua name=lib
local count = 0
redis.register_function('put', function(keys, args) return redis.call('set', keys[1], args[1]) end)
redis.register_function{
    function_name = 'look', description = 'a look', flags = {'no-writes'},
    callback = function(keys) return redis.call('get', keys[1]) end
}
redis.register_function('fail', function() error('boom') end)
redis.register_function('count', function() count = count + 1 return count end)
redis.register_function('escape', function() return redis.register_function end)
"""


def load(session: Session, *words: bytes) -> bytes:
    return talk(session, b"FUNCTION", b"LOAD", *words)


def test_functions_are_called(session: Session) -> None:
    assert load(session, CODE) == b"$3\r\nlib\r\n"
    assert talk(session, b"FCALL put 1 k v") == b"+OK\r\n"
    assert talk(session, b"FCALL_RO look 1 k") == b"$1\r\nv\r\n"
    assert talk(session, b"FCALL count 0") == b":1\r\n"
    assert talk(session, b"FCALL count 0") == b":2\r\n"
    assert talk(session, b"FCALL escape 0") == b"$-1\r\n"


def test_calls_that_cannot_be_are_refused(session: Session) -> None:
    load(session, CODE)
    for request, reply in {
        b"FCALL nothing x": b"-ERR Function not found\r\n",
        b"FCALL put x": b"-ERR Bad number of keys provided\r\n",
        b"FCALL put 2 x": b"-ERR Number of keys can't be greater than number of args\r\n",
        b"FCALL put -1": b"-ERR Number of keys can't be negative\r\n",
        b"FCALL_RO put 1 k v": b"-ERR Can not execute a script with write flag using *_ro command.\r\n",
        b"FCALL fail 0": b"-ERR user_function:8: boom script: fail, on @user_function:8.\r\n",
    }.items():
        assert (request, talk(session, request)) == (request, reply)


def test_function_load_takes_replace_and_nothing_else(session: Session) -> None:
    load(session, CODE)
    assert load(session, CODE) == b"-ERR Library 'lib' already exists\r\n"
    assert load(session, b"REPLACE", CODE) == b"$3\r\nlib\r\n"
    assert load(session, b"FOO", CODE) == b"-ERR Unknown option given: FOO\r\n"
    assert talk(session, b"FCALL count 0") == b":1\r\n"


def test_function_list_describes_libraries(session: Session) -> None:
    assert talk(session, b"FUNCTION LIST") == b"*0\r\n"
    load(session, b"#!lua name=one\nredis.register_function{function_name='f', callback=function() end, "
                  b"description='d', flags={'no-writes'}}")  # fmt: skip
    session.speak(3)
    assert talk(session, b"FUNCTION LIST LIBRARYNAME o*") == (
        b"*1\r\n%3\r\n$12\r\nlibrary_name\r\n$3\r\none\r\n$6\r\nengine\r\n$3\r\nLUA\r\n$9\r\nfunctions\r\n*1\r\n%3\r\n"
        b"$4\r\nname\r\n$1\r\nf\r\n$11\r\ndescription\r\n$1\r\nd\r\n$5\r\nflags\r\n~1\r\n+no-writes\r\n"
    )
    assert b"library_code" in talk(session, b"FUNCTION LIST WITHCODE")
    assert talk(session, b"FUNCTION LIST LIBRARYNAME x") == b"*0\r\n"
    assert talk(session, b"FUNCTION LIST LIBRARYNAME") == b"-ERR library name argument was not given\r\n"
    assert talk(session, b"FUNCTION LIST WITHCODE WITHCODE") == b"-ERR Unknown argument WITHCODE\r\n"


def test_libraries_are_deleted(session: Session) -> None:
    load(session, CODE)
    assert talk(session, b"FUNCTION DELETE other") == b"-ERR Library not found\r\n"
    assert talk(session, b"FUNCTION DELETE lib") == b"+OK\r\n"
    assert talk(session, b"FCALL put 1 k v") == b"-ERR Function not found\r\n"
    load(session, CODE)
    assert talk(session, b"FUNCTION FLUSH now") == b"-ERR FUNCTION FLUSH only supports SYNC|ASYNC option\r\n"
    assert talk(session, b"FUNCTION FLUSH ASYNC") == b"+OK\r\n"
    assert talk(session, b"FUNCTION LIST") == b"*0\r\n"


def test_libraries_go_from_server_to_server(session: Session) -> None:
    load(session, CODE)
    payload = talk(session, b"FUNCTION DUMP").partition(b"\r\n")[2][:-2]

    assert talk(session, b"FUNCTION", b"RESTORE", payload) == b"-ERR Library lib already exists\r\n"
    for policy in (b"REPLACE", b"FLUSH"):
        assert talk(session, b"FUNCTION", b"RESTORE", payload, policy) == b"+OK\r\n"
    assert talk(session, b"FCALL put 1 k v") == b"+OK\r\n"
    assert (
        talk(session, b"FUNCTION", b"RESTORE", payload[:-1]) == b"-ERR DUMP payload version or checksum are wrong\r\n"
    )
    assert talk(session, b"FUNCTION", b"RESTORE", payload, b"x") == (
        b"-ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.\r\n"
    )
    value = talk(session, b"DUMP k").partition(b"\r\n")[2][:-2]
    assert talk(session, b"FUNCTION", b"RESTORE", value) == (
        b"-ERR failed loading functions, the payload holds something else\r\n"
    )


def test_function_stats_counts(session: Session) -> None:
    load(session, CODE)
    assert talk(session, b"FUNCTION STATS") == (
        b"*4\r\n$14\r\nrunning_script\r\n$-1\r\n$7\r\nengines\r\n*2\r\n$3\r\nLUA\r\n"
        b"*4\r\n$15\r\nlibraries_count\r\n:1\r\n$15\r\nfunctions_count\r\n:5\r\n"
    )
    assert talk(session, b"FUNCTION KILL") == b"-NOTBUSY No scripts in execution right now.\r\n"
    assert talk(session, b"FUNCTION HELP").startswith(b"*")
