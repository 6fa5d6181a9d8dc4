"""Numbers: what Redis reads as one and how it prints it, long doubles to the last bit."""

import math
from decimal import Decimal  # its texts may be longer than those of int() and Fraction()
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respstore.numbers import (
    LongDouble,
    format_double,
    format_long_double,
    format_plain_double,
    leading_integer,
    parse_float,
    parse_float_leniently,
    parse_integer,
    parse_long_double,
)

NUMBER_BYTES = st.lists(st.sampled_from("0123456789.eE+-xXpPinfatyINF _\x00"), max_size=8).map("".join).map(str.encode)


# Integers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *((b"12", 12), (b" \n+1x2", 1), (b"-7e3", -7), (b"1.9", 1), (b"x1", 0), (b"- 1", 0), (b"", 0), (b"0x10", 0)),
        *(
            (b"2147483648", -(2**31)),
            (b"4294967297", 1),
            (b"9" * 5000, -1),
            (b"-" + b"9" * 30, 0),
            (b"0" * 99 + b"5", 5),
        ),
    ],
)
def test_a_leading_integer_is_read_as_atoi_does(text: bytes, number: int) -> None:
    assert leading_integer(text) == number


@given(st.integers(-(2**70), 2**70) | st.integers(2**63 - 2, 2**63 + 2) | st.integers(-(2**63) - 2, -(2**63) + 2))
def test_integers_of_64_bits_are_read(number: int) -> None:
    assert parse_integer(b"%d" % number) == (number if -(2**63) <= number < 2**63 else None)


@given(NUMBER_BYTES | st.binary(max_size=30))
@example(b"1_000")
@example(b"1\n")
def test_an_integer_has_one_form(text: bytes) -> None:
    number = parse_integer(text)
    assert number is None or b"%d" % number == text


@pytest.mark.parametrize("text", [b"", b"-", b"+1", b"01", b"00", b"-0", b"-01", b" 1", b"1 ", b"1.0", b"9" * 5000])
def test_no_other_form_of_an_integer_is_read(text: bytes) -> None:
    assert parse_integer(text) is None


# Doubles

TEXTS = {  # as redis-server 7.0.15 takes them; compat/redis/test_numbers.py asks for many more
    b"+1": 1.0,
    b".5": 0.5,
    b"5.": 5.0,
    b"-1E5": -1e5,
    b"0x10": 16.0,
    b"-0X1.8p-1": -0.75,
    b"0x.8": 0.5,
    b"inf": math.inf,
    b"-Infinity": -math.inf,
    b"0e99999999999999999999": 0.0,
    b"0" * 300 + b"1": 1.0,
}
NO_NUMBERS = [
    *(b"", b".", b"+", b"e5", b"1e", b"1e+", b" 1", b"1 ", b"\t1", b"1\n", b"1\x00", b"\x001", b"1_0", b"1,5", b"1f"),
    *(b"++1", b"0x", b"0x.", b"0x1p", b"1p3", b"0xinf", b"infi", b"infinity1", b"nan", b"-nan", b"nan(1)", b"\xd9\xa1"),
    *(b"1e99999999999999999999", b"1e-99999999999999999999", b"0x1p99999999999999999999"),
]


@pytest.mark.parametrize(("text", "number"), TEXTS.items())
def test_floats_are_read_as_strtod_does(text: bytes, number: float) -> None:
    assert parse_float(text) == number
    long_double = parse_long_double(text)
    assert long_double is not None
    assert long_double.finite == math.isfinite(number)
    if long_double.finite:
        assert value(long_double) == Fraction(number)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_refused(text: bytes) -> None:
    assert parse_float(text) is None
    assert parse_long_double(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"", 0.0),
        (b"\0junk", 0.0),
        (b"1\0junk", 1.0),
        (b" \t\n\v\f\r1.5", 1.5),
        (b"1e400", math.inf),
        (b" -1e400", -math.inf),
        (b"1e-400", 0.0),
        (b"-0x1p9999", -math.inf),
        (b" 0x.8p1", 1.0),
        (b" -inf", -math.inf),
    ],
)
def test_bounds_of_ranges_are_read_leniently(text: bytes, number: float) -> None:
    assert parse_float_leniently(text) == number


@given(NUMBER_BYTES)
def test_who_is_lenient_takes_all_that_others_take(text: bytes) -> None:
    number = parse_float(text)
    assert number is None or parse_float_leniently(text) == number


@pytest.mark.parametrize(
    "text", [b" ", b"\t", b" \0", b"1 ", b" 1 ", b"junk", b"nan", b" nan", b"- 1", b"1e", b"0x", b"1e400x"]
)
def test_not_all_is_a_bound(text: bytes) -> None:
    assert parse_float_leniently(text) is None


@given(NUMBER_BYTES)
def test_both_kinds_take_the_same_texts(text: bytes) -> None:
    double, long_double = parse_float(text), parse_long_double(text)
    if long_double is None:
        assert double is None
    elif long_double.finite and 1e-300 < abs(value(long_double)) < 1e300:
        assert double == pytest.approx(float(value(long_double)), rel=1e-15)


@given(st.floats(allow_nan=False))
def test_every_double_survives_being_printed(number: float) -> None:
    assert parse_float(format_double(number)) == number
    assert parse_float(number.hex().encode()) == number


