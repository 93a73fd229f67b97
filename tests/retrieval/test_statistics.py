"""Statistics of collections: by hand, and compared with numpy's own correlations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from phash_engine.hashing import codes
from phash_engine.retrieval import statistics
from tests import naive, strategies


def test_percentages_and_means_by_hand() -> None:
    assert statistics.percentages([0, 0, 8, 9, 192], [0, 1, 9, 193]).tolist() == [40, 20, 40]
    assert np.isnan(statistics.percentages([], [0, 1, 2])).all()
    values = list(range(200, 0, -1))
    assert [statistics.mean_of_lowest(values, percent) for percent in (1, 5, 100)] == [1.5, 5.5, 100.5]
    assert statistics.mean_of_lowest([7, 9], 1) == 7
    assert math.isnan(statistics.mean_of_lowest([], 1))


@settings(max_examples=40)
@given(strategies.collections())
def test_bit_use_as_numpy_correlates(collection: strategies.Collection) -> None:
    bits = naive.to_bits(collection.codes).reshape(len(collection.codes), 64 * collection.words)
    varying = bits[:, bits.any(axis=0) & ~bits.all(axis=0)]
    use = statistics.bit_use(collection.codes)
    assert (use.bits, use.constant) == (64 * collection.words, 64 * collection.words - varying.shape[1])
    if varying.shape[1] < 2:
        assert math.isnan(use.correlation)
        assert use.effective == pytest.approx(varying.shape[1])
        return
    expected: NDArray[np.float64] = np.atleast_2d(np.corrcoef(varying.astype(np.float64), rowvar=False))
    others = expected[np.triu_indices_from(expected, k=1)]
    assert use.correlation == pytest.approx(np.abs(others).mean())
    assert use.effective == pytest.approx(len(expected) ** 2 / (expected**2).sum())


def test_effective_bits_are_those_of_the_spread_of_distances() -> None:
    """The variance of the distances between unrelated codes is a quarter of bits squared over effective bits."""
    rng = np.random.default_rng(5)
    halves = rng.integers(0, 2**32, 4000, dtype=np.uint64)
    repeated = (halves << np.uint64(32) | halves)[:, np.newaxis]
    use = statistics.bit_use(repeated)
    assert use.effective == pytest.approx(32, rel=0.02)
    apart = codes.distances(repeated[::2, 0], repeated[1::2, 0])
    assert np.var(apart) == pytest.approx(64**2 / 4 / use.effective, rel=0.1)
