"""The SQLite file under the catalogue: opening, migrating, transactions, and errors in one voice."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phash_engine.errors import CatalogueError, CorruptError

_APPLICATION_ID = 0x70686173
_PATIENCE = 30.0
"""Seconds to wait for another process that writes."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_HINTS = {
    sqlite3.SQLITE_BUSY: "another process is writing to it, try again when that is done",
    sqlite3.SQLITE_CANTOPEN: "its folder must be there and writable, even to read it",
    sqlite3.SQLITE_READONLY: "its folder must be there and writable, even to read it",
    sqlite3.SQLITE_IOERR: "its disk may be full or away",
}
"""What SQLite's own words leave to guess."""

MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE photos (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL UNIQUE,
        size INTEGER,
        mtime_ns INTEGER,
        digest BLOB,
        missing_since INTEGER
    ) STRICT;
    CREATE INDEX photos_by_digest ON photos (digest);
    CREATE INDEX photos_missing ON photos (missing_since) WHERE missing_since IS NOT NULL;
    CREATE TABLE contents (
        digest BLOB PRIMARY KEY,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        format TEXT NOT NULL,
        quality INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE codes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        owner ANY NOT NULL,
        view TEXT NOT NULL,
        scheme TEXT NOT NULL,
        spec INTEGER NOT NULL,
        trusted INTEGER NOT NULL,
        average INTEGER NOT NULL,
        dct INTEGER NOT NULL,
        wavelet INTEGER NOT NULL,
        horizontal INTEGER NOT NULL,
        vertical INTEGER NOT NULL,
        dct_lr INTEGER NOT NULL,
        dct_ud INTEGER NOT NULL,
        dct_180 INTEGER NOT NULL,
        horizontal_lr INTEGER NOT NULL,
        vertical_ud INTEGER NOT NULL,
        UNIQUE (owner, view, scheme, spec)
    ) STRICT;
    CREATE TABLE failures (
        path BLOB PRIMARY KEY,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE companions (path BLOB PRIMARY KEY, photo BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX companions_by_photo ON companions (photo);
    """,
    # Contents met before have no detail: the new least quality alone decides. Index files hold what was trusted then.
    """
    ALTER TABLE contents ADD COLUMN detail REAL;
    UPDATE codes SET trusted = 0 WHERE owner IN (SELECT digest FROM contents WHERE quality < 10);
    DELETE FROM meta WHERE key = 'index';
    """,
    """
    CREATE TABLE foreign_codes (
        path BLOB NOT NULL,
        hasher TEXT NOT NULL,
        code INTEGER NOT NULL,
        PRIMARY KEY (path, hasher)
    ) STRICT, WITHOUT ROWID;
    """,
    # Contents met before have no views of this number, and are read again. Those without frames are stills.
    """
    ALTER TABLE contents ADD COLUMN views INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE contents ADD COLUMN crops INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE contents ADD COLUMN frames INTEGER;
    CREATE INDEX codes_further ON codes (view, owner) WHERE view <> 'full';
    """,
    """
    CREATE TABLE evidence (
        a BLOB NOT NULL,
        b BLOB NOT NULL,
        version INTEGER NOT NULL,
        inliers INTEGER,
        correlation REAL,
        change REAL,
        colour REAL,
        PRIMARY KEY (a, b)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE decisions (
        left BLOB NOT NULL,
        right BLOB NOT NULL,
        kind TEXT NOT NULL,
        decided INTEGER NOT NULL,
        PRIMARY KEY (left, right)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""One script per version of the file, never edited: the n-th brings a file of ``user_version`` n - 1 to n."""


class Database:
    """An open SQLite file in write-ahead mode, of the newest version; use it in the thread that opened it.

    Parameters and errors are those of ``catalogue.Catalogue``.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, create: bool) -> None:
        self.path = None if path is None else Path(os.path.abspath(path))
        if self.path is not None and not self.path.is_file():
            if not create:
                raise CatalogueError(f"no catalogue at {self.path} yet: 'phash scan DIR' makes one")
            _make_folder(self.path.parent)
        with self._one_voice():
            # Python's own transactions would begin at moments that are hard to foresee.
            self._connection = sqlite3.connect(self.path or ":memory:", timeout=_PATIENCE, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that happens inside, or nothing; waits for another writer."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all queries inside see the file as of one moment, whatever others commit meanwhile."""
        if self._connection.in_transaction:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement and return how many rows it changed; errors of SQLite become CatalogueError."""
        with self._one_voice():
            return self._connection.execute(statement, parameters).rowcount

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row and return how many it changed; errors of SQLite become CatalogueError."""
        with self._one_voice():
            return self._connection.executemany(statement, rows).rowcount

    def select(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """Yield the rows of a query; errors of SQLite become CatalogueError."""
        with self._one_voice():
            yield from self._connection.execute(query, parameters)

    def value(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first value of the first row of a query; None where there is no row."""
        with self._one_voice():
            row = self._connection.execute(query, parameters).fetchone()
        return row and row[0]

    def meta(self, key: str) -> Any:
        """Return a value of the table ``meta``; None where it was never set."""
        return self.value("SELECT value FROM meta WHERE key = ?", (key,))

    def set_meta(self, key: str, value: str | int) -> None:
        """Set a value of the table ``meta``."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _prepare(self) -> None:
        # One statement sees one moment: another process may be making the file just now.
        ((version, application, tables),) = self.select(
            """SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
            FROM pragma_user_version, pragma_application_id"""
        )
        if application != _APPLICATION_ID and (application or version or tables):
            raise CatalogueError(f"{self.path} is an SQLite file of another program: name another with --catalogue")
        if version > len(MIGRATIONS):
            raise CatalogueError(
                f"{self.path} was written by a newer phash_engine (format {version}, this one reads up to "
                f"{len(MIGRATIONS)}): upgrade phash_engine, or name another file with --catalogue"
            )
        self._write_ahead()
        if version < len(MIGRATIONS):
            self._migrate()

    def _write_ahead(self) -> None:
        """Turn on write-ahead logging; SQLite itself does not wait here for others that are just making the file."""
        deadline = time.monotonic() + _PATIENCE
        with self._one_voice():
            while True:
                try:
                    self._connection.execute("PRAGMA journal_mode = WAL")
                    return
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                        raise
                time.sleep(0.01)

    def _migrate(self) -> None:
        with self.transaction():
            version = self.value("PRAGMA user_version")  # another process may have been first
            for script in MIGRATIONS[version:]:
                for statement in script.split(";"):
                    self.execute(statement)
            if version == 0:
                self.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                self.executemany("INSERT INTO meta VALUES (?, ?)", [("uuid", str(uuid.uuid4())), ("deletions", 0)])
            self.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @contextmanager
    def _one_voice(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if kind in _DAMAGE:
                raise CorruptError(f"{self.path}: {error}: 'phash scan --rebuild DIR' makes a new one") from error
            hint = f": {_HINTS[kind]}" if kind in _HINTS else ""
            raise CatalogueError(f"{self.path}: {error}{hint}") from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueError(f"{folder}: cannot make this folder: {error.strerror}") from error
