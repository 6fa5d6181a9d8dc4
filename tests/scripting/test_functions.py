"""Libraries: what makes one, and where their code stays."""

import pytest

from respstore.engine.engine import Engine
from respstore.errors import RespError
from respstore.scripting.functions import Functions
from respstore.scripting.interpreter import Interpreter

CODE = b"#!lua name=lib\nredis.register_function('f', function(keys, args) return 1 end)"


def library(name: bytes, *functions: bytes) -> bytes:
    calls = b"".join(b"redis.register_function('%b', function() return '%b' end)\n" % (f, name) for f in functions)
    return b"#!lua name=%b\n" % name + calls


@pytest.fixture
def functions(engine: Engine) -> Functions:
    return Interpreter(engine).functions


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (b"x", "ERR Missing library metadata"),
        (b"#!lua name=x", "ERR Invalid library metadata"),
        (b"#!lua\n", "ERR Library name was not given"),
        (b"#!lua name=a b=c\n", "ERR Invalid metadata value given: b=c"),
        (b"#!lua name=a name=b\n", "ERR Invalid metadata value, name argument was given multiple times"),
        (b"#!js name=a\n", "ERR Engine 'js' not found"),
        (b"#!lua name=a\nx(", "ERR Error compiling function: user_function:2: unexpected symbol near '<eof>'"),
        (b"#!lua name=a\nlocal x", "ERR No functions registered"),
        (
            b"#!lua name=a\nredis.call('get', 'x')",
            (
                "ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global "
                "variable 'call'"
            ),
        ),
        (
            b"#!lua name=a\nlocal t = pairs({})",
            (
                "ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global "
                "variable 'pairs'"
            ),
        ),
        (
            b"#!lua name=a\nredis.register_function{function_name='x', callback=function() end, flags={'foo'}}",
            "ERR Error registering functions: ERR unknown flag given",
        ),
        (
            b"#!lua name=a\nredis.register_function('x')",
            (
                "ERR Error registering functions: ERR calling redis.register_function with a single argument is only "
                "applicable to Lua table (representing named arguments)."
            ),
        ),
    ],
)
def test_a_library_that_makes_no_sense_is_refused(functions: Functions, code: bytes, text: str) -> None:
    with pytest.raises(RespError) as caught:
        functions.load(code)
    assert caught.value.text == text
    assert not functions.libraries


def test_names_are_taken_once(functions: Functions) -> None:
    functions.load(library(b"one", b"f", b"g"))
    for code, text in (
        (library(b"one", b"h"), "ERR Library 'one' already exists"),
        (library(b"two", b"g"), "ERR Function g already exists"),
    ):
        with pytest.raises(RespError) as caught:
            functions.load(code)
        assert caught.value.text == text
    functions.load(library(b"one", b"f", b"h"), replace=True)
    functions.load(library(b"two", b"g"))
    assert functions.count() == 3


def test_the_code_is_data(engine: Engine, functions: Functions) -> None:
    changes = engine.keyspace.changes
    functions.load(CODE)

    assert engine.keyspace.libraries == (CODE,)
    assert engine.keyspace.changes == changes + 1
    engine.keyspace.libraries = (library(b"other", b"g"), b"what no server wrote")
    assert list(functions.libraries) == [b"other"]
    functions.replace_runtime()
    assert functions.find(b"g").name == b"g"


def test_libraries_are_restored_all_or_none(functions: Functions) -> None:
    functions.load(library(b"one", b"f"))
    with pytest.raises(RespError, match="Library one already exists"):
        functions.restore([library(b"two", b"g"), library(b"one", b"h")])
    assert list(functions.libraries) == [b"one"]
    functions.restore([library(b"one", b"g"), library(b"two", b"f")], replace=True)
    assert [function.name for function in functions.libraries[b"one"].functions] == [b"g"]
    functions.restore([CODE], flush=True)
    assert list(functions.libraries) == [b"lib"]


def test_a_library_that_does_not_come_to_an_end_is_refused(engine: Engine) -> None:
    functions = Interpreter(engine).functions
    times = iter(range(1000))
    engine.system.monotonic = lambda: next(times) / 10  # type: ignore[method-assign]
    with pytest.raises(RespError, match="ERR Error registering functions: ERR FUNCTION LOAD timeout"):
        functions.load(b"#!lua name=lib\nwhile true do end")
    functions.load(CODE)
