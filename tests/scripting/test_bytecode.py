"""A script does what it did, and an error still finds the line that made the call."""

from __future__ import annotations

from typing import Any

import pytest
from lupa.lua51 import LuaError, LuaRuntime

from respstore.scripting.bytecode import without_tail_calls


@pytest.fixture(scope="module")
def lua() -> LuaRuntime:
    return LuaRuntime(encoding=None, register_eval=False, register_builtins=False)


def compiled(lua: LuaRuntime, text: str) -> Any:
    dumped = lua.eval(b"function(text) return string.dump(assert(loadstring(text, '@chunk'))) end")(text.encode())
    return lua.eval(b"loadstring")(without_tail_calls(dumped))


def test_what_is_called_last_knows_its_caller(lua: LuaRuntime) -> None:
    lua.execute(b"fail = function() error('no', 2) end library = {fail = fail}")

    for text in (
        "\nreturn fail()",
        "local x = 1\nreturn library.fail(1, 2, 3)",
        "local f = fail\nreturn f()",
        "local function g()\nreturn library.fail()\nend\ng()",
        "local t = {library}\nreturn t[1]:fail()",
        "if true then\nreturn (fail or nothing)() end",
        "local a, b = function(x) return fail(x) end, function()\nreturn library.fail() end b()",
    ):
        with pytest.raises(LuaError, match=r"^chunk:2: no"):
            compiled(lua, text)()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("return (...)", 7),
        ("return tonumber(...)", 7),
        ("return select('#', unpack({1, 2, 3}))", 3),
        ("local a, b = (function(...) return select(2, ...) end)(1, 2, 3) return b", 3),
        ("local function f(n) if n == 0 then return 'done' end return f(n - 1) end return f(100000)", b"done"),
        (
            "local f, g f = function(n) return g(n) end g = function(n) if n > 0 then return f(n - 1) end end f(9e4)",
            None,
        ),
        ("return (function(...) return (...)() end)(function() return 5 end)", 5),
        ("return (function(a) return (a or nothing)(2) end)(tostring)", b"2"),
        ("local nan, t, s = 1.5, {nil, true, false}, 'a\\0b' return #s", 3),
        ("return (function() return tostring(1e100) end)()", b"1e+100"),
        ("return string.rep(string.upper('ab'), 2)", b"ABAB"),
    ],
)
def test_a_script_does_what_it_did(lua: LuaRuntime, text: str, result: object) -> None:
    assert compiled(lua, text)(7) == result


def test_functions_within_functions(lua: LuaRuntime) -> None:
    depth = 50
    text = "return (function() " * depth + "return tostring(12)" + " end)()" * depth

    assert compiled(lua, text)() == b"12"
