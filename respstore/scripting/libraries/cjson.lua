-- cjson: JSON, as the library of this name that Redis has reads and writes it.
--
-- Numbers are written as "%.14g" and read as C's strtod reads them, with hexadecimal, inf and nan. A table whose keys are
-- positive integers is an array, with null in its gaps; if there are too many gaps, an error, or an object on demand. An
-- empty table is an object. Strings are bytes: only what JSON demands is escaped, and \u becomes UTF-8.
--
-- Each function that can fail returns what went wrong, and what the script has called raises it: so an error has the
-- position of the call, and nothing that is nested, however deep, takes more of the C stack.

local arguments = ...

local error, next, rawget, select, setmetatable = error, next, rawget, select, setmetatable
local tonumber, tostring, type = tonumber, tostring, type
local byte, char, find, format, gsub, match, sub =
  string.byte, string.char, string.find, string.format, string.gsub, string.match, string.sub
local concat, floor, huge, min = table.concat, math.floor, math.huge, math.min

-- Redis's is the null pointer of C, which has no metatable and which scripts may know by this name.
local NULL = newproxy(true)
local null_metatable = getmetatable(NULL)
null_metatable.__metatable = false
function null_metatable.__tostring()
  return "userdata: (nil)"
end

local MOST = 2147483647 -- that an option can be
local MOST_DIGITS = 14
local DEEPEST = 7998 -- that anything can be nested, whatever the options say: Redis's C stack ends there, too

-- Encoding

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\127"] = "\\u007f" }
for code = 0, 31 do
  ESCAPES[char(code)] = format("\\u%04x", code)
end
for letter, code in next, { b = 8, t = 9, n = 10, f = 12, r = 13 } do
  ESCAPES[char(code)] = "\\" .. letter
end
local ESCAPED = '[%z\1-\31"\\/\127]'

local function quoted(text)
  if find(text, ESCAPED) then
    text = gsub(text, ESCAPED, ESCAPES)
  end
  return '"' .. text .. '"'
end

local function failed(value, reason)
  return "Cannot serialise " .. type(value) .. ": " .. reason
end

local FORMATS = {}
for digits = 1, MOST_DIGITS do
  FORMATS[digits] = "%." .. digits .. "g"
end

-- A number as JSON has it; or nil, and what is wrong with it.
local function number_text(number, options)
  if number ~= number or number == huge or number == -huge then
    local invalid = options.encode_invalid_numbers
    if not invalid then
      return nil, failed(number, "must not be NaN or Inf")
    elseif invalid == "null" then
      return "null"
    elseif number ~= number then
      return "nan"
    end
  end
  return format(FORMATS[options.encode_number_precision], number)
end

-- The length of a table that is to be an array; nil, and perhaps what is wrong with it, if it is to be none.
local function array_length(value, options)
  local longest, items = 0, 0
  for key in next, value do
    if type(key) ~= "number" or key < 1 or key ~= floor(key) then
      return nil
    end
    if key > longest then
      longest = key <= MOST and key or -MOST -- what is more than C's int can be is less than any
    end
    items = items + 1
  end
  local ratio = options.sparse_ratio
  if longest > items and ratio > 0 and longest > items * ratio and longest > options.sparse_safe then
    return nil, not options.sparse_convert and failed(value, "excessively sparse array") or nil
  end
  return longest > 0 and longest or nil
end

local encode_table

-- Append a value to the pieces of the text, of which there are `count`. Returns how many there are now, or nil and what
-- is wrong.
local function encode_value(value, pieces, count, depth, options)
  local kind = type(value)
  if kind == "string" then
    if find(value, ESCAPED) then
      value = gsub(value, ESCAPED, ESCAPES)
    end
    pieces[count + 1], pieces[count + 2], pieces[count + 3] = '"', value, '"'
    return count + 3
  elseif kind == "number" then
    if options.encode_number_precision == MOST_DIGITS and value - value == 0 then
      pieces[count + 1] = value -- concat writes it with 14 digits
    else
      local text, wrong = number_text(value, options)
      if not text then
        return nil, wrong
      end
      pieces[count + 1] = text
    end
  elseif kind == "table" then
    return encode_table(value, pieces, count, depth + 1, options)
  elseif kind == "boolean" then
    pieces[count + 1] = value and "true" or "false"
  elseif value == nil or value == NULL then
    pieces[count + 1] = "null"
  else
    return nil, failed(value, "type not supported")
  end
  return count + 1
end

