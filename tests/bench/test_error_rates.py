"""The radius of a rate and the false pairs to expect: worked by hand, and beside counting one by one."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from scipy.stats import binom

from bench.error_rates import OperatingPoint, expected_false_pairs, operating_point


def test_operating_point_by_hand() -> None:
    true, false = np.array([0, 3, 4, 9]), np.array([4, 5, 5, 7])
    # One false pair of ten is allowed, and within 4 there is one; within 5 there are three.
    assert operating_point(true, false, 0.1, impostors=10) == OperatingPoint(4, 0.75, 1)
    assert operating_point(true, false, 0.2, impostors=10) == OperatingPoint(4, 0.75, 1)
    assert operating_point(true, false, 0.3, impostors=10) == OperatingPoint(6, 0.75, 3)
    assert operating_point(true, false, 0.0, impostors=10) == OperatingPoint(3, 0.5, 0)
    assert operating_point(true, false - 4, 0.0, impostors=10) == OperatingPoint(-1, 0, 0)
    assert operating_point(true, false, 1.0, impostors=4) == OperatingPoint(math.inf, 1, 4)
    with pytest.raises(ValueError, match="needs the nearest 6 of them, not 4"):
        operating_point(true, false, 0.5, impostors=10)


@given(
    st.lists(st.integers(0, 20), min_size=1),
    st.lists(st.integers(0, 20), min_size=1),
    st.sampled_from([0, 0.1, 0.25, 0.5]),
    st.booleans(),
)
def test_the_radius_is_the_largest_of_its_rate(true: list[int], false: list[int], rate: float, halves: bool) -> None:
    unit = 0.5 if halves else 1
    point = operating_point(np.array(true) * unit, np.array(false) * unit, rate, len(false))
    accepted = [score for score in false if score * unit <= point.radius]
    assert len(accepted) == point.false_pairs <= rate * len(false)
    assert point.recall == np.mean([score * unit <= point.radius for score in true])
    refused = min(score for score in false if score * unit > point.radius)
    assert sum(score <= refused for score in false) > rate * len(false)


def test_expected_false_pairs_by_hand() -> None:
    # 3 of a million pairs; 2,000 photos make 1,999,000.
    expected, bound = expected_false_pairs(3, 1_000_000, photos=2000)
    assert expected == pytest.approx(5.997)
    assert binom.cdf(3, 1_000_000, bound / 1_999_000) == pytest.approx(0.05, rel=1e-4)
    assert expected_false_pairs(5, 5, photos=3) == (3, 3)
    assert expected_false_pairs(0, 100, photos=1) == (0, 0)


@pytest.mark.parametrize("rate", [2e-4, 1e-3])
def test_the_bound_holds_as_often_as_it_says(rate: float) -> None:
    drawn = np.random.default_rng(0).binomial(10_000, rate, 1000)
    held = [expected_false_pairs(int(false), 10_000, photos=100)[1] >= rate * 4950 for false in drawn]
    assert np.mean(held) >= 0.94
