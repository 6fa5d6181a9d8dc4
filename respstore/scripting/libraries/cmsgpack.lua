-- cmsgpack: MessagePack, as the library of this name that Redis has reads and writes it.
--
-- A number without a fraction is an integer, in as few bytes as hold it; another one a float where that is the same
-- number, else a double. A table whose keys are 1, 2, 3... is an array, as is an empty one. What MessagePack has no type
-- for is nil, and so is what lies deeper than 16 tables. Unsigned integers are read as signed ones, as Redis does;
-- binary and extension types are not known.

local arguments, floats = ...

local error, floor, next, rawget, select, type, unpack = error, math.floor, next, rawget, select, type, unpack
local byte, char, concat, find, reverse, sub = string.byte, string.char, table.concat, string.find, string.reverse, string.sub

local DEEPEST = 16 -- tables within each other that are packed
local DEEPEST_READ = 3990 -- that are unpacked
local MOST_RESULTS = 7990 -- values that a function can return
local TOO_MANY = "too many return values at once; use unpack_one or unpack_limit instead."

-- Packing

-- A number from 0 as so many bytes, at most 6.
local function unsigned(number, size)
  local text = ""
  for _ = 1, size do
    text = char(number % 256) .. text
    number = floor(number / 256)
  end
  return text
end

local function pack_integer(number)
  if number >= 0 then
    if number < 128 then
      return char(number)
    elseif number < 2 ^ 8 then
      return "\204" .. char(number)
    elseif number < 2 ^ 16 then
      return "\205" .. unsigned(number, 2)
    elseif number < 2 ^ 32 then
      return "\206" .. unsigned(number, 4)
    end
    return "\207" .. unsigned(floor(number / 2 ^ 32), 4) .. unsigned(number % 2 ^ 32, 4)
  elseif number >= -32 then
    return char(256 + number)
  elseif number >= -2 ^ 7 then
    return "\208" .. char(256 + number)
  elseif number >= -2 ^ 15 then
    return "\209" .. unsigned(2 ^ 16 + number, 2)
  elseif number >= -2 ^ 31 then
    return "\210" .. unsigned(2 ^ 32 + number, 4)
  end
  return "\211" .. unsigned(floor(number / 2 ^ 32) % 2 ^ 32, 4) .. unsigned(number % 2 ^ 32, 4)
end

local function pack_number(number)
  if number == floor(number) and number >= -2 ^ 63 and number < 2 ^ 63 then
    return pack_integer(number)
  elseif floats.fits_float(number) then
    return "\202" .. floats.pack_float(number)
  end
  return "\203" .. floats.pack_double(number)
end

-- What says how long a string, an array or a map is: a code with the length in it, if it is small, or one that 1, 2 or 4
-- bytes follow.
local function head(length, short, shorter_than, one, two)
  if length < shorter_than then
    return char(short + length)
  elseif one and length < 2 ^ 8 then
    return char(one, length)
  elseif length < 2 ^ 16 then
    return char(two) .. unsigned(length, 2)
  end
  return char(two + 1) .. unsigned(length, 4)
end

-- How many items a table has, and whether it is an array.
local function measured(value)
  local items, longest, is_array = 0, 0, true
  for key in next, value do
    items = items + 1
    if type(key) ~= "number" or key < 1 or key ~= floor(key) then
      is_array = false
    elseif key > longest then
      longest = key
    end
  end
  return items, is_array and longest == items
end

