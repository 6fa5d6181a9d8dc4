"""The libraries of scripts, one Lua chunk each."""

from typing import Any

from lupa.lua51 import LuaRuntime


def install(lua: LuaRuntime) -> Any:
    """Make the libraries in an interpreter that nobody has closed in yet.

    Returns:
        Lua's table of them by name.
    """
    return lua.table()
