-- Numbers as IEEE 754 lays them out: 4 or 8 bytes, the most significant one first.

local byte, char, find = string.byte, string.char, string.find
local floor, frexp, huge, ldexp = math.floor, math.frexp, math.huge, math.ldexp
local tostring = tostring

local function rounded(number) -- to an integer; a half goes to the even one
  local whole = floor(number)
  local rest = number - whole
  if rest > 0.5 or rest == 0.5 and whole % 2 == 1 then
    return whole + 1
  end
  return whole
end

-- Whether the sign is minus (1 or 0), the exponent as it is stored, and the fraction as an integer.
local function parts(number, exponent_bits, fraction_bits)
  local most, one = 2 ^ exponent_bits - 1, 2 ^ fraction_bits
  if number ~= number then
    return find(tostring(number), "^-") and 1 or 0, most, one / 2
  elseif number == 0 then
    return 1 / number < 0 and 1 or 0, 0, 0
  end
  local sign = number < 0 and 1 or 0
  if number == huge or number == -huge then
    return sign, most, 0
  end
  local mantissa, exponent = frexp(sign == 1 and -number or number)
  exponent = exponent - 1 + floor(most / 2)
  if exponent < 1 then -- too small for a leading 1
    mantissa, exponent = ldexp(mantissa, exponent - 1), 1
  end
  local fraction = rounded(ldexp(mantissa, fraction_bits + 1))
  if fraction >= 2 * one then
    fraction, exponent = fraction / 2, exponent + 1
  end
  if exponent >= most then
    return sign, most, 0
  elseif fraction < one then
    return sign, 0, fraction
  end
  return sign, exponent, fraction - one
end

local function value(sign, exponent, fraction, exponent_bits, fraction_bits)
  local most, one = 2 ^ exponent_bits - 1, 2 ^ fraction_bits
  local number
  if exponent == most then
    number = fraction == 0 and huge or -(0 / 0)
  elseif exponent == 0 then
    number = ldexp(fraction, 1 - floor(most / 2) - fraction_bits)
  else
    number = ldexp(one + fraction, exponent - floor(most / 2) - fraction_bits)
  end
  return sign == 1 and -number or number
end

local floats = {}

function floats.pack_float(number)
  local sign, exponent, fraction = parts(number, 8, 23)
  local high = sign * 2 ^ 15 + exponent * 2 ^ 7 + floor(fraction / 2 ^ 16)
  return char(floor(high / 256), high % 256, floor(fraction / 256) % 256, fraction % 256)
end

function floats.pack_double(number)
  local sign, exponent, fraction = parts(number, 11, 52)
  local high = sign * 2 ^ 15 + exponent * 2 ^ 4 + floor(fraction / 2 ^ 48)
  local middle, low = floor(fraction / 2 ^ 24) % 2 ^ 24, fraction % 2 ^ 24
  return char(
    floor(high / 256), high % 256,
    floor(middle / 2 ^ 16), floor(middle / 256) % 256, middle % 256,
    floor(low / 2 ^ 16), floor(low / 256) % 256, low % 256
  )
end

-- The number whose bytes begin at `position` of a text that has them all.

function floats.unpack_float(text, position)
  local a, b, c, d = byte(text, position, position + 3)
  local exponent = a % 128 * 2 + floor(b / 128)
  return value(floor(a / 128), exponent, b % 128 * 2 ^ 16 + c * 256 + d, 8, 23)
end

function floats.unpack_double(text, position)
  local a, b, c, d, e, f, g, h = byte(text, position, position + 7)
  local fraction = b % 16 * 2 ^ 48 + (c * 2 ^ 16 + d * 256 + e) * 2 ^ 24 + f * 2 ^ 16 + g * 256 + h
  return value(floor(a / 128), a % 128 * 16 + floor(b / 16), fraction, 11, 52)
end

-- Whether 4 bytes hold the number as it is.
function floats.fits_float(number)
  return number == floats.unpack_float(floats.pack_float(number), 1)
end

return floats
