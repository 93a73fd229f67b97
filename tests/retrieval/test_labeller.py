"""Labels of photos by votes of others: compared with one by one, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.matching import code_set, search
from phash_engine.retrieval import labels
from phash_engine.retrieval.embeddings import Embedder, embed
from phash_engine.retrieval.labeller import Labeller, LeaveOneOut
from phash_engine.retrieval.models import OnnxModel
from phash_engine.retrieval.vectors import of_codes, unit
from phash_engine.retrieval.voting import NONE
from phash_engine.scanning.scan import scan
from tests import onnx_models
from tests.cli.test_cli import complaint, invoke, phash
from tests.pictures import save, scene, with_noise

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
    return labels.labels_of("folder", [photo.path for photo in catalogue.photos()], [])


def labels_one_by_one(catalogue: Store, k: int) -> dict[str, tuple[str | None, float]]:
    """The label of each photo by all others, as ``find`` finds them."""
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


def by_path(catalogue: Store, names: list[str], left_out: LeaveOneOut) -> dict[str, tuple[str | None, float]]:
    """The predictions by path; the rows are the contents in the order of their codes."""
    order = sorted(catalogue.photos(), key=lambda photo: photo.content_id)
    classes, confidences, _ = (column.tolist() for column in left_out.predictions)
    return {
        photo.path: (None if number == NONE else names[number], confidence)
        for photo, number, confidence in zip(order, classes, confidences, strict=True)
    }


@pytest.mark.parametrize("k", [1, 2, 5])
def test_leave_one_out_equals_one_by_one(catalogue_path: Path, k: int) -> None:
    with Store(catalogue_path) as catalogue:
        labeller = Labeller(catalogue, known(catalogue), neighbours=k)
        found = by_path(catalogue, labeller.names, labeller.leave_one_out())
        expected = labels_one_by_one(catalogue, k)
    assert {path: label for path, (label, _) in found.items()} == {path: label for path, (label, _) in expected.items()}
    for path, (_, confidence) in expected.items():
        assert found[path][1] == pytest.approx(confidence)


def test_the_turned_do_not_vote_without_rotations(catalogue_path: Path, trees: Path) -> None:
    with Store(catalogue_path) as catalogue:
        given = known(catalogue)
        for turning in (True, False):
            labeller = Labeller(catalogue, given, rotations=turning)
            predictions = labeller.label([str(trees / "birch" / "3.png")]).predictions
            assert (predictions.classes[0] == labeller.names.index("birch")) == turning


def test_vectors_vote_among_what_the_codes_find(catalogue_path: Path, trees: Path, tmp_path: Path) -> None:
    model = OnnxModel(onnx_models.convolutional(tmp_path / "model.onnx"))
    with Store(catalogue_path) as catalogue:
        labeller = Labeller(catalogue, known(catalogue), Embedder([model]), neighbours=2)
        query = trees / "cedar" / "0.png"
        found = labeller.label([str(query)])
        left_out = labeller.leave_one_out()
    vectors = embed([str(query), *(str(trees / "cedar" / f"{copy}.png") for copy in (1, 2, 3))], model).vectors
    cosines = np.sort(vectors[1:] @ vectors[0])
    assert labeller.names[found.predictions.classes[0]] == "cedar"
    assert found.predictions.confidences[0] == pytest.approx(cosines[-2:].sum() / 2, abs=1e-5)
    assert np.mean(left_out.truth == left_out.predictions.classes) == 12 / 14
    assert found.unread == left_out.unread == []


def test_centroids_vote(catalogue_path: Path, trees: Path, tmp_path: Path) -> None:
    model = OnnxModel(onnx_models.convolutional(tmp_path / "model.onnx"))
    other = save(tmp_path / "elm.png", with_noise(scene(2), 20.0, seed=99))
    with Store(catalogue_path) as catalogue:
        by_code = Labeller(catalogue, known(catalogue), vote="centroid", rotations=False)
        found = by_code.label([other, str(tmp_path / "nothing.png")])
        left_out = by_code.leave_one_out()
        table = {photo.path: photo.content_id for photo in catalogue.photos()}
        full = code_set.load(catalogue).full()
        ids, codes = full.contents, full.codes
        by_vector = Labeller(catalogue, known(catalogue), Embedder([model]), vote="centroid").label([other])
    assert by_code.names[found.predictions.classes[0]] == "elm"
    assert [*found.failures] == [1]
    assert found.predictions.classes[1] == NONE
    assert by_code.names[by_vector.predictions.classes[0]] == "elm"
    rows = [int(np.flatnonzero(ids == table[str(trees / "elm" / f"{copy}.png")])[0]) for copy in range(4)]
    own, *others = of_codes(codes[rows][:, [1, 3, 4]])
    place = int(np.flatnonzero(np.sort(ids) == ids[rows[0]])[0])
    assert left_out.predictions.confidences[place] == pytest.approx(float(own @ unit(np.sum(others, axis=0))), abs=1e-6)


def test_labels_that_contradict_are_no_truth(catalogue_path: Path, trees: Path) -> None:
    """Equal bytes in two folders vote for both, and are not labelled."""
    twin = trees / "cedar" / "twin.png"
    twin.write_bytes((trees / "birch" / "0.png").read_bytes())
    try:
        with Store(catalogue_path) as catalogue:
            scan([trees], catalogue)
            labeller = Labeller(catalogue, known(catalogue), neighbours=1)
            left_out = labeller.leave_one_out()
            found = labeller.label([str(trees / "birch" / "1.png")])
    finally:
        twin.unlink()
    assert len(left_out.truth) == 13
    assert found.predictions.classes[0] != NONE


def test_mistakes(catalogue_path: Path) -> None:
    with Store(catalogue_path) as catalogue:
        with pytest.raises(UsageError, match="no photo of the catalogue has a label: 'phash scan' some"):
            Labeller(catalogue, {})
        with pytest.raises(ValueError, match="unknown vote 'all'; votes are neighbours, centroid"):
            Labeller(catalogue, {}, vote="all")


# ── command ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_label_prints_labels(catalogue_path: Path, trees: Path, tmp_path: Path) -> None:
    birch, odd = trees / "birch" / "1.png", save(tmp_path / "odd.png", scene(31))
    run = invoke("label", birch, odd)
    assert run.return_value == 0
    lines = [line.split("\t") for line in run.output.splitlines()]
    assert [(label, path) for label, _, _, path in lines] == [("birch", str(birch)), ("-", odd)]
    assert [entropy for _, _, entropy, _ in lines] == ["0.00", "0.00"]
    record = json.loads(invoke("label", odd, "--json").output)
    assert record == {"schema": 1, "path": odd, "label": None, "confidence": 0, "entropy": 0}
    assert invoke("label", odd).return_value == 1
    assert invoke("label", birch, "--least", "1").return_value == 1
    assert invoke("label", birch, "--in", trees / "elm").return_value == 1
    run = invoke("label", birch, tmp_path / "nothing.jpg", "--strict")
    assert run.return_value == 3
    assert "nothing.jpg: no such file or directory" in run.stderr
    assert invoke("label", tmp_path / "nothing.jpg").return_value == 2


def test_label_reads_a_picture_from_standard_input(catalogue_path: Path, trees: Path) -> None:
    birch = trees / "birch" / "1.png"
    run = phash("label", "-", input=birch.read_bytes())
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.decode() == invoke("label", birch).output.replace(str(birch), "-")
    both = phash("label", birch, "-", "--json", input=birch.read_bytes())
    assert [json.loads(line)["path"] for line in both.stdout.splitlines()] == [str(birch), "-"]
    assert complaint(phash("label", "-", input=b"")) == "-: empty file"
    assert "standard input holds one picture" in complaint(phash("label", "-", "-", input=b""))


def test_label_by_a_file(catalogue_path: Path, trees: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"path,label\n{trees / 'birch' / '0.png'},my tree\n", encoding="utf-8")
    run = invoke("label", trees / "birch" / "1.png", "--labels", path, "-k", "1")
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


def test_calibrate_prints_the_same(catalogue_path: Path, trees: Path) -> None:
    run = invoke("calibrate", "--labels", "folder", "--json")
    assert run.output == invoke("label", "--calibrate", "--json").output
    run = invoke("calibrate", trees / "elm", trees / "birch", "--labels", "folder", "--json")
    assert json.loads(run.stdout)["labels"] == ["birch", "elm"]
    with pytest.raises(click.UsageError, match="--labels measures labels alone"):
        invoke("calibrate", "--labels", "folder", "--fpr", "1e-6")


def test_accuracy_that_no_confidence_reaches(catalogue_path: Path, trees: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    lines = [f"{trees / 'birch' / f'{copy}.png'},{copy % 2}\n" for copy in range(4)]
    path.write_text("path,label\n" + "".join(lines), encoding="utf-8")
    with pytest.raises(UsageError, match=r"no confidence gets 95\.0% of the labels right"):
        invoke("label", "--calibrate", "--labels", path, "-k", "1")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "name the pictures to label, or --calibrate, not both"),
        (["a.jpg", "--calibrate"], "name the pictures to label, or --calibrate, not both"),
        (["a.jpg", "--chart", "a.png"], "--accuracy and --chart go with --calibrate"),
        (["a.jpg", "--accuracy", "0.9"], "--accuracy and --chart go with --calibrate"),
        (["--calibrate", "--least", "0.9"], "--least and --most-entropy are for pictures to label"),
    ],
)
def test_options_that_exclude_each_other(catalogue_path: Path, options: list[str], reason: str) -> None:
    with pytest.raises(click.UsageError, match=reason):
        invoke("label", *options)


def test_charts_are_pictures(catalogue_path: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"chart\.txt: charts are written as \.png, \.svg, \.pdf"):
        invoke("label", "--calibrate", "--chart", tmp_path / "chart.txt")
