"""Pairs → groups: which photos are to be looked at together, and which of them would be kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phash_engine.index.answers import Pairs


def star(pairs: Pairs, n: int) -> NDArray[np.int64]:
    """Group by stars: every member is within the radius of its keeper.

    In the order of their numbers, an item not yet taken becomes keeper and takes its untaken neighbours. The answer
    depends on the set of pairs alone, not on their order.

    Parameters
    ----------
    pairs
        Pairs of the items ``0..n-1``, which are numbered in keeper order: the one to keep first.
    n
        Number of items.

    Returns
    -------
    numpy.ndarray
        int64 ``(n,)``: the keeper of each item; an item that is a keeper, or alone, is its own.
    """
    left = np.concatenate([pairs.left, pairs.right])
    right = np.concatenate([pairs.right, pairs.left])
    by_left = np.argsort(left, kind="stable")
    left, right = left[by_left], right[by_left]
    items, starts = np.unique(left, return_index=True)
    keepers = np.full(n, -1, dtype=np.int64)
    for item, neighbours in zip(items.tolist(), np.split(right, starts[1:]), strict=True) if items.size else ():
        if keepers[item] < 0:
            keepers[neighbours[keepers[neighbours] < 0]] = item
            keepers[item] = item
    alone = keepers < 0
    keepers[alone] = np.flatnonzero(alone)
    return keepers
