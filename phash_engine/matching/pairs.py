"""Views of contents → close pairs of contents, each with its distance and the rule that matched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue import CodeColumns, Store
from phash_engine.errors import UsageError
from phash_engine.hashing import orientation
from phash_engine.hashing.hashers import Codes
from phash_engine.hashing.rules import RULES
from phash_engine.index import build_index

_LAST_THAT_ASKS = RULES.index("trimmed")
_CONTENT_BITS, _DISTANCE_BITS, _RULE_BITS = 26, 8, 3
"""What a pair takes in one number, so that a pair of millions costs 8 bytes, and sorting them little time."""
_LAST_CONTENT = (1 << _CONTENT_BITS) - 1


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


class ViewCodes(NamedTuple):
    """Views of contents in rows.

    ``numbers``, int64 ``(n,)``, are those of the contents, ``ranks``, int64 ``(n,)``, the positions in ``RULES`` of
    the plainest rule by which each view can match, and ``table``, uint64 ``(n, 10)``, all codes of each.
    """

    numbers: NDArray[np.int64]
    ranks: NDArray[np.int64]
    table: Codes

    def select(self, chosen: NDArray[np.bool_]) -> ViewCodes:
        """Return some of the rows."""
        if chosen.all():
            return self
        return ViewCodes(*CodeColumns(*self).select(chosen))

    def asking(self) -> ViewCodes:
        """Return the full and trimmed views: crops and frames are found, and find nothing."""
        return self.select(self._asks)

    def only_found(self) -> ViewCodes:
        """Return the other views."""
        return self.select(~self._asks)

    @property
    def _asks(self) -> NDArray[np.bool_]:
        asks: NDArray[np.bool_] = self.ranks <= _LAST_THAT_ASKS
        return asks


def codes_of(contents: NDArray[np.int64], catalogue: Store, *, trust_all: bool) -> ViewCodes:
    """Return the views, that can be trusted or all, of some contents.

    Parameters
    ----------
    contents
        int64 ``(n,)``, ascending: the id of each content. Its place is its number.
    catalogue
        An open catalogue.
    trust_all
        Whether views without structure are compared too.
    """
    codes = catalogue.code_columns(trust_all=trust_all)
    codes = codes.select(np.isin(codes.contents, contents))
    return ViewCodes(np.searchsorted(contents, codes.contents), codes.views, codes.codes)


def close_pairs(
    views: ViewCodes,
    radius: int,
    *,
    rotations: bool,
    kind: str,
    progress: Callable[[int, int], None] | None = None,
) -> ContentPairs:
    """Find the pairs of contents that have views within a radius.

    Of the two views one at least is the full or the trimmed one: crops and frames are found, and find nothing.
    One index after the other is joined with the turned codes of one orientation after the other, so memory goes with
    the pairs found and not with the orientations.

    Parameters
    ----------
    views
        The views of all contents.
    radius
        Largest accepted distance in bits, 0..192.
    rotations
        Whether turned and mirrored pictures are close.
    kind
        The kind of index that answers, as for ``build_index``.
    progress
        Called with the number of joins done and the number to do.

    Raises
    ------
    ValueError
        A radius out of range, or an unknown kind.
    UsageError
        More than 67 million contents.
    """
    if len(views.numbers) and int(views.numbers.max()) > _LAST_CONTENT:
        raise UsageError(f"more than {_LAST_CONTENT + 1:,} contents cannot be compared at once: name some folders")
    keys = np.empty(0, dtype=np.int64)
    for blocks in _joins(views, radius, rotations, kind, progress):
        keys = _nearest_of_each([keys, *map(_packed, blocks)])
    return _unpacked(keys)


def first_of_component(left: NDArray[np.int64], right: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return, of each item, the lowest number that a chain of pairs joins it with: int64 ``(n,)``."""
    from scipy.sparse import coo_array, csgraph

    joined = coo_array((np.ones(len(left), dtype=np.bool_), (left, right)), shape=(n, n))
    _, labels = csgraph.connected_components(joined, directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    lowest: NDArray[np.int64] = first[inverse]
    return lowest


def _joins(
    views: ViewCodes, radius: int, rotations: bool, kind: str, progress: Callable[[int, int], None] | None
) -> Iterator[Iterator[ContentPairs]]:
    """Yield the blocks of pairs that each join finds."""
    asking, others = _Side(views.asking(), kind), _Side(views.only_found(), kind)
    turns = orientation.ORIENTATIONS[1:] if rotations else ()
    joins = [(asking, views, turn) for turn in turns]
    if len(others.views.numbers):
        joins += [(asking, others.views, 1), *((others, asking.views, turn) for turn in turns)]
    yield asking.self_join(radius)
    for done, (side, queries, turn) in enumerate(joins, 1):
        if progress:
            progress(done, len(joins) + 1)
        yield side.join(queries, turn, radius)


class _Side:
    """An index of upright views, and the pairs that they have with others."""

    def __init__(self, views: ViewCodes, kind: str) -> None:
        self.views = views
        self._index = build_index(orientation.upright(views.table), kind=kind)

    def self_join(self, radius: int) -> Iterator[ContentPairs]:
        for pairs in self._index.iter_self_join(radius):
            yield self._pairs(pairs.left, self.views, pairs.right, pairs.distances, 1)

    def join(self, queries: ViewCodes, turn: int, radius: int) -> Iterator[ContentPairs]:
        for matches in self._index.iter_join(orientation.turned_to(queries.table, turn), radius):
            yield self._pairs(matches.queries, queries, matches.ids, matches.distances, turn)

    def _pairs(
        self,
        rows: NDArray[np.int64],
        queries: ViewCodes,
        own_rows: NDArray[np.int64],
        distances: NDArray[np.int64],
        turn: int,
    ) -> ContentPairs:
        a, b = queries.numbers[rows], self.views.numbers[own_rows]
        rules = np.maximum(queries.ranks[rows], self.views.ranks[own_rows])
        if turn > 1:
            rules = np.maximum(rules, RULES.index("rotation"))
        return ContentPairs(np.minimum(a, b), np.maximum(a, b), distances, rules)


def _packed(pairs: ContentPairs) -> NDArray[np.int64]:
    """Join the numbers of each pair into a key, without those of a content with itself."""
    left, right, distances, rules = pairs.where(pairs.left != pairs.right)
    contents = left << _CONTENT_BITS | right
    keys: NDArray[np.int64] = contents << _DISTANCE_BITS + _RULE_BITS | distances << _RULE_BITS | rules
    return keys


def _unpacked(keys: NDArray[np.int64]) -> ContentPairs:
    contents, verdicts = keys >> _DISTANCE_BITS + _RULE_BITS, keys & (1 << _DISTANCE_BITS + _RULE_BITS) - 1
    right, rules = contents & _LAST_CONTENT, verdicts & (1 << _RULE_BITS) - 1
    return ContentPairs(contents >> _CONTENT_BITS, right, verdicts >> _RULE_BITS, rules)


def _nearest_of_each(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the first key of each pair: the nearest by the plainest rule."""
    keys = np.concatenate(parts)
    keys.sort()
    first: NDArray[np.bool_] = np.diff(keys >> _DISTANCE_BITS + _RULE_BITS, prepend=-1) != 0
    return keys[first]
