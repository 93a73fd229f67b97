"""Re-ranking: candidates by code, ranked by vectors that are made once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phash_engine.catalogue import Photo, Store
from phash_engine.errors import ImageError, ModelError
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.retrieval import vectors
from phash_engine.retrieval.candidates import find_candidates
from phash_engine.retrieval.embeddings import BATCH, Embedder, embed, embed_photos
from phash_engine.retrieval.models import FunctionModel, OnnxModel
from phash_engine.retrieval.rerank import EXPANSIONS, Reranker, scores
from phash_engine.scanning.scan import scan
from tests import onnx_models
from tests.cli.test_cli import complaint, invoke, phash

LAKE = "2023-lake/IMG_0412.jpg"
ALONE = "2024-city/DSC_0044.JPG"


@pytest.fixture
def folder(sample: Path, tmp_path: Path) -> Path:
    """The photos of the sample collection, to be changed at will."""
    shutil.copytree(sample, tmp_path / "photos")
    return tmp_path / "photos"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return onnx_models.convolutional(tmp_path / "model.onnx")


@pytest.fixture
def catalogue_path(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogue of these photos, which commands use."""
    path = tmp_path / "catalogue" / "photos.db"
    with Store(path) as catalogue:
        scan([folder], catalogue)
    monkeypatch.setenv("PHASH_CATALOGUE", str(path))
    return path


def one_of_each(catalogue: Store) -> list[Photo]:
    """One photo of each content."""
    return list({photo.digest: photo for photo in catalogue.photos()}.values())


def test_ranked_as_one_by_one(folder: Path, catalogue_path: Path, model: Path) -> None:
    lake = folder / LAKE
    loaded = OnnxModel(model)
    with Store(catalogue_path) as catalogue:
        collection = Collection(catalogue)
        ranked, failures = Reranker(collection, Embedder([loaded])).find(lake)
        found = find_candidates(collection, [lake], radius=CANDIDATE_RADIUS)
        photos = catalogue.photos_of_contents(found.contents.tolist())
        paths = {photo.path: row for row, content in enumerate(found.contents.tolist()) for photo in photos[content]}
    assert failures == []
    assert {match.photo.path for match in ranked} == set(paths)
    assert str(lake) not in paths
    for match in ranked:
        cosine = vectors.cosines(*(embed([path], loaded).vectors for path in (lake, match.photo.path)))
        assert match.score == pytest.approx(float(cosine[0, 0]), abs=1e-5)
        row = paths[match.photo.path]
        assert (match.distance, match.match_type) == (found.distances[row], found.match_types[row])
    assert [match.score for match in ranked] == sorted((match.score for match in ranked), reverse=True)


