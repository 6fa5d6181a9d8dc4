"""Whole files: what was written is loaded, what is not whole is refused, byte by byte."""

from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from respstore.config import Config
from respstore.keyspace import Hash, Keyspace, SortedSet
from respstore.keyspace.digest import digest_of_keyspace
from respstore.keyspace.stream import Stream
from respstore.keyspace.usage import CountedKeys, TimedKeys, Usage
from respstore.keyspace.weighing import weigh
from respstore.persistence.rdb.checksum import checksum
from respstore.persistence.rdb.file import FileReader, write_file
from respstore.persistence.rdb.primitives import CorruptError, encode_compressed, encode_string

NOW = 1_000_000
HEAD = b"REDIS0010"


def filled() -> Keyspace:
    keyspace = Keyspace(16)
    keyspace.now = NOW
    db, other = keyspace.databases[0], keyspace.databases[5]
    db.put(b"string", b"hello", "set")
    db.put(b"number", 12, "incr")
    db.put(b"grown", bytearray(b"ab"), "append")
    db.put(b"list", deque([b"a", b"b"]), "rpush")
    db.put(b"hash", Hash({b"f": b"v"}), "hset")
    db.put(b"7", SortedSet({b"m": 1.0}), "zadd")
    db.put(b"soon", b"x", "set")
    db.set_deadline(b"soon", NOW + 5)
    other.put(b"", Stream(), "xgroup-create")
    return keyspace


def written(keyspace: Keyspace, config: Config | None = None) -> bytes:
    return b"".join(write_file(keyspace, {"redis-ver": "7.0.15", "redis-bits": 64}, config or Config()))


def read(data: bytes, now: int = NOW, databases: int = 16) -> tuple[Keyspace, FileReader]:
    keyspace = Keyspace(databases)
    keyspace.now = now
    reader = FileReader(data, keyspace, Config())
    for _ in reader.load():
        pass
    return keyspace, reader


def sealed(data: bytes) -> bytes:
    data = HEAD + data + b"\xff"
    return data + checksum(data)


def test_what_is_written_is_loaded() -> None:
    keyspace = filled()
    data = written(keyspace)
    loaded, reader = read(data)
    assert digest_of_keyspace(loaded) == digest_of_keyspace(keyspace)
    assert loaded.databases[0].deadline(b"soon") == NOW + 5
    assert (reader.keys, reader.expired, reader.at) == (8, 0, len(data))
    assert reader.about == {"redis-ver": "7.0.15", "redis-bits": "64"}
    assert not loaded.changes


def test_the_bytes_are_those_of_redis() -> None:
    keyspace = Keyspace(16)
    keyspace.databases[0].put(b"a", b"1", "set")
    keyspace.databases[0].set_deadline(b"a", 33_177_117_420_000)
    keyspace.databases[3].put(b"b", b"x", "set")
    expiry = b"\xfc" + (33_177_117_420_000).to_bytes(8, "little")
    data = b"\xfe\x00\xfb\x01\x01" + expiry + b"\x00\x01a\xc0\x01" + b"\xfe\x03\xfb\x01\x00" + b"\x00\x01b\x01x"
    assert b"".join(write_file(keyspace, {}, Config())) == sealed(data)


def test_no_data_is_a_file_too() -> None:
    assert b"".join(write_file(Keyspace(16), {}, Config())) == sealed(b"")
    assert read(sealed(b""))[1].keys == 0


def test_what_is_over_is_not_loaded() -> None:
    loaded, reader = read(written(filled()), now=NOW + 5)
    assert b"soon" not in loaded.databases[0].data
    assert (reader.keys, reader.expired) == (7, 1)


def test_without_a_checksum() -> None:
    config = Config()
    config.rdbchecksum = False
    data = written(filled(), config)
    assert data[-8:] == bytes(8)
    assert read(data)[1].keys == 8


def test_a_checksum_may_be_ignored() -> None:
    data = sealed(b"\x00\x01a\x01x")[:-8] + b"12345678"
    with pytest.raises(CorruptError, match="a wrong checksum at byte 15"):
        read(data)
    config = Config()
    config.rdbchecksum = False
    keyspace = Keyspace(16)
    list(FileReader(data, keyspace, config).load())
    assert keyspace.databases[0].data == {b"a": b"x"}


def test_it_pauses_again_and_again() -> None:
    keyspace = Keyspace(16)
    for number in range(5000):
        keyspace.databases[0].put(b"%d" % number, b"x", "set")
    data = written(keyspace)
    reader = FileReader(data, Keyspace(16), Config())
    places = [0, *[reader.at for _ in reader.load()], len(data)]
    assert all(0 < place - before < 20_000 for before, place in pairwise(places))


def test_old_files_and_what_stands_behind_a_file() -> None:
    data = b"REDIS0004\xfe\x01\xfd\x00\x00\x00\x70\x00\x01a\x01x\xff"  # seconds; no checksum
    keyspace, reader = read(data + b"more")
    assert keyspace.databases[1].deadline(b"a") == 0x70000000 * 1000
    assert reader.at == len(data)


@pytest.mark.parametrize("version", range(1, 12))
def test_every_version_is_read(version: int) -> None:
    data = b"REDIS%04d\xfe\x00\x00\x01a\x01x\xff" % version
    keyspace, _ = read(data + (checksum(data) if version >= 5 else b""))
    assert keyspace.databases[0].data == {b"a": b"x"}


