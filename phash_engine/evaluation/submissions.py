"""The tables of retrieval and recognition challenges: ``id,images`` and ``id,landmarks``, as CSV or .csv.gz.

One line for each query. ``images`` holds the ids of photos, nearest first and up to 100 of them, or in a truth those
that show the same; ``landmarks`` holds a label and the confidence in it, or in a truth the label. Either may be empty.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from phash_engine import _files
from phash_engine._files import reason_of
from phash_engine.errors import UsageError

KINDS: Final = ("images", "landmarks")
MOST: Final = 100
"""Ids of a query that count."""
_NAMES: Final = {**{kind: kind for kind in KINDS}, "landmark_id": "landmarks"}


class Table(NamedTuple):
    """The contents of a file: its kind, one of :data:`KINDS`, and the words of each id, in the order of the lines."""

    path: str
    kind: str
    rows: dict[str, list[str]]


class Prediction(NamedTuple):
    """A label and the confidence in it."""

    label: str
    confidence: float


def read(path: str | os.PathLike[str]) -> Table:
    """Read a truth, a submission or the labels of a gallery; other columns are skipped.

    Raises
    ------
    UsageError
        No such file, no such columns, an id twice, or not a CSV file.
    """
    name = os.fspath(path)
    with _files.reading(f"{name}: cannot be read", UsageError):
        data = _files.read_document(path)
        data = _decompressed(data) if name.endswith(".gz") else data
    with _files.reading(f"{name}: not a CSV file", UsageError):
        text = _files.decoded(data)
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(filter(None, lines), [])
        column = next((place for place, title in enumerate(header) if title in _NAMES), None)
        if "id" not in header or column is None:
            raise UsageError(f"{name}: the first line must be id,images or id,landmarks, not {','.join(header)[:60]!r}")
        own = header.index("id")
        rows: dict[str, list[str]] = {}
        for line in filter(None, lines):
            if len(line) <= max(own, column):
                raise UsageError(f"{name}: line {lines.line_num} has {len(line)} columns of {len(header)}")
            if line[own] in rows:
                raise UsageError(f"{name}: the id {line[own]!r} occurs twice, again in line {lines.line_num}")
            rows[line[own]] = line[column].split()
    except csv.Error as error:
        raise UsageError(f"{name}: line {lines.line_num}: not a CSV file: {error}") from error
    return Table(name, _NAMES[header[column]], rows)


def write(path: str | os.PathLike[str], kind: str, rows: Mapping[str, Sequence[str]]) -> None:
    """Write a submission atomically, compressed if its name ends in ``.gz``.

    Raises
    ------
    UsageError
        It cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", kind])
    writer.writerows([number, " ".join(words)] for number, words in rows.items())
    data = text.getvalue().encode()
    try:
        _files.atomic_write(path, gzip.compress(data, mtime=0) if os.fspath(path).endswith(".gz") else data)
    except OSError as error:
        raise UsageError(f"{os.fspath(path)}: cannot be written: {reason_of(error)}") from error


def check_ids(table: Table, expected: Iterable[str], where: str) -> None:
    """Raise UsageError unless the ids of a table are the expected ones, in any order; ``where`` says whose they are."""
    ids = set(expected)
    for missing in sorted(ids - table.rows.keys())[:1]:
        raise UsageError(f"{table.path}: the id {missing!r} of {where} is missing; give it an empty line")
    for unknown in sorted(table.rows.keys() - ids)[:1]:
        raise UsageError(f"{table.path}: the id {unknown!r} is not in {where}")


def ranked_ids(table: Table) -> dict[str, list[str]]:
    """Return the first 100 ids of each row of an ``images`` table.

    Raises
    ------
    UsageError
        An id twice in a row.
    """
    for number, words in table.rows.items():
        if len(set(words)) < len(words):
            twice = next(word for word in words if words.count(word) > 1)
            raise UsageError(f"{table.path}: the row of {number!r} names {twice!r} twice")
    return {number: words[:MOST] for number, words in table.rows.items()}


def predictions(table: Table) -> dict[str, Prediction | None]:
    """Return the prediction of each row of a ``landmarks`` table; None where it is empty.

    Raises
    ------
    UsageError
        A row that is not a label with a finite confidence.
    """
    return {number: _prediction(table.path, number, words) for number, words in table.rows.items()}


def _prediction(path: str, number: str, words: Sequence[str]) -> Prediction | None:
    if not words:
        return None
    try:
        label, text = words
        confidence = float(text)
    except ValueError:
        confidence = math.nan
    if not math.isfinite(confidence):
        raise UsageError(f"{path}: the row of {number!r} must be empty or 'label confidence', not {' '.join(words)!r}")
    return Prediction(label, confidence)


def _decompressed(data: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            return _files.read_bounded(file)
    except (EOFError, zlib.error) as error:
        raise ValueError(f"a gzipped file that is cut short or damaged: {error}") from error
