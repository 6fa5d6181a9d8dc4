"""Numbers as Redis 7.0 reads and prints them: 64-bit integers, doubles, and the long doubles of INCRBYFLOAT.

INCRBYFLOAT and HINCRBYFLOAT calculate with C's `long double`, which on x86 has a significand of 64 bits, and print 17
decimals: 10.5 + 0.1 is 10.6 there, and 10.59999999999999964 with doubles. `LongDouble` does the same arithmetic with
integers, bit for bit. Scores are doubles, printed with 17 significant digits: 0.1 is 0.10000000000000001.

Both kinds are read as C's strtod does, from first byte to last: `1e5`, `.5`, `5.`, `0x1.8p3`, `inf`, `-Infinity`; no
space, no `nan`. A number that is too large, or so small that it becomes 0, is refused.
"""

import re
from decimal import Decimal
from typing import Final

import attrs

MIN_INTEGER: Final = -(2**63)
MAX_INTEGER: Final = 2**63 - 1
"""The ends of the signed 64-bit integers, to which Redis confines numbers, times in ms, counts and ids."""

_INTEGER: Final = re.compile(rb"0|-?[1-9][0-9]{0,18}")
_LEADING_INTEGER: Final = re.compile(rb"\s*([+-]?)0*(\d{0,20})")

# Sign, digits before and after the point, exponent. `*+` and `?+`: there is no second way to read a number.
_DECIMAL: Final = re.compile(rb"([+-]?)(?=\.?[0-9])([0-9]*+)(?:\.([0-9]*+))?+(?:[eE]([+-]?[0-9]++))?+")
_HEXADECIMAL: Final = re.compile(
    rb"([+-]?)0[xX](?=\.?[0-9a-fA-F])([0-9a-fA-F]*+)(?:\.([0-9a-fA-F]*+))?+(?:[pP]([+-]?[0-9]++))?+"
)
_INFINITY: Final = re.compile(rb"([+-]?)inf(?:inity)?", re.IGNORECASE)
_DECIMAL_BYTES: Final = b"0123456789.eE+-"
_TOO_LARGE: Final = float("inf")

_SMALL_INTEGERS: Final = {b"%d" % number: number for number in range(1024)}
"""Small whole numbers by their texts, as many counts and positions are: to read one takes three times as long."""
SMALL_NUMBERS: Final = {text: float(number) for text, number in _SMALL_INTEGERS.items()}
"""The same as doubles, as many scores are."""
SMALL_TEXTS: Final = {number: text for text, number in SMALL_NUMBERS.items() if number}
"""How they are written, which takes a quarter of the time of printing. Without 0, which -0 is equal to."""

SMALLEST_NORMAL: Final = 2.0**-1022
"""The smallest positive double with all its digits; to C's strtod, what is smaller is out of range."""

_LONG_DOUBLE_TEXT: Final = 5120
"""Redis copies what shall become a long double to a buffer of this many bytes, a zero at the end included."""

# x86's extended precision: numbers are significand * 2**exponent.
_SIGNIFICAND_BITS: Final = 64
_MIN_EXPONENT: Final = -16445
_MAX_BITS: Final = 16384  # 2**16384 is the first number that is too large
_DECIMALS: Final = 17
_UNIT: Final = 10**_DECIMALS


def parse_integer(text: bytes) -> int | None:
    """Read a signed 64-bit integer in its one canonical form; anything else (`+1`, `01`, `-0`, ` 1`) gives None."""
    small = _SMALL_INTEGERS.get(text)
    if small is not None:
        return small
    if text.isdigit() and len(text) < 19 and text >= b"1":
        return int(text)
    if _INTEGER.fullmatch(text) is None:
        return None
    number = int(text)
    return number if MIN_INTEGER <= number <= MAX_INTEGER else None


def leading_integer(text: bytes) -> int:
    """The signed 32-bit integer at the beginning of a text, 0 if there is none; the rest is ignored (C's atoi)."""
    match = _LEADING_INTEGER.match(text)
    assert match is not None  # it may be empty
    number = int(match[2] or b"0") * (-1 if match[1] == b"-" else 1)
    return low_half(min(max(number, MIN_INTEGER), MAX_INTEGER))


def low_half(number: int) -> int:
    """What C keeps of a 64-bit integer in a signed one of 32 bits."""
    return (number + 2**31) % 2**32 - 2**31


def parse_float(text: bytes) -> float | None:
    """Read a double; None if the text is no number, or one that a double cannot hold."""
    small = SMALL_NUMBERS.get(text)
    if small is not None:
        return small
    if text.isdigit() and len(text) < 300:  # most are so
        return float(int(text))  # in half the time of float(text)
    try:
        if not text.translate(None, _DECIMAL_BYTES):  # of these bytes, float() takes what strtod takes
            number = float(text)
        elif _HEXADECIMAL.fullmatch(text):
            number = float.fromhex(text.decode())
        else:
            return float(text) if _INFINITY.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None
    if not number or abs(number) == _TOO_LARGE:
        match = _DECIMAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text)
        if match is None or _digits(match).strip(b"0"):
            return None
    return number