function encode_table(value, pieces, count, depth, options)
  if depth > options.encode_max_depth or depth >= DEEPEST then
    return nil, "Cannot serialise, excessive nesting (" .. depth .. ")"
  end
  local length, wrong = array_length(value, options)
  if wrong then
    return nil, wrong
  end
  if length then
    count = count + 1
    pieces[count] = "["
    for index = 1, length do
      if index > 1 then
        count = count + 1
        pieces[count] = ","
      end
      count, wrong = encode_value(rawget(value, index), pieces, count, depth, options)
      if not count then
        return nil, wrong
      end
    end
    pieces[count + 1] = "]"
    return count + 1
  end
  local opening = "{"
  for key, item in next, value do
    local name
    if type(key) == "string" then
      name = quoted(key)
    elseif type(key) == "number" then
      name, wrong = number_text(key, options)
      if not name then
        return nil, wrong
      end
      name = '"' .. name .. '"'
    else
      return nil, failed(key, "table key must be a number or string")
    end
    pieces[count + 1], pieces[count + 2], pieces[count + 3] = opening, name, ":"
    count, wrong = encode_value(item, pieces, count + 3, depth, options)
    if not count then
      return nil, wrong
    end
    opening = ","
  end
  if opening == "{" then
    count = count + 1
    pieces[count] = "{"
  end
  pieces[count + 1] = "}"
  return count + 1
end

-- Decoding

