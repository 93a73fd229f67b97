"""The look-up among imported hashes: photos whose codes of the imagehash scheme are near."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phash_engine import _files, images
from phash_engine.catalogue import Photo, Store
from phash_engine.errors import UsageError
from phash_engine.hashing import codes
from phash_engine.hashing.views import MatchType
from phash_engine.images import imagehash_compat
from phash_engine.index import Index
from phash_engine.matching.search import Match

IMAGEHASH_RADIUS = 8
"""Default radius in bits of 64, for any hasher of the scheme."""


class ImportedCollection:
    """The codes of one hasher of the imagehash scheme, ready to be searched.

    Parameters
    ----------
    store
        An open catalogue.
    hasher
        A name of ``imported_hashes.HASHERS``.
    folders
        Only photos below these; None for all.

    Raises
    ------
    UsageError
        The catalogue has no such codes.
    """

    def __init__(self, store: Store, hasher: str, folders: Sequence[str] | None = None) -> None:
        paths, table = store.imported_hashes.of(hasher)
        if not paths:
            others = ", ".join(store.imported_hashes.counts())
            way_out = f"it has those of {others}" if others else "'phash import' brings them"
            raise UsageError(f"the catalogue has no codes of imagehash's {hasher}: {way_out}")
        roots = None if folders is None else [_files.absolute(folder) for folder in folders]
        rows = [row for row, path in enumerate(paths) if roots is None or _files.is_below(path, roots)]
        self._hasher = hasher
        self._paths = paths
        self._index = Index(table[rows], np.array(rows, dtype=np.int64))

    def find(self, query: images.Source | np.uint64, k: int | None = None, radius: int | None = None) -> list[Match]:
        """Find the photos whose codes are near that of a picture, or one given.

        Parameters
        ----------
        query
            A code, or a picture as for ``images.read_block``.
        k
            Largest number of photos.
        radius
            Largest distance in bits, 0..64. Without ``k`` and ``radius`` it is :data:`IMAGEHASH_RADIUS`; with ``k``
            alone there is no limit.

        Returns
        -------
        list of Match
            Sorted by distance and path; all are ``SIMILAR``.

        Raises
        ------
        ImageError
            The picture cannot be read.
        ValueError
            ``k`` below 1, or a radius out of range.
        """
        name, code = self._code(query)
        asked = np.array([code], dtype=np.uint64)
        if k is None:
            found = self._index.range_search(asked, IMAGEHASH_RADIUS if radius is None else radius)
        else:
            found = self._index.search(asked, k, radius)
        rows = zip(found.ids.tolist(), found.distances.tolist(), strict=True)
        return [Match(name, Photo.of_path(self._paths[row]), distance, MatchType.SIMILAR) for row, distance in rows]

    def _code(self, query: images.Source | np.uint64) -> tuple[str, np.uint64]:
        if isinstance(query, np.uint64):
            return codes.to_hex(query), query
        return images.source_name(query), getattr(imagehash_compat.read_fingerprint(query), self._hasher)