def test_notes_of_use_are_skipped_where_nobody_asks_for_them() -> None:
    data = b"\xf8\x05\x00\x01a\x01x\xf9\xff\x00\x01b\x01y"
    assert read(sealed(data))[0].databases[0].data == {b"a": b"x", b"b": b"y"}


def noting(kind: type[CountedKeys] | type[TimedKeys]) -> Keyspace:
    keyspace = Keyspace(1)
    keyspace.now = NOW
    weigh(keyspace, lambda keys: kind(Usage(keyspace, Random(0), 10, 1), keys))
    return keyspace


def test_for_how_long_a_key_was_not_used_is_kept() -> None:
    keyspace = noting(TimedKeys)
    keys = keyspace.databases[0].data
    assert isinstance(keys, TimedKeys)
    list(FileReader(sealed(b"\xf8\x05\x00\x01a\x01x\x00\x01b\x01y\xf9\x07\x00\x01c\x01z"), keyspace, Config()).load())
    assert [keys.idle_ms(key) for key in keys] == [5000, 0, 0]
    assert b"".join(write_file(keyspace, {}, Config())) == sealed(
        b"\xfe\x00\xfb\x03\x00\xf8\x05\x00\x01a\x01x\xf8\x00\x00\x01b\x01y\xf8\x00\x00\x01c\x01z"
    )


def test_how_often_a_key_is_used_is_kept() -> None:
    keyspace = noting(CountedKeys)
    keys = keyspace.databases[0].data
    assert isinstance(keys, CountedKeys)
    list(FileReader(sealed(b"\xf9\xff\x00\x01a\x01x\x00\x01b\x01y\xf8\x07\x00\x01c\x01z"), keyspace, Config()).load())
    assert [keys.frequency(key) for key in keys] == [255, 5, 5]
    assert b"".join(write_file(keyspace, {}, Config())) == sealed(
        b"\xfe\x00\xfb\x03\x00\xf9\xff\x00\x01a\x01x\xf9\x05\x00\x01b\x01y\xf9\x05\x00\x01c\x01z"
    )


def test_strings_are_compressed_if_so_configured() -> None:
    keyspace, config = Keyspace(16), Config()
    keyspace.databases[0].put(b"k" * 50, b"v" * 50, "set")
    keyspace.databases[0].put(b"l", deque([b"ab" * 30]), "rpush")
    compressed = written(keyspace, config)
    config.rdbcompression = False
    assert len(compressed) < len(written(keyspace, config)) - 100
    assert digest_of_keyspace(read(compressed)[0]) == digest_of_keyspace(keyspace)


@pytest.mark.parametrize("compresses", [True, False])
@pytest.mark.parametrize("key", [b"", b"1", b"k" * 11, b"k" * 12, b"1" * 12, b"k" * 20, b"k" * 21, b"k" * 64])
@pytest.mark.parametrize("value", [b"", b"7", b"-1", b":", b"9" * 11, b"v" * 20, b"v" * 21, b"v" * 64])
def test_strings_are_written_one_way_whatever_their_length(key: bytes, value: bytes, compresses: bool) -> None:
    keyspace, config = Keyspace(1), Config()
    config.rdbcompression = compresses
    keyspace.databases[0].put(key, value, "set")
    encode = encode_compressed if compresses else encode_string
    assert written(keyspace, config)[:-9].endswith(b"\x00" + encode(key) + encode(value))


def test_libraries_of_functions_are_kept() -> None:
    keyspace = Keyspace(16)
    keyspace.libraries = (b"one", b"two")

    data = written(keyspace)
    assert b"\xf5\x03one\xf5\x03two\xff" in data
    assert read(data)[0].libraries == (b"one", b"two")


def test_empty_collections_are_left_out() -> None:
    assert read(sealed(b"\x02\x01s\x00\x00\x01a\x01x"))[0].databases[0].data == {b"a": b"x"}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "the data ends too soon at byte 0"),
        (b"RESPS0010\xff", "this is no RDB file at byte 0"),
        (b"REDIS00x0\xff", "this is no RDB file at byte 0"),
        (b"REDIS0012\xff", "RDB version 12 is not known, only 1 to 11 (Redis 7.2) at byte 5"),
        (b"REDIS0080\xff", "RDB version 80 is not known"),  # Valkey 9's
        (b"REDIS0000\xff", "RDB version 0 is not known"),
        (sealed(b"\xfe\x10"), "database 16, where there are only 16, before what stands at byte 11"),
        (sealed(b"\x00\x01a\x01x\x00\x01a\x01y"), "a key that is there already, before what stands at byte 19"),
        (sealed(b"\xf6\x01x"), "a function as only a preview of Redis 7 had them, before what stands at byte 10"),
        (
            sealed(b"\xf7\x81\x24\x55\xd0\xac\x53\x91\x2e\x04"),
            "the module type JFXQrFORL, before what stands at byte 19",
        ),
        (sealed(b"\xf4"), "the unknown code 244"),
        (sealed(b"\x63\x01a"), "the unknown type 99 at byte 12"),
    ],
)
def test_errors(data: bytes, error: str) -> None:
    with pytest.raises(CorruptError) as caught:
        read(data)
    assert error in str(caught.value)


def corrupted() -> Iterator[bytes]:
    data = written(filled())
    for at in range(len(data)):
        yield data[:at]
        for bit in (1, 0x80):
            yield data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


def test_a_file_cut_or_changed_anywhere_is_refused() -> None:
    for data in corrupted():
        with pytest.raises(CorruptError):
            read(data)
