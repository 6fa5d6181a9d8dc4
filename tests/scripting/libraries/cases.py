"""What the libraries must answer: cases/*.txt, which compat/redis/ asks a redis-server for as well.

A case is an expression of Lua, or several with commas between them; or statements that return some. Indented below it
stands what comes of it: each value as `SHOW` writes it, or the text of the error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "cases"

SHOW = """
local function show(value)
  if type(value) == "string" then
    local function escape(c)
      return string.format("\\\\x%02x", string.byte(c))
    end
    return '"' .. string.gsub(value, '[%c\\\\"\\127-\\255]', escape) .. '"'
  elseif type(value) == "number" then
    return string.format("%.17g", value)
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local items = {}
  for key, item in pairs(value) do
    items[#items + 1] = show(key) .. "=" .. show(item)
  end
  table.sort(items)
  return "{" .. table.concat(items, ", ") .. "}"
end
local function run(text, ...)
  local results = { pcall(assert(loadstring(text, "@user_script")), ...) }
  if not results[1] then
    return results[2]
  end
  local shown = {}
  for index = 2, table.maxn(results) do
    shown[index - 1] = show(results[index])
  end
  return table.concat(shown, " ")
end
"""
"""Lua that defines `run(text, ...)`: runs a chunk with arguments, and shows what it returns in one line."""


def load() -> Iterator[tuple[str, str, str]]:
    """File, chunk and what must come of it."""
    for path in sorted(FOLDER.glob("*.txt")):
        lines = [line for line in path.read_text("ascii").splitlines() if line and not line.startswith("#")]
        for source, expected in zip(lines[::2], lines[1::2], strict=True):
            assert expected.startswith("    "), f"{path.name}: no answer to {source}"
            yield path.stem, chunk(source), expected.strip()


def chunk(source: str) -> str:
    # A call that is returned as it is would be a tail call, and leave no trace of where it was made.
    if "return" in source:
        return source
    return f"local results = {{{source}}} return unpack(results, 1, table.maxn(results))"
