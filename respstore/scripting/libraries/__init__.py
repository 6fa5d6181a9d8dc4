"""The libraries of scripts: cjson, cmsgpack, struct and bit, each a chunk of Lua; and what is guarded of Lua's own.

Lua, so that what they hold counts as the script's own memory, a script that runs too long ends in them as well, and no
script is ever near an object of Python. They see all of Lua, but keep what they use of it in their own locals.
"""

from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime

_FOLDER = Path(__file__).parent
_NAMES = ("cjson", "cmsgpack", "struct", "bit", "string", "table", "unpack")


def install(lua: LuaRuntime, views: Any) -> Any:
    """Make the libraries in an interpreter that nobody has closed in yet.

    Args:
        lua: the interpreter.
        views: Lua's table whose keys no script may write into (see sandbox.lua, which fills it).

    Returns:
        Lua's table of them by name: tables, and a function.
    """
    compiled = lua.eval(b"loadstring")

    def load(name: str, *needed: Any) -> Any:
        # One name for all that is ours: by it, errors are placed where the script is, not in here.
        return compiled((_FOLDER / f"{name}.lua").read_bytes(), b"=respstore")(*needed)

    arguments, floats = load("arguments"), load("floats")
    libraries = lua.table()
    for name in _NAMES:
        libraries[name.encode()] = load(name, arguments, floats, views)
    return libraries
