"""Impostors: the pairs of a collection that come nearest to one another without showing the same.

Verification decides which pairs are copies, never their distance alone: without the near pairs no near impostor would
be found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Ids
from phash_engine.matching import cohort
from phash_engine.matching.code_set import CodeSet
from phash_engine.matching.cohort import NO_MEANS, Cohort
from phash_engine.matching.pairs import first_of_component
from phash_engine.matching.tail import Tail, tail_of

AreCopies = Callable[[Ids, Ids, Ids], NDArray[np.bool_]]
"""Returns of pairs, by left and right content id and distance, whether both show the same."""

SAMPLE: Final = 1000
"""Contents that are compared with all."""
_KEPT: Final = 4000
"""Nearest pairs that are verified, by distance and by score."""


class Impostors(NamedTuple):
    """How near impostors come.

    Attributes
    ----------
    contents
        Number of those that were compared.
    copies
        How many pairs of the nearest were left out as copies.
    by_distance, by_score
        The tails of distances and of scores; no scores where there is no cohort.
    counts
        Number of pairs by distance, int64 ``(256,)``, the copies among them left out.
    """

    contents: int
    copies: int
    by_distance: Tail
    by_score: Tail | None
    counts: Ids


class _Nearest:
    """The nearest pairs of many, in columns: their values, then whatever comes with them."""

    def __init__(self) -> None:
        self.columns: list[Ids] = []
        self._worst = np.iinfo(np.int64).max

    def add(self, values: Ids, *columns: Ids) -> None:
        better = values < self._worst
        rows = [column[better] for column in (values, *columns)]
        if self.columns:
            rows = [np.concatenate(pair) for pair in zip(self.columns, rows, strict=True)]
        chosen = np.argsort(rows[0], kind="stable")[:_KEPT]
        self.columns = [row[chosen] for row in rows]
        if len(chosen) == _KEPT:
            self._worst = int(self.columns[0][-1])


def measure(codes: CodeSet, are_copies: AreCopies) -> Impostors:
    """Compare up to :data:`SAMPLE` contents with all.

    Parameters
    ----------
    codes
        All views of the collection.
    are_copies
        Returns the copies among the nearest pairs.

    Raises
    ------
    ValueError
        Too few pairs, or too many of them are copies.
    """
    queries = codes.queries()
    chosen = cohort.sample(queries, SAMPLE)
    members = cohort.choose(codes)
    by_distance, by_score, counts, total = _Nearest(), _Nearest(), np.zeros(256, dtype=np.int64), 0
    for left, right, bits, scores in _pairs(queries, chosen, members):
        total += len(bits)
        counts += np.bincount(bits, minlength=256)
        by_distance.add(bits, left, right, bits)
        by_score.add(scores, left, right, bits)
    if not by_distance.columns:
        raise ValueError("there are no pairs")
    requested = [by_distance, by_score] if members else [by_distance]
    pairs = np.unique(np.concatenate([np.stack(nearest.columns[1:], axis=1) for nearest in requested]), axis=0)
    are_same = _joined(pairs, are_copies(*pairs.T))
    counts -= np.bincount(pairs[are_same, 2], minlength=256)
    copies = set(map(tuple, pairs[are_same].tolist()))
    tails = [_tail(nearest, copies, total - len(copies)) for nearest in requested]
    return Impostors(len(np.unique(queries.contents)), len(copies), tails[0], tails[1] if members else None, counts)


def _pairs(queries: CodeSet, chosen: CodeSet, members: Cohort | None) -> Iterator[tuple[Ids, Ids, Ids, Ids]]:
    """Yield left, right, distances and scores of all pairs of a chosen content with any, each once."""
    columns = np.unique(chosen.contents)
    own = members.means(chosen) if members else NO_MEANS
    for block in queries.blocks():
        rows = np.unique(block.contents)
        means = members.means(block) if members else NO_MEANS
        once = ~np.isin(rows, columns)[:, np.newaxis] | (rows[:, np.newaxis] < columns)
        row, column = np.nonzero(once)
        bits = block.distances(chosen)[once].astype(np.int64)
        left, right = rows[row], columns[column]
        yield left, right, bits, cohort.scores(bits, means.of(left), own.of(right))


def _joined(pairs: Ids, same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pairs are joined by a chain of copies."""
    contents, numbers = np.unique(pairs[:, :2], return_inverse=True)
    left, right = numbers.reshape(-1, 2).T
    first = first_of_component(left[same], right[same], len(contents))
    joined: NDArray[np.bool_] = first[left] == first[right]
    return joined


def _tail(nearest: _Nearest, copies: set[tuple[int, ...]], pairs: int) -> Tail:
    values, *columns = nearest.columns
    are_impostors = [row not in copies for row in zip(*(column.tolist() for column in columns), strict=True)]
    return tail_of(values[are_impostors], columns[0][are_impostors], columns[1][are_impostors], pairs)
