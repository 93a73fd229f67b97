"""Codes of a catalogue → close pairs of contents, each with its distance and the rule that matched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import orientation
from phash_engine.hamming.hits import sorted_columns
from phash_engine.hashers import Codes
from phash_engine.index import build_index
from phash_engine.rules import RULES


class ContentPairs(NamedTuple):
    """Close pairs of contents in columns, sorted by (left, right).

    ``left`` < ``right`` are int64 numbers of contents, ``distances`` int64 bits, and ``rules`` the int64 position in
    ``RULES`` of the plainest rule that gives the distance.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distances: NDArray[np.int64]
    rules: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> ContentPairs:
        """Return the pairs that a mask chooses."""
        return self if chosen.all() else ContentPairs(*(column[chosen] for column in self))


def close_pairs(
    numbers: NDArray[np.int64],
    table: Codes,
    radius: int,
    *,
    rotations: bool,
    kind: str,
    progress: Callable[[int, int], None] | None = None,
) -> ContentPairs:
    """Find the pairs of contents whose codes are within a radius.

    One index is joined with itself and with the turned codes of one orientation after the other, so memory goes with
    the pairs found and not with the orientations.

    Parameters
    ----------
    numbers
        int64 ``(n,)``: the number of each row's content.
    table
        uint64 ``(n, 10)``: rows of codes.
    radius
        Largest accepted distance in bits, 0..192.
    rotations
        Whether turned and mirrored pictures are close.
    kind
        The kind of index that answers, as for ``build_index``.
    progress
        Called with the number of joins done and the number to do, after each.

    Raises
    ------
    ValueError
        A radius out of range, or an unknown kind.
    """
    index = build_index(orientation.upright(table), numbers, kind)
    upright = index.self_join(radius)
    nearest = ContentPairs(*upright, np.full_like(upright.left, RULES.index("code")))
    turns = orientation.ORIENTATIONS[1:] if rotations else ()
    for done, turn in enumerate(turns, 1):
        if progress:
            progress(done, len(turns) + 1)
        found = [nearest]
        for matches in index.iter_join(orientation.turned_to(table, turn), radius):
            a, b = numbers[matches.queries], matches.ids
            turned = np.full_like(b, RULES.index("rotation"))
            found.append(ContentPairs(np.minimum(a, b), np.maximum(a, b), matches.distances, turned))
        nearest = _nearest_of_each(found)
    return nearest


def _nearest_of_each(parts: Sequence[ContentPairs]) -> ContentPairs:
    """Return of each pair the nearest by the plainest rule, and no content with itself."""
    columns = sorted_columns(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    left, right = columns[:2]
    first = left != right
    first[1:] &= (np.diff(left) != 0) | (np.diff(right) != 0)
    return ContentPairs(*columns).where(first)
