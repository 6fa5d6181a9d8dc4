"""What names of clients look like in the errors of barriers and namespaces; tests of the commands show the texts."""

import pytest

from respstore import own_errors
from respstore.errors import RespError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (own_errors.wrong_epoch(b"a\r\nb", 1, 2), r"ERR barrier 'a\r\nb' is at epoch 1, not 2"),
        (own_errors.member_replaced(7), "REPLACED member client:7 arrived again from another connection"),
        (own_errors.member_replaced(b"a b"), "REPLACED member 'a b' arrived again from another connection"),
        (own_errors.barrier_reset(b"x", b""), "BROKENBARRIER barrier 'x' was reset"),
        (own_errors.barrier_reset(b"x", b"too\nlate"), r"BROKENBARRIER barrier 'x' was reset: too\nlate"),
        (own_errors.no_such_namespace(b"x" * 200), f"ERR there is no namespace '{'x' * 128}...'"),
    ],
)
def test_texts_quote_names_on_one_line(error: RespError, text: str) -> None:
    assert error.text == text
