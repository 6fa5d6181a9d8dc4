-- table: Lua's own functions, without what holds everybody up: to insert far before the beginning of a table moves as
-- much as lies between. And without what writes past __newindex into what all scripts share; views are always empty, so
-- that the other functions find nothing to move in them.

local arguments, _, views = ...

local error, pairs, pcall, select, type = error, pairs, pcall, select, type
local insert = table.insert

local LOWEST = -1000000 -- place to insert something

local guarded = {}
for name, value in pairs(table) do
  guarded[name] = value
end

function guarded.insert(...)
  local t, position = ...
  local count = select("#", ...)
  if views[t] then
    error("Attempt to modify a readonly table", 0)
  end
  if count == 2 and type(t) == "table" then
    return insert(...)
  elseif count == 3 and type(position) == "number" and position < LOWEST then
    error("bad argument #2 to 'insert' (position out of bounds)", 2)
  end
  return arguments.answered("insert", pcall(insert, ...))
end

return guarded
