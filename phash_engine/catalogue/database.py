"""The SQLite file of the catalogue: opening, migrating, transactions, and errors of SQLite as errors of the package."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from phash_engine import _files
from phash_engine.catalogue.schema import MIGRATIONS
from phash_engine.errors import CatalogueError, CorruptError

_APPLICATION_ID: Final = 0x70686173
_MAGIC: Final = b"SQLite format 3\0"
_ID_OFFSET: Final = 68
"""Where a file of SQLite has its application id."""
_TIMEOUT: Final = 30.0
"""Seconds to wait for another process that writes."""
_CACHE_KB: Final = 32 << 10
"""Pages of the file that SQLite keeps, in kB: 300,000 photos are listed and migrated twice as fast as with its 2 MB."""
_MOST_IDS: Final = 10_000
_MOST_BLOBS: Final = 1_000

_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_HINTS: Final = {
    sqlite3.SQLITE_BUSY: "another process is writing to it, try again when that is done",
    sqlite3.SQLITE_CANTOPEN: "its folder must be there; where a log (-wal) lies beside it, it must be writable too",
    sqlite3.SQLITE_READONLY: "its folder must be there and writable",
    sqlite3.SQLITE_IOERR: "its disk may be full or away",
}
"""What to do about errors whose message from SQLite does not say it."""

# One statement sees one moment: another process may be making the file just now.
_STATE: Final = """SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
    FROM pragma_user_version, pragma_application_id"""


class Database:
    """An open SQLite file in write-ahead mode; use it in the thread that opened it.

    A file that cannot be written, or whose folder cannot (the log of SQLite lies there), is opened to be read.

    Parameters
    ----------
    path, create
        As for ``store.Store``.
    migrate
        Whether to bring an older file to the newest version of the schema.

    Attributes
    ----------
    has_migrated
        Whether the file was of an older version.
    is_read_only
        Whether the file can only be read; a transaction is an error then.

    Raises
    ------
    CatalogueError
        As for ``store.Store``.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, create: bool, migrate: bool = True) -> None:
        self.path = None if path is None else Path(os.path.abspath(path))
        self.has_migrated = self.is_read_only = False
        mode = "mode=rwc"
        if self.path is not None and self.path.exists():
            self._refuse_foreign(self.path)
            self.is_read_only = not _is_writable(self.path)
            mode = _reading_mode(self.path) if self.is_read_only else mode
        elif self.path is not None:
            if not create:
                raise CatalogueError(f"no catalogue at {self.path} yet: 'phash scan DIR' makes one")
            _make_folder(self.path.parent)
        with self._translated_errors():
            self._connection = _connect(self.path, mode)
        try:
            self._prepare(migrate=migrate)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that happens inside, or nothing; waits for another writer."""
        if self.is_read_only:
            raise CatalogueError(
                f"{self.path} is read-only, and this writes to it: copy it to a folder that can be written, "
                "or name another with --catalogue"
            )
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all queries inside see the file as of one moment, whatever other processes commit meanwhile."""
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
        with self._translated_errors():
            return self._connection.execute(statement, parameters).rowcount

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row and return how many it changed; errors of SQLite become CatalogueError."""
        with self._translated_errors():
            return self._connection.executemany(statement, rows).rowcount

    def select(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """Yield the rows of a query; errors of SQLite become CatalogueError."""
        with self._translated_errors():
            yield from self._connection.execute(query, parameters)

    def select_by_id(self, query: str, ids: Sequence[int]) -> Iterator[Any]:
        """Yield the rows of a query whose one parameter is a JSON list of ids: one statement for 10,000 ids."""
        for start in range(0, len(ids), _MOST_IDS):
            yield from self.select(query, (str(list(ids[start : start + _MOST_IDS])),))

    def select_by_blob(self, query: str, blobs: Sequence[bytes]) -> Iterator[Any]:
        """Yield the rows of a query with one ``IN ({})`` for digests or paths: one statement for 1,000 of them."""
        for start in range(0, len(blobs), _MOST_BLOBS):
            some = blobs[start : start + _MOST_BLOBS]
            yield from self.select(query.format(", ".join("?" * len(some))), some)

    def value(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first value of the first row of a query; None where there is no row."""
        with self._translated_errors():
            row = self._connection.execute(query, parameters).fetchone()
        return row and row[0]

    def meta(self, key: str) -> Any:
        """Return a value of the table ``meta``; None where it was never set."""
        return self.value("SELECT value FROM meta WHERE key = ?", (key,))

    def set_meta(self, key: str, value: str | int) -> None:
        """Set a value of the table ``meta``."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _prepare(self, *, migrate: bool) -> None:
        self.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        version = self.value("PRAGMA user_version")
        if version > len(MIGRATIONS):
            raise CatalogueError(
                f"{self.path} was written by a newer phash_engine (format {version}, this one reads up to "
                f"{len(MIGRATIONS)}): upgrade phash_engine, or name another file with --catalogue"
            )
        if not self.is_read_only:
            self._enable_write_ahead_log()
        if migrate and version < len(MIGRATIONS):
            self._migrate()
        self.execute("PRAGMA foreign_keys = ON")  # after the migrations, which replace tables that others refer to

    def _enable_write_ahead_log(self) -> None:
        """Turn on write-ahead logging; SQLite itself does not wait here for others that are just making the file."""
        deadline = time.monotonic() + _TIMEOUT
        with self._translated_errors():
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
                for statement in _statements(script):
                    self.execute(statement)
            if version == 0:
                self.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                self.executemany("INSERT INTO meta VALUES (?, ?)", [("uuid", str(uuid.uuid4())), ("deletions", 0)])
            self.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            self.has_migrated = 0 < version < len(MIGRATIONS)

    def _refuse_foreign(self, path: Path) -> None:
        """Refuse a file of another kind or program before it is opened to be written, which may change it.

        A catalogue whose start was overwritten is known by its application id alone. While it is being made, or its log
        was never written back, the id is 0, and it has no tables.
        """
        with _files.reading(path, CatalogueError), _files.opened_regular(path) as file:
            start = file.read(len(_MAGIC))
        application = _application_id(path)
        if not start or application == _APPLICATION_ID:
            return
        if start != _MAGIC:
            raise CatalogueError(f"{path} is not a catalogue: name another file with --catalogue")
        if application or self._has_tables_of_others(path):
            raise CatalogueError(f"{path} is an SQLite file of another program: name another with --catalogue")

    def _has_tables_of_others(self, path: Path) -> bool:
        """Whether a file has tables without our id: itself, or with its log. Neither is changed."""
        for options in ("immutable=1", "mode=ro") if _has_log(path) else ("immutable=1",):
            try:
                with self._translated_errors(), closing(_connect(path, options)) as connection:
                    version, application, tables = connection.execute(_STATE).fetchone()
            except CorruptError:  # it has our id by now: another process was just making it
                return False
            if application != _APPLICATION_ID and (application or version or tables):
                return True
        return False

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            # A message that names what is damaged need not be UTF-8, and Python then raises the latter.
            damage = sqlite3.SQLITE_CORRUPT if isinstance(error, UnicodeDecodeError) else 0
            code = getattr(error, "sqlite_errorcode", damage) & 0xFF
            if code in _CORRUPT and self.path and _application_id(self.path) == _APPLICATION_ID:
                raise CorruptError(f"{self.path}: {error}: 'phash scan --rebuild DIR' makes a new one") from error
            hint = f": {_HINTS[code]}" if code in _HINTS else ""
            raise CatalogueError(f"{self.path}: {error}{hint}") from error


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; those of triggers contain semicolons."""
    statement = ""
    *parts, _ = script.split(";")
    for part in parts:
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _connect(path: Path | None, options: str) -> sqlite3.Connection:
    """Open a file of SQLite with parameters of its URI, or a database in memory."""
    # Python's own transactions would begin at moments that are hard to foresee.
    target = ":memory:" if path is None else f"{path.as_uri()}?{options}"
    return sqlite3.connect(target, uri=True, timeout=_TIMEOUT, isolation_level=None)


def _reading_mode(path: Path) -> str:
    """Return the parameters to read a file that cannot be written, or whose folder cannot.

    What its log holds is read where the index of the log (-shm) is there too. Without a log nobody writes, and the file
    can be taken for one that does not change: SQLite would make a log to read it in any other way.
    """
    return "mode=ro" if _has_log(path) else "immutable=1"


def _has_log(path: Path) -> bool:
    log = Path(f"{os.path.realpath(path)}-wal")
    return log.exists() and log.stat().st_size > 0


def _is_writable(path: Path) -> bool:
    real = Path(os.path.realpath(path))
    return os.access(real, os.W_OK) and os.access(real.parent, os.W_OK)


def _application_id(path: Path) -> int:
    with path.open("rb") as file:
        file.seek(_ID_OFFSET)
        return int.from_bytes(file.read(4), "big")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueError(f"{folder}: cannot make this folder: {error.strerror}") from error
