"""Models by the real ONNX Runtime, written by the real onnx library."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from PIL import Image

from phash_engine import images
from phash_engine.errors import ModelError
from phash_engine.retrieval.embeddings import embed
from phash_engine.retrieval.models import OnnxModel
from tests import onnx_models

LAKE = "2023-lake/IMG_0412.jpg"
TONES = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(1, 4, 4, 3) * 5
SQUARE = ("n", 3, 4, 4)
SEEN_WHOLE = {"crop_pct": "1", "mean": "0 0 0", "std": "1 1 1"}


def shown(path: Path, pictures: NDArray[np.uint8] = TONES) -> NDArray[np.float32]:
    """The input of a model whose output maps are its input: the mean of each channel."""
    return OnnxModel(path, pool="spoc")(pictures)


def test_pixels_come_as_the_file_says(tmp_path: Path) -> None:
    plain = shown(onnx_models.through(tmp_path / "a.onnx", SQUARE, SEEN_WHOLE))
    np.testing.assert_allclose(plain, TONES.mean(axis=(1, 2)) / 255, rtol=1e-6)
    facts = {"crop_pct": "1.0", "mean": "(0.5, 0.25, 0)", "std": "[2, 4, 8]"}
    scaled = shown(onnx_models.through(tmp_path / "b.onnx", SQUARE, facts))
    np.testing.assert_allclose(scaled, (plain - [0.5, 0.25, 0]) / [2, 4, 8], rtol=1e-5)
    facts = {"crop_pct": "1", "mean": "100 .5 -5", "std": "2,4e1,8"}
    wide = shown(onnx_models.through(tmp_path / "d.onnx", SQUARE, facts))
    np.testing.assert_allclose(wide, (255 * plain - [100, 0.5, -5]) / [2, 40, 8], rtol=1e-5)
    usual = shown(onnx_models.through(tmp_path / "c.onnx", SQUARE, {"crop_pct": "1"}))
    np.testing.assert_allclose(usual, (plain - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225], rtol=1e-5)


@pytest.mark.parametrize("shape", [("n", 4, 4, 3), (1, 4, 4, 3), (1, 3, 4, 4)])
def test_layout_and_batch_size_come_from_the_shape(tmp_path: Path, shape: onnx_models.Shape) -> None:
    pictures = np.concatenate([TONES, TONES + 1])
    found = shown(onnx_models.through(tmp_path / "m.onnx", shape, SEEN_WHOLE), pictures)
    np.testing.assert_allclose(found, pictures.mean(axis=(1, 2)) / 255, rtol=1e-6)


@pytest.mark.parametrize(("kind", "unit"), [("FLOAT16", 255), ("UINT8", 1)])
def test_other_types_of_input(tmp_path: Path, kind: str, unit: int) -> None:
    number = getattr(TensorProto, kind)
    path = onnx_models.through(tmp_path / "m.onnx", SQUARE, SEEN_WHOLE, kind=number)
    np.testing.assert_allclose(shown(path), TONES.mean(axis=(1, 2)) / unit, rtol=1e-3)


def test_size_of_an_open_shape_comes_from_the_facts(tmp_path: Path) -> None:
    open_shape = ("n", 3, None, None)
    model = OnnxModel(onnx_models.through(tmp_path / "a.onnx", open_shape, {"input_size": "(3, 20, 32)"}))
    assert (model.height, model.width) == (23, 37)
    assert OnnxModel(onnx_models.through(tmp_path / "b.onnx", open_shape)).height == 256


def test_ten_crops_are_five_and_their_mirror_images(tmp_path: Path) -> None:
    path = onnx_models.through(tmp_path / "m.onnx", ("n", 3, 2, 2), {**SEEN_WHOLE, "crop_pct": "0.5"})
    model = OnnxModel(path, pool="mac", ten_crop=True)
    assert (model.height, model.width) == (4, 4)
    places = [(0, 0), (0, 2), (2, 0), (2, 2), (1, 1)]
    peaks = [TONES[0, y : y + 2, x : x + 2].max(axis=(0, 1)) / 255 for y, x in places]
    np.testing.assert_allclose(model(TONES)[0], np.mean(peaks, axis=0), rtol=1e-6)
    assert model.key != OnnxModel(path, pool="mac").key != OnnxModel(path).key


def test_a_model_as_torchvision_exports_it(sample: Path, tmp_path: Path) -> None:
    model = OnnxModel(onnx_models.classifier(tmp_path / "resnet.onnx"))
    assert (model.height, model.width) == (256, 256)
    found = embed([sample / LAKE], model)
    assert found.vectors.shape == (1, 10)


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_files_that_are_no_models(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(ModelError, match=r"model\.onnx: there is no such model file"):
        OnnxModel(path)
    path.write_bytes(b"not an ONNX model at all")
    with pytest.raises(ModelError, match=r"model\.onnx: not an ONNX model that can be used: ") as caught:
        OnnxModel(path)
    assert "\n" not in str(caught.value)


def test_models_of_other_things(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"takes tensor\(float\) \(n, 7\), not pictures such as"):
        OnnxModel(onnx_models.through(tmp_path / "table.onnx", ("n", 7)))
    with pytest.raises(ModelError, match=r"has the mean '0\.5', not three numbers"):
        OnnxModel(onnx_models.through(tmp_path / "mean.onnx", SQUARE, {"mean": "0.5"}))
    with pytest.raises(ModelError, match=r"takes \(n, 5, 64, 64\), not pictures of three colours"):
        OnnxModel(onnx_models.through(tmp_path / "five.onnx", ("n", 5, 64, 64)))


def test_without_onnx_runtime_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"^embeddings need ONNX Runtime: pip install 'phash-engine\[cnn\]'$"):
        OnnxModel(tmp_path / "model.onnx")


# ── input pictures ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [f"orientation/Landscape_{number}.jpg" for number in range(1, 9)])
def test_pictures_are_read_upright(photos: Path, name: str) -> None:
    upright, turned = (
        images.read_rgb(photos / path, 64, 96).astype(int) for path in ("orientation/Landscape_1.jpg", name)
    )
    assert turned.shape == (64, 96, 3)
    assert np.abs(upright - turned).mean() < 8


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "1", "I;16", "I", "F", "LA"])
def test_all_modes_are_read_alike(mode: str) -> None:
    ramp = np.add.outer(np.arange(60), np.arange(80)).astype(np.uint8)
    grey = Image.fromarray(ramp)
    if mode in {"I;16", "I", "F"}:
        wide = ramp.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]) * 257
        image = Image.fromarray(wide)
    else:
        image = (grey.convert("RGB") if mode in {"CMYK", "P"} else grey).convert(mode)
    expected = np.asarray(grey.convert("RGB").resize((20, 20), Image.Resampling.BILINEAR, (10, 0, 70, 60)))
    difference = np.abs(images.read_rgb(image, 20, 20).astype(int) - expected)
    assert difference.mean() < {"1": 20, "P": 8}.get(mode, 1)


def test_pictures_of_any_size_fill_the_frame() -> None:
    for width in range(1, 70):
        picture = np.full((width * 3 // 4 + 1, width, 3), width, dtype=np.uint8)
        assert (images.read_rgb(picture, 73, 73) == width).all()


def test_transparency_is_white_and_thin_pictures_fill_the_frame() -> None:
    clear = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    clear.putpixel((20, 15), (255, 255, 255, 255))  # alpha that is 0 everywhere counts as none
    assert (images.read_rgb(clear, 10, 10) == 255).all()
    thin = Image.fromarray(np.arange(200, dtype=np.uint8)[:, np.newaxis])
    assert images.read_rgb(thin, 16, 16).shape == (16, 16, 3)
