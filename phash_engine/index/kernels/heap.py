"""A bounded heap of hits, the largest on top: what is nearest so far, and how near a code must be to matter."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(nogil=True, cache=True, _nrt=False)
def offer(heap: Any, size: int, key: int) -> int:
    """Put a key into a heap that holds ``size`` keys, in place of the largest if it is full; return its new size."""
    if size < heap.size:
        _rise(heap, size, key)
        return size + 1
    if key < heap[0]:
        _sink(heap, key)
    return size


@njit(nogil=True, cache=True, _nrt=False)
def _rise(heap: Any, place: int, key: int) -> None:
    """Put a key into a free last place."""
    while place > 0 and heap[(place - 1) // 2] < key:
        heap[place] = heap[(place - 1) // 2]
        place = (place - 1) // 2
    heap[place] = key


@njit(nogil=True, cache=True, _nrt=False)
def _sink(heap: Any, key: int) -> None:
    """Put a key in the place of the largest."""
    place, child = 0, 1
    while child < heap.size:
        if child + 1 < heap.size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= key:
            break
        heap[place] = heap[child]
        place, child = child, 2 * child + 1
    heap[place] = key
