"""Recovery from a corrupt catalogue: rename it, and copy from it what no scan can compute again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from phash_engine import _files
from phash_engine.catalogue.database import Database
from phash_engine.catalogue.settings import QUARANTINES
from phash_engine.errors import CatalogueError, CorruptError

_QUARANTINES: Final = f"meta WHERE key = '{QUARANTINES}'"
_TABLES: Final = {"decisions": "decisions", "imported_hashes": "imported_hashes", "foreign_codes": "imported_hashes"}
"""The table that each table's rows are copied to; older files have theirs under other names."""


class Recovered(NamedTuple):
    """The new path of the corrupt file, and how many rows of decisions and imported hashes were copied from it."""

    corrupt: Path
    rows: int


def rebuild(path: Path) -> Recovered | None:
    """Replace a corrupt catalogue by an empty one; None if the catalogue is intact, or there is none.

    The corrupt file is kept under a free name in the same folder.

    Raises
    ------
    CatalogueError
        It cannot be used for another reason: it is no catalogue, or written by a newer version.
    OSError
        It cannot be renamed.
    """
    if not path.exists() or _is_intact(path):
        return None
    corrupt = Path(_files.unused_path(f"{path}.corrupt"))
    # The log goes first: next to a new file it would be taken for the log of that one.
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{corrupt}{suffix}")  # noqa: PTH104 - names, not paths, are put together
    with closing(Database(path, create=True)) as database, database.transaction():
        rows = sum(_copy(source, corrupt, target, database) for source, target in _TABLES.items())
        _copy(
            _QUARANTINES, corrupt, "meta", database
        )  # else the next scan would take what was moved for photos to keep
    return Recovered(corrupt, rows)


def _is_intact(path: Path) -> bool:
    try:
        with closing(Database(path, create=False, migrate=False)) as database:
            return bool(database.value("PRAGMA integrity_check(1)") == "ok")
    except CorruptError:
        return False


def _copy(source: str, corrupt: Path, target: str, database: Database) -> int:
    rows = list(_readable_rows(source, corrupt))
    for row in rows:
        database.execute(f"INSERT OR REPLACE INTO {target} VALUES ({', '.join('?' * len(row))})", row)
    return len(rows)


def _readable_rows(table: str, corrupt: Path) -> Iterator[Sequence[Any]]:
    """Yield the rows up to the first that cannot be read; none if there is no such table."""
    # To migrate an older file would read, and fail on, what is not copied.
    with contextlib.suppress(CatalogueError), closing(Database(corrupt, create=False, migrate=False)) as database:
        yield from database.select(f"SELECT * FROM {table}")
