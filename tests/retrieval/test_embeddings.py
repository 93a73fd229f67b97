"""Embeddings of pictures by ONNX models and by functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phash_engine import images
from phash_engine.errors import ModelError
from phash_engine.retrieval import vectors
from phash_engine.retrieval.embeddings import BATCH, embed
from phash_engine.retrieval.models import FunctionModel, OnnxModel
from tests import onnx_models

LAKE = "2023-lake/IMG_0412.jpg"
SQUARE = ("n", 3, 4, 4)


def test_a_copy_is_nearer_than_other_pictures(sample: Path, tmp_path: Path) -> None:
    model = OnnxModel(onnx_models.convolutional(tmp_path / "m.onnx"))
    lake, other = sample / LAKE, sample / "2024-city" / "DSC_0044.JPG"
    with Image.open(lake) as image:
        small = image.convert("RGB").resize((120, 90))
    found = embed([lake, other, small], model)
    cosines = vectors.cosines(found.vectors, found.vectors)
    np.testing.assert_allclose(np.diag(cosines), 1, rtol=1e-5)
    assert cosines[0, 2] > 0.99 > cosines[0, 1]


def test_threads_and_batches_change_nothing(sample: Path, tmp_path: Path) -> None:
    model = OnnxModel(onnx_models.convolutional(tmp_path / "m.onnx"))
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    photos = sorted((sample / "2023-lake").glob("*.jpg"))
    many = [*photos, tmp_path / "bad.jpg", *photos * 6][: 2 * BATCH + 3]
    one, four = embed(many, model, threads=1), embed(many, model, threads=4)
    np.testing.assert_array_equal(one.vectors, four.vectors)
    assert list(one.failures) == list(four.failures) == [len(photos)]
    assert one.rows.tolist() == [row for row in range(len(many)) if row != len(photos)]
    np.testing.assert_allclose(one.vectors[: len(photos)], embed(photos, model).vectors, atol=1e-6)


def test_no_pictures_give_no_vectors() -> None:
    found = embed([], FunctionModel(lambda pictures: pictures.mean(axis=(1, 2)), "means"))
    assert (found.rows.size, found.vectors.size, found.failures) == (0, 0, {})


def test_a_function_is_a_model(sample: Path) -> None:
    model = FunctionModel(lambda pictures: pictures.mean(axis=(1, 2)), "means", 8, 6)
    found = embed([sample / LAKE], model)
    mean = images.read_rgb(sample / LAKE, 8, 6).mean(axis=(0, 1))
    np.testing.assert_allclose(found.vectors[0], mean / np.linalg.norm(mean), rtol=1e-6)


def test_vectors_with_nan_are_refused(sample: Path, tmp_path: Path) -> None:
    facts = {"mean": "0.5 0.5 0.5", "std": "1 1 1"}
    logarithm = OnnxModel(onnx_models.through(tmp_path / "log.onnx", SQUARE, facts, operation="Log"))
    with pytest.raises(ModelError, match=r"log\.onnx: the vectors hold NaN or infinity"):
        embed([sample / LAKE], logarithm)


def test_functions_that_give_no_vectors_are_refused(sample: Path) -> None:
    with pytest.raises(ModelError, match=r"means: 1 pictures gave an array \(3,\), not one vector each"):
        embed([sample / LAKE], FunctionModel(lambda pictures: pictures.mean(axis=(0, 1, 2)), "means"))
