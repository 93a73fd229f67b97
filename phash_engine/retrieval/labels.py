"""The labels of photos, from a CSV or from the names of their folders."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath
from typing import Final

from phash_engine import _files
from phash_engine.errors import UsageError

FOLDER: Final = "folder"
"""In place of the path of a CSV: the label of each photo is the name of its folder."""


def read(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read a CSV with the columns ``path`` and ``label``; other columns are skipped.

    Returns
    -------
    dict
        Labels by absolute path; paths in the file are relative to its folder.

    Raises
    ------
    UsageError
        No such file, no such columns, a line without a label, or a photo twice.
    """
    name = os.fspath(path)
    with _files.reading(f"{name}: cannot be read", UsageError):
        text = _files.read_text(path, errors="surrogateescape")  # a path may have any bytes
    labels: dict[str, str] = {}
    lines = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if not {"path", "label"} <= set(lines.fieldnames or ()):
            raise UsageError(f"{name}: the first line must name the columns path and label")
        for line in lines:
            if not line["path"] or not line["label"]:
                raise UsageError(f"{name}: line {lines.line_num} needs a path and a label")
            with _files.reading(f"{name}: line {lines.line_num}", UsageError):
                _files.check_path(line["path"])
            photo = _files.absolute(Path(name).parent / line["path"])
            if photo in labels:
                raise UsageError(f"{name}: {line['path']!r} occurs twice, again in line {lines.line_num}")
            labels[photo] = line["label"]
    except csv.Error as error:
        raise UsageError(f"{name}: line {lines.line_num}: not a CSV file: {error}") from error
    return labels


def labels_of(source: str, photos: Iterable[str], unread: Collection[str]) -> dict[str, str]:
    """Return labels by path: the names of folders for :data:`FOLDER`, else those of a CSV.

    Parameters
    ----------
    source
        :data:`FOLDER` or the path of a CSV.
    photos
        Paths in the catalogue.
    unread
        Paths of files that could not be read; their labels are skipped.

    Raises
    ------
    UsageError
        As :func:`read`, or a label of another photo.
    """
    if source == FOLDER:
        return {path: PurePath(path).parent.name for path in photos}
    known, labels = set(photos), read(source)
    for unknown in sorted(labels.keys() - known - set(unread))[:1]:
        raise UsageError(f"{source}: no photo {unknown} in the catalogue: 'phash scan' it, or delete the line")
    return {path: label for path, label in labels.items() if path in known}
