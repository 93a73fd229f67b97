"""The codes of views, one row each: what search, pairs, cohort, calibration and labels share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Ids, read_only
from phash_engine.catalogue.store import Store
from phash_engine.hashing import orientation
from phash_engine.hashing.hashers import Codes
from phash_engine.hashing.views import MatchType

Distances = NDArray[np.uint8]
"""Bits, ``(a, b)``: by content of either side, ascending."""

_BLOCK: Final = 512


class CodeSet(NamedTuple):
    """Codes of the views of some contents.

    Attributes
    ----------
    contents
        int64 ``(n,)``: the id of the content of each row.
    views
        int64 ``(n,)``: the plainest ``MatchType`` by which the view of each row can match.
    codes
        uint64 ``(n, 10)``, in the order of ``hashers.ALL_NAMES``.
    """

    contents: Ids
    views: Ids
    codes: Codes

    def select(self, chosen: NDArray[np.bool_]) -> CodeSet:
        """Return the rows that a mask chooses; the columns of the codes stay contiguous."""
        if chosen.all():
            return self
        return CodeSet(self.contents[chosen], self.views[chosen], np.compress(chosen, self.codes.T, axis=1).T)

    def of(self, contents: Ids) -> CodeSet:
        """Return the rows of some contents."""
        return self.select(np.isin(self.contents, contents))

    def full(self) -> CodeSet:
        """Return the full views alone, by content id: one row for each content that has one."""
        rows = np.flatnonzero(self.views == MatchType.SIMILAR)
        _, first = np.unique(self.contents[rows], return_index=True)  # the view on another ground comes later
        rows = rows[first]
        return CodeSet(self.contents[rows], self.views[rows], self.codes[rows])

    def queries(self) -> CodeSet:
        """Return the views of the whole picture: crops and frames are only found, never compared with each other."""
        return self.select(self._are_queries)

    def only_found(self) -> CodeSet:
        """Return the other views: crops and frames."""
        return self.select(~self._are_queries)

    @property
    def _are_queries(self) -> NDArray[np.bool_]:
        are_queries: NDArray[np.bool_] = self.views <= MatchType.TRIMMED
        return are_queries

    def distances(self, other: CodeSet) -> Distances:
        """Return the smallest distance over the views of either content, and over all rotations and mirrored forms.

        Returns
        -------
        numpy.ndarray
            uint8 ``(a, b)``: bits, by the contents of this set and of the other, both ascending.

        Notes
        -----
        Costs 45 word comparisons for each pair of views. For many contents compare :meth:`blocks`, in threads.
        """
        from phash_engine.index.kernels.distance_table import (
            lower_distances,  # compiled code, which small collections do without
        )

        (codes_a, starts_a), (codes_b, starts_b) = self._by_content(), other._by_content()
        nearest: Distances = np.full((len(codes_a), len(codes_b)), 255, dtype=np.uint8)
        upright_a, upright_b = (read_only(orientation.upright(codes).T) for codes in (codes_a, codes_b))
        for turn in orientation.ORIENTATIONS:
            lower_distances(nearest, upright_b, read_only(orientation.turned_to(codes_a, turn).T))
            if turn > 1:
                lower_distances(nearest, read_only(orientation.turned_to(codes_b, turn).T), upright_a)
        return np.minimum.reduceat(np.minimum.reduceat(nearest, starts_a, axis=0), starts_b, axis=1)

    def blocks(self) -> Iterator[CodeSet]:
        """Yield the views of 512 contents at a time, by content id."""
        order = np.argsort(self.contents, kind="stable")
        changes = np.flatnonzero(np.diff(self.contents[order])) + 1
        for rows in np.split(order, changes[_BLOCK - 1 :: _BLOCK]):
            yield CodeSet(self.contents[rows], self.views[rows], self.codes[rows])

    def _by_content(self) -> tuple[Codes, NDArray[np.intp]]:
        """Return codes sorted by content, and the row at which each content begins."""
        order = np.argsort(self.contents, kind="stable")
        return self.codes[order], np.flatnonzero(np.diff(self.contents[order], prepend=-1))


def load(store: Store, contents: Ids | None = None, *, trust_all: bool = False) -> CodeSet:
    """Return the codes of the present SPEC of a catalogue.

    Parameters
    ----------
    store
        An open catalogue; call this inside its ``snapshot`` where other reads must be of the same moment.
    contents
        Only contents of these ids, int64 ``(m,)``; None for all that have a photo that is not missing.
    trust_all
        Whether views with too little structure are returned too.
    """
    codes = CodeSet(*store.code_columns(trust_all=trust_all))
    if contents is not None:
        return codes.of(contents)
    hidden = store.hidden_contents()
    return codes.select(~np.isin(codes.contents, hidden)) if hidden.size else codes
