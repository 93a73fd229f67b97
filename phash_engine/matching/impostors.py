"""Views of a collection → the pairs that come nearest to one another without showing the same.

Copies are told from strangers by a second look, never by their distance alone: who leaves out what is near finds no
false pair that is near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.matching.cohort import Strangers, sample, strangers
from phash_engine.matching.distances import blocks, distances
from phash_engine.matching.pairs import ViewCodes, first_of_component
from phash_engine.matching.scores import adaptive_scores
from phash_engine.matching.tail import Tail, tail_of

Whole = NDArray[np.int64]
Same = Callable[[Whole, Whole, Whole], NDArray[np.bool_]]
"""Tells of pairs by left, right and distance whether both show the same."""

SAMPLE: Final = 1000
"""Contents that are compared with all."""
_KEPT: Final = 4000
"""Nearest pairs that are looked at, by distance and by score."""


class Negatives(NamedTuple):
    """How near strangers come.

    Attributes
    ----------
    contents
        Number of those that were compared.
    copies
        How many pairs of the nearest were left out as copies.
    by_distance, by_score
        The tails of distances and of adaptive scores; no scores where there are no backgrounds.
    counts
        Number of pairs by distance, int64 ``(256,)``, the copies among them left out.
    """

    contents: int
    copies: int
    by_distance: Tail
    by_score: Tail | None
    counts: Whole


class _Nearest:
    """The nearest pairs of many, in columns: their values, then whatever comes with them."""

    def __init__(self) -> None:
        self.columns: list[Whole] = []
        self._worst = np.iinfo(np.int64).max

    def add(self, values: Whole, *columns: Whole) -> None:
        better = values < self._worst
        rows = [column[better] for column in (values, *columns)]
        if self.columns:
            rows = [np.concatenate(pair) for pair in zip(self.columns, rows, strict=True)]
        chosen = np.argsort(rows[0], kind="stable")[:_KEPT]
        self.columns = [row[chosen] for row in rows]
        if len(chosen) == _KEPT:
            self._worst = int(self.columns[0][-1])


def measure(views: ViewCodes, same: Same) -> Negatives:
    """Compare up to :data:`SAMPLE` contents with all.

    Parameters
    ----------
    views
        All views of the collection.
    same
        Tells the copies among the nearest pairs.

    Raises
    ------
    ValueError
        Too few pairs, or too many of them are copies.
    """
    asking = views.asking()
    contents = int(asking.numbers.max(initial=-1)) + 1
    chosen = sample(asking, SAMPLE)
    found = strangers(views)
    by_distance, by_score, counts, total = _Nearest(), _Nearest(), np.zeros(256, dtype=np.int64), 0
    for left, right, bits, scores in _pairs(asking, chosen, contents, found):
        total += len(bits)
        counts += np.bincount(bits, minlength=256)
        by_distance.add(bits, left, right, bits)
        by_score.add(scores, left, right, bits)
    if not by_distance.columns:
        raise ValueError("there are no pairs")
    wanted = [by_distance, by_score] if found else [by_distance]
    pairs = np.unique(np.concatenate([np.stack(nearest.columns[1:], axis=1) for nearest in wanted]), axis=0)
    are_same = _joined(pairs, same(*pairs.T), contents)
    counts -= np.bincount(pairs[are_same, 2], minlength=256)
    copies = set(map(tuple, pairs[are_same].tolist()))
    tails = [_tail(nearest, copies, total - len(copies)) for nearest in wanted]
    return Negatives(len(np.unique(asking.numbers)), len(copies), tails[0], tails[1] if found else None, counts)


def _pairs(
    asking: ViewCodes, chosen: ViewCodes, contents: int, found: Strangers | None
) -> Iterator[tuple[Whole, Whole, Whole, Whole]]:
    """Yield left, right, distances and scores of all pairs of a chosen content with any, each once."""
    columns = np.unique(chosen.numbers)
    is_chosen = np.zeros(contents, dtype=np.bool_)
    is_chosen[columns] = True
    own = found.backgrounds(chosen, contents) if found else np.zeros(contents, dtype=np.int64)
    for block in blocks(asking):
        rows = np.unique(block.numbers)
        backgrounds = found.backgrounds(block, contents) if found else own
        once = ~is_chosen[rows][:, np.newaxis] | (rows[:, np.newaxis] < columns)
        row, column = np.nonzero(once)
        bits = distances(block, chosen)[once].astype(np.int64)
        left, right = rows[row], columns[column]
        yield left, right, bits, adaptive_scores(bits, backgrounds[left], own[right])


def _joined(pairs: Whole, same: NDArray[np.bool_], contents: int) -> NDArray[np.bool_]:
    """Return which pairs are joined by a chain of copies."""
    left, right, _ = pairs.T
    low, high = np.minimum(left, right), np.maximum(left, right)
    owners = first_of_component(low[same], high[same], contents)
    joined: NDArray[np.bool_] = owners[left] == owners[right]
    return joined


def _tail(nearest: _Nearest, copies: set[tuple[int, ...]], pairs: int) -> Tail:
    values, *columns = nearest.columns
    strange = [row not in copies for row in zip(*(column.tolist() for column in columns), strict=True)]
    return tail_of(values[strange], columns[0][strange], columns[1][strange], pairs)
