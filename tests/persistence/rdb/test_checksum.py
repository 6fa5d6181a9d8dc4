from respstore.persistence.rdb.checksum import checksum, update


def test_it_is_that_of_redis() -> None:
    assert update(0, b"123456789") == 0xE9C6D914C4B8D9CA  # as the test in crc64.c has it
    assert checksum(b"123456789") == bytes.fromhex("cad9b8c414d9c6e9")


def test_it_goes_on_from_piece_to_piece() -> None:
    assert update(update(0, b"1234"), b"56789") == update(0, b"123456789")
