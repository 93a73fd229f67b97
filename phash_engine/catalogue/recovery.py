"""A damaged catalogue: set it aside, and save from it what no scan can find out again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from phash_engine import _files
from phash_engine.catalogue.database import Database
from phash_engine.errors import CatalogueError, CorruptError

SAVED = ("decisions", "foreign_codes")
"""Tables whose rows go over into the new file, where both have them."""


class Rebuilt(NamedTuple):
    """Where the damaged file is now, and how many rows were saved from it."""

    aside: Path
    saved: int


def rebuild(path: Path) -> Rebuilt | None:
    """Put an empty catalogue in place of a damaged one; None where the one there is sound, or there is none.

    The damaged file is kept under a free name beside it.

    Raises
    ------
    CatalogueError
        It cannot be used for another reason: it is another program's, or written by a newer version.
    OSError
        It cannot be set aside.
    """
    if not path.is_file() or _is_sound(path):
        return None
    aside = Path(_files.unused_path(f"{path}.damaged"))
    # The log goes first: beside a new file it would be taken for the new one's.
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")  # noqa: PTH104 - names, not paths, are put together
    with closing(Database(path, create=True)) as database, database.transaction():
        saved = sum(_save(table, aside, database) for table in SAVED)
    return Rebuilt(aside, saved)


def _is_sound(path: Path) -> bool:
    try:
        with closing(Database(path, create=False)) as database:
            return bool(database.value("PRAGMA integrity_check(1)") == "ok")
    except CorruptError:
        return False


def _save(table: str, aside: Path, database: Database) -> int:
    rows = list(_rows(table, aside))
    for row in rows:
        database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    return len(rows)


def _rows(table: str, aside: Path) -> Iterator[Sequence[Any]]:
    """Yield the rows that can still be read."""
    with contextlib.suppress(CatalogueError), closing(Database(aside, create=False)) as damaged:
        yield from damaged.select(f"SELECT * FROM {table}")
