"""Right and wrong decisions: worked by hand, and beside scikit-learn."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics

from phash_engine.evaluation.classification import (
    Confusion,
    confusion_by_class,
)

LABELS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abce")), min_size=1, max_size=40)


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


@given(LABELS)
def test_measures_of_one_class_are_those_of_scikit_learn(labels: list[tuple[str, str]]) -> None:
    relevant, accepted = (np.array([name == "a" for name in side]) for side in zip(*labels, strict=True))
    classes, by_class = confusion_by_class(relevant, accepted)
    if True not in classes:
        return
    ours = Confusion(*(column[list(classes).index(True)] for column in by_class))
    for name, score in {
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
        "f1": metrics.f1_score,
    }.items():
        expected = score(relevant, accepted, zero_division=np.nan)
        assert getattr(ours, name) == pytest.approx(expected, nan_ok=True)
    if len(classes) > 1:
        assert ours.kappa == pytest.approx(metrics.cohen_kappa_score(relevant, accepted))


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
