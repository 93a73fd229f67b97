"""Labels by votes: worked by hand, beside slow twins and scikit-learn, and on photos that have them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import click
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from PIL import Image
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.evaluation import classification
from phash_engine.evaluation.classification import confusion_by_class
from phash_engine.matching import search
from phash_engine.retrieval import label_files, labels
from phash_engine.retrieval.labeller import Labeller, Trial
from phash_engine.retrieval.labels import NONE, Nearby, Verdicts
from phash_engine.retrieval.models import OnnxModel, embed
from phash_engine.retrieval.vectors import of_codes, unit
from phash_engine.scanning.scan import scan
from tests import naive, onnx_models
from tests.cli.test_cli import invoke
from tests.pictures import save, scene, with_noise

seeds = st.integers(0, 2**32 - 1)


def a_vote(seed: int) -> tuple[Nearby, labels.Column, labels.Column]:
    """Voters near queries, many of them equally near, classes, and how many of each class a query has."""
    rng = np.random.default_rng(seed)
    queries, voters, classes = 3, int(rng.integers(1, 12)), int(rng.integers(1, 4))
    rows, columns = np.nonzero(rng.random((queries, voters)) < 0.7)
    order = rng.permutation(rows.size)
    near = Nearby(rows[order], columns[order], rng.choice([-0.5, 0, 0.25, 0.5, 1], rows.size))
    of_class = rng.integers(0, classes, voters)
    return near, of_class, np.tile(np.bincount(of_class, minlength=classes), (queries, 1))


@given(seeds, st.integers(1, 9))
def test_neighbour_votes_equal_twin(seed: int, k: int) -> None:
    near, classes, sizes = a_vote(seed)
    np.testing.assert_allclose(
        labels.neighbour_votes(near, classes, sizes, k), naive.neighbour_votes(near, classes, sizes, k)
    )


@given(seeds)
def test_centroid_votes_equal_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    voters = unit(rng.standard_normal((int(rng.integers(1, 8)), 4)))
    classes = rng.integers(0, 3, len(voters))
    own = np.concatenate([np.arange(len(voters)), [NONE]])
    queries = np.concatenate([voters, unit(rng.standard_normal((1, 4)))])
    found = labels.centroid_votes(queries, voters, classes, 3, own)
    np.testing.assert_allclose(found, naive.centroid_votes(queries, voters, classes, 3, own), atol=1e-6)


def test_the_smaller_class_has_as_much_to_say() -> None:
    near = Nearby(np.zeros(5, dtype=np.int64), np.arange(5), np.array([0.9, 0.8, 0.8, 0.8, 0.8]))
    scores = labels.neighbour_votes(near, np.array([0, 1, 1, 1, 1]), np.array([[1, 9]]), k=5)
    np.testing.assert_allclose(scores, [[0.9, 3.2 / 5]])


def test_divided_and_empty_votes() -> None:
    verdicts = labels.decide(np.array([[0.25] * 4, [0.9, 0, 0, 0], [0.0] * 4]))
    assert verdicts.classes.tolist() == [0, 0, NONE]
    assert verdicts.entropies.tolist() == [2, 0, 0]
    assert verdicts.declined(least_confidence=0.5).classes.tolist() == [NONE, 0, NONE]
    assert verdicts.declined(most_entropy=1.9).classes.tolist() == [NONE, 0, NONE]
    assert labels.decide(np.empty((2, 0))).classes.tolist() == [NONE, NONE]


@given(seeds)
def test_curve_as_scikit_learn_measures_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 30))
    truth, classes = rng.integers(0, 3, count), rng.integers(-1, 3, count)
    verdicts = Verdicts(classes, rng.choice([0.2, 0.5, 0.9], count), np.zeros(count))
    curve = classification.decline_curve(truth, verdicts)
    assert curve.thresholds.tolist() == sorted(set(verdicts.confidences[classes != NONE].tolist()), reverse=True)
    for threshold, accuracy, kappa, declined in zip(*curve, strict=True):
        kept = verdicts.declined(threshold).classes
        is_given = kept != NONE
        assert accuracy == pytest.approx(np.mean(kept[is_given] == truth[is_given]))
        assert declined == pytest.approx(1 - is_given.mean())
        if len({*kept[is_given], *truth[is_given]}) > 1:
            assert kappa == pytest.approx(cohen_kappa_score(truth[is_given], kept[is_given]))
        else:
            assert math.isnan(kappa)


def test_the_lowest_threshold_of_an_accuracy() -> None:
    truth = np.array([0, 1, 0, 1])
    verdicts = Verdicts(np.array([0, 1, 1, 1]), np.array([0.9, 0.8, 0.7, 0.6]), np.zeros(4))
    curve = classification.decline_curve(truth, verdicts)
    assert curve.accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 3 / 4])
    assert [curve.lowest(accuracy) for accuracy in (1.0, 0.75, 0.7)] == [1, 3, 3]
    assert classification.decline_curve(truth, verdicts._replace(classes=1 - truth)).lowest(0.5) is None


@given(seeds)
def test_matrix_and_rates_as_others_count_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, classes = rng.integers(0, 4, 20), rng.integers(-1, 4, 20)
    matrix = classification.confusion_matrix(truth, classes, 4)
    expected = confusion_matrix(truth, np.where(classes == NONE, 4, classes), labels=range(5))
    np.testing.assert_array_equal(matrix, expected[:4])
    numbers, confusion = confusion_by_class(truth, classes)
    for ours, theirs in zip(classification.by_class(matrix), confusion, strict=True):
        np.testing.assert_array_equal(ours[numbers[numbers != NONE]], theirs[numbers != NONE])


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "labels.csv"
        path.write_bytes(os.fsencode(text))
        return path

    return written


def test_labels_of_a_file(write: Callable[[str], Path], tmp_path: Path) -> None:
    path = write("note,label,path\nx,cat,a.jpg\n,dog,sub/caf\udce9.jpg\n")
    known = {str(tmp_path / "a.jpg"): "cat", str(tmp_path / "sub" / "caf\udce9.jpg"): "dog"}
    assert label_files.read(path) == known
    assert label_files.labels_of(str(path), [*known, "/other.jpg"], []) == known
    assert label_files.labels_of(str(path), [str(tmp_path / "a.jpg")], [*known]) == {str(tmp_path / "a.jpg"): "cat"}


def test_labels_of_folders() -> None:
    assert label_files.labels_of("folder", ["/photos/cat/a.jpg"], []) == {"/photos/cat/a.jpg": "cat"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file,label\n", "the first line must name the columns path and label"),
        ("", "the first line must name the columns path and label"),
        ("path,label\na.jpg\n", "line 2 needs a path and a label"),
        ("path,label\na.jpg,cat\n./a.jpg,dog\n", r"'./a.jpg' stands twice, again in line 3"),
        ("path,label\nnothing.jpg,cat\n", r"no photo .*nothing.jpg in the catalogue: 'phash scan' it"),
        (f"path,label\na.jpg,{'x' * 200_000}\n", "not a CSV file: field larger"),
    ],
)
def test_mistakes_in_a_file(write: Callable[[str], Path], text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        label_files.labels_of(str(write(text)), [], [])


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.csv: cannot be read: no such file"):
        label_files.read(tmp_path / "nothing.csv")


# ── photos ──────────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = ("birch", "cedar", "elm")


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of 4 copies of one scene each, one of which is turned, and of 2 scenes like no other."""
    folder = tmp_path_factory.mktemp("trees")
    for number, name in enumerate(NAMES):
        for copy in range(4):
            picture = with_noise(scene(number), 30.0, seed=10 * number + copy)
            turned = picture.transpose(Image.Transpose.ROTATE_90) if copy == 3 else picture
            save(folder / name / f"{copy}.png", turned)
    for number in (7, 8):
        save(folder / "odd" / f"{number}.png", scene(number))
    return folder


