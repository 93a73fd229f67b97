"""Pictures → embeddings: unit vectors by one model or several. Those of catalogued photos are made once and stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files, images
from phash_engine._columns import spans
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue import Photo, Store
from phash_engine.catalogue.vector_store import VectorStore
from phash_engine.errors import ImageError, ModelError
from phash_engine.retrieval.models import Model, Pictures
from phash_engine.retrieval.vectors import Vectors, concatenated, unit

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and the number to do."""

Item = TypeVar("Item")

BATCH = 16
_STORED = 256
"""Vectors that are written at once."""


class Embeddings(NamedTuple):
    """Vectors of the pictures that could be read, and why the others could not.

    Attributes
    ----------
    rows
        int64 ``(n,)``: which picture, ascending.
    vectors
        float32 ``(n, d)``: unit vectors.
    failures
        By number of the picture.
    """

    rows: NDArray[np.int64]
    vectors: Vectors
    failures: dict[int, ImageError]


class Embedder:
    """One model or several, whose vectors are joined.

    Parameters
    ----------
    models
        What makes the vectors, at least one.
    weights
        Of each model, above 0; all equal when None.
    dtype
        How vectors are stored: "float32" or "float16".
    """

    def __init__(self, models: Sequence[Model], weights: Sequence[float] | None = None, dtype: str = "float32") -> None:
        self._models = models
        self._weights = weights
        self._dtype = dtype

    def embed(self, sources: Sequence[images.Source]) -> Embeddings:
        """Make the vectors of pictures; parameters and errors as for :func:`embed`."""
        return self._joined([embed(sources, model) for model in self._models])

    def embed_photos(self, store: Store, photos: Sequence[Photo], progress: Progress | None = None) -> Embeddings:
        """Return the vectors of photos; parameters and errors as for :func:`embed_photos`."""
        return self._joined([embed_photos(store, photos, model, self._dtype, progress) for model in self._models])

    def _joined(self, parts: Sequence[Embeddings]) -> Embeddings:
        if not len(parts[0].rows):
            return parts[0]
        return parts[0]._replace(vectors=concatenated([part.vectors for part in parts], self._weights))


def embed(sources: Sequence[images.Source], model: Model, *, threads: int | None = None) -> Embeddings:
    """Make the vectors of pictures by one model.

    Parameters
    ----------
    sources
        Each anything that ``images.read_block`` takes.
    model
        What makes them.
    threads
        Most threads to use; all available processors when None.

    Raises
    ------
    ModelError
        The model fails, or does not return one vector of finite numbers for each picture.
    """
    return _gathered(range(len(sources)), list(_batches(sources, partial(_read, model=model), model, threads)))


def embed_photos(
    store: Store,
    photos: Sequence[Photo],
    model: Model,
    dtype: str = "float32",
    progress: Progress | None = None,
) -> Embeddings:
    """Return the vectors of photos by one model. Those not yet stored with the catalogue are made and stored.

    Parameters
    ----------
    store
        An open catalogue; one in memory stores nothing.
    photos
        Of different contents. Photos without a digest, whose codes were computed elsewhere, have no vectors.
    model
        What makes them.
    dtype
        How they are stored: "float32" or "float16".
    progress
        Called after each batch of pictures.

    Returns
    -------
    Embeddings
        Rows are those of ``photos``. A file that no longer has its digest is a failure.

    Raises
    ------
    ModelError, IndexFileError
        A model fails, or the stored vectors cannot be used.
    """
    digests = {row: photo.digest for row, photo in enumerate(photos) if photo.digest}
    if store.path is None:
        return _gathered(list(digests), list(_photo_batches([photos[row] for row in digests], model, progress)))
    file = VectorStore(store.path.with_name(store.path.name + ".vectors") / f"{model.key}-{dtype}", dtype)
    missing = [row for row, digest in digests.items() if digest not in file]
    failures: dict[int, ImageError] = {}
    pending: list[Embeddings] = []
    for part in _photo_batches([photos[row] for row in missing], model, progress):
        pending.append(part)
        if sum(len(part.rows) for part in pending) >= _STORED:
            failures |= _store(file, digests, _gathered(missing, pending))
            pending = []
    failures |= _store(file, digests, _gathered(missing, pending))
    rows = [row for row in digests if row not in failures]
    return Embeddings(np.array(rows, dtype=np.int64), file.read([digests[row] for row in rows]), failures)


def _photo_batches(photos: Sequence[Photo], model: Model, progress: Progress | None) -> Iterator[Embeddings]:
    done = 0
    for part in _batches(photos, partial(_read_photo, model=model), model, None):
        done += len(part.rows) + len(part.failures)
        if progress:
            progress(done, len(photos))
        yield part


def _batches(
    items: Sequence[Item], load: Callable[[Item], Pictures], model: Model, threads: int | None
) -> Iterator[Embeddings]:
    """Yield the vectors of one batch after the other, in order; ``load`` is called from several threads."""
    batches = spans(len(items), BATCH)
    yield from in_threads(lambda rows: _embed_batch(rows, items, load, model), batches, threads or available_threads())


def _embed_batch(batch: range, items: Sequence[Item], load: Callable[[Item], Pictures], model: Model) -> Embeddings:
    pictures: dict[int, Pictures] = {}
    failures: dict[int, ImageError] = {}
    for row in batch:
        try:
            pictures[row] = load(items[row])
        except ImageError as error:
            failures[row] = error
    rows = np.fromiter(pictures, dtype=np.int64)
    if not pictures:
        return Embeddings(rows, np.empty((0, 0), dtype=np.float32), failures)
    vectors = model(np.stack(list(pictures.values())))
    if vectors.ndim != 2 or len(vectors) != len(rows):
        raise ModelError(f"{model.name}: {len(rows)} pictures gave an array {vectors.shape}, not one vector each")
    if not np.isfinite(vectors).all():
        raise ModelError(f"{model.name}: the vectors hold NaN or infinity, so nothing can be compared by them")
    return Embeddings(rows, unit(vectors), failures)


def _read(source: images.Source, model: Model, name: str | None = None) -> Pictures:
    """Read a picture as a model takes it, uint8 ``(height, width, 3)``."""
    return images.read_rgb(source, model.height, model.width, name)


def _read_photo(photo: Photo, model: Model) -> Pictures:
    _, data = _files.read(photo.path)
    if _files.digest(data) != photo.digest:
        raise ImageError(photo.path, "changed since it was scanned")
    return _read(data, model, photo.path)


def _gathered(rows: Sequence[int], parts: Sequence[Embeddings]) -> Embeddings:
    """Put batches together, and number their pictures by ``rows``."""
    numbers = np.array(rows, dtype=np.int64)
    return Embeddings(
        np.concatenate([np.empty(0, dtype=np.int64), *(numbers[part.rows] for part in parts)]),
        np.concatenate([part.vectors for part in parts if len(part.rows)] or [np.empty((0, 0), dtype=np.float32)]),
        {int(numbers[row]): error for part in parts for row, error in part.failures.items()},
    )


def _store(file: VectorStore, digests: dict[int, bytes], made: Embeddings) -> dict[int, ImageError]:
    if len(made.rows):
        file.append([digests[row] for row in made.rows.tolist()], made.vectors)
    return made.failures