local PLAIN = { b = "\b", t = "\t", n = "\n", f = "\f", r = "\r", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local LITERALS = { t = { "^true()", true }, f = { "^false()", false }, n = { "^null()", NULL } }
local TOKENS = {
  ["{"] = "T_OBJ_BEGIN", ["}"] = "T_OBJ_END", ["["] = "T_ARR_BEGIN", ["]"] = "T_ARR_END", [","] = "T_COMMA",
  [":"] = "T_COLON", ["\0"] = "T_END", [""] = "T_END",
}

local function utf8(code)
  if code < 0x80 then
    return char(code)
  elseif code < 0x800 then
    return char(0xC0 + floor(code / 0x40), 0x80 + code % 0x40)
  elseif code < 0x10000 then
    return char(0xE0 + floor(code / 0x1000), 0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return char(
    0xF0 + floor(code / 0x40000),
    0x80 + floor(code / 0x1000) % 0x40,
    0x80 + floor(code / 0x40) % 0x40,
    0x80 + code % 0x40
  )
end

-- The character of a \u at `position`, and the position behind it; nil if it is none. Two may stand for one character.
local function unicode(text, position)
  local digits = match(text, "^\\u(%x%x%x%x)", position)
  if not digits then
    return nil
  end
  local code = tonumber(digits, 16)
  if code < 0xD800 or code > 0xDFFF then
    return utf8(code), position + 6
  end
  digits = match(text, "^\\u(%x%x%x%x)", position + 6)
  local low = digits and tonumber(digits, 16)
  if code > 0xDBFF or not low or low < 0xDC00 or low > 0xDFFF then
    return nil
  end
  return utf8(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), position + 12
end

-- The string whose opening quote stands at `position`, and the position behind it; or nil, what is wrong, and where.
local function read_string(text, position)
  local plain, stop = match(text, '^"([^"\\%z]*)"()', position)
  if plain then
    return plain, stop
  end
  local pieces, count = {}, 0
  position = position + 1
  while true do
    plain, stop = match(text, '^([^"\\%z]*)()', position)
    count = count + 1
    pieces[count] = plain
    local next_one = sub(text, stop, stop)
    if next_one == '"' then
      return concat(pieces), stop + 1
    elseif next_one ~= "\\" then
      return nil, "unexpected end of string", stop
    end
    local escaped = sub(text, stop + 1, stop + 1)
    count = count + 1
    if escaped == "u" then
      pieces[count], position = unicode(text, stop)
      if not position then
        return nil, "invalid unicode escape code", stop
      end
    else
      pieces[count], position = PLAIN[escaped], stop + 2
      if not pieces[count] then
        return nil, "invalid escape code", stop
      end
    end
  end
end

-- The number at `position`, and the position behind it, as C's strtod finds them; nil if there is none.
local function read_number(text, position)
  local stop = match(text, "^[+-]?0[xX]%x+%.?%x*()", position) or match(text, "^[+-]?0[xX]%.%x+()", position)
  if stop then
    stop = match(text, "^[pP][+-]?%d+()", stop) or stop
  else
    stop = match(text, "^[+-]?%d+%.?%d*()", position) or match(text, "^[+-]?%.%d+()", position)
    if stop then
      stop = match(text, "^[eE][+-]?%d+()", stop) or stop
    end
  end
  if stop then
    return tonumber(sub(text, position, stop - 1)), stop
  end
  local sign, start = match(text, "^([+-]?)()", position)
  stop = match(text, "^[iI][nN][fF][iI][nN][iI][tT][yY]()", start) or match(text, "^[iI][nN][fF]()", start)
  if stop then
    return sign == "-" and -huge or huge, stop
  end
  stop = match(text, "^[nN][aA][nN]()", start)
  if stop then
    return sign == "-" and 0 / 0 or -(0 / 0), match(text, "^%([%w_]*%)()", stop) or stop
  end
end

-- The number, literal or string at `position`, and the position behind it; or nil, no position, what stands there
-- instead, and where.
local function read_scalar(text, position, options)
  local first = sub(text, position, position)
  if first == '"' then
    local value, stop, where = read_string(text, position)
    if not value then
      return nil, nil, stop, where
    end
    return value, stop
  end
  local literal = LITERALS[first]
  local stop = literal and match(text, literal[1], position)
  if stop then
    return literal[2], stop
  end
  local invalid_too = options.decode_invalid_numbers
  if find(first, "[%d-]") or invalid_too and (first == "+" or match(text, "^[iI][nN][fF]", position) or match(text, "^[nN][aA][nN]", position)) then
    local value
    if invalid_too or match(text, "^-?0%f[^xX%d]", position) or match(text, "^-?[1-9]", position) then
      value, stop = read_number(text, position)
    end
    if not value then
      return nil, nil, "invalid number", position
    end
    return value, stop
  end
  return nil, nil, TOKENS[first] or "invalid token", position
end

-- What is wrong at `position`, where something else was expected.
local function unexpected(expected, text, position, options)
  local value, _, token, where = read_scalar(text, position, options)
  if value ~= nil then
    local kind = type(value)
    token = kind == "string" and "T_STRING" or kind == "number" and "T_NUMBER" or "T_BOOLEAN"
    if value == NULL then
      token = "T_NULL"
    end
  end
  return "Expected " .. expected .. " but found " .. token .. " at character " .. (where or position)
end

-- Where the next token begins.
local function skipped(text, position)
  return (match(text, "^[ \t\n\r]*()", position))
end

-- The key at `position`, and where its value begins; or nil and what is wrong.
local function read_key(text, position, options)
  local key, colon = read_string(text, position)
  if not key or byte(text, position) ~= 34 then
    return nil, unexpected("object key string", text, position, options)
  end
  colon = skipped(text, colon)
  if byte(text, colon) ~= 58 then
    return nil, unexpected("colon", text, colon, options)
  end
  return key, skipped(text, colon + 1)
end

-- Returns whether all went well, and the value, or what is wrong. Goes round once for each value; what is open outside
-- of the innermost array or object lies on two stacks. `first` is the byte at `position` throughout: bytes are asked for
-- by twos and threes, and the end of a string by a plain find, as that is most of the work.
local function decode(text, options)
  if find(text, "^%z.") or find(text, "^.%z") then
    return false, "JSON parser does not support UTF-16 or UTF-32"
  end
  local root, container, length, key -- `length` of an array; false in an object, whose next key is `key`
  local depth, containers, lengths = 0, {}, {}
  local max_depth, any_number = min(options.decode_max_depth, DEEPEST), options.decode_invalid_numbers
  local special = find(text, "[\\%z]") or huge -- where the next character is that makes a string more than what it shows
  local position = skipped(text, 1)
  local first = byte(text, position)
  while true do
    if length == false then
      local stop = first == 34 and find(text, '"', position + 1, true)
      if stop and stop < special then
        key = sub(text, position + 1, stop - 1)
        local colon, third
        colon, first, third = byte(text, stop + 1, stop + 3)
        position = stop + 2
        if first == 32 then
          position, first = stop + 3, third
        end
        if colon ~= 58 or first and first <= 32 then
          key, position = read_key(text, stop - #key - 1, options)
          first = key and byte(text, position)
        end
      else
        key, position = read_key(text, position, options)
        first = key and byte(text, position)
      end
      if not key then
        return false, position
      end
    end

    local value, stop
    local opens = first == 91 or first == 123 -- [ or {
    if opens then
      if depth >= max_depth then
        return false, "Found too many nested data structures (" .. depth + 1 .. ") at character " .. position
      end
      value, stop = {}, position + 1
    elseif first == 34 then
      stop = find(text, '"', position + 1, true)
      if stop and stop < special then
        value = sub(text, position + 1, stop - 1)
        stop = stop + 1
      end
    elseif any_number then
      value, stop = match(text, "^(-?%d+%.?%d*)()[^eExX.%d]", position)
      value = value and tonumber(value)
    end
    if value == nil then
      value, stop = read_scalar(text, position, options)
      if value == nil then
        return false, unexpected("value", text, position, options)
      end
    end
    if stop > special then
      special = find(text, "[\\%z]", stop) or huge
    end

    if length then
      length = length + 1
      container[length] = value
    elseif container then
      container[key] = value
    else
      root = value
    end
    if opens then
      depth = depth + 1
      containers[depth], lengths[depth] = container, length
      container, length = value, first == 91 and 0
    end

    -- Behind a value: what closes, until a comma leads to the next one.
    while true do
      local token, following, third = byte(text, stop, stop + 2)
      if token == 32 or token == 10 or token == 13 or token == 9 then
        stop = skipped(text, stop)
        token, following, third = byte(text, stop, stop + 2)
      end
      if depth > 0 and token == (length and 93 or 125) then -- ] or }
        container, length = containers[depth], lengths[depth]
        depth, stop = depth - 1, stop + 1
      elseif opens then
        position, first = stop, token
        break
      elseif depth == 0 then
        if token and token ~= 0 then
          return false, unexpected("the end", text, stop, options)
        end
        return true, root
      elseif token == 44 then
        position, first = stop + 1, following
        if first == 32 then
          position, first = stop + 2, third
        end
        if first and first <= 32 then
          position = skipped(text, position)
          first = byte(text, position)
        end
        break
      else
        return false, unexpected(length and "comma or array end" or "comma or object end", text, stop, options)
      end
      opens = false
    end
  end
end

-- What scripts see: the functions, and the options that some of them set, which stay for all later scripts.

-- Set an option to what a function of ours was given as argument `position` of `count`; nil leaves it as it is. This one
-- is a number between `limits`; its fraction does not count.
local function set_integer(options, name, limits, value, position, count)
  if value ~= nil then
    local number = arguments.int(value, position, count, 2)
    local least, most = limits[1], limits[2]
    if number < least or number > most then
      arguments.refuse(1, format("expected integer between %d and %d", least, most), 2)
    end
    options[name] = number
  end
end

-- The same for a choice between false and true, or "off" and "on"; some have a third word.
local function set_choice(options, name, third, value, position, count)
  if type(value) == "boolean" then
    options[name] = value
  elseif value ~= nil then
    local word = arguments.text(value, position, count, 2)
    if word ~= "off" and word ~= "on" and word ~= third then
      arguments.refuse(position, "invalid option '" .. word .. "'", 2)
    end
    options[name] = word == third and word or word == "on"
  end
end

local function refuse_more_than(most, count)
  if count > most then
    arguments.refuse(most + 1, "found too many arguments", 2)
  end
end

-- A module of its own, with options of its own.
local function new()
  local options = {
    decode_invalid_numbers = true,
    decode_max_depth = 1000,
    encode_invalid_numbers = false,
    encode_keep_buffer = true, -- kept for those who ask: nothing here has a buffer
    encode_max_depth = 1000,
    encode_number_precision = MOST_DIGITS,
    sparse_convert = false,
    sparse_ratio = 2,
    sparse_safe = 10,
  }
  local module = { _NAME = "cjson", _VERSION = "2.1.0", null = NULL, new = new }

  function module.encode(...)
    if select("#", ...) ~= 1 then
      arguments.refuse(1, "expected 1 argument", 1)
    end
    local pieces = {}
    local count, wrong = encode_value((...), pieces, 0, 0, options)
    if not count then
      error(wrong, 2)
    end
    return concat(pieces)
  end

  function module.decode(...)
    if select("#", ...) ~= 1 then
      arguments.refuse(1, "expected 1 argument", 1)
    end
    local done, value = decode(arguments.text((...), 1, 1, 1), options)
    if not done then
      error(value, 2)
    end
    return value
  end

  -- The functions that set an option, if they are given a value, and return it.
  local function option(name, set, limit)
    module[name] = function(...)
      local count = select("#", ...)
      refuse_more_than(1, count)
      set(options, name, limit, (...), 1, count)
      return options[name]
    end
  end

  option("decode_invalid_numbers", set_choice)
  option("decode_max_depth", set_integer, { 1, MOST })
  option("encode_invalid_numbers", set_choice, "null")
  option("encode_keep_buffer", set_choice)
  option("encode_max_depth", set_integer, { 1, MOST })
  option("encode_number_precision", set_integer, { 1, MOST_DIGITS })

  function module.encode_sparse_array(...)
    local count = select("#", ...)
    refuse_more_than(3, count)
    local convert, ratio, safe = ...
    set_choice(options, "sparse_convert", nil, convert, 1, count)
    set_integer(options, "sparse_ratio", { 0, MOST }, ratio, 2, count)
    set_integer(options, "sparse_safe", { 0, MOST }, safe, 3, count)
    return options.sparse_convert, options.sparse_ratio, options.sparse_safe
  end

  return module
end

return new()
