"""A bounded heap of match keys, the largest on top: the k nearest so far, and the distance to beat."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(nogil=True, cache=True, _nrt=False)
def offer(heap: Any, size: int, key: int) -> int:
    """Add a key to a heap of ``size`` keys, replacing the largest if it is full; return the new size."""
    if size < heap.size:
        _sift_up(heap, size, key)
        return size + 1
    if key < heap[0]:
        _sift_down(heap, key)
    return size


@njit(nogil=True, cache=True, _nrt=False)
def _sift_up(heap: Any, place: int, key: int) -> None:
    """Add a key at the end and move it up."""
    while place > 0 and heap[(place - 1) // 2] < key:
        heap[place] = heap[(place - 1) // 2]
        place = (place - 1) // 2
    heap[place] = key


@njit(nogil=True, cache=True, _nrt=False)
def _sift_down(heap: Any, key: int) -> None:
    """Replace the largest key and move the new one down."""
    place, child = 0, 1
    while child < heap.size:
        if child + 1 < heap.size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= key:
            break
        heap[place] = heap[child]
        place, child = child, 2 * child + 1
    heap[place] = key
