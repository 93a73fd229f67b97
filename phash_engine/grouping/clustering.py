"""Pairs → groups: which photos are to be looked at together, and which of them would be kept.

Items are numbered in keeper order, the one to keep first. Every mode takes the close pairs, the number of items, and
the pairs that must not meet in one group; it returns the keeper of each item, and depends on the set of pairs alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import sorted_columns
from phash_engine.index.results import Pairs
from phash_engine.matching.pairs import first_of_component

Ids = NDArray[np.int64]
Link = tuple[int, int]
"""Two items, the lower number first."""


def star(pairs: Pairs, n: int, apart: Collection[Link] = ()) -> Ids:
    """Group by stars: every member is close to its keeper.

    In the order of their numbers, an item not yet taken becomes keeper and takes its untaken neighbours.

    Parameters
    ----------
    pairs
        Pairs of the items ``0..n-1``.
    n
        Number of items.
    apart
        Items that must not meet in one group, the lower number first; a close pair among them is no pair.

    Returns
    -------
    numpy.ndarray
        int64 ``(n,)``: the keeper of each item; an item that is a keeper, or alone, is its own.
    """
    foes = _both_ways(apart)
    keepers = np.full(n, -1, dtype=np.int64)
    for item, neighbours in _later_neighbours(pairs):
        if keepers[item] < 0:
            taken = _peaceful(item, neighbours[keepers[neighbours] < 0], foes)
            keepers[taken] = keepers[item] = item
    return _with_those_alone(keepers)


def complete(pairs: Pairs, n: int, apart: Collection[Link] = ()) -> Ids:
    """Group so that every member is close to every other; arguments and result as :func:`star`.

    In the order of their numbers, an item not yet taken becomes keeper and takes each untaken neighbour that is close
    to all it has taken before: complete linkage, greedy.
    """
    near = {item: set(neighbours.tolist()) for item, neighbours in _later_neighbours(pairs)}
    for a, b in apart:
        near.get(a, set()).discard(b)
    keepers = np.full(n, -1, dtype=np.int64)
    for item, neighbours in near.items():
        if keepers[item] < 0:
            members: list[int] = []
            for other in sorted(neighbours):
                if keepers[other] < 0 and all(other in near.get(member, ()) for member in members):
                    members.append(other)
            keepers[members] = keepers[item] = item
    return _with_those_alone(keepers)


def component(pairs: Pairs, n: int, apart: Collection[Link] = ()) -> Ids:
    """Group whoever a chain of close pairs joins; arguments and result as :func:`star`.

    Where a chain joins items that must not meet, its pairs count from the closest on (of equals, by number), and one
    that would bring such items together is left out: single linkage (Gower and Ross 1969) with cannot-links.
    """
    keepers = first_of_component(pairs.left, pairs.right, n)
    torn = {keepers[a] for a, b in apart if keepers[a] == keepers[b]}
    if torn:
        inside = np.flatnonzero(np.isin(keepers[pairs.left], list(torn)))
        order = inside[np.lexsort((pairs.right[inside], pairs.left[inside], pairs.distances[inside]))]
        links = zip(pairs.left[order].tolist(), pairs.right[order].tolist(), strict=True)
        again = np.flatnonzero(np.isin(keepers, list(torn)))
        keepers[again] = _linked(again.tolist(), links, _both_ways(apart))
    return keepers


MODES: Mapping[str, Callable[..., Ids]] = {
    "star": star,
    "complete": complete,
    "component": component,
}
"""Ways to group by name: close to the keeper; everyone to everyone; whoever a chain joins."""


def without_farther_sides(pairs: Pairs, apart: Collection[Link]) -> NDArray[np.bool_]:
    """Tell which pairs remain when some items are known to show different pictures.

    A pair of such items goes. Who is close to both of them is on the side of the nearer one: its pair with the farther
    goes too, so what was said of one picture holds for its copies. On a tie both remain.

    Parameters
    ----------
    pairs
        Pairs with their distances, sorted by (left, right) or not.
    apart
        Items that show different pictures, the lower number first.

    Returns
    -------
    numpy.ndarray
        bool, one for each pair.
    """
    kept = np.ones(len(pairs.left), dtype=np.bool_)
    concerned = {item for link in apart for item in link}
    rows = np.flatnonzero(np.isin(pairs.left, list(concerned)) | np.isin(pairs.right, list(concerned)))
    near: defaultdict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for row, left, right, distance in zip(rows.tolist(), *(column[rows].tolist() for column in pairs), strict=True):
        near[left][right] = near[right][left] = (distance, row)
    for a, b in apart:
        if b in near[a]:
            kept[near[a][b][1]] = False
        for item in near[a].keys() & near[b].keys():
            (to_a, row_a), (to_b, row_b) = near[a][item], near[b][item]
            if to_a != to_b:
                kept[row_a if to_a > to_b else row_b] = False
    return kept


def _later_neighbours(pairs: Pairs) -> Iterator[tuple[int, Ids]]:
    """Yield each item that has neighbours of higher numbers, ascending, and these, ascending.

    They are all that a greedy choice looks at: when an item's turn comes, all before it are keepers or taken.
    """
    left, right = sorted_columns(pairs.left, pairs.right)
    items, starts = np.unique(left, return_index=True)
    ends = np.searchsorted(left, items, "right")
    for item, start, end in zip(items.tolist(), starts.tolist(), ends.tolist(), strict=True):
        yield item, right[start:end]


def _peaceful(keeper: int, items: Ids, foes: Mapping[int, set[int]]) -> Ids:
    """Return the items without those that must not meet their keeper or one before them."""
    if not foes:
        return items
    met = [keeper]
    for item in items.tolist():
        if item not in foes or foes[item].isdisjoint(met):
            met.append(item)
    return np.array(met[1:], dtype=np.int64)


def _with_those_alone(keepers: Ids) -> Ids:
    alone = keepers < 0
    keepers[alone] = np.flatnonzero(alone)
    return keepers


def _linked(items: Iterable[int], links: Iterable[Link], foes: Mapping[int, set[int]]) -> list[int]:
    """Return the first of the items that each is joined with by links taken in order, but for those to a foe."""
    members = {item: [item] for item in items}
    for a, b in links:
        one, other = members[a], members[b]
        if one is other or any(not foes[item].isdisjoint(other) for item in one):
            continue
        one.extend(other)
        members |= dict.fromkeys(other, one)
    return [min(joined) for joined in members.values()]


def _both_ways(links: Iterable[Link]) -> defaultdict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in links:
        found[a].add(b)
        found[b].add(a)
    return found
