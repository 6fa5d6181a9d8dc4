"""What a listpack's elements take, to the byte."""

from math import inf

import pytest

from respstore.keyspace.listpack_sizes import integer_size, text_size, whole_score


@pytest.mark.parametrize(
    ("number", "size"),
    [
        *[(0, 2), (127, 2), (128, 3), (-1, 3), (4095, 3), (-4096, 3), (4096, 4), (-32768, 4), (32768, 5)],
        *[(2**23 - 1, 5), (-(2**23) - 1, 6), (2**31, 10), (-(2**63), 10)],
    ],
)
def test_integers(number: int, size: int) -> None:
    assert integer_size(number) == text_size(b"%d" % number) == size


@pytest.mark.parametrize(
    ("length", "size"),
    [
        *[(0, 2), (1, 3), (63, 65), (64, 67), (125, 128), (126, 130), (4095, 4099), (4096, 4103), (16_377, 16_384)],
        *[(16_378, 16_386), (2_097_145, 2_097_153), (2_097_146, 2_097_155), (300_000_000, 300_000_010)],
    ],
)
def test_texts(length: int, size: int) -> None:
    assert text_size(b"x" * length) == size


def test_a_whole_score_is_an_integer_up_to_a_limit() -> None:
    limit = 2.0**62
    assert [whole_score(score) for score in (3.0, -0.0, limit, -limit)] == [3, 0, 2**62, -(2**62)]
    assert [whole_score(score) for score in (0.5, limit + 1024, -limit - 1024, inf, -inf)] == [None] * 5


def test_what_is_no_canonical_integer_is_a_text() -> None:
    assert [text_size(text) for text in (b"01", b"-0", b"+1", b" 1", b"9223372036854775808")] == [4, 4, 4, 4, 21]
