import pytest

from respstore.config import Config
from respstore.keyspace import Hash
from respstore.persistence.rdb.checksum import checksum
from respstore.persistence.rdb.dump import decode_dump, encode_dump, is_intact
from respstore.persistence.rdb.primitives import CorruptError

HELLO = b"\x00\x05hello\n\x00cr\xdfve4 \n"  # from redis-server 7.0.15
CONFIG = Config()


def sealed(data: bytes, version: int = 10) -> bytes:
    payload = data + version.to_bytes(2, "little")
    return payload + checksum(payload)


def test_as_redis_dumps() -> None:
    assert encode_dump(b"hello", CONFIG) == HELLO
    assert is_intact(HELLO)
    assert decode_dump(HELLO, CONFIG) == b"hello"
    assert decode_dump(encode_dump(Hash({b"f": b"v"}), CONFIG), CONFIG) == {b"f": b"v"}


def test_long_strings_are_compressed_if_so_configured() -> None:
    config = Config()
    assert encode_dump(b"ab" * 30, config).startswith(b"\x00\xc3\x0a\x3c\x02aba")
    config.rdbcompression = False
    assert encode_dump(b"ab" * 30, config).startswith(b"\x00\x3cababab")


def test_a_change_of_any_byte_is_noticed() -> None:
    for at in range(len(HELLO)):
        changed = bytearray(HELLO)
        changed[at] ^= 1
        assert not is_intact(bytes(changed))
    assert not is_intact(HELLO[:-1])
    assert not is_intact(b"")


def test_versions() -> None:
    assert is_intact(sealed(b"\x00\x00", 11))
    assert not is_intact(sealed(b"\x00\x00", 12))


@pytest.mark.parametrize("data", [b"\x00\x05hell", b"", b"\x63\x00", b"\x04\x00"])
def test_an_intact_payload_may_be_no_value(data: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_dump(sealed(data), CONFIG)


def test_what_follows_a_value_is_ignored_as_in_redis() -> None:
    assert decode_dump(sealed(b"\x00\x01ax"), CONFIG) == b"a"
