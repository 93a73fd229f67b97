"""Close pairs of contents: found by joins over their views, and filtered by the match policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Ids
from phash_engine.errors import UsageError
from phash_engine.hashing import orientation
from phash_engine.hashing.views import MatchType
from phash_engine.index import Index
from phash_engine.matching import cohort
from phash_engine.matching.code_set import CodeSet
from phash_engine.matching.cohort import NO_MEANS, CohortMeans
from phash_engine.matching.policy import CERTAIN, Calibration, MatchPolicy

Progress = Callable[[int, int], None]
"""Called with the number of joins done and the number to do."""

_CONTENT_BITS, _DISTANCE_BITS, _TYPE_BITS = 26, 8, 3
"""Fields of a pair packed into one int64, so that a pair of millions costs 8 bytes, and sorting them little time."""
_LAST_CONTENT = (1 << _CONTENT_BITS) - 1


class ContentPairs(NamedTuple):
    """Close pairs of contents in columns, sorted by (left, right).

    Attributes
    ----------
    left, right
        int64 ``(n,)``: ids of contents, ``left`` < ``right``.
    distances
        int64 ``(n,)``: bits.
    match_types
        int64 ``(n,)``: the plainest ``MatchType`` that gives the distance.
    """

    left: Ids
    right: Ids
    distances: Ids
    match_types: Ids

    def where(self, chosen: NDArray[np.bool_]) -> ContentPairs:
        """Return the pairs that a mask chooses."""
        return self if chosen.all() else ContentPairs(*(column[chosen] for column in self))


def close_pairs(
    codes: CodeSet, radius: int, *, rotations: bool, kind: str, progress: Progress | None = None
) -> ContentPairs:
    """Find the pairs of contents that have views within a radius.

    At least one of the two views is the full or the trimmed one: crops and frames are only found. One index after the
    other is joined with the rotated codes of one orientation after the other, so memory grows with the pairs found and
    not with the orientations.

    Parameters
    ----------
    codes
        The views of all contents.
    radius
        Largest accepted distance in bits, 0..192.
    rotations
        Whether rotated and mirrored pictures are close.
    kind
        The kind of index, as for ``Index``.
    progress
        Called with the number of joins done and the number to do.

    Raises
    ------
    ValueError
        A radius out of range, or an unknown kind.
    UsageError
        More than 67 million contents.
    """
    contents, numbers = np.unique(codes.contents, return_inverse=True)
    if len(contents) > _LAST_CONTENT + 1:
        raise UsageError(f"more than {_LAST_CONTENT + 1:,} contents cannot be compared at once: name some folders")
    keys = np.empty(0, dtype=np.int64)
    for blocks in _joins(codes._replace(contents=numbers), radius, rotations, kind, progress):
        keys = _nearest_of_each([keys, *map(_packed, blocks)])
    left, right, *others = _unpacked(keys)
    return ContentPairs(contents[left], contents[right], *others)


def first_of_component(left: Ids, right: Ids, n: int) -> Ids:
    """Return, of each item 0..n-1, the lowest number that a chain of pairs joins it with: int64 ``(n,)``."""
    from scipy.sparse import coo_array, csgraph

    joined = coo_array((np.ones(len(left), dtype=np.bool_), (left, right)), shape=(n, n))
    _, labels = csgraph.connected_components(joined, directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    lowest: Ids = first[inverse]
    return lowest


class PairFilter:
    """The policy of one collection, and the filter by it.

    Parameters
    ----------
    codes
        All views of the collection.
    radius
        Largest accepted distance in bits; None for what suits the collection.
    candidate_radius
        Bits up to which pairs are verified; 0 without verification.
    calibration
        What was measured on this collection, if it was; a radius overrides it.

    Attributes
    ----------
    policy
        What decides.
    radius
        The largest distance of pairs that must be found for :meth:`filter`.
    compared
        How many contents have views.
    """

    def __init__(
        self, codes: CodeSet, radius: int | None, candidate_radius: int, calibration: Calibration | None = None
    ) -> None:
        self.compared = len(np.unique(codes.contents))
        self._codes, self._candidate_radius = codes, candidate_radius
        self._cohort = cohort.choose(codes) if radius is None else None
        if radius is not None:
            self.policy = MatchPolicy(radius, source="option")
        elif calibration is not None:
            self.policy = calibration.policy(by_score=self._cohort is not None)
        else:
            self.policy = (
                MatchPolicy(cutoff=cohort.cutoff(self.compared), certain=CERTAIN) if self._cohort else MatchPolicy()
            )
        self.radius = max(self.policy.largest_distance, candidate_radius)

    def filter(self, pairs: ContentPairs) -> tuple[ContentPairs, CohortMeans]:
        """Return the pairs that match, other candidates as ``VERIFIED``; and the cohort means of their contents."""
        means = NO_MEANS
        if self._cohort:
            means = self._cohort.means(self._codes.of(np.union1d(pairs.left, pairs.right)))
        scores = cohort.scores(pairs.distances, means.of(pairs.left), means.of(pairs.right))
        accepted = self.policy.accepts(pairs.distances, scores)
        match_types = np.where(accepted, pairs.match_types, MatchType.VERIFIED)
        return pairs._replace(match_types=match_types).where(
            accepted | (pairs.distances <= self._candidate_radius)
        ), means


def _joins(
    codes: CodeSet, radius: int, rotations: bool, kind: str, progress: Progress | None
) -> Iterator[Iterator[ContentPairs]]:
    """Yield the blocks of pairs that each join finds."""
    queries, found = _Side(codes.queries(), kind), _Side(codes.only_found(), kind)
    turns = orientation.ORIENTATIONS[1:] if rotations else ()
    joins = [(queries, codes, turn) for turn in turns]
    if len(found.codes.contents):
        joins += [(queries, found.codes, 1), *((found, queries.codes, turn) for turn in turns)]
    yield queries.self_join(radius)
    for done, (side, others, turn) in enumerate(joins, 1):
        if progress:
            progress(done, len(joins) + 1)
        yield side.join(others, turn, radius)


class _Side:
    """An index of upright views, and the pairs that they have with others."""

    def __init__(self, codes: CodeSet, kind: str) -> None:
        self.codes = codes
        self._index = Index(orientation.upright(codes.codes), kind=kind)

    def self_join(self, radius: int) -> Iterator[ContentPairs]:
        for pairs in self._index.iter_self_join(radius):
            yield self._pairs(pairs.left, self.codes, pairs.right, pairs.distances, 1)

    def join(self, queries: CodeSet, turn: int, radius: int) -> Iterator[ContentPairs]:
        for matches in self._index.iter_join(orientation.turned_to(queries.codes, turn), radius):
            yield self._pairs(matches.queries, queries, matches.ids, matches.distances, turn)

    def _pairs(self, rows: Ids, queries: CodeSet, own_rows: Ids, distances: Ids, turn: int) -> ContentPairs:
        a, b = queries.contents[rows], self.codes.contents[own_rows]
        match_types = np.maximum(queries.views[rows], self.codes.views[own_rows])
        if turn > 1:
            match_types = np.maximum(match_types, MatchType.ROTATED)
        return ContentPairs(np.minimum(a, b), np.maximum(a, b), distances, match_types)


def _packed(pairs: ContentPairs) -> Ids:
    """Join the numbers of each pair into a key, without those of a content with itself."""
    left, right, distances, match_types = pairs.where(pairs.left != pairs.right)
    contents = left << _CONTENT_BITS | right
    keys: Ids = contents << _DISTANCE_BITS + _TYPE_BITS | distances << _TYPE_BITS | match_types
    return keys


def _unpacked(keys: Ids) -> ContentPairs:
    contents, verdicts = keys >> _DISTANCE_BITS + _TYPE_BITS, keys & (1 << _DISTANCE_BITS + _TYPE_BITS) - 1
    right, match_types = contents & _LAST_CONTENT, verdicts & (1 << _TYPE_BITS) - 1
    return ContentPairs(contents >> _CONTENT_BITS, right, verdicts >> _TYPE_BITS, match_types)


def _nearest_of_each(parts: Sequence[Ids]) -> Ids:
    """Return the first key of each pair: the nearest of the plainest type."""
    keys = np.concatenate(parts)
    keys.sort()
    first: NDArray[np.bool_] = np.diff(keys >> _DISTANCE_BITS + _TYPE_BITS, prepend=-1) != 0
    return keys[first]
