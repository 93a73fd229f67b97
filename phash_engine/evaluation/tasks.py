"""Two folders of photos and a truth → a retrieval task: queries, gallery, and the true results, by row."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files
from phash_engine.catalogue import Photo, Store
from phash_engine.errors import UsageError
from phash_engine.evaluation import submissions
from phash_engine.evaluation.submissions import Table
from phash_engine.hashing.hashers import CODE_NAMES, Codes
from phash_engine.matching import code_set

Column = NDArray[np.int64]


class Side(NamedTuple):
    """The photos of one folder, sorted by id.

    Attributes
    ----------
    folder
        Where they are.
    ids, photos
        Of each photo its id in the task, and the photo.
    table
        uint64 ``(n, 5)``: its codes.
    row_by_path
        Row of the photo of each path.
    unread
        Ids of photos that cannot be read.
    """

    folder: str
    ids: list[str]
    photos: list[Photo]
    table: Codes
    row_by_path: dict[str, int]
    unread: list[str]


class Task(NamedTuple):
    """Queries, a gallery, and the true results.

    Attributes
    ----------
    queries, gallery
        The photos.
    query_ids
        Ids of the queries in the order of the truth, ``q`` of them.
    rows
        int64 ``(q,)``: row of each in ``queries``; -1 for a photo that cannot be read.
    truth
        int64 ``(t, 2)``: number of the query, and row of the gallery that is a true result; below 0 for a photo that
        cannot be read or is not there.
    labels
        Of the photos in the gallery, where they are known.
    """

    queries: Side
    gallery: Side
    query_ids: list[str]
    rows: Column
    truth: Column
    labels: list[str]

    def own_row(self, query: int) -> int:
        """Return the row of the gallery that is the file of a query itself; -1 if it is not there."""
        row = int(self.rows[query])
        return -1 if row < 0 else self.gallery.row_by_path.get(self.queries.photos[row].path, -1)


def read_side(store: Store, folder: str) -> Side:
    """Return the scanned photos below a folder.

    The id of a photo is its name without the extension, or its path from the folder where two photos share that name.
    """
    full = code_set.load(store, store.photo_columns([folder]).contents, trust_all=True).full()
    row_by_content = {content: row for row, content in enumerate(full.contents.tolist())}
    photos = [photo for photo in store.photos([folder]) if photo.digest and photo.content_id in row_by_content]
    failures = [failure.path for failure in store.failures.below([folder])]
    ids = _ids([*(photo.path for photo in photos), *failures], _files.absolute(folder))
    photos.sort(key=lambda photo: ids[photo.path])
    return Side(
        folder,
        [ids[photo.path] for photo in photos],
        photos,
        full.codes[[row_by_content[photo.content_id] for photo in photos], : len(CODE_NAMES)],
        {photo.path: row for row, photo in enumerate(photos)},
        [ids[path] for path in failures],
    )


def make_task(queries: Side, gallery: Side, truth: Table, labels: Table | None = None) -> Task:
    """Match photos and truth by their ids.

    Parameters
    ----------
    queries, gallery
        As of :func:`read_side`.
    truth
        Of each query: the ids of the photos that show the same, or labels. A query without any is a distractor.
    labels
        Of the photos in the gallery; needed by a truth of labels.

    Raises
    ------
    UsageError
        An id in one of them that the others do not have, or no labels.
    """
    submissions.check_ids(truth, [*queries.ids, *queries.unread], queries.folder)
    row_by_id = {name: row for row, name in enumerate(queries.ids)}
    rows = np.array([row_by_id.get(name, -1) for name in truth.rows], dtype=np.int64)
    if truth.kind == "landmarks" and labels is None:
        raise UsageError(f"{truth.path} holds labels of the queries: give those of the gallery with --labels")
    known = [] if labels is None else _labels_of(gallery, labels)
    rows_by_word = _rows_by(gallery.ids if truth.kind == "images" else known)
    pairs: list[tuple[int, int]] = []
    lost = 0
    for query, (name, words) in enumerate(truth.rows.items()):
        for word in words:
            if word in rows_by_word:
                pairs += [(query, row) for row in rows_by_word[word]]
                continue
            if truth.kind == "images" and word not in gallery.unread:
                raise UsageError(f"{truth.path}: {word!r}, true of {name!r}, is not in {gallery.folder}")
            lost -= 1  # a true result that cannot be found
            pairs.append((query, lost))
    return Task(queries, gallery, list(truth.rows), rows, np.array(pairs, dtype=np.int64).reshape(-1, 2), known)


def _ids(paths: Iterable[str], folder: str) -> dict[str, str]:
    stems = {path: PurePath(path).stem for path in paths}
    shared = Counter(stems.values())
    return {
        path: stem if shared[stem] == 1 else Path(os.path.relpath(path, folder)).as_posix()
        for path, stem in stems.items()
    }


def _labels_of(gallery: Side, labels: Table) -> list[str]:
    submissions.check_ids(labels, [*gallery.ids, *gallery.unread], gallery.folder)
    for name, words in labels.rows.items():
        if len(words) != 1:
            raise UsageError(f"{labels.path}: the photo {name!r} needs one label, not {len(words)}")
    return [labels.rows[name][0] for name in gallery.ids]


def _rows_by(words: Sequence[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, word in enumerate(words):
        rows.setdefault(word, []).append(row)
    return rows
