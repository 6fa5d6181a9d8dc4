-- unpack: Lua's own, which counts with 32 bits and ends the process where that is too little.

local arguments = ...

local error, pcall, tonumber, type, unpack = error, pcall, tonumber, type, unpack

local MOST = 8000 -- results, of any function

return function(...)
  local items, first, last = ...
  first = tonumber(first) or 1
  last = tonumber(last) or type(items) == "table" and #items or 0
  if not (first >= -2 ^ 31 and first < 2 ^ 31 and last >= -2 ^ 31 and last < 2 ^ 31 and last - first < MOST) then
    error("too many results to unpack", 2)
  end
  return arguments.answered("unpack", pcall(unpack, ...))
end
