-- string: Lua's own functions, without what would end the process or never come back.
--
-- A pattern is matched by a function in C that calls itself for each repetition in it, so a pattern with very many of
-- them takes more stack than there is; so do callbacks of gsub within each other. And nothing can be repeated for ever.

local arguments = ...

local error, getmetatable, pairs, pcall, tonumber, type = error, getmetatable, pairs, pcall, tonumber, type
local gsub, rep = string.gsub, string.rep

local MOST_REPETITIONS = 1000 -- in a pattern: some 100 KB of stack
local MOST_NESTED = 100 -- calls of gsub within each other: some 900 KB

local function is_too_complex(pattern)
  if type(pattern) ~= "string" or #pattern <= MOST_REPETITIONS then
    return false
  end
  local _, repetitions = gsub(pattern, "[*+?-]", "")
  return repetitions > MOST_REPETITIONS
end

local guarded = {}
for name, value in pairs(string) do
  guarded[name] = value
end

for _, name in pairs({ "find", "gmatch", "match" }) do
  local original = string[name]
  guarded[name] = function(...)
    local _, pattern = ...
    if is_too_complex(pattern) then
      error("pattern too complex", 2)
    end
    return arguments.answered(name, pcall(original, ...))
  end
end
guarded.gfind = string.gfind and guarded.gmatch

local nested = 0

local function leave(...)
  nested = nested - 1
  return ...
end

function guarded.gsub(...)
  local _, pattern, replacement = ...
  if is_too_complex(pattern) then
    error("pattern too complex", 2)
  elseif type(replacement) ~= "function" then
    return arguments.answered("gsub", pcall(gsub, ...))
  elseif nested >= MOST_NESTED then
    error("C stack overflow", 2)
  end
  nested = nested + 1
  return arguments.answered("gsub", leave(pcall(gsub, ...)))
end

function guarded.rep(...)
  local text, count = ...
  if text == "" and tonumber(count) then
    return ""
  end
  return arguments.answered("rep", pcall(rep, ...))
end

getmetatable("").__index = guarded

return guarded
