"""How many pairs come by chance: a tail worked by hand, and bounds that hold as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from phash_engine.matching.tail import FEWEST, Tail, tail_of

PAIRS = 100_000
STEP = 0.7
"""Share of the pairs within a distance that is within the next smaller one."""


def drawn(rng: np.random.Generator) -> Tail:
    """The tail of pairs that are independent, at distances that are geometrically distributed below 100."""
    near = np.sort(100 - rng.geometric(1 - STEP, PAIRS))[:300]
    return tail_of(near, np.arange(300), np.arange(300, 600), PAIRS)


def true_share(radius: int) -> float:
    return float(STEP ** (99 - radius))


def test_tail_by_hand() -> None:
    tail = Tail(np.array([8, 9, 9, 10]), 4000, 1.0)
    assert tail.share(10) == tail.share(12) == 4 / 4000
    assert tail.share(9) == pytest.approx(4 / 4000 * 4 / 8)  # 4 bits below the start, 4 pairs: half stay for each bit
    assert tail.share(8) == pytest.approx(4 / 4000 / 4)


def test_bound_at_the_start_is_that_of_garwood() -> None:
    tail = Tail(np.array([8, 9, 9, 10]), 4000, 1.0)
    assert tail.bound(10) * 4000 == pytest.approx(stats.chi2.ppf(0.95, 2 * 5) / 2)
    assert tail.bound(10, 0.99) > tail.bound(10) > tail.share(10)
    assert [tail.bound(radius) for radius in (4, 6, 8, 9)] == sorted(tail.bound(radius) for radius in (4, 6, 8, 9))


def test_tail_holds_the_nearest_and_those_as_near() -> None:
    values = np.repeat(np.arange(1, 41), 10)
    tail = tail_of(values, np.arange(400), np.arange(400, 800), 10_000)
    assert (tail.start, len(tail.nearest), tail.spread) == (10, 100, 1.0)
    assert tail_of(values, np.arange(400), np.arange(400, 800), 1000).start == 2


def test_pairs_of_one_picture_say_less() -> None:
    values = np.repeat(np.arange(1, 41), 10)
    apart = tail_of(values, np.arange(400), np.arange(400, 800), 10_000)
    together = tail_of(values, np.zeros(400, dtype=np.int64), np.arange(400, 800), 10_000)
    assert together.share(5) == apart.share(5)
    assert together.bound(5) > 5 * apart.bound(5)


def test_too_few_pairs_have_no_tail() -> None:
    few = np.arange(10)
    with pytest.raises(ValueError, match=f"a tail takes {FEWEST} pairs at least, not 999"):
        tail_of(few, few, few, 999)
    with pytest.raises(ValueError, match="the nearest 20 pairs, not 10"):
        tail_of(few, few, few, 1000)


@pytest.mark.parametrize("below", [0, 4, 8, 12])
def test_bounds_hold_as_often_as_they_say(below: int) -> None:
    tails = [drawn(np.random.default_rng(seed)) for seed in range(300)]
    radii = [tail.start - below for tail in tails]
    holds = [tail.bound(radius) >= true_share(radius) for tail, radius in zip(tails, radii, strict=True)]
    assert np.mean(holds) >= 0.93
    told = np.mean([tail.share(radius) / true_share(radius) for tail, radius in zip(tails, radii, strict=True)])
    assert 0.7 < told < 1.4


def test_radius_is_the_largest_whose_bound_is_within_the_share() -> None:
    tail = drawn(np.random.default_rng(1))
    radius = tail.radius(1e-5)
    assert tail.bound(radius) <= 1e-5 < tail.bound(radius + 1)
    assert tail.radius(1.0) == tail.start
    assert tail.radius(0.0) == tail.start - 192
