"""Candidates by code for a later stage, in the conventions of scikit-learn.

For pipelines that have vectors, a verifier or an index of their own: codes select the candidates, and the later stage
compares those alone. Names, parameter order and shapes are those of ``sklearn.neighbors.NearestNeighbors``; distances
are whole bits, and results are exact and always sorted.

>>> codes = np.array([0b0000, 0b0001, 0b1111], dtype=np.uint64)
>>> distances, ids = Prefilter(n_neighbors=2).fit(codes, [10, 11, 12]).kneighbors(np.array([0b0011], dtype=np.uint64))
>>> distances, ids
(array([[1, 2]]), array([[11, 10]]))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine.index import Index, Matches
from phash_engine.index.validation import as_codes, as_ids, check_count

Rows = NDArray[np.int64]
Ragged: TypeAlias = "NDArray[np.object_]"
"""One array for each query."""

Score = Callable[[int, Rows], ArrayLike]
"""From the row of a query and the ids ``(m,)`` of its candidates to their scores ``(m,)``, the highest the best."""


class Prefilter:
    """The nearest codes, or all within a radius, of many queries.

    Parameters
    ----------
    n_neighbors
        Default number of neighbours of :meth:`kneighbors`.
    radius
        Default radius of :meth:`radius_neighbors`: bits, inclusive.
    kind
        The kind of index, as for ``Index``.
    n_jobs
        Most threads to use; all available processors when None.
    """

    def __init__(self, n_neighbors: int = 5, radius: int = 8, *, kind: str = "auto", n_jobs: int | None = None) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.kind = kind
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:  # noqa: N803 - scikit-learn's names
        """Index codes, uint64 ``(n,)`` or ``(n, words)``, with their ids ``(n,)``, or their rows when ``y`` is None.

        Errors as for ``Index``.
        """
        self._codes = as_codes(X)
        self._ids = as_ids(y, len(self._codes))
        self._index: Index = Index(self._codes, self._ids, self.kind, threads=self.n_jobs)
        return self

    def kneighbors(
        self,
        X: ArrayLike | None = None,  # noqa: N803
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Find the nearest codes.

        Parameters
        ----------
        X
            uint64 ``(q,)`` or ``(q, words)``; None for the codes of :meth:`fit`, each without itself.
        n_neighbors
            At least 1.
        return_distance
            Whether to return the distances too.

        Returns
        -------
        tuple of numpy.ndarray
            Distances in bits and ids, both int64 ``(q, n_neighbors)``, sorted by (distance, id); the ids alone without
            ``return_distance``.

        Raises
        ------
        TypeError, ValueError
            Queries of another width, more neighbours than codes, or no codes yet.
        """
        k = check_count(self.n_neighbors if n_neighbors is None else n_neighbors, "n_neighbors")
        codes = self._fitted()
        most = len(codes) - (X is None)
        if k > most:
            raise ValueError(f"n_neighbors must be at most {most}, the number of codes to compare, not {k}")
        if X is None:
            found = self._index.search(codes, k + 1)
            others = _without(found, self._are_themselves(found), k)
        else:
            others = self._index.search(X, k)
        distances, ids = others.distances.reshape(-1, k), others.ids.reshape(-1, k)
        return (distances, ids) if return_distance else ids

    def radius_neighbors(
        self,
        X: ArrayLike | None = None,  # noqa: N803
        radius: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Find all codes within a radius.

        Parameters
        ----------
        X
            uint64 ``(q,)`` or ``(q, words)``; None for the codes of :meth:`fit`, each without itself.
        radius
            Bits, inclusive.
        return_distance
            Whether to return the distances too.

        Returns
        -------
        tuple of numpy.ndarray
            Distances in bits and ids: object arrays ``(q,)`` of int64 arrays, each sorted by (distance, id); the ids
            alone without ``return_distance``.

        Raises
        ------
        TypeError, ValueError
            Queries of another width, a radius out of range, or no codes yet.
        """
        radius = self.radius if radius is None else radius
        codes = self._fitted() if X is None else as_codes(X, self._fitted().shape[1])
        found = self._index.range_search(codes, radius)
        if X is None:
            found = _without(found, self._are_themselves(found), None)
        distances, ids = (_by_query(column, found.queries, len(codes)) for column in (found.distances, found.ids))
        return (distances, ids) if return_distance else ids

    def candidates(
        self,
        X: ArrayLike,  # noqa: N803
        n_neighbors: int | None = None,
        radius: int | None = None,
    ) -> Matches:
        """Return candidates for a later stage, as columns sorted by (query, distance, id).

        With ``n_neighbors`` the nearest, within ``radius`` if that is given too; else all within the radius. Errors as
        for :meth:`radius_neighbors`.
        """
        self._fitted()
        if n_neighbors is None:
            return self._index.range_search(X, self.radius if radius is None else radius)
        return self._index.search(X, n_neighbors, radius)

    def selectors(
        self,
        X: ArrayLike,  # noqa: N803
        n_neighbors: int | None = None,
        radius: int | None = None,
    ) -> list[Any]:
        """Return the :meth:`candidates` of each query as a ``faiss.IDSelectorBatch``.

        A faiss index whose ids are those of :meth:`fit` then compares vectors with the candidates alone::

            for vector, selector in zip(vectors, prefilter.selectors(codes, radius=24)):
                index.search(vector[None], 10, params=faiss.SearchParameters(sel=selector))

        Raises
        ------
        ImportError
            faiss is not installed.
        """
        import faiss

        found = self.candidates(X, n_neighbors, radius)
        return [faiss.IDSelectorBatch(ids) for ids in _by_query(found.ids, found.queries, len(np.asarray(X)))]

    def rerank(
        self,
        X: ArrayLike,  # noqa: N803
        score: Score,
        n_neighbors: int | None = None,
        radius: int | None = None,
    ) -> tuple[Ragged, Ragged]:
        """Order the :meth:`candidates` of each query by a given score.

        Parameters
        ----------
        X, n_neighbors, radius
            As for :meth:`candidates`.
        score
            Called once for each query that has candidates.

        Returns
        -------
        tuple of numpy.ndarray
            Scores and ids: object arrays ``(q,)`` of arrays, each sorted by (highest score, id).

        Raises
        ------
        ValueError
            Scores that are not one finite number for each candidate.
        """
        found = self.candidates(X, n_neighbors, radius)
        parts = _by_query(found.ids, found.queries, len(np.asarray(X)))
        scores, ranked = np.empty_like(parts), np.empty_like(parts)
        for query, ids in enumerate(parts):
            values = np.asarray(score(query, ids) if len(ids) else [], dtype=np.float64)
            if values.shape != ids.shape or not np.isfinite(values).all():
                raise ValueError(f"{len(ids)} candidates of query {query} need {len(ids)} finite scores, not {values}")
            order = np.lexsort((ids, -values))
            scores[query], ranked[query] = values[order], ids[order]
        return scores, ranked

    def _fitted(self) -> NDArray[np.uint64]:
        if not hasattr(self, "_index"):
            raise ValueError("no codes to search: call fit first")
        return self._codes

    def _are_themselves(self, found: Matches) -> NDArray[np.bool_]:
        """Return whether each match of the fitted codes is the query itself."""
        are_themselves: NDArray[np.bool_] = found.ids == self._ids[found.queries]
        return are_themselves


def _without(found: Matches, itself: NDArray[np.bool_], k: int | None) -> Matches:
    """Return the matches without the queries themselves; with ``k``, the first ``k`` of ``k + 1`` of each query."""
    kept = ~itself
    if k is not None:
        # Among many equal codes the query need not be among the nearest; then the last is left out.
        kept = kept.reshape(-1, k + 1)
        kept[kept.all(axis=1), -1] = False
        kept = kept.ravel()
    return Matches(*(column[kept] for column in found))


def _by_query(column: Rows, queries: Rows, count: int) -> Ragged:
    """Split a column where the query changes."""
    parts = np.empty(count, dtype=object)
    ends = np.searchsorted(queries, np.arange(count + 1))
    for query in range(count):
        parts[query] = column[ends[query] : ends[query + 1]]
    return parts
