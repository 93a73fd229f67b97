"""Right and wrong predictions: worked by hand, and compared with scikit-learn."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics

from phash_engine.evaluation.classification import Confusion, by_class, confusion_matrix, decline_curve
from phash_engine.retrieval.voting import NONE, Predictions

SEEDS = st.integers(0, 2**32 - 1)


def test_confusion_by_hand() -> None:
    # Accepted: three true, one false. Four of ten are true.
    within = Confusion(*np.array([[3], [1], [1], [5]]))
    assert within.precision == pytest.approx(3 / 4)
    assert within.recall == pytest.approx(3 / 4)
    assert within.specificity == pytest.approx(5 / 6)
    assert within.fall_out == pytest.approx(1 / 6)
    assert within.f1 == pytest.approx(3 / 4)
    # They agree on 8 of 10; by chance on (4 * 4 + 6 * 6) / 100.
    assert within.kappa == pytest.approx((0.8 - 0.52) / (1 - 0.52))


def test_what_cannot_be_divided_is_not_a_number() -> None:
    nothing = Confusion(*np.array([[0], [0], [0], [7]]))
    assert np.isnan([nothing.precision, nothing.recall, nothing.f1, nothing.kappa]).all()
    assert [*nothing.specificity, *nothing.fall_out] == [1, 0]


@settings(max_examples=40)
@given(SEEDS)
def test_measures_by_class_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, classes = rng.integers(0, 4, 20), rng.integers(-1, 4, 20)
    matrix = confusion_matrix(truth, classes, 4)
    expected = metrics.confusion_matrix(truth, np.where(classes == NONE, 4, classes), labels=range(5))
    np.testing.assert_array_equal(matrix, expected[:4])
    ours = by_class(matrix)
    for number in range(4):
        relevant, accepted = truth == number, classes == number
        assert [column[number] for column in ours] == metrics.confusion_matrix(
            relevant, accepted, labels=[False, True]
        ).ravel()[[3, 1, 2, 0]].tolist()
        for name, score in {
            "precision": metrics.precision_score,
            "recall": metrics.recall_score,
            "f1": metrics.f1_score,
        }.items():
            expected = score(relevant, accepted, zero_division=np.nan)
            assert getattr(ours, name)[number] == pytest.approx(expected, nan_ok=True)
        if len({*relevant.tolist(), *accepted.tolist()}) > 1:
            assert ours.kappa[number] == pytest.approx(metrics.cohen_kappa_score(relevant, accepted))


@given(SEEDS)
def test_curve_as_scikit_learn_measures_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 30))
    truth, classes = rng.integers(0, 3, count), rng.integers(-1, 3, count)
    predictions = Predictions(classes, rng.choice([0.2, 0.5, 0.9], count), np.zeros(count))
    curve = decline_curve(truth, predictions)
    assert curve.thresholds.tolist() == sorted(set(predictions.confidences[classes != NONE].tolist()), reverse=True)
    for threshold, accuracy, kappa, declined in zip(*curve, strict=True):
        kept = predictions.declined(threshold).classes
        is_given = kept != NONE
        assert accuracy == pytest.approx(np.mean(kept[is_given] == truth[is_given]))
        assert declined == pytest.approx(1 - is_given.mean())
        if len({*kept[is_given], *truth[is_given]}) > 1:
            assert kappa == pytest.approx(metrics.cohen_kappa_score(truth[is_given], kept[is_given]))
        else:
            assert math.isnan(kappa)


def test_the_lowest_threshold_of_an_accuracy() -> None:
    truth = np.array([0, 1, 0, 1])
    predictions = Predictions(np.array([0, 1, 1, 1]), np.array([0.9, 0.8, 0.7, 0.6]), np.zeros(4))
    curve = decline_curve(truth, predictions)
    assert curve.accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 3 / 4])
    assert [curve.lowest(accuracy) for accuracy in (1.0, 0.75, 0.7)] == [1, 3, 3]
    assert decline_curve(truth, predictions._replace(classes=1 - truth)).lowest(0.5) is None
