"""Lists of hashes that other tools wrote, as CSV or JSON → imported hashes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from phash_engine import _files, _json
from phash_engine.catalogue.imported_hashes import HASHERS, ImportedHash
from phash_engine.errors import UsageError
from phash_engine.hashing import codes

_NO_MAPPING = 'not one JSON object of paths and hex digits, as {"a.jpg": "ffd7918181c9ffff"}'

_Entry = tuple[str, str, str, str]
"""Position in the list, path, hex digits, hasher."""


def read(path: Path, hasher: str, base: str) -> list[ImportedHash]:
    """Read a list: CSV with the columns path, hex and perhaps hasher, or JSON that maps paths to hex digits.

    Parameters
    ----------
    path
        The list, in UTF-8; it is JSON if its name ends so.
    hasher
        The hasher of entries that name none.
    base
        The folder that relative paths are relative to.

    Raises
    ------
    UsageError
        The list cannot be read, or one of its entries is wrong; names the entry.
    """
    with _files.reading(path, UsageError):
        text = _files.read_text(path, errors="surrogateescape")  # a path may have any bytes
    entries = (_json_entries if path.suffix.lower() == ".json" else _csv_entries)(path, text, hasher)
    return list(_checked(entries, base))


def _checked(entries: Iterable[_Entry], base: str) -> Iterator[ImportedHash]:
    places: dict[tuple[str, str], str] = {}
    for place, path, digits, hasher in entries:
        if hasher not in HASHERS:
            raise UsageError(f"{place}: no hasher {hasher!r}: those of imagehash are {', '.join(HASHERS)}")
        if not path:
            raise UsageError(f"{place}: no path")
        with _files.reading(place, UsageError):
            _files.check_path(path)
        whole = _files.absolute(Path(base, path))
        first = places.setdefault((whole, hasher), place)
        if first is not place:
            raise UsageError(f"{place}: {path!r} has a code of {hasher} already, see {first}")
        with _files.reading(place, UsageError):
            code = codes.from_hex(digits)
        yield ImportedHash(whole, hasher, code)


def _csv_entries(path: Path, text: str, hasher: str) -> Iterator[_Entry]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [column for column in ("path", "hex") if column not in (reader.fieldnames or ())]
        if missing:
            raise UsageError(f"{path}: no column {' and no column '.join(missing)}: the first line names the columns")
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise UsageError(f"{place}: not as many fields as columns")
            yield place, row["path"], row["hex"].strip(), row.get("hasher", "").strip() or hasher
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error


def _json_entries(path: Path, text: str, hasher: str) -> Iterator[_Entry]:
    with _files.reading(f"{path}: no JSON", UsageError):
        pairs = _json.loads(text, as_object=tuple)
    if not isinstance(pairs, tuple):
        raise UsageError(f"{path}: {_NO_MAPPING}")
    for name, digits in pairs:
        place = f"{path}, {name!r:.200}"
        if not isinstance(digits, str):
            raise UsageError(f"{place}: {_NO_MAPPING}")
        yield place, name, digits, hasher
