"""The codes of one picture or of many, from any source."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import IO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phash_engine import _memory
from phash_engine._threads import Budget, available_threads, in_threads
from phash_engine.errors import ImageError
from phash_engine.hashing import hashers, quality
from phash_engine.hashing.hashers import ALL_NAMES, Codes, Fingerprint
from phash_engine.images.open import Source, source_name
from phash_engine.images.read import read_block

_BATCH = 16
Blocks = NDArray[np.uint16]


class Hashes(NamedTuple):
    """The codes of many pictures.

    Attributes
    ----------
    names
        Of the sources, in order: paths, or ``<bytes>`` and the like.
    codes
        uint64 ``(n, 10)``, in the order of ``hashers.ALL_NAMES``; zeros where a picture could not be read.
    is_trusted
        bool ``(n,)``: whether a picture has enough structure to be compared by its codes.
    errors
        By row, of the pictures that could not be read.
    """

    names: list[str]
    codes: Codes
    is_trusted: NDArray[np.bool_]
    errors: dict[int, ImageError]

    def __repr__(self) -> str:
        return f"Hashes({len(self.names)} pictures, {len(self.errors)} errors)"


def hash_image(source: Source) -> Fingerprint:
    """Return the five codes of a picture.

    Parameters
    ----------
    source
        As for :func:`hash_images`.

    Raises
    ------
    ImageError
        The picture cannot be read; carries path and reason.
    TypeError
        Not a picture.

    Examples
    --------
    >>> import numpy
    >>> picture = numpy.tile(numpy.arange(0, 250, 5, dtype=numpy.uint8), (40, 1))
    >>> hash_image(picture) - hash_image(picture[:, ::-1].copy())
    68
    """
    return hashers.fingerprint(read_block(source))


def hash_images(sources: Source | Iterable[Source], workers: int | None = None, memory: int | None = None) -> Hashes:
    """Return the codes of pictures, in order; pictures that cannot be read are errors in the result.

    Parameters
    ----------
    sources
        One picture or an iterable of them: paths, bytes, bytearrays, memoryviews, binary file objects (also members of
        tar and zip files, which are read one after the other), PIL images, uint8 arrays ``(h, w)``, ``(h, w, 3)`` or
        ``(h, w, 4)``, or mappings with ``bytes`` or ``path`` as in data sets of Hugging Face. An array ``(n, h, w, c)``
        is ``n`` pictures.
    workers
        Threads that decode; None for one a processor core.
    memory
        Bytes that decoding may hold at once, in all threads; a picture that needs more is decoded alone. None for a
        quarter of the memory of the machine or of its control group.

    Raises
    ------
    TypeError
        A source is none of these.
    ValueError
        ``workers`` or ``memory`` below 1.

    Notes
    -----
    About 1 ms for a web photo and 12 ms for 12 megapixels on one core. Sources are taken as they are needed.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    budget = Budget(_memory.budget(memory))
    batches = _batches(iter([sources] if _is_one(sources) else sources))  # type: ignore[list-item, arg-type]
    parts = list(in_threads(partial(_hash_batch, memory=budget), batches, workers or available_threads()))
    names = [name for part in parts for name in part.names]
    errors: dict[int, ImageError] = {}
    first = 0
    for part in parts:
        errors |= {first + row: error for row, error in part.errors.items()}
        first += len(part.names)
    codes = np.concatenate([np.empty((0, len(ALL_NAMES)), dtype=np.uint64), *(part.codes for part in parts)])
    trusted = np.concatenate([np.empty(0, dtype=np.bool_), *(part.is_trusted for part in parts)])
    return Hashes(names, codes, trusted, errors)


def _is_one(sources: object) -> bool:
    if isinstance(sources, np.ndarray):
        return sources.ndim < 4
    if isinstance(sources, str | bytes | bytearray | memoryview | os.PathLike | Image.Image | Mapping):
        return True
    return hasattr(sources, "read") or not isinstance(sources, Iterable)


def _batches(sources: Iterator[Source]) -> Iterator[list[tuple[str, Source]]]:
    """Yield a few named sources at a time. File objects are read here: those of one archive share its position."""
    while batch := [(source_name(source), _read_if_file(source)) for source in islice(sources, _BATCH)]:
        yield batch


def _read_if_file(source: Source) -> Source:
    if isinstance(source, Image.Image) or not hasattr(source, "read"):
        return source
    file = cast(IO[bytes], source)
    if file.seekable():
        file.seek(0)
    return file.read()


def _hash_batch(batch: list[tuple[str, Source]], memory: Budget) -> Hashes:
    blocks: list[Blocks] = []
    errors: dict[int, ImageError] = {}
    for row, (name, source) in enumerate(batch):
        try:
            blocks.append(read_block(source, name, memory))
        except ImageError as error:
            errors[row] = error
    codes = np.zeros((len(batch), len(ALL_NAMES)), dtype=np.uint64)
    trusted = np.zeros(len(batch), dtype=np.bool_)
    if blocks:
        stacked = np.stack(blocks)
        rows = [row for row in range(len(batch)) if row not in errors]
        codes[rows] = hashers.hash_blocks(stacked)
        trusted[rows] = quality.is_trusted(quality.gradient_quality(stacked), quality.detail(stacked))
    return Hashes([name for name, _ in batch], codes, trusted, errors)
