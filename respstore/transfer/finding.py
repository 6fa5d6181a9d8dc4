"""Which kind of end a path is: a file in the format of dump.rdb, an append-only file, or none."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from respstore.persistence.rdb.file import MAGIC
from respstore.transfer.append_files import SUFFIX, AppendOnlySource, AppendOnlyTarget
from respstore.transfer.entries import TransferError, telling
from respstore.transfer.rdb_files import RDBSource, RDBTarget

_COMMANDS: Final = (b"*", b"#")
"""What a file of commands begins with, unless it begins with an RDB."""
_SINGLE: Final = ".aof"


@telling()
def source_at(path: Path, now: Callable[[], int]) -> RDBSource | AppendOnlySource:
    """The source at a path.

    Args:
        path: of a file, of a folder with a manifest, or of that.
        now: the wall clock, in ms.

    Raises:
        TransferError: there is none, or it cannot be read.
    """
    if path.is_dir():
        manifests = sorted(path.glob(f"*{SUFFIX}"))
        if len(manifests) != 1:
            found = ", ".join(manifest.name for manifest in manifests) or "none"
            raise TransferError(
                f"{path} should have one manifest, and has {found}: name a folder such as appendonlydir, "
                "a manifest in it, or a file such as dump.rdb"
            )
        return AppendOnlySource(manifests[0], now)
    if not path.exists():
        raise TransferError(f"{path}: there is no such file; a server is named by a URL, such as redis://host:6379")
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
    if path.suffix in (SUFFIX, _SINGLE) or head.startswith(_COMMANDS):
        return AppendOnlySource(path, now)
    if head == MAGIC:
        return RDBSource(path, now)
    raise TransferError(f"{path} is neither an RDB file, such as dump.rdb, nor an append-only file")


def target_at(name: str, now: Callable[[], int], *, replaces: bool) -> RDBTarget:
    """The target at a path.

    Args:
        name: the path: of a file; or, with a slash at its end if it is not there yet, of a folder.
        now: the wall clock, in ms.
        replaces: a file that is there is to be overwritten. A folder with something in it never is.

    Raises:
        TransferError: something is there already, or nothing can be written there.
    """
    path = Path(name).absolute()
    if name.endswith("/") or path.is_dir():
        if path.is_dir() and any(path.iterdir()):
            raise TransferError(f"{path} is not empty; an append-only file needs a new folder")
        return AppendOnlyTarget(path, now)
    if path.exists() and not replaces:
        raise TransferError(f"{path} exists; --replace overwrites it")
    return RDBTarget(path, now)
