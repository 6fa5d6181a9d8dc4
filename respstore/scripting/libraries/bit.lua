-- bit: operations on the bits of numbers, as the library of this name that Redis has (Lua BitOp).
--
-- A number is taken by its lowest 32 bits and a result is signed. Lua 5.1 has no such operations: "and" goes by four bits
-- at a time, and "or" and "exclusive or" follow from it.

local arguments = ...

local floor, frexp, huge, ldexp, lower, select, upper = math.floor, math.frexp, math.huge, math.ldexp, string.lower, select, string.upper
local format, sub = string.format, string.sub
local number_of = arguments.number

local AND = {} -- of two numbers below 16, by 16 times the first plus the second
for first = 0, 15 do
  for second = 0, 15 do
    local result, weight = 0, 1
    for _ = 1, 4 do
      if floor(first / weight) % 2 == 1 and floor(second / weight) % 2 == 1 then
        result = result + weight
      end
      weight = weight * 2
    end
    AND[16 * first + second] = result
  end
end

local function both(a, b) -- the bits that two unsigned numbers share
  local result, weight = 0, 1
  while a > 0 and b > 0 do
    local first, second = a % 16, b % 16
    result = result + AND[16 * first + second] * weight
    a, b, weight = (a - first) / 16, (b - second) / 16, weight * 16
  end
  return result
end

local function signed(number)
  number = number % 2 ^ 32
  return number < 2 ^ 31 and number or number - 2 ^ 32
end

-- The 32 bits, unsigned, that argument `position` of `count` stands for. A fraction is rounded, a half to the even number;
-- of what is beyond 2 ^ 51 Redis takes the lowest bits of how it is stored, with 2 ^ 52 + 2 ^ 51 added.
local function bits(value, position, count)
  local number = number_of(value, position, count, 2) + 6755399441055744
  if number ~= number or number == huge or number == -huge then
    return 0
  elseif number < 2 ^ 53 and number >= 2 ^ 52 then
    return number % 2 ^ 32
  end
  local mantissa = frexp(number < 0 and -number or number)
  return ldexp(mantissa, 53) % 2 ^ 32
end

local bit = {}

function bit.tobit(...)
  return signed(bits((...), 1, select("#", ...)))
end

function bit.bnot(...)
  return signed(-1 - bits((...), 1, select("#", ...)))
end

function bit.bswap(...)
  local number = bits((...), 1, select("#", ...))
  local a, b, c, d = number % 256, floor(number / 2 ^ 8) % 256, floor(number / 2 ^ 16) % 256, floor(number / 2 ^ 24)
  return signed(a * 2 ^ 24 + b * 2 ^ 16 + c * 2 ^ 8 + d)
end

-- An operation on all arguments, from one on the unsigned bits of two.
local function folded(name, operation)
  bit[name] = function(...)
    local count = select("#", ...)
    local result = bits((...), 1, count)
    for index = 2, count do
      result = operation(result, bits((select(index, ...)), index, count))
    end
    return signed(result)
  end
end

folded("band", both)
folded("bor", function(a, b)
  return a + b - both(a, b)
end)
folded("bxor", function(a, b)
  return a + b - 2 * both(a, b)
end)

-- An operation on a number's bits and a distance from 0 to 31.
local function shifted(name, operation)
  bit[name] = function(...)
    local count = select("#", ...)
    local first, second = ...
    local number = bits(first, 1, count)
    return signed(operation(number, bits(second, 2, count) % 32))
  end
end

local function rotated(number, distance) -- to the left
  return number * 2 ^ distance % 2 ^ 32 + floor(number / 2 ^ (32 - distance))
end

shifted("lshift", function(number, distance)
  return number % 2 ^ (32 - distance) * 2 ^ distance
end)
shifted("rshift", function(number, distance)
  return floor(number / 2 ^ distance)
end)
shifted("arshift", function(number, distance)
  return floor(signed(number) / 2 ^ distance)
end)
shifted("rol", rotated)
shifted("ror", function(number, distance)
  return rotated(number, (32 - distance) % 32)
end)

function bit.tohex(...)
  local count = select("#", ...)
  local first, second = ...
  local number, digits = bits(first, 1, count), 8
  if count > 1 then
    digits = signed(bits(second, 2, count))
  end
  local written = format("%08x", number)
  if digits < 0 then
    digits, written = -digits, upper(written)
  end
  return digits < 8 and sub(written, 9 - digits) or written
end

return bit