@pytest.mark.parametrize("text", [b"1e309", b"-1e309", b"1e-324", b"0x1p1024", b"-0x1p-1076"])
def test_doubles_out_of_range_are_refused_where_long_doubles_are_not(text: bytes) -> None:
    assert parse_float(text) is None
    assert parse_long_double(text) is not None


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (3.0, b"3"),
        (0.1, b"0.10000000000000001"),
        (1e16, b"10000000000000000"),
        (1e17, b"1e+17"),
        (1e-5, b"1.0000000000000001e-05"),
        (-0.0, b"-0"),
        (math.inf, b"inf"),
        (-math.inf, b"-inf"),
    ],
)
def test_doubles_are_printed_with_17_digits(number: float, text: bytes) -> None:
    assert format_double(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (3.0, b"3"),
        (-120.5, b"-120.5"),
        (0.1, b"0.10000000000000001"),
        (13.36138933897018433, b"13.36138933897018433"),
        (1e-20, b"0"),
        (-1e-20, b"0"),
        (-0.0, b"0"),
        (1e17, b"100000000000000000"),
    ],
)
def test_coordinates_are_printed_without_exponent(number: float, text: bytes) -> None:
    assert format_plain_double(number) == text


# Long doubles

DIGITS = st.text("0123456789", min_size=1, max_size=40)
DECIMALS = st.builds("{}{}.{}e{}".format, st.sampled_from(["", "-"]), DIGITS, DIGITS, st.integers(-30, 30))
EXTREMES = st.builds("{}.{}e{}".format, DIGITS, DIGITS, st.integers(-5000, 5000))
# Right between two long doubles, and next to that.
HALVES = st.builds(
    "{}.{}".format, st.integers(2**63, 2**65), st.sampled_from(["5", "5" + "0" * 50 + "1", "4" + "9" * 50, "25", "75"])
)
NUMBERS = (DECIMALS | EXTREMES | HALVES).map(str.encode)


def value(number: LongDouble) -> Fraction:
    return Fraction(number.significand) * Fraction(2) ** number.exponent


def nearest(number: Fraction) -> Fraction:
    """The long double that is nearest to a number, by definition; beyond the largest one, anything beyond it."""
    if number == 0:
        return number
    exponent = abs(number.numerator).bit_length() - number.denominator.bit_length() - 64
    while abs(number) >= Fraction(2) ** (exponent + 64):
        exponent += 1
    unit = Fraction(2) ** max(exponent, -16445)
    return round(number / unit) * unit  # round() takes ties to even


@given(NUMBERS)
@example(b"18446744073709551617")
@example(b"36893488147419103230.5e-1")
@example(b"3.6e-4951")
@example(b"1.8e-4951")
@example(b"1.189731495357231765e4932")
@example(b"1.18973149535723176507e4932")
def test_a_long_double_is_the_nearest_one(text: bytes) -> None:
    number = parse_long_double(text)
    expected = nearest(Fraction(text.decode()))
    if abs(expected) >= 2**16384 or (expected == 0 and Fraction(text.decode()) != 0):
        assert number is None
    else:
        assert number is not None
        assert value(number) == expected
        assert abs(number.significand) <= 2**64


@given(NUMBERS, NUMBERS)
@example(b"1e4932", b"1e4932")
@example(b"1e4932", b"-9e4931")
@example(b"18446744073709551615", b"0.5")
@example(b"1e-4950", b"-1e-4950")
def test_a_sum_is_the_nearest_one(first: bytes, second: bytes) -> None:
    one, two = parse_long_double(first), parse_long_double(second)
    if one is not None and two is not None:
        total = one + two
        expected = nearest(value(one) + value(two))
        assert total.finite == (abs(expected) < 2**16384)
        assert not total.finite or value(total) == expected


@given(NUMBERS)
def test_a_long_double_is_printed_with_17_decimals(text: bytes) -> None:
    number = parse_long_double(text)
    if number is not None:
        printed = format_long_double(number)
        assert Fraction(Decimal(printed.decode())) == Fraction(round(value(number) * 10**17), 10**17)
        assert b"." not in printed or printed[-1:] not in b".0"
        assert printed != b"-0"


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [
        (b"10.5", b"0.1", b"10.6"),
        (b"3", b"1", b"4"),
        (b"-0", b"-0", b"0"),
        (b"0", b"-4e-18", b"0"),
        (b"0", b"5e-18", b"0"),
        (b"0", b"6e-18", b"0.00000000000000001"),
        (b"-0.25", b"1e-1", b"-0.15"),
        (b"5e3", b"2e2", b"5200"),
        (b"0", b"9" * 255, b"9999999999999999999498479984"),
        (b"1e4932", b"0", b"1000000000000000000006018949"),
    ],
)
def test_sums_as_incrbyfloat_prints_them(first: bytes, second: bytes, total: bytes) -> None:
    one, two = parse_long_double(first), parse_long_double(second)
    assert one is not None
    assert two is not None
    assert format_long_double(one + two)[:28] == total


@pytest.mark.parametrize(("first", "second"), [(b"inf", b"1"), (b"inf", b"-inf"), (b"1e4932", b"1e4932")])
def test_a_sum_may_be_infinite(first: bytes, second: bytes) -> None:
    one, two = parse_long_double(first), parse_long_double(second)
    assert one is not None
    assert two is not None
    assert not (one + two).finite


def test_a_long_double_is_read_from_at_most_5119_bytes() -> None:
    assert parse_long_double(b"1".rjust(5119, b"0")) == LongDouble(1, 0)
    assert parse_long_double(b"1".rjust(5120, b"0")) is None
    assert parse_long_double(b"0." + b"9" * 5117) == LongDouble(2**64, -64)