@pytest.fixture
def catalogue_path(trees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "labelled" / "photos.db"
    with Store(path) as catalogue:
        scan([trees], catalogue)
    monkeypatch.setenv("PHASH_CATALOGUE", str(path))
    return path


def known(catalogue: Store) -> dict[str, str]:
    return label_files.labels_of("folder", [photo.path for photo in catalogue.photos()], [])


def trial_one_by_one(catalogue: Store, k: int) -> dict[str, tuple[str | None, float]]:
    """What each photo is called by all others, as ``find`` finds them."""
    found: dict[str, tuple[str | None, float]] = {}
    given = known(catalogue)
    for path in given:
        near = [match for match in search.find(path, catalogue, radius=56) if match.path != path][:k]
        shares = {
            name: sum(1 - 2 * match.distance / 192 for match in near if given[match.path] == name)
            / max(1, min(k, sum(other == name for place, other in given.items() if place != path)))
            for name in sorted(set(given.values()))
        }
        best = max(shares, key=lambda name: shares[name])
        found[path] = (best, shares[best]) if shares[best] else (None, 0.0)
    return found


def by_path(catalogue: Store, names: list[str], trial: Trial) -> dict[str, tuple[str | None, float]]:
    """A trial by path; its rows are the contents in the order of their codes."""
    order = sorted(catalogue.photos(), key=lambda photo: photo.content_id)
    classes, confidences, _ = (column.tolist() for column in trial.verdicts)
    return {
        photo.path: (None if number == NONE else names[number], confidence)
        for photo, number, confidence in zip(order, classes, confidences, strict=True)
    }


@pytest.mark.parametrize("k", [1, 2, 5])
def test_trial_equals_one_by_one(catalogue_path: Path, k: int) -> None:
    with Store(catalogue_path) as catalogue:
        labeller = Labeller(catalogue, known(catalogue), neighbours=k)
        found = by_path(catalogue, labeller.names, labeller.trial())
        expected = trial_one_by_one(catalogue, k)
    assert {path: label for path, (label, _) in found.items()} == {path: label for path, (label, _) in expected.items()}
    for path, (_, confidence) in expected.items():
        assert found[path][1] == pytest.approx(confidence)


def test_the_turned_do_not_vote_without_rotations(catalogue_path: Path, trees: Path) -> None:
    with Store(catalogue_path) as catalogue:
        given = known(catalogue)
        for turning in (True, False):
            labeller = Labeller(catalogue, given, rotations=turning)
            verdict = labeller.label([str(trees / "birch" / "3.png")]).verdicts
            assert (verdict.classes[0] == labeller.names.index("birch")) == turning


def test_vectors_vote_among_what_the_codes_find(catalogue_path: Path, trees: Path, tmp_path: Path) -> None:
    model = OnnxModel(onnx_models.convolutional(tmp_path / "model.onnx"))
    with Store(catalogue_path) as catalogue:
        labeller = Labeller(catalogue, known(catalogue), [model], neighbours=2)
        asked = trees / "cedar" / "0.png"
        found = labeller.label([str(asked)])
        trial = labeller.trial()
    vectors = embed([str(asked), *(str(trees / "cedar" / f"{copy}.png") for copy in (1, 2, 3))], model).vectors
    cosines = np.sort(vectors[1:] @ vectors[0])
    assert labeller.names[found.verdicts.classes[0]] == "cedar"
    assert found.verdicts.confidences[0] == pytest.approx(cosines[-2:].sum() / 2, abs=1e-5)
    assert np.mean(trial.truth == trial.verdicts.classes) == 12 / 14
    assert found.unread == trial.unread == []


def test_centroids_vote(catalogue_path: Path, trees: Path, tmp_path: Path) -> None:
    model = OnnxModel(onnx_models.convolutional(tmp_path / "model.onnx"))
    other = save(tmp_path / "elm.png", with_noise(scene(2), 20.0, seed=99))
    with Store(catalogue_path) as catalogue:
        by_code = Labeller(catalogue, known(catalogue), vote="centroid", rotations=False)
        found = by_code.label([other, str(tmp_path / "nothing.png")])
        trial = by_code.trial()
        table = {photo.path: photo.content_id for photo in catalogue.photos()}
        ids, _, codes = catalogue.code_columns()
        by_vector = Labeller(catalogue, known(catalogue), [model], vote="centroid").label([other])
    assert by_code.names[found.verdicts.classes[0]] == "elm"
    assert [*found.failures] == [1]
    assert found.verdicts.classes[1] == NONE
    assert by_code.names[by_vector.verdicts.classes[0]] == "elm"
    rows = [int(np.flatnonzero(ids == table[str(trees / "elm" / f"{copy}.png")])[0]) for copy in range(4)]
    own, *others = of_codes(codes[rows][:, [1, 3, 4]])
    place = int(np.flatnonzero(np.sort(ids) == ids[rows[0]])[0])
    assert trial.verdicts.confidences[place] == pytest.approx(float(own @ unit(np.sum(others, axis=0))), abs=1e-6)


def test_labels_that_contradict_are_no_truth(catalogue_path: Path, trees: Path) -> None:
    """Equal bytes in two folders vote for both, and are not asked what they are."""
    twin = trees / "cedar" / "twin.png"
    twin.write_bytes((trees / "birch" / "0.png").read_bytes())
    try:
        with Store(catalogue_path) as catalogue:
            scan([trees], catalogue)
            labeller = Labeller(catalogue, known(catalogue), neighbours=1)
            trial = labeller.trial()
            found = labeller.label([str(trees / "birch" / "1.png")])
    finally:
        twin.unlink()
    assert len(trial.truth) == 13
    assert found.verdicts.classes[0] != NONE


def test_mistakes(catalogue_path: Path) -> None:
    with Store(catalogue_path) as catalogue:
        with pytest.raises(UsageError, match="no photo of the catalogue has a label: 'phash scan' some"):
            Labeller(catalogue, {})
        with pytest.raises(ValueError, match="there is no vote 'all'; votes are neighbours, centroid"):
            Labeller(catalogue, {}, vote="all")


# ── command ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_label_prints_what_pictures_show(catalogue_path: Path, trees: Path, tmp_path: Path) -> None:
    birch, odd = trees / "birch" / "1.png", save(tmp_path / "odd.png", scene(31))
    run = invoke("label", birch, odd)
    assert run.return_value == 0
    lines = [line.split("\t") for line in run.output.splitlines()]
    assert [(label, path) for label, _, _, path in lines] == [("birch", str(birch)), ("-", odd)]
    assert [entropy for _, _, entropy, _ in lines] == ["0.00", "0.00"]
    record = json.loads(invoke("label", odd, "--json").output)
    assert record == {"path": odd, "label": None, "confidence": 0, "entropy": 0}
    assert invoke("label", odd).return_value == 1
    assert invoke("label", birch, "--least", "1").return_value == 1
    assert invoke("label", birch, "--in", trees / "elm").return_value == 1
    run = invoke("label", birch, tmp_path / "nothing.jpg", "--strict")
    assert run.return_value == 3
    assert "nothing.jpg: no such file or directory" in run.stderr
    assert invoke("label", tmp_path / "nothing.jpg").return_value == 2


def test_label_by_a_file(catalogue_path: Path, trees: Path, write: Callable[[str], Path]) -> None:
    path = write(f"path,label\n{trees / 'birch' / '0.png'},my tree\n")
    run = invoke("label", trees / "birch" / "1.png", "--labels", path, "--neighbours", "1")
    assert run.output.split("\t")[0] == "my tree"


def test_calibration_of_labels(catalogue_path: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    chart = tmp_path / "chart.png"
    run = invoke("label", "--calibrate", "--accuracy", "1", "--chart", chart)
    assert run.return_value == 0
    assert "100.0% of the labels right, kappa 1.000, 14.3% declined" in run.output
    assert run.output.splitlines()[-4:-1] == [
        "birch    0  4  .  .  .         .",
        "cedar    1  .  4  .  .         .",
        "elm      2  .  .  4  .         .",
    ]
    with Image.open(chart) as picture:
        assert min(picture.size) > 300
    record = json.loads(invoke("label", "--calibrate", "--json").output)
    assert record["labels"] == [*NAMES, "odd"]
    assert record["kept"]["matrix"] == [[4, 0, 0, 0, 0], [0, 4, 0, 0, 0], [0, 0, 4, 0, 0], [0, 0, 0, 0, 2]]
    assert record["all"]["sensitivity"] == [1, 1, 1, 0]
    assert record["declined"] == pytest.approx(2 / 14)
    assert record["curve"]["thresholds"][-1] >= record["least"]


def test_calibrate_tells_the_same(catalogue_path: Path, trees: Path) -> None:
    told = invoke("calibrate", "--labels", "folder", "--json")
    assert told.output == invoke("label", "--calibrate", "--json").output
    run = invoke("calibrate", trees / "elm", trees / "birch", "--labels", "folder", "--json")
    assert json.loads(run.stdout)["labels"] == ["birch", "elm"]
    with pytest.raises(click.UsageError, match="--labels tells about labels alone"):
        invoke("calibrate", "--labels", "folder", "--fpr", "1e-6")


def test_calibration_without_an_answer(catalogue_path: Path, trees: Path, write: Callable[[str], Path]) -> None:
    lines = [f"{trees / 'birch' / f'{copy}.png'},{copy % 2}\n" for copy in range(4)]
    with pytest.raises(UsageError, match=r"no confidence gets 95\.0% of the labels right"):
        invoke("label", "--calibrate", "--labels", write("path,label\n" + "".join(lines)), "--neighbours", "1")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "name the pictures to label, or --calibrate, not both"),
        (["a.jpg", "--calibrate"], "name the pictures to label, or --calibrate, not both"),
        (["a.jpg", "--chart", "a.png"], "--accuracy and --chart go with --calibrate"),
        (["a.jpg", "--accuracy", "0.9"], "--accuracy and --chart go with --calibrate"),
        (["--calibrate", "--least", "0.9"], "--least and --most-entropy are for pictures to label"),
    ],
)
def test_requests_that_make_no_sense(catalogue_path: Path, arguments: list[str], reason: str) -> None:
    with pytest.raises(click.UsageError, match=reason):
        invoke("label", *arguments)


def test_charts_are_pictures(catalogue_path: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"chart\.txt: charts are written as \.png, \.svg, \.pdf"):
        invoke("label", "--calibrate", "--chart", tmp_path / "chart.txt")