-- Append a value to the pieces, of which there are `count`; returns how many there are now.
local function pack_value(value, pieces, count, depth)
  local kind = type(value)
  count = count + 1
  if kind == "string" then
    pieces[count] = head(#value, 160, 32, 217, 218)
    count = count + 1
    pieces[count] = value
  elseif kind == "number" then
    pieces[count] = pack_number(value)
  elseif kind == "boolean" then
    pieces[count] = value and "\195" or "\194"
  elseif kind ~= "table" or depth == DEEPEST then
    pieces[count] = "\192"
  else
    local items, is_array = measured(value)
    if is_array then
      pieces[count] = head(items, 144, 16, nil, 220)
      for index = 1, items do
        count = pack_value(rawget(value, index), pieces, count, depth + 1)
      end
    else
      pieces[count] = head(items, 128, 16, nil, 222)
      for key, item in next, value do
        count = pack_value(key, pieces, count, depth + 1)
        count = pack_value(item, pieces, count, depth + 1)
      end
    end
  end
  return count
end

-- Unpacking. These return a value and the position behind it; or nil, no position, and what is wrong.

local MISSING = "Missing bytes in input."
local BAD = "Bad data format in input."

local function read_unsigned(text, position, size)
  if position + size > #text + 1 then
    return nil, nil, MISSING
  end
  local number = 0
  for index = position, position + size - 1 do
    number = number * 256 + byte(text, index)
  end
  return number, position + size
end

local function read_signed(text, position, size)
  if position + size > #text + 1 then
    return nil, nil, MISSING
  elseif size == 8 then
    local high, low = read_signed(text, position, 4), read_unsigned(text, position + 4, 4)
    return high * 2 ^ 32 + low, position + 8
  end
  local number, stop = read_unsigned(text, position, size)
  if number >= 2 ^ (8 * size - 1) then
    number = number - 2 ^ (8 * size)
  end
  return number, stop
end

local function read_float(text, position, size)
  if position + size > #text + 1 then
    return nil, nil, MISSING
  end
  return (size == 4 and floats.unpack_float or floats.unpack_double)(text, position), position + size
end

local function read_text(text, position, length)
  if position + length > #text + 1 then
    return nil, nil, MISSING
  end
  return sub(text, position, position + length - 1), position + length
end

local read_value

local function read_array(text, position, length, depth)
  if depth > DEEPEST_READ then
    return nil, nil, "stack overflow (in function mp_decode_to_lua_array)"
  end
  local array = {}
  for index = 1, length do
    local value, stop, wrong = read_value(text, position, depth)
    if not stop then
      return nil, nil, wrong
    end
    array[index], position = value, stop
  end
  return array, position
end

local function read_map(text, position, length, depth)
  if depth > DEEPEST_READ then
    return nil, nil, "stack overflow (in function mp_decode_to_lua_hash)"
  end
  local map = {}
  for _ = 1, length do
    local key, middle, wrong = read_value(text, position, depth)
    if not middle then
      return nil, nil, wrong
    end
    local value, stop, wrong_too = read_value(text, middle, depth)
    if not stop then
      return nil, nil, wrong_too
    elseif key == nil then
      error("table index is nil", 0)
    elseif key ~= key then
      error("table index is NaN", 0)
    end
    map[key], position = value, stop
  end
  return map, position
end

-- What each code from 202 on is read with, and the size of what follows it; or what it counts, and how the count is read.
local SIZED = {
  [202] = { read_float, 4 }, [203] = { read_float, 8 },
  [204] = { read_unsigned, 1 }, [205] = { read_unsigned, 2 }, [206] = { read_unsigned, 4 }, [207] = { read_signed, 8 },
  [208] = { read_signed, 1 }, [209] = { read_signed, 2 }, [210] = { read_signed, 4 }, [211] = { read_signed, 8 },
}
local COUNTED = {
  [217] = { read_text, 1 }, [218] = { read_text, 2 }, [219] = { read_text, 4 },
  [220] = { read_array, 2 }, [221] = { read_array, 4 }, [222] = { read_map, 2 }, [223] = { read_map, 4 },
}

function read_value(text, position, depth)
  local code = byte(text, position)
  if not code then
    return nil, nil, MISSING
  end
  position = position + 1
  if code < 128 then
    return code, position
  elseif code < 144 then
    return read_map(text, position, code - 128, depth + 1)
  elseif code < 160 then
    return read_array(text, position, code - 144, depth + 1)
  elseif code < 192 then
    return read_text(text, position, code - 160)
  elseif code >= 224 then
    return code - 256, position
  elseif code == 192 then
    return nil, position
  elseif code == 194 or code == 195 then
    return code == 195, position
  elseif SIZED[code] then
    return SIZED[code][1](text, position, SIZED[code][2])
  elseif COUNTED[code] then
    local length, start, wrong = read_unsigned(text, position, COUNTED[code][2])
    if not length then
      return nil, nil, wrong
    end
    return COUNTED[code][1](text, start, length, depth + 1)
  end
  return nil, nil, BAD
end

-- As many values as there are, but no more than `limit`, as a list; their number; and where the next one begins, if there
-- is one (counted from 0), or -1. Called by what the script has called, which it raises the errors of.
local function read_values(text, offset, limit)
  if offset < 0 or limit < 0 then
    error("Invalid request to unpack with offset of " .. offset .. " and limit of " .. #text .. ".", 3)
  elseif offset > #text then
    error("Start offset " .. offset .. " greater than input length " .. #text .. ".", 3)
  end
  local values, count, position = {}, 0, offset + 1
  while count < limit and position <= #text do
    local value, stop, wrong = read_value(text, position, 0)
    if stop and count == MOST_RESULTS then
      wrong = "stack overflow (" .. TOO_MANY .. ")"
    end
    if wrong then
      error(wrong, 3)
    end
    count, position = count + 1, stop
    values[count] = value
  end
  return values, count, position <= #text and position - 1 or -1
end

-- What scripts see

local cmsgpack = {
  _COPYRIGHT = "Copyright (C) 2012, Salvatore Sanfilippo",
  _DESCRIPTION = "MessagePack C implementation for Lua",
  _NAME = "cmsgpack",
  _VERSION = "lua-cmsgpack 0.4.0",
}

function cmsgpack.pack(...)
  local given = select("#", ...)
  if given == 0 then
    arguments.refuse(0, "MessagePack pack needs input.", 1)
  end
  local pieces, count = {}, 0
  for index = 1, given do
    count = pack_value((select(index, ...)), pieces, count, 0)
  end
  return concat(pieces)
end

function cmsgpack.unpack(...)
  local values, count = read_values(arguments.text((...), 1, select("#", ...), 1), 0, 2 ^ 31 - 1)
  return unpack(values, 1, count)
end

function cmsgpack.unpack_one(...)
  local given = select("#", ...)
  local text, offset = ...
  offset = offset == nil and 0 or arguments.int(offset, 2, given, 1)
  local values, count, following = read_values(arguments.text(text, 1, given, 1), offset, 1)
  return following, unpack(values, 1, count)
end

function cmsgpack.unpack_limit(...)
  local given = select("#", ...)
  local text, limit, offset = ...
  limit = arguments.int(limit, 2, given, 1)
  offset = offset == nil and 0 or arguments.int(offset, 3, given, 1)
  text = arguments.text(text, 1, given, 1)
  if limit == 0 and offset == 0 then -- all of them, as unpack
    local values, count = read_values(text, 0, 2 ^ 31 - 1)
    return unpack(values, 1, count)
  end
  local values, count, following = read_values(text, offset, limit)
  return following, unpack(values, 1, count)
end

return cmsgpack
