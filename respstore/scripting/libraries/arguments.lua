-- The checks of arguments that Lua's own functions make, and their texts: "bad argument #1 to 'decode' (string expected,
-- got table)". As if ours were functions in C, an error has the position of the call in the script, and names what was
-- called as the script names it.
--
-- `level` says which function's argument it is: 1 for the one that calls a check, 2 for the one that has called that one.
-- `count` is how many arguments it was given.

local error, tonumber, tostring, type = error, tonumber, tostring, type
local find, gsub = string.find, string.gsub
local floor = math.floor
local getinfo = debug.getinfo

local arguments = {}

function arguments.refuse(position, text, level)
  local called = getinfo(level + 1, "n")
  local name = called.name or "?"
  if called.namewhat == "method" then
    position = position - 1
    if position == 0 then
      error("calling '" .. name .. "' on bad self (" .. text .. ")", level + 2)
    end
  end
  error("bad argument #" .. position .. " to '" .. name .. "' (" .. text .. ")", level + 2)
end

local function expected(kind, value, position, count, level)
  local given = position > count and "no value" or type(value)
  arguments.refuse(position, kind .. " expected, got " .. given, level + 1)
end

function arguments.text(value, position, count, level)
  if type(value) == "string" then
    return value
  elseif type(value) ~= "number" then
    expected("string", value, position, count, level + 1)
  end
  return tostring(value)
end

function arguments.number(value, position, count, level)
  local number = (type(value) == "number" or type(value) == "string") and tonumber(value)
  if not number then
    expected("number", value, position, count, level + 1)
  end
  return number
end

-- A number without its fraction, as C makes an integer of 64 bits of it: what does not fit is the smallest one.
function arguments.integer(value, position, count, level)
  local number = arguments.number(value, position, count, level + 1)
  if not (number > -2 ^ 63 and number < 2 ^ 63) then
    return -2 ^ 63
  end
  return number < 0 and -floor(-number) or floor(number)
end

-- The same with 32 bits: what does not fit comes round again.
function arguments.int(value, position, count, level)
  return (arguments.integer(value, position, count, level + 1) + 2 ^ 31) % 2 ^ 32 - 2 ^ 31
end

-- How errors begin that Lua's own functions for strings and tables raise.
local OWN = {
  "^bad argument ", "^malformed pattern ", "^missing ", "^invalid ", "^unfinished capture", "^unbalanced pattern", "^too many ",
  "^wrong number of arguments",
}

-- What a function of Lua's, which `name` names, has answered to pcall. An error of its own gets that name, and the
-- position of the call in the script, as if nobody stood between; to be called last by what the script calls.
function arguments.answered(name, ok, ...)
  if ok then
    return ...
  end
  local problem = ...
  if type(problem) == "string" then
    for index = 1, #OWN do
      if find(problem, OWN[index]) then
        error((gsub(problem, " to '%?'", " to '" .. name .. "'", 1)), 3)
      end
    end
  end
  error(problem, 0)
end

return arguments
