"""HyperLogLog commands: https://redis.io/docs/latest/commands/?group=hyperloglog

A HyperLogLog is a string, the same as Redis would make (keyspace/hyperloglog.py), which is changed in place.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from respstore import errors
from respstore.commands.strings import mutable_string, string_view
from respstore.engine.command import command
from respstore.engine.keyspecs import at, first, span
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database, Value
from respstore.keyspace import hyperloglog as hll
from respstore.keyspace.bits import Bytes
from respstore.protocol.replies import OK


def _checked(value: Value | None) -> Bytes | None:
    """The bytes of a looked-up value, None if there is none; an error if it is no HyperLogLog."""
    data = string_view(value)
    if data is not None and not hll.is_hyperloglog(data):
        raise RespError(errors.NOT_A_HYPERLOGLOG)
    return data


def _writable(db: Database, key: bytes) -> tuple[bytearray, bool]:
    """The value of a key to be changed in place, and whether it was made; nobody is told yet."""
    value = db.get(key)
    is_new = _checked(value) is None
    data = mutable_string(value) or hll.empty()
    db.hold(key, data)
    return data, is_new


@contextmanager
def _corruption_answered() -> Iterator[None]:
    try:
        yield
    except hll.CorruptedError:
        raise RespError(errors.CORRUPTED_HYPERLOGLOG) from None


@command(
    "pfadd key [element]...",
    group="hyperloglog",
    since="2.8.9",
    flags="write denyoom fast",
    keys=first("RW insert"),
    complexity="O(1) for each element",
)
def pfadd(session: Session, key: bytes, *elements: bytes) -> int:
    """Count elements in a HyperLogLog, made if it does not exist; answer whether its estimate may have changed."""
    db, limit = session.db, session.engine.config.hll_sparse_max_bytes
    data, changed = _writable(db, key)
    with _corruption_answered():
        for element in elements:
            changed = hll.add(data, element, limit) or changed
    if changed:
        hll.invalidate_cache(data)
        db.changed(key, "pfadd")
    return int(changed)


@command(
    "pfcount key...",
    group="hyperloglog",
    since="2.8.9",
    flags="readonly may_replicate",
    keys=span("RW access"),
    complexity="O(1) with one key, O(N) in the number of keys with several",
)
def pfcount(session: Session, key: bytes, *keys: bytes) -> int:
    """Estimate how many different elements were added to a HyperLogLog, or to any of several."""
    db = session.db
    if keys:
        return hll.estimate(_union_of(db, (key, *keys))[0])
    if _checked(db.read(key)) is None:
        return 0
    data, _ = _writable(db, key)
    cardinality = hll.cached_cardinality(data)
    if cardinality is None:
        with _corruption_answered():
            cardinality = hll.cardinality_of(data)
        hll.cache_cardinality(data, cardinality)
        db.changed(key, "")  # the string changed, of which there is no keyspace event
        db.propagate(b"PFCOUNT", key)
    return cardinality


def _union_of(db: Database, keys: tuple[bytes, ...]) -> tuple[Bytes, bool]:
    """The larger of each register of several keys, and whether one of them is dense."""
    registers: Bytes = bytes(hll.REGISTERS)
    is_dense = False
    for key in keys:
        data = _checked(db.read(key))
        if data is not None:
            is_dense = is_dense or not hll.is_sparse(data)
            with _corruption_answered():
                registers = hll.union(registers, hll.registers_of(data))
    return registers, is_dense


@command(
    "pfmerge destkey sourcekey...",
    group="hyperloglog",
    since="2.8.9",
    flags="write denyoom",
    keys=(first("RW access insert"), span("RO access", start=2)),
    complexity="O(N) in the number of keys",
)
def pfmerge(session: Session, destkey: bytes, *sourcekeys: bytes) -> str:
    """Count in one HyperLogLog all that was added to others."""
    db = session.db
    registers, is_dense = _union_of(db, (destkey, *sourcekeys))
    data, _ = _writable(db, destkey)
    with _corruption_answered():
        if is_dense:
            hll.make_dense(data)
        hll.raise_registers(data, registers, session.engine.config.hll_sparse_max_bytes)
    hll.invalidate_cache(data)
    db.changed(destkey, "pfadd")
    return OK


@command(
    "pfdebug subcommand key",
    group="hyperloglog",
    since="2.8.9",
    flags="write denyoom admin",
    keys=at(2, "RW access"),
    complexity="O(1): a HyperLogLog has a fixed number of registers",
    is_syscmd=True,
)
def pfdebug(session: Session, subcommand: bytes, key: bytes) -> list[int] | bytes | str | int:
    """Look into a HyperLogLog: its registers, its sparse form, its encoding; or make it dense."""
    db = session.db
    if _checked(db.get(key)) is None:
        raise RespError(errors.PFDEBUG_NO_SUCH_KEY)
    data, _ = _writable(db, key)
    match subcommand.upper():
        case b"GETREG":
            with _corruption_answered():
                hll.make_dense(data)
            return list(hll.registers_of(data))
        case b"DECODE":
            if not hll.is_sparse(data):
                raise RespError(errors.NOT_SPARSE)
            return b" ".join(_decoded(opcode, run) for opcode, run in hll.runs_of(data))
        case b"ENCODING":
            return "sparse" if hll.is_sparse(data) else "dense"
        case b"TODENSE":
            was_sparse = hll.is_sparse(data)
            with _corruption_answered():
                hll.make_dense(data)
            return int(was_sparse)
    raise errors.unknown_pfdebug_subcommand(subcommand)


def _decoded(opcode: int, run: int) -> bytes:
    if opcode & 0x80:
        return b"v:%d,%d" % (hll.value_of(opcode), run)
    return (b"Z:%d" if opcode & 0x40 else b"z:%d") % run


SELFTEST_SIZES: Final = (10, 100, 500)
"""Numbers of elements that PFSELFTEST counts: few enough that nobody waits for it."""
SELFTEST_SPARSE_LIMIT: Final = 500
"""Bytes of its sparse value, which so becomes dense in between."""
SELFTEST_ERROR: Final = 0.05
"""How far an estimate may be from the truth: six times the standard error; and 2, for registers that elements share."""


@command(
    "pfselftest",
    group="hyperloglog",
    since="2.8.9",
    flags="admin",
    complexity="O(1), some hundreds of elements",
    is_syscmd=True,
)
def pfselftest(session: Session) -> str:
    """Check that sparse and dense HyperLogLogs have the same registers, and that estimates are near the truth."""
    sparse, dense = hll.empty(), hll.empty()
    hll.make_dense(dense)
    seed = session.engine.random.getrandbits(64)
    count = 0
    for size in SELFTEST_SIZES:
        while count < size:
            count += 1
            element = b"%d:%d" % (seed, count)
            if hll.add(sparse, element, SELFTEST_SPARSE_LIMIT) != hll.add(dense, element, SELFTEST_SPARSE_LIMIT):
                raise errors.pfselftest_failed(f"element {count} changed only one of a sparse and a dense value")
        if hll.registers_of(sparse) != hll.registers_of(dense):
            raise errors.pfselftest_failed(f"registers of a sparse and a dense value differ after {count} elements")
        estimate = hll.cardinality_of(dense)
        if abs(estimate - count) > SELFTEST_ERROR * count + 2:
            raise errors.pfselftest_failed(f"{count} elements are estimated as {estimate}")
    return OK
