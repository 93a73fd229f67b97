"""Decisions by radius: worked by hand, beside scikit-learn, and beside counting one by one."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from scipy.stats import binom
from sklearn import metrics

from phash_engine.error_rates import (
    Confusion,
    OperatingPoint,
    confusion_by_class,
    confusion_by_radius,
    expected_false_pairs,
    operating_point,
)

LABELS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abce")), min_size=1, max_size=40)
PAIRS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def test_confusion_by_hand() -> None:
    # Accepted within 2: three true, one false. Four of ten pairs are true.
    scores, relevant = np.array([0, 1, 2, 2, 9]), np.array([True, True, True, False, True])
    within = confusion_by_radius(scores, relevant, [2], positives=4, negatives=6)
    assert [int(count[0]) for count in within] == [3, 1, 1, 5]
    assert within.precision == pytest.approx(3 / 4)
    assert within.recall == pytest.approx(3 / 4)
    assert within.specificity == pytest.approx(5 / 6)
    assert within.fall_out == pytest.approx(1 / 6)
    assert within.f1 == pytest.approx(3 / 4)
    # They agree on 8 of 10; by chance on (4 * 4 + 6 * 6) / 100.
    assert within.kappa == pytest.approx((0.8 - 0.52) / (1 - 0.52))


def test_what_cannot_be_divided_is_not_a_number() -> None:
    nothing = confusion_by_radius(np.empty(0), np.empty(0, dtype=bool), [3], positives=0, negatives=7)
    assert np.isnan([nothing.precision, nothing.recall, nothing.f1, nothing.kappa]).all()
    assert [*nothing.specificity, *nothing.fall_out] == [1, 0]


@given(PAIRS, st.integers(-1, 13))
def test_measures_by_radius_are_those_of_scikit_learn(pairs: list[tuple[int, bool]], radius: int) -> None:
    scores, relevant = np.array([score for score, _ in pairs]), np.array([true for _, true in pairs])
    positives = int(relevant.sum())
    ours = confusion_by_radius(scores, relevant, [radius], positives, len(pairs) - positives)
    accepted = scores <= radius
    for name, score in {
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
        "f1": metrics.f1_score,
    }.items():
        expected = score(relevant, accepted, zero_division=np.nan)
        assert getattr(ours, name)[0] == pytest.approx(expected, nan_ok=True)
    if len(set(relevant.tolist()) | set(accepted.tolist())) > 1:
        assert ours.kappa[0] == pytest.approx(metrics.cohen_kappa_score(relevant, accepted))


@given(LABELS)
def test_measures_by_class_are_those_of_scikit_learn(labels: list[tuple[str, str]]) -> None:
    truth, predicted = zip(*labels, strict=True)
    classes, ours = confusion_by_class(truth, predicted)
    assert classes.tolist() == sorted({*truth, *predicted})
    matrices = metrics.multilabel_confusion_matrix(truth, predicted, labels=classes)
    expected = Confusion(matrices[:, 1, 1], matrices[:, 0, 1], matrices[:, 1, 0], matrices[:, 0, 0])
    for mine, its in zip(ours, expected, strict=True):
        assert mine.tolist() == its.tolist()
    for measure in (ours.recall, ours.f1, ours.kappa, ours.specificity):
        assert measure.shape == classes.shape


def test_operating_point_by_hand() -> None:
    true, false = np.array([0, 3, 4, 9]), np.array([4, 5, 5, 7])
    # One false pair of ten is allowed, and within 4 there is one; within 5 there are three.
    assert operating_point(true, false, 0.1, negatives=10) == OperatingPoint(4, 0.75, 1)
    assert operating_point(true, false, 0.2, negatives=10) == OperatingPoint(4, 0.75, 1)
    assert operating_point(true, false, 0.3, negatives=10) == OperatingPoint(6, 0.75, 3)
    assert operating_point(true, false, 0.0, negatives=10) == OperatingPoint(3, 0.5, 0)
    assert operating_point(true, false - 4, 0.0, negatives=10) == OperatingPoint(-1, 0, 0)
    assert operating_point(true, false, 1.0, negatives=4) == OperatingPoint(math.inf, 1, 4)
    with pytest.raises(ValueError, match="takes the nearest 6, not 4"):
        operating_point(true, false, 0.5, negatives=10)


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