def test_every_photo_is_embedded_once(folder: Path, catalogue_path: Path) -> None:
    shown: list[int] = []

    def means(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        shown.append(len(pictures))
        return np.asarray(pictures.mean(axis=(1, 2)))

    model = FunctionModel(means, "means", 16, 16)
    with Store(catalogue_path) as catalogue:
        photos = one_of_each(catalogue)
        first = embed_photos(catalogue, photos[:5], model, "float16")
        assert sum(shown) == 5
        again = embed_photos(catalogue, photos[2:8][::-1], model, "float16")
        assert sum(shown) == 8
        np.testing.assert_array_equal(again.vectors[-3:], first.vectors[2:][::-1])
        single = embed_photos(catalogue, photos[:5], model)
        assert sum(shown) == 13
        np.testing.assert_allclose(first.vectors, single.vectors, atol=1e-3)
    folders = sorted(entry.name for entry in Path(f"{catalogue_path}.vectors").iterdir())
    assert folders == [f"{model.key}-float16", f"{model.key}-float32"]
    with Store(None) as catalogue:
        np.testing.assert_array_equal(embed_photos(catalogue, photos[:5], model).vectors, single.vectors)
        assert sum(shown) == 18


def test_a_stopped_run_keeps_what_was_made(folder: Path, catalogue_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phash_engine.retrieval.embeddings._STORED", 16)
    calls = []

    def failing(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        calls.append(len(pictures))
        if len(calls) > 1:
            raise KeyboardInterrupt
        return np.asarray(pictures.mean(axis=(1, 2)))

    with Store(catalogue_path) as catalogue:
        photos = one_of_each(catalogue)
        monkeypatch.setattr("phash_engine.retrieval.embeddings.available_threads", lambda: 1)
        with pytest.raises(KeyboardInterrupt):
            embed_photos(catalogue, photos, FunctionModel(failing, "means", 8, 8))
        monkeypatch.undo()
        assert calls[0] == BATCH
        counted: list[int] = []

        def means(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
            counted.append(len(pictures))
            return np.asarray(pictures.mean(axis=(1, 2)))

        embed_photos(catalogue, photos, FunctionModel(means, "means", 8, 8))
        assert sum(counted) == len(photos) - BATCH


def test_changed_and_vanished_files_are_failures(folder: Path, catalogue_path: Path, model: Path) -> None:
    with Store(catalogue_path) as catalogue:
        collection = Collection(catalogue)
        reranker = Reranker(collection, Embedder([OnnxModel(model)]))
        whole, _ = reranker.find(folder / LAKE)
        shutil.rmtree(f"{catalogue_path}.vectors")
        changed, gone = whole[0].photo.path, whole[1].photo.path
        shutil.copy(folder / LAKE, changed)
        Path(gone).unlink()
        rest, failures = reranker.find(folder / LAKE)
    reasons = {failure.path: failure.reason for failure in failures}
    assert set(reasons) == {changed, gone}
    assert reasons[changed] == "changed since it was scanned"
    assert [match.photo for match in rest] == [match.photo for match in whole[2:]]


def test_photos_with_codes_computed_elsewhere_have_no_vectors(model: Path, sample: Path) -> None:
    from phash_engine import images
    from phash_engine.hashing import hashers

    table = hashers.hash_blocks(images.read_block(sample / LAKE)[np.newaxis])
    with Store(None) as catalogue:
        catalogue.add_fingerprints(["/elsewhere/a.jpg"], table)
        assert Reranker(Collection(catalogue), Embedder([OnnxModel(model)])).find(sample / LAKE) == ([], [])


def test_several_models_are_joined(folder: Path, catalogue_path: Path, model: Path, tmp_path: Path) -> None:
    other = onnx_models.classifier(tmp_path / "other.onnx")
    models = [OnnxModel(model), OnnxModel(other)]
    with Store(catalogue_path) as catalogue:
        collection = Collection(catalogue)
        both, _ = Reranker(collection, Embedder(models, [2.0, 1.0])).find(folder / LAKE)
        single = [Reranker(collection, Embedder([one])).find(folder / LAKE)[0] for one in models]
    marks = [{match.photo.path: match.score for match in ranked} for ranked in single]
    for match in both:
        assert match.score == pytest.approx((4 * marks[0][match.photo.path] + marks[1][match.photo.path]) / 5, abs=1e-5)


def test_scores_by_hand() -> None:
    query = np.array([1, 0], dtype=np.float32)
    found = vectors.unit(np.array([[1.0, 0], [0.6, 0.8], [-1.0, 0]]))
    distances = np.array([96, 0, 192])
    np.testing.assert_allclose(scores(query, found, distances), [1, 0.6, -1], atol=1e-6)
    np.testing.assert_allclose(scores(query, found, distances, code_weight=0.5), [0.5, 0.8, -1], atol=1e-6)
    expanded = vectors.unit(np.array([1 + 1 + 0.6 * 0.6**3, 0.8 * 0.6**3]))
    np.testing.assert_allclose(scores(query, found, distances, "alpha"), found @ expanded, atol=1e-6)
    np.testing.assert_allclose(scores(query, found, distances, "linked"), [1, 0.6, -1], atol=1e-6)
    chain = vectors.unit(np.array([[0.8, 0.6], [0.28, 0.96], [-0.6, 0.8]]))
    np.testing.assert_allclose(scores(query, chain, distances, "linked"), [0.8, 0.8**2, 0.8**2 * 0.6], atol=1e-6)
    spread = scores(query, found, distances, "diffusion")
    assert spread[0] > spread[1] > spread[2] == 0
    for name in EXPANSIONS:
        assert np.isfinite(scores(query, found[:1], distances[:1], name)).all()
    with pytest.raises(ValueError, match="unknown expansion 'more'; expansions are none, average"):
        scores(query, found, distances, "more")


# ── command ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rerank_prints_the_best(folder: Path, catalogue_path: Path, model: Path) -> None:
    run = invoke("rerank", folder / LAKE, "--model", model, "-k", "3")
    assert run.return_value == 0
    lines = [line.split("\t") for line in run.output.splitlines()]
    assert len(lines) == 3
    assert all(float(score) <= 1.0001 and match_type in {"similar", "rotated"} for score, _, match_type, _ in lines)
    run = invoke("rerank", folder / LAKE, "--model", model, "-k", "3", "--json", "--half", "--ten-crop")
    records = [json.loads(line) for line in run.output.splitlines()]
    assert list(records[0]) == ["schema", "query", "path", "score", "distance", "match_type"]
    for expand in EXPANSIONS:
        assert invoke("rerank", folder / LAKE, "--model", model, "--expand", expand).return_value == 0
    assert invoke("rerank", folder / ALONE, "--model", model, "--candidates", "3").return_value == 1


def test_rerank_reads_a_picture_from_standard_input(folder: Path, catalogue_path: Path, model: Path) -> None:
    data = (folder / LAKE).read_bytes()
    run = phash("rerank", "-", "--model", model, "-k", "3", "--json", input=data)
    assert (run.returncode, run.stderr) == (0, b"")
    by_path = invoke("rerank", folder / LAKE, "--model", model, "-k", "3", "--json").output
    assert run.stdout.decode() == by_path.replace(f'"{folder / LAKE}"', '"-"', 3)
    assert complaint(phash("rerank", "-", "--model", model, input=b"")) == "-: empty file"
    assert "standard input holds one picture" in complaint(phash("rerank", "-", "-", "--model", model, input=data))


def test_mistakes_are_one_line(folder: Path, catalogue_path: Path, model: Path, tmp_path: Path) -> None:
    import click

    with pytest.raises(ModelError, match="no such model file"):
        invoke("rerank", folder / LAKE, "--model", tmp_path / "nothing.onnx")
    with pytest.raises(click.UsageError, match=r"give one --weight above 0 for each --model: 1, not \[1.0, 2.0\]"):
        invoke("rerank", folder / LAKE, "--model", model, "--weight", "1", "--weight", "2")
    run = invoke("rerank", tmp_path / "nothing.jpg", "--model", model)
    assert run.return_value == 2
    assert "nothing.jpg: no such file or directory" in run.stderr
    logarithm = onnx_models.through(tmp_path / "log.onnx", ("n", 3, 8, 8), operation="Log")
    with pytest.raises(ModelError, match="NaN"):
        invoke("rerank", folder / LAKE, "--model", logarithm)
    assert not list(catalogue_path.parent.glob("*.vectors/*"))


def test_an_unreadable_query_is_an_error(catalogue_path: Path, model: Path, tmp_path: Path) -> None:
    with Store(catalogue_path) as catalogue, pytest.raises(ImageError, match="no such file"):
        Reranker(Collection(catalogue), Embedder([OnnxModel(model)])).find(tmp_path / "nothing.jpg")
