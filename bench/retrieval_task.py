"""A retrieval task for the benchmark: photos and copies of them, as codes and as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import families, photos
from bench.families.base import Transform
from bench.trial import Original, originals
from phash_engine import images
from phash_engine._threads import available_threads, in_threads
from phash_engine.hashing import hashers, orientation
from phash_engine.retrieval.embeddings import embed
from phash_engine.retrieval.models import FunctionModel, Model, Pictures
from phash_engine.retrieval.vectors import Vectors

_CLASSES = 22
_COPIES = 4
_SIDE, _PATCH, _FILTERS = 224, 8, 128

Codes = NDArray[np.uint64]
Rows = NDArray[np.int64]


class Views(NamedTuple):
    """All codes ``(v, 10)`` of pictures, full and trimmed, and the row at which each picture begins ``(n,)``."""

    codes: Codes
    starts: Rows


class Task(NamedTuple):
    """Codes and unit vectors of queries and gallery, true pairs ``(t, 2)`` of their rows, the files of the queries."""

    gallery_views: Views
    query_views: Views
    gallery: Vectors
    queries: Vectors
    truth: Rows
    files: list[bytes]


def make_task(gallery: int, queries: int, model: Model) -> Task:
    """Make copies of the first 22 photos, and describe them and impostors."""
    pictures = originals([photos.FOLDER / "web"], gallery, studio=False) or originals(
        [photos.SAMPLE], gallery, studio=False
    )
    classes = pictures[: min(_CLASSES, len(pictures) // 2)]
    made = list(in_threads(partial(_copies, count=-(-queries // len(classes))), classes, available_threads()))
    impostors = pictures[len(classes) : gallery - len(classes) * _COPIES]
    kept = [(number, file) for number, files in enumerate(made) for file in files[: _COPIES + 1]]
    kept += [(-1, picture.file()) for picture in impostors]
    others = [(number, file) for number, files in enumerate(made) for file in files[_COPIES + 1 :]][:queries]
    truth = [
        (query, row) for query, (one, _) in enumerate(others) for row, (other, _) in enumerate(kept) if one == other
    ]
    gallery_files, query_files = [file for _, file in kept], [file for _, file in others]
    return Task(
        hashed(gallery_files),
        hashed(query_files),
        embed(gallery_files, model).vectors,
        embed(query_files, model).vectors,
        np.array(truth, dtype=np.int64),
        query_files,
    )


def random_filters() -> FunctionModel:
    """Return convolutions of 8x8 pixels with fixed random filters of mean 0, rectified and pooled."""
    filters = np.random.default_rng(0).standard_normal((_PATCH * _PATCH, 3, _FILTERS)).astype(np.float32)
    filters = (filters - filters.mean(axis=0)).reshape(-1, _FILTERS)

    def describe(pictures: Pictures) -> Vectors:
        side = _SIDE // _PATCH
        cells = pictures.reshape(-1, side, _PATCH, side, _PATCH, 3).transpose(0, 1, 3, 2, 4, 5)
        maps = np.maximum(cells.reshape(len(pictures), side * side, -1).astype(np.float32) @ filters, 0)
        pooled: Vectors = np.cbrt((maps**3).mean(axis=1))
        return pooled

    return FunctionModel(describe, "random filters", _SIDE, _SIDE)


def hashed(files: Sequence[bytes], threads: int | None = None) -> Views:
    """Hash the views of pictures."""
    pictures = list(in_threads(images.read_picture, files, threads or available_threads()))
    blocks = [block for picture in pictures for block in picture.blocks.values()]
    counts = [len(picture.blocks) for picture in pictures]
    return Views(hashers.hash_blocks(np.stack(blocks)), np.cumsum([0, *counts[:-1]]))


def distances(queries: Views, gallery: Views) -> NDArray[np.uint8]:
    """Return the distances ``(q, n)`` of pictures in all orientations to others of which decision codes are given."""
    apart = np.full((len(queries.codes), len(gallery.codes)), 255, dtype=np.uint8)
    for words in orientation.turned(queries.codes):
        for query, code in enumerate(words):
            bits = np.bitwise_count(gallery.codes ^ code).sum(axis=1, dtype=np.uint8)
            np.minimum(apart[query], bits, out=apart[query])
    nearest: NDArray[np.uint8] = np.minimum.reduceat(apart, queries.starts, axis=0)
    return np.minimum.reduceat(nearest, gallery.starts, axis=1)


def upright(views: Views) -> Views:
    """Return the views with their decision codes alone."""
    return views._replace(codes=orientation.upright(views.codes))


def _copies(picture: Original, count: int) -> list[bytes]:
    """Return the picture's file and copies of it by different transforms."""
    image = picture.image()
    order = np.random.default_rng(sum(picture.name.encode())).permutation(len(_TRANSFORMS)).tolist()
    chosen = [_TRANSFORMS[place] for place in order[: _COPIES + count]]
    return [picture.file(), *(families.make(picture.name, image, transform) for transform in chosen)]


_TRANSFORMS: list[Transform] = [
    transform
    for transform in families.TRANSFORMS
    if transform.family not in families.UNREALISTIC and not transform.guests
]
