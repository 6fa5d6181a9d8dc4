"""All data in one piece, as it is in dump.rdb.

    REDIS0010 <auxiliary field> ... (<database> <its sizes> <entry> ...) ... <end> <checksum>

    entry: <expiry>? <for how long it was not used, or how often it is>? <type> <key> <value>

Both ways are iterators, so that who writes or loads much can do something else in between: the one gives pieces of the
file, the other tells how far it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from respstore.config import Config
from respstore.keyspace import Database, Keyspace, ReadItems
from respstore.keyspace.usage import CountedKeys, TimedKeys
from respstore.persistence.rdb.checksum import CHECKSUM_BYTES, update
from respstore.persistence.rdb.dump import LIBRARY, NEWEST, VERSION, encode_libraries
from respstore.persistence.rdb.primitives import (
    LONGEST_AS_IT_IS,
    LONGEST_INTEGER,
    NINE,
    SHORT_HEADS,
    Buffer,
    CorruptError,
    EncodeString,
    Reader,
    encode_compressed,
    encode_length,
    encode_string,
)
from respstore.persistence.rdb.values import STRING, EmptyError, decode_value, encode_value, module_name

MAGIC: Final = b"REDIS"
_VERSION_DIGITS: Final = 4

_FIRST_CODE: Final = 240
"""What is less is a type of values."""
_OLD_FUNCTION = 246
_MODULE = 247
_IDLE = 248
_FREQUENCY = 249
_AUXILIARY = 250
_SIZES = 251
_EXPIRY_MS = 252
_EXPIRY_SECONDS = 253
_DATABASE = 254
_END = 255
"""Operation codes, as rdb.h numbers them."""

_FIRST_WITH_CHECKSUM: Final = 5
_USED_MEMORY: Final = "used-mem"
"""The auxiliary field."""
_BYTES_PER_PIECE: Final = 1 << 15
_BYTES_PER_STEP: Final = 1 << 14
_BYTES_PER_SUM: Final = 1 << 20
_HEAD_OF_STRING: Final = bytes((STRING,))
_HEADS_OF_KEYS: Final = [_HEAD_OF_STRING + head for head in SHORT_HEADS]


# Writing


def write_file(
    keyspace: Keyspace, about: Mapping[str, str | int], config: Config, read_items: ReadItems = dict.items
) -> Iterator[bytes]:
    """All data as a file.

    Args:
        keyspace: the data, which must not change until the last piece is taken.
        about: auxiliary fields: who wrote it, and when.
        config: says whether strings are compressed, and whether there is a checksum; 0 stands in its place if not.
        read_items: how dictionaries are read.

    Yields:
        Pieces of the file.
    """
    writer = FileWriter(config)
    yield writer.begin(about, keyspace.libraries)
    for db in keyspace.databases:
        if db.data:
            yield writer.select(db.index, len(db.data), len(db.expires))
            yield from writer.keys(db, read_items)
    yield writer.end()


class FileWriter:
    """A file whose keys come bit by bit. What the methods give is to be written in the order in which they are called.

    Args:
        config: as of `write_file`.
    """

    def __init__(self, config: Config) -> None:
        self._encode = encode_compressed if config.rdbcompression else encode_string
        self._is_signed = config.rdbchecksum
        self._crc = 0

    def begin(self, about: Mapping[str, str | int], libraries: Iterable[bytes]) -> bytes:
        """The head of the file: auxiliary fields, and libraries of functions by their code."""
        fields = [
            bytes((_AUXILIARY,)) + encode_string(name.encode()) + encode_string(str(value).encode())
            for name, value in about.items()
        ]
        head = MAGIC + b"%0*d" % (_VERSION_DIGITS, VERSION)
        return self._signed(head + b"".join(fields) + encode_libraries(libraries, self._encode))

    def select(self, index: int, keys: int, expires: int) -> bytes:
        """The keys that follow are those of a database, about so many, of which so many expire."""
        sizes = bytes((_SIZES,)) + encode_length(keys) + encode_length(expires)
        return self._signed(bytes((_DATABASE,)) + encode_length(index) + sizes)

    def keys(self, db: Database, read_items: ReadItems = dict.items) -> Iterator[bytes]:
        """All keys of a database; `read_items` reads its dictionaries."""
        return map(self._signed, _write_keys(db, self._encode, read_items))

    def end(self) -> bytes:
        """The end of the file."""
        return self._signed(bytes((_END,))) + self._crc.to_bytes(CHECKSUM_BYTES, "little")

    def _signed(self, piece: bytes) -> bytes:
        if self._is_signed:
            self._crc = update(self._crc, piece)
        return piece


def _write_keys(db: Database, encode: EncodeString, read_items: ReadItems) -> Iterator[bytes]:
    expires, encode_use = db.expires, _use_encoder(db)
    parts: list[bytes] = []
    size = 0
    for key, value in read_items(db.data):
        if expires and key in expires:
            parts.append(b"\xfc" + expires[key].to_bytes(8, "little", signed=True))
        if encode_use is not None:
            parts.append(encode_use(key))
        if type(value) is bytes:  # most are so
            length, size_of_value = len(key), len(value)
            if (
                LONGEST_INTEGER < length <= LONGEST_AS_IT_IS
                and 0 < size_of_value <= LONGEST_AS_IT_IS
                and value[0] > NINE
            ):  # and most are written as they are: the same without a call, which would take half of the time
                parts += (_HEADS_OF_KEYS[length], key, SHORT_HEADS[size_of_value], value)
            else:
                parts += (_HEAD_OF_STRING, encode(key), encode(value))
            size += length + size_of_value
        else:
            kind, pieces = encode_value(value, encode, read_items)
            parts += (bytes((kind,)), encode(key))
            for piece in pieces:
                parts.append(piece)
                size += len(piece)
                if size >= _BYTES_PER_PIECE:
                    yield b"".join(parts)
                    parts, size = [], 0
        if size >= _BYTES_PER_PIECE:
            yield b"".join(parts)
            parts, size = [], 0
    yield b"".join(parts)


def _use_encoder(db: Database) -> Callable[[bytes], bytes] | None:
    """What tells of the use of a key, where eviction asks for that."""
    keys = db.data
    if isinstance(keys, TimedKeys):
        return lambda key: bytes((_IDLE,)) + encode_length(keys.idle_ms(key) // 1000)
    if isinstance(keys, CountedKeys):
        return lambda key: bytes((_FREQUENCY, keys.frequency(key)))
    return None


# Reading


class FileReader:
    """A file that is being loaded.

    Args:
        data: the file, or what begins with it.
        keyspace: where its keys go; it is empty.
        config: says which collections are kept packed.

    Attributes:
        about: auxiliary fields.
        keys: how many keys were loaded.
        expired: how many were not, for their time is over.
    """

    def __init__(self, data: Buffer, keyspace: Keyspace, config: Config) -> None:
        self.about: dict[str, str] = {}
        self.keys = 0
        self.expired = 0
        self._reader = Reader(data)
        self._keyspace = keyspace
        self._config = config
        self._db = keyspace.databases[0]
        self._idle_seconds: int | None = None  # of the key that comes next, as is the other
        self._frequency: int | None = None

    @property
    def at(self) -> int:
        """How far the file is read, in bytes; in the end, where it ends."""
        return self._reader.at

    @property
    def size(self) -> int:
        """Bytes of the file, and of what may stand behind it."""
        return self._reader.end

    @property
    def used_memory(self) -> int:
        """Bytes of memory that the data took where it was written; 0 if the file does not tell."""
        told = self.about.get(_USED_MEMORY, "")
        return int(told) if told.isdecimal() else 0

    def load(self) -> Iterator[None]:
        """Load the keys.

        Yields:
            Again and again; the data is whole when the iterator ends.

        Raises:
            CorruptError: it is no such file, not whole, or has something in it that this server does not know.
        """
        version = self._read_head()
        reader = self._reader
        deadline: int | None = None
        pause = _BYTES_PER_STEP
        while (code := reader.byte()) != _END:
            if code < _FIRST_CODE:
                self._read_key(code, deadline)
                deadline = self._idle_seconds = self._frequency = None
                if reader.at >= pause:
                    pause = reader.at + _BYTES_PER_STEP
                    yield
            elif code == _EXPIRY_MS:
                deadline = reader.integer(8, signed=True)
            elif code == _EXPIRY_SECONDS:
                deadline = reader.integer(4, signed=True) * 1000
            else:
                self._read_other(code)
        self._verify(version)

    def _read_head(self) -> int:
        reader = self._reader
        magic, version = reader.take(len(MAGIC)), reader.take(_VERSION_DIGITS)
        if magic != MAGIC or not version.isdigit():
            raise CorruptError("this is no RDB file", 0)
        if not 1 <= int(version) <= NEWEST:
            raise CorruptError(f"RDB version {int(version)} is not known, only 1 to {NEWEST} (Redis 7.2)", len(MAGIC))
        return int(version)

    def _read_key(self, kind: int, deadline: int | None) -> None:
        reader, db = self._reader, self._db
        key = reader.string()
        try:
            value = reader.string() if kind == STRING else decode_value(kind, reader, self._config)
        except EmptyError:
            return  # Redis, too, leaves these out, which a bug of old versions made
        if deadline is not None and db.is_past(deadline):
            self.expired += 1
            return
        if key in db.data:
            raise reader.corrupt("a key that is there already, before what stands")
        db.hold(key, value)
        if deadline is not None:
            db.set_deadline(key, deadline)
        if self._idle_seconds is not None and isinstance(db.data, TimedKeys):
            db.data.set_idle_ms(key, self._idle_seconds * 1000)
        elif self._frequency is not None and isinstance(db.data, CountedKeys):
            db.data.set_frequency(key, self._frequency)
        self.keys += 1

    def _read_other(self, code: int) -> None:
        reader = self._reader
        if code == _DATABASE:
            self._select(reader.length())
        elif code == _SIZES:
            reader.length()
            reader.length()
        elif code == _AUXILIARY:
            name = reader.string().decode(errors="replace")
            self.about[name] = reader.string().decode(errors="replace")
        elif code == _IDLE:
            self._idle_seconds = reader.length()
        elif code == _FREQUENCY:
            self._frequency = reader.byte()
        elif code == LIBRARY:
            self._keyspace.libraries += (reader.string(),)
        elif code == _OLD_FUNCTION:
            raise reader.corrupt("a function as only a preview of Redis 7 had them, before what stands")
        elif code == _MODULE:
            raise reader.corrupt(f"data of {module_name(reader.length())}, before what stands")
        else:
            raise reader.corrupt(f"the unknown code {code}, before what stands")

    def _select(self, index: int) -> None:
        databases = self._keyspace.databases
        if index >= len(databases):
            raise self._reader.corrupt(f"database {index}, where there are only {len(databases)}, before what stands")
        self._db = databases[index]

    def _verify(self, version: int) -> None:
        reader = self._reader
        if version < _FIRST_WITH_CHECKSUM:
            return
        end = reader.at
        given = reader.integer(CHECKSUM_BYTES)
        if not given or not self._config.rdbchecksum:
            return
        crc = 0
        for at in range(0, end, _BYTES_PER_SUM):  # a large file is not brought to memory as a whole
            crc = update(crc, reader.data[at : min(at + _BYTES_PER_SUM, end)])
        if crc != given:
            raise CorruptError("a wrong checksum", end)
