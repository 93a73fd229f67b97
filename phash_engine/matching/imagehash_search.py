"""Foreign codes → matches of a code: the look-up in the imagehash scheme."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phash_engine import _files, images
from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.hashing import codes
from phash_engine.images import imagehash_compat
from phash_engine.index import build_index
from phash_engine.matching.search import Match

RADIUS = 8
"""Default radius in bits of 64, for any hasher of the scheme."""


class ForeignCollection:
    """The codes of one hasher of the imagehash scheme, ready to be searched.

    Parameters
    ----------
    catalogue
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

    def __init__(self, catalogue: Store, hasher: str, folders: Sequence[str] | None = None) -> None:
        paths, table = catalogue.imported_hashes.of(hasher)
        if not paths:
            others = ", ".join(catalogue.imported_hashes.counts())
            way_out = f"it has those of {others}" if others else "'phash import' brings them"
            raise UsageError(f"the catalogue has no codes of imagehash's {hasher}: {way_out}")
        roots = None if folders is None else [_files.absolute(folder) for folder in folders]
        rows = [row for row, path in enumerate(paths) if roots is None or _files.is_below(path, roots)]
        self._hasher = hasher
        self._paths = paths
        self._index = build_index(table[rows], np.array(rows, dtype=np.int64))

    def find(self, query: images.Source | np.uint64, k: int | None = None, radius: int | None = None) -> list[Match]:
        """Find the photos whose codes are near that of a picture, or one given.

        Parameters
        ----------
        query
            A code, or a picture as for ``images.read_block``.
        k
            At most so many photos.
        radius
            None farther than so many bits, 0..64. Without ``k`` and ``radius`` it is :data:`RADIUS`; with ``k`` alone
            there is no limit.

        Returns
        -------
        list of Match
            Sorted by distance and path; the rule is "code".

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
            found = self._index.range_query(asked, RADIUS if radius is None else radius)
        else:
            found = self._index.nearest(asked, k, radius)
        rows = zip(found.ids.tolist(), found.distances.tolist(), strict=True)
        return [Match(name, self._paths[row], distance, "code") for row, distance in rows]

    def _code(self, query: images.Source | np.uint64) -> tuple[str, np.uint64]:
        if isinstance(query, np.uint64):
            return codes.to_hex(query), query
        return images.source_name(query), getattr(imagehash_compat.read_fingerprint(query), self._hasher)
