-- struct: numbers and strings as C lays them out in memory, as the library of this name that Redis has.
--
-- A format is a row of options: b B h H l L T (integers of 1, 2, 8 and 8 bytes; a capital one is unsigned), i4 I4 (of so
-- many bytes), f d, s (a string that ends with a NUL), c4 (so many characters; c0: the whole string, or as many as the
-- number before says), x (a byte of padding); > and < (the most or the least significant byte first), ! (alignment).

local arguments, floats = ...

local error, ipairs, select, tonumber, unpack = error, ipairs, select, tonumber, unpack
local byte, char, find, match, reverse, rep, sub =
  string.byte, string.char, string.find, string.match, string.reverse, string.rep, string.sub
local concat, floor = table.concat, math.floor

local SIZES = { b = 1, B = 1, h = 2, H = 2, l = 8, L = 8, T = 8, f = 4, d = 8, x = 1 }
local SIGNED = { b = true, h = true, i = true, l = true }
local INTEGERS = "^[bBhHiIlLT]$"
local LARGEST = 32 -- bytes of an integer
local MOST = 2147483647 -- that a number in a format can be
local MOST_RESULTS = 7990 -- values that a function can return

-- Formats

-- The number at `position` of a format, or else `default`, and the position behind it; or nil and what is wrong.
local function read_number(layout, position, default)
  local digits, stop = match(layout, "^(%d+)()", position)
  if not digits then
    return default, position
  elseif tonumber(digits) > MOST then
    return nil, "integral size overflow"
  end
  return tonumber(digits), stop
end

-- The option at `position` of a format, how many bytes it stands for, and the position behind it; or nil and what is wrong.
local function read_option(layout, position)
  local option = sub(layout, position, position)
  local size, stop = SIZES[option] or 0, position + 1
  if option == "c" then
    size, stop = read_number(layout, stop, 1)
  elseif option == "i" or option == "I" then
    size, stop = read_number(layout, stop, 4)
    if size and size > LARGEST then
      return nil, "integral size " .. size .. " is larger than limit of " .. LARGEST
    end
  end
  return size and option, size or stop, stop
end

-- Follow an option that says how the next ones are meant: `way.big` and `way.alignment`. Returns the position behind it;
-- or nil, and what is wrong, if anything is to be said of it.
local function follow(option, layout, position, way)
  if option == ">" or option == "<" then
    way.big = option == ">"
  elseif option == "!" then
    local alignment, stop = read_number(layout, position, 8)
    local power = 1
    while alignment and power < alignment do
      power = power * 2
    end
    if alignment and power ~= alignment then
      return nil, "alignment " .. alignment .. " is not a power of 2"
    elseif not alignment then
      return nil, stop
    end
    way.alignment, position = alignment, stop
  elseif option ~= " " then
    return nil
  end
  return position
end

local function both(a, b) -- the bits that two numbers share
  local result, weight = 0, 1
  while a > 0 and b > 0 do
    if a % 2 == 1 and b % 2 == 1 then
      result = result + weight
    end
    a, b, weight = floor(a / 2), floor(b / 2), weight * 2
  end
  return result
end

-- How many bytes to leave free so that what has `size` begins where it should. For a size that is no power of 2, which
-- has no such place, Redis's own arithmetic.
local function padding(offset, option, size, way)
  if size == 0 or option == "c" or way.alignment == 1 then
    return 0
  end
  size = size < way.alignment and size or way.alignment
  return both(size - both(offset, size - 1), size - 1)
end

-- Integers

-- The low and the high 32 bits of a number, as C makes an integer of it.
local function halves(number)
  number = number < 0 and -floor(-number) or floor(number)
  if number ~= number or number < -2 ^ 63 then
    return 0, 2 ^ 31
  elseif number >= 2 ^ 64 then
    return 0, 0
  end
  return number % 2 ^ 32, floor(number / 2 ^ 32) % 2 ^ 32
end

local function pack_integer(number, size, big)
  local bytes = {}
  for start, half in ipairs({ halves(number) }) do
    for index = 1, 4 do
      bytes[4 * start - 4 + index] = char(half % 256)
      half = floor(half / 256)
    end
  end
  local text = size > 8 and concat(bytes) .. rep("\0", size - 8) or concat(bytes, "", 1, size)
  return big and reverse(text) or text
end

local function unpack_integer(text, is_signed, big)
  if not big then
    text = reverse(text)
  end
  local size = #text
  local low, high = 0, 0
  for index = size > 8 and size - 7 or 1, size do -- of a larger one, the rest is lost
    high = (high * 256 + floor(low / 2 ^ 24)) % 2 ^ 32
    low = (low * 256 + byte(text, index)) % 2 ^ 32
  end
  local sign = (8 * size - 1) % 64 -- the bit whose value is the sign
  if not is_signed then
    return high * 2 ^ 32 + low
  elseif sign >= 32 then
    local half = 2 ^ (sign - 32)
    return (high < half and high or high % half - half) * 2 ^ 32 + low
  end
  local half = 2 ^ sign
  return high == 0 and low < half and low or low % half - half
