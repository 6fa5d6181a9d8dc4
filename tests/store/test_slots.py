import pytest

from respstore.store.slots import hash_slot, hash_tag


@pytest.mark.parametrize(
    ("key", "slot"),
    # as `redis-cli CLUSTER KEYSLOT` says
    [(b"", 0), (b"123456789", 12739), (b"foo", 12182), (b"{user1000}.following", 3443), (b"{user1000}.x", 3443)],
)
def test_hash_slot(key: bytes, slot: int) -> None:
    assert hash_slot(key) == slot


@pytest.mark.parametrize(
    ("key", "tag"),
    [
        (b"a{b}c", b"b"),
        (b"a{b}{c}", b"b"),
        (b"a{}b{c}", b"a{}b{c}"),
        (b"a{{b}}c", b"{b"),
        (b"a}b{c", b"a}b{c"),
        (b"a}{b}", b"b"),
    ],
)
def test_hash_tag(key: bytes, tag: bytes) -> None:
    assert hash_tag(key) == tag