def parse_float_leniently(text: bytes) -> float | None:
    """Read a double as the bounds of ranges of scores are read: C's strtod and nothing more.

    Spaces may stand before it, any bytes behind a zero byte; nothing at all is 0, a number that is too large infinite.
    """
    number = parse_float(text)
    if number is not None or not text:
        return number or 0.0
    text = text.partition(b"\0")[0]
    stripped = text.lstrip(b" \t\n\v\f\r")
    if not text or not stripped:
        return None if text else 0.0
    match = _DECIMAL.fullmatch(stripped) or _HEXADECIMAL.fullmatch(stripped)
    if match is None:
        return parse_float(stripped)
    try:
        return float.fromhex(stripped.decode()) if match.re is _HEXADECIMAL else float(stripped)
    except OverflowError:
        return -_TOO_LARGE if match[1] == b"-" else _TOO_LARGE


DOUBLE: Final = b"%.17g"
"""How `format_double` prints what is not in SMALL_TEXTS, for those to whom the call matters."""


def format_double(number: float) -> bytes:
    """Print a double as in RESP3's `,` and in RESP2's scores."""
    return SMALL_TEXTS.get(number) or DOUBLE % number


def format_plain_double(number: float) -> bytes:
    """Print a finite double with at most 17 decimals, never an exponent: coordinates are shown so."""
    text = (b"%.17f" % number).rstrip(b"0").rstrip(b".")
    return b"0" if text == b"-0" else text


@attrs.frozen
class LongDouble:
    """A long double of x86: `significand * 2**exponent`, rounded to nearest, ties to even.

    `finite` is False for infinity and NaN, which nobody needs to tell apart: both are errors to INCRBYFLOAT.
    """

    significand: int
    exponent: int
    finite: bool = True

    def __add__(self, other: "LongDouble") -> "LongDouble":
        if not (self.finite and other.finite):
            return _NOT_FINITE
        exponent = min(self.exponent, other.exponent)
        total = (self.significand << (self.exponent - exponent)) + (other.significand << (other.exponent - exponent))
        return _round(total, exponent)


_NOT_FINITE: Final = LongDouble(0, 0, finite=False)


def parse_long_double(text: bytes) -> LongDouble | None:
    """Read a long double; None if the text is no number, or one that a long double cannot hold."""
    if len(text) >= _LONG_DOUBLE_TEXT:
        return None
    if match := _DECIMAL.fullmatch(text):
        number = _from_decimal(match)
    elif match := _HEXADECIMAL.fullmatch(text):
        number = _from_hexadecimal(match)
    else:
        return _NOT_FINITE if _INFINITY.fullmatch(text) else None
    if not number.finite or (number.significand == 0 and _digits(match).strip(b"0")):
        return None
    return LongDouble(-number.significand, number.exponent) if match[1] == b"-" else number


def format_long_double(number: LongDouble) -> bytes:
    """Print a finite long double as INCRBYFLOAT does: at most 17 decimals, never an exponent."""
    if number.exponent >= 0:
        # By way of Decimal, because Python refuses to print integers of more than 4300 digits.
        return str(Decimal(number.significand << number.exponent)).encode()
    scaled = _shift_right(abs(number.significand) * _UNIT, -number.exponent)
    digits = b"%0*d" % (_DECIMALS + 1, scaled)
    text = (digits[:-_DECIMALS] + b"." + digits[-_DECIMALS:]).rstrip(b"0").rstrip(b".")
    return b"-" + text if number.significand < 0 and scaled else text


def _digits(match: re.Match[bytes]) -> bytes:
    return match[2] + (match[3] or b"")


def _power(match: re.Match[bytes]) -> int:
    """The exponent as it is written; one that is far beyond any range may come back as another such."""
    text = match[4] or b"0"
    digits = text.lstrip(b"+-0") or b"0"
    power = int(digits) if len(digits) < 7 else 10**6
    return -power if text[0] == ord("-") else power


def _from_decimal(match: re.Match[bytes]) -> LongDouble:
    digits = _digits(match).lstrip(b"0")
    power = _power(match) - len(match[3] or b"")
    if not digits or len(digits) + power < -4960:
        return LongDouble(0, 0)
    if len(digits) + power > 4940:
        return _NOT_FINITE
    number = int(Decimal(digits.decode()))  # int() alone refuses more than 4300 digits
    if power >= 0:
        return _round(number * 10**power, 0)
    divisor = 10**-power
    shift = max(0, _SIGNIFICAND_BITS + 2 + divisor.bit_length() - number.bit_length())
    quotient, rest = divmod(number << shift, divisor)
    return _round(quotient, -shift, inexact=rest > 0)


def _from_hexadecimal(match: re.Match[bytes]) -> LongDouble:
    return _round(int(_digits(match), 16), _power(match) - 4 * len(match[3] or b""))


def _round(significand: int, exponent: int, *, inexact: bool = False) -> LongDouble:
    """The long double nearest to `significand * 2**exponent`, which is really a bit further from 0 if `inexact`."""
    magnitude = abs(significand)
    excess = max(magnitude.bit_length() - _SIGNIFICAND_BITS, _MIN_EXPONENT - exponent)
    if excess > 0:
        magnitude = _shift_right(magnitude, excess, inexact=inexact)
        exponent += excess
    if magnitude.bit_length() + exponent > _MAX_BITS:
        return _NOT_FINITE
    return LongDouble(-magnitude if significand < 0 else magnitude, exponent if magnitude else 0)


def _shift_right(number: int, bits: int, *, inexact: bool = False) -> int:
    """Divide by 2**bits, rounded to nearest, ties to even; `inexact` as for `_round`."""
    quotient = number >> bits
    twice_rest = (number - (quotient << bits)) << 1
    one = 1 << bits
    if twice_rest > one or (twice_rest == one and (inexact or quotient & 1)):
        quotient += 1
    return quotient
