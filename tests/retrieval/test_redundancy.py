"""How redundant a collection is, compared with one pair after the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.matching import search
from phash_engine.retrieval.embeddings import Embedder, embed
from phash_engine.retrieval.models import OnnxModel
from phash_engine.retrieval.redundancy import measure_redundancy, nearest_cosines
from phash_engine.scanning.scan import scan
from tests import onnx_models
from tests.cli.test_cli import invoke
from tests.pictures import save, scene, with_noise


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scenes and copies of them, of which one lies in two folders as the same bytes, one as a turned copy."""
    folder, catalogue_path = tmp_path / "photos", tmp_path / "catalogue" / "photos.db"
    for number in range(5):
        save(folder / "train" / f"{number}.png", scene(number))
    noisy = with_noise(scene(0), 15.0)
    save(folder / "train" / "noisy.png", noisy)
    save(folder / "test" / "turned.png", with_noise(scene(1), 20.0).transpose(Image.Transpose.ROTATE_90))
    save(folder / "test" / "same.png", scene(2))
    save(folder / "test" / "blank.png", Image.new("RGB", (96, 96), "white"))
    with Store(catalogue_path) as catalogue:
        scan([folder], catalogue)
    monkeypatch.setenv("PHASH_CATALOGUE", str(catalogue_path))
    return folder


@pytest.fixture
def catalogue(folder: Path) -> Store:
    return Store(folder.parent / "catalogue" / "photos.db")


def one_by_one(catalogue: Store, *, rotations: bool = True) -> list[int]:
    """From each content to the nearest other; pictures without structure are left out."""
    paths = {photo.digest: photo.path for photo in catalogue.photos()}
    compared = {(a, b): search.compare(paths[a], paths[b], rotations=rotations) for a in paths for b in paths if a != b}
    nearest = [
        min(
            (found.distance for (left, _), found in compared.items() if left == a and found.match_type is not None),
            default=-1,
        )
        for a in paths
    ]
    return sorted(distance for distance in nearest if distance >= 0)


@pytest.mark.parametrize("rotations", [True, False])
def test_nearest_distances_equal_those_one_by_one(catalogue: Store, rotations: bool) -> None:
    found = measure_redundancy(catalogue, rotations=rotations)
    assert sorted(found.nearest.tolist()) == one_by_one(catalogue, rotations=rotations)
    assert (found.photos, found.contents) == (9, 8)
    assert (found.copies, found.pairs) == ((4, 2) if rotations else (2, 1))


def test_near_copies_with_different_labels(catalogue: Store, folder: Path) -> None:
    known = {photo.path: Path(photo.path).parent.name for photo in catalogue.photos()}
    train, test = folder / "train", folder / "test"
    distance = search.compare(train / "1.png", test / "turned.png").distance
    contradictions = measure_redundancy(catalogue, known=known).contradictions
    assert [(found.left.path, found.right.path, *found[2:]) for found in contradictions] == [
        (str(test / "same.png"), str(train / "2.png"), 0, "test", "train"),
        (str(test / "turned.png"), str(train / "1.png"), distance, "test", "train"),
    ]
    assert measure_redundancy(catalogue, [str(train)], known).contradictions == []
    known.pop(str(train / "1.png"))
    assert len(measure_redundancy(catalogue, known=known).contradictions) == 1


def test_small_collections(folder: Path) -> None:
    with Store(None) as empty:
        found = measure_redundancy(empty)
        assert (found.photos, found.copies, found.nearest.tolist()) == (0, 0, [])
        scan([folder / "test"], empty)
        assert measure_redundancy(empty, [str(folder / "train")]).contents == 0


def test_cosines_of_the_nearest(catalogue: Store, folder: Path, tmp_path: Path) -> None:
    model = OnnxModel(onnx_models.convolutional(tmp_path / "model.onnx"))
    (folder / "train" / "4.png").unlink()
    found, failures = nearest_cosines(catalogue, Embedder([model]))
    assert [failure.path for failure in failures] == [str(folder / "train" / "4.png")]
    paths: Sequence[str] = list({p.digest: p.path for p in catalogue.photos() if Path(p.path).is_file()}.values())
    vectors = embed(paths, model).vectors
    cosines = vectors @ vectors.T - 3 * np.eye(len(paths))
    np.testing.assert_allclose(np.sort(found), np.sort(cosines.max(axis=1)), atol=1e-5)
    assert nearest_cosines(catalogue, Embedder([model]), folders=[str(folder / "nothing")])[0].size == 0


# ── command ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_status_prints_the_redundancy(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    chart = tmp_path / "chart.png"
    run = invoke("redundancy", "--labels", "folder", "--chart", chart)
    assert run.return_value is None
    lines = run.output.splitlines()
    assert lines[:2] == [
        "9 photos, 1 of them with the bytes of another",
        "4 of 8 contents have a near-copy (50.0%), in 2 pairs",
    ]
    assert [line.split("\t")[2:4] for line in lines if line.startswith("different labels")] == [["test", "train"]] * 2
    with Image.open(chart) as picture:
        assert picture.width > picture.height > 300
    record = json.loads(invoke("redundancy", "--labels", "folder", "--json").output)
    assert list(record) == ["schema", "photos", "contents", "copies", "pairs", "bits", "contradictions", "nearest"]
    assert sum(record["nearest"]["percent"]) == pytest.approx(100)
    assert len(record["nearest"]["bins"]) == len(record["nearest"]["percent"])
    assert len(record["contradictions"]) == 2
    with pytest.raises(UsageError, match="there are no two contents to compare by code"):
        invoke("redundancy", "--in", folder / "none")


def test_status_prints_cosines(folder: Path, tmp_path: Path) -> None:
    model = onnx_models.convolutional(tmp_path / "model.onnx")
    record = json.loads(invoke("redundancy", "--model", model, "--json").output)
    assert record["nearest"]["quantity"] == "cosine with the nearest other"
    assert sum(record["nearest"]["percent"]) == pytest.approx(100)
    means = list(record["nearest"]["mean_of_nearest"].values())
    assert 1.0001 > means[0] >= means[1] >= means[2] > 0
    with Store(folder.parent / "catalogue" / "elsewhere.db") as elsewhere:
        elsewhere.add_fingerprints(["/elsewhere/a.jpg", "/elsewhere/b.jpg"], np.ones((2, 5), dtype=np.uint64))
        path = elsewhere.path
    with pytest.raises(UsageError, match="there are no two contents whose files can be read"):
        invoke("redundancy", "--model", model, "--catalogue", str(path))


def test_copies_across_a_split(folder: Path) -> None:
    run = invoke("dedupe", folder / "train", "--reference", folder / "test", "--exit-code", "--json")
    assert run.return_value == 1
    others = {Path(path).name for line in run.stdout.splitlines() for path in json.loads(line)["duplicates"]}
    assert others == {"1.png", "2.png"}
    (folder / "test" / "same.png").unlink()
    (folder / "test" / "turned.png").unlink()
    assert invoke("dedupe", folder / "train", "--reference", folder / "test", "--exit-code").return_value == 0