end

-- What scripts see

local struct = {}

function struct.pack(...)
  local count = select("#", ...)
  local layout = match(arguments.text((...), 1, count, 1), "^[^%z]*")
  local way, pieces, offset, position, given = { big = false, alignment = 1 }, {}, 0, 1, 1
  while position <= #layout do
    local option, size, stop = read_option(layout, position)
    if not option then
      error(size, 2)
    end
    local gap = padding(offset, option, size, way)
    local piece = ""
    if find(option, INTEGERS) or option == "f" or option == "d" then
      given = given + 1
      local number = arguments.number((select(given, ...)), given, given, 1)
      if option == "f" or option == "d" then
        piece = option == "f" and floats.pack_float(number) or floats.pack_double(number)
        piece = way.big and piece or reverse(piece)
      else
        piece = pack_integer(number, size, way.big)
      end
    elseif option == "s" or option == "c" then
      given = given + 1
      piece = arguments.text((select(given, ...)), given, given, 1)
      if #piece < size then
        arguments.refuse(given + 1, "string too short", 1)
      end
      piece = option == "s" and piece .. "\0" or size > 0 and sub(piece, 1, size) or piece
    elseif option == "x" then
      piece = "\0"
    else
      local wrong
      stop, wrong = follow(option, layout, stop, way)
      if wrong then
        error(wrong, 2)
      elseif not stop then
        arguments.refuse(1, "invalid format option '" .. option .. "'", 1)
      end
    end
    pieces[#pieces + 1] = rep("\0", gap)
    pieces[#pieces + 1] = piece
    offset, position = offset + gap + #piece, stop
  end
  return concat(pieces)
end

function struct.unpack(...)
  local count = select("#", ...)
  local layout, text, first = ...
  layout = match(arguments.text(layout, 1, count, 1), "^[^%z]*")
  text = arguments.text(text, 2, count, 1)
  first = first == nil and 1 or arguments.integer(first, 3, count, 1)
  if first == 0 then
    arguments.refuse(3, "offset must be 1 or greater", 1)
  end
  local way, values, results, offset, position = { big = false, alignment = 1 }, {}, 0, first - 1, 1
  while position <= #layout do
    local option, size, stop = read_option(layout, position)
    if not option then
      error(size, 2)
    end
    offset = offset + padding(offset, option, size, way)
    if offset < 0 or offset + size > #text then
      arguments.refuse(2, "data string too short", 1)
    elseif results == MOST_RESULTS then
      error("stack overflow (too many results)", 2)
    end
    local value
    if find(option, INTEGERS) then
      value = unpack_integer(sub(text, offset + 1, offset + size), SIGNED[option], way.big)
    elseif option == "f" or option == "d" then
      local bytes = sub(text, offset + 1, offset + size)
      bytes = way.big and bytes or reverse(bytes)
      value = (option == "f" and floats.unpack_float or floats.unpack_double)(bytes, 1)
    elseif option == "c" then
      if size == 0 then
        size = tonumber(values[results])
        if not size then
          error("format 'c0' needs a previous size", 2)
        end
        local low, high = halves(size)
        size, results = high * 2 ^ 32 + low, results - 1
        if offset + size > #text then
          arguments.refuse(2, "data string too short", 1)
        end
      end
      value = sub(text, offset + 1, offset + size)
    elseif option == "s" then
      local zero = find(text, "%z", offset + 1)
      if not zero then
        error("unfinished string in data", 2)
      end
      value, size = sub(text, offset + 1, zero - 1), zero - offset
    elseif option ~= "x" then
      local wrong
      stop, wrong = follow(option, layout, stop, way)
      if wrong then
        error(wrong, 2)
      elseif not stop then
        arguments.refuse(1, "invalid format option '" .. option .. "'", 1)
      end
    end
    if value ~= nil then
      results = results + 1
      values[results] = value
    end
    offset, position = offset + size, stop
  end
  values[results + 1] = offset + 1
  return unpack(values, 1, results + 1)
end

function struct.size(...)
  local layout = match(arguments.text((...), 1, select("#", ...), 1), "^[^%z]*")
  local way, total, position = { big = false, alignment = 1 }, 0, 1
  while position <= #layout do
    local option, size, stop = read_option(layout, position)
    if not option then
      error(size, 2)
    end
    total = total + padding(total, option, size, way) + size
    if option == "s" or option == "c" and size == 0 then
      arguments.refuse(1, "option '" .. (option == "s" and "s" or "c0") .. "' has no fixed size", 1)
    elseif not find(option, "%w") then
      local wrong
      stop, wrong = follow(option, layout, stop, way)
      if wrong then
        error(wrong, 2)
      elseif not stop then
        arguments.refuse(1, "invalid format option '" .. option .. "'", 1)
      end
    end
    position = stop
  end
  return total
end

return struct
