"""Two folders of photos and a table of what is true → a retrieval task with numbers instead of names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files
from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.evaluation import submissions
from phash_engine.evaluation.submissions import Table
from phash_engine.hashing.hashers import CODE_NAMES, Codes
from phash_engine.matching import code_set
from phash_engine.retrieval.rerank import Content

Column = NDArray[np.int64]


class Side(NamedTuple):
    """The photos of one folder, sorted by id.

    Attributes
    ----------
    folder
        Where they are.
    ids, contents
        Of each photo.
    table
        uint64 ``(n, 5)``: its codes.
    row_by_path
        Which photo each path is.
    unread
        Ids of photos that cannot be read.
    """

    folder: str
    ids: list[str]
    contents: list[Content]
    table: Codes
    row_by_path: dict[str, int]
    unread: list[str]


class Task(NamedTuple):
    """What is asked, and what is true.

    Attributes
    ----------
    queries, gallery
        The photos.
    asked
        Ids of the queries in the order of the truth, ``q`` of them.
    rows
        int64 ``(q,)``: where each stands in ``queries``; -1 for one that cannot be read.
    truth
        int64 ``(t, 2)``: number of the query, and row of the gallery that is a true answer; below 0 for one that cannot
        be read or is not there.
    labels
        Of the photos in the gallery, where they are known.
    """

    queries: Side
    gallery: Side
    asked: list[str]
    rows: Column
    truth: Column
    labels: list[str]

    def others(self, query: int) -> Column:
        """Return the rows of the gallery but for the file of a query, should that be there."""
        path = self.queries.contents[self.rows[query]].path
        rows = np.arange(len(self.gallery.ids))
        row = self.gallery.row_by_path.get(path)
        return rows if row is None else np.delete(rows, row)


def read_side(catalogue: Store, folder: str) -> Side:
    """Take the scanned photos below a folder.

    A photo's id is its name without the extension, or where two photos share that its path from the folder.
    """
    photos = [photo for photo in catalogue.photos([folder]) if photo.digest]
    failures = [failure.path for failure in catalogue.failures.below([folder])]
    names = _ids([*(photo.path for photo in photos), *failures], _files.absolute(folder))
    photos.sort(key=lambda photo: names[photo.path])
    contents = np.array([photo.content_id for photo in photos], dtype=np.int64)
    full = code_set.load(catalogue, contents, trust_all=True).full()
    return Side(
        folder,
        [names[photo.path] for photo in photos],
        [Content(photo.digest or b"", photo.path) for photo in photos],
        full.codes[np.searchsorted(full.contents, contents), : len(CODE_NAMES)],
        {photo.path: row for row, photo in enumerate(photos)},
        [names[path] for path in failures],
    )


def make_task(queries: Side, gallery: Side, truth: Table, labels: Table | None = None) -> Task:
    """Bring photos and truth together.

    Parameters
    ----------
    queries, gallery
        As of :func:`read_side`.
    truth
        Of each query: the ids of the photos that show the same, or labels. Without any it is a distractor.
    labels
        Of the photos in the gallery; needed by a truth of labels.

    Raises
    ------
    UsageError
        An id in one of them that the others do not have, or no labels.
    """
    submissions.check_ids(truth, [*queries.ids, *queries.unread], queries.folder)
    asked = list(truth.rows)
    place = {name: row for row, name in enumerate(queries.ids)}
    rows = np.array([place.get(name, -1) for name in asked], dtype=np.int64)
    if truth.kind == "landmarks" and labels is None:
        raise UsageError(f"{truth.path} tells the labels of the queries: give those of the gallery with --labels")
    known = [] if labels is None else _labels_of(gallery, labels)
    wanted = _rows_by(gallery.ids if truth.kind == "images" else known)
    pairs: list[tuple[int, int]] = []
    lost = 0
    for query, name in enumerate(asked):
        for word in truth.rows[name]:
            if word in wanted:
                pairs += [(query, row) for row in wanted[word]]
                continue
            if truth.kind == "images" and word not in gallery.unread:
                raise UsageError(f"{truth.path}: {word!r}, true of {name!r}, is not in {gallery.folder}")
            lost -= 1  # a true answer that nobody can give
            pairs.append((query, lost))
    return Task(queries, gallery, asked, rows, np.array(pairs, dtype=np.int64).reshape(-1, 2), known)


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
