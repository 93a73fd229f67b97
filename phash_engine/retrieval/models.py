"""Models that make vectors of pictures: ONNX files, or any function.

The input format of an ONNX model is read from its file: the size and the layout of the channels from the shape of the
input, the rest from the metadata, under the names that timm uses:

=================  ========================================================  ====================================
``input_size``     ``(3, 224, 224)``, ``224 224``; if the shape is open       224
``mean``, ``std``  three numbers each, of 0..1, or of 0..255 if above 1       those of ImageNet
``crop_pct``       share of the scaled picture that is input                   0.875
=================  ========================================================  ====================================

A picture is scaled to the size of the input over ``crop_pct``, cut to its shape, and the centre of it is the input.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from phash_engine.errors import ModelError
from phash_engine.retrieval.pooling import POOLS
from phash_engine.retrieval.vectors import Vectors

Pictures = NDArray[np.uint8]
"""uint8 ``(n, height, width, 3)``: red, green, blue."""

_SIDE = 224
_CROP = 0.875
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class Model(Protocol):
    """A function of pictures to vectors.

    Attributes
    ----------
    name
        Its name in errors.
    key
        Hex digits that identify its stored vectors: every model, and every setting of a model, has its own.
    height, width
        Of its input pictures.
    """

    name: str
    key: str
    height: int
    width: int

    def __call__(self, pictures: Pictures, /) -> Vectors:
        """Return one vector for each picture, float32 ``(n, d)``, of any length."""


class FunctionModel:
    """A function as a model.

    Parameters
    ----------
    function
        From :data:`Pictures` to one vector each; called from several threads.
    name
        Identifies its stored vectors: choose another when the function changes.
    height, width
        Of its input pictures.
    """

    def __init__(self, function: Callable[[Pictures], Any], name: str, height: int = _SIDE, width: int = _SIDE) -> None:
        self._function = function
        self.name, self.height, self.width = name, height, width
        self.key = _key(name, height, width)

    def __call__(self, pictures: Pictures) -> Vectors:
        """Return the result of the function."""
        return np.asarray(self._function(pictures), dtype=np.float32)


class OnnxModel:
    """An ONNX image model: one input for pictures; its first output, pooled where it has four dimensions.

    Parameters
    ----------
    path
        The model file.
    pool
        "gem", "mac", "spoc" or "rmac", for feature maps.
    ten_crop
        Whether to take the mean over the corners and the centre and their mirror images (Krizhevsky, Sutskever &
        Hinton 2012, section 4.1). Ten times the cost.

    Raises
    ------
    ModelError
        ONNX Runtime is not installed, the file is not a model, or not a model of pictures to vectors or maps.
    """

    def __init__(self, path: str | os.PathLike[str], *, pool: str = "gem", ten_crop: bool = False) -> None:
        self.name = os.fspath(path)
        self._pool = POOLS[pool]
        self._ten_crop = ten_crop
        self._session = _session(self.name)
        self._input = self._session.get_inputs()[0]
        facts = self._session.get_modelmeta().custom_metadata_map
        self._read_layout()
        self._read_size(facts)
        self._read_normalisation(facts)
        self.key = _key(_digest(self.name), pool, ten_crop)

    def __call__(self, pictures: Pictures) -> Vectors:
        """Return one vector for each picture, ``(n, d)``."""
        crops = _ten_crops(pictures, *self._input_size) if self._ten_crop else [_centre(pictures, *self._input_size)]
        mean: Vectors = np.mean([self._vectors(crop) for crop in crops], axis=0, dtype=np.float32)
        return mean

    def _read_layout(self) -> None:
        """Read the layout of the input, and check that it is pictures, and that the output is vectors or maps."""
        shape, output = self._input.shape, self._session.get_outputs()[0].shape
        if len(self._session.get_inputs()) != 1 or len(shape) != 4 or self._input.type not in _TYPES:
            raise self._unfit(f"takes {self._input.type} {_words(shape)}, not pictures such as float (n, 3, 224, 224)")
        if output and len(output) not in (2, 4):
            raise self._unfit(f"gives {_words(output)}, neither vectors (n, d) nor maps (n, channels, height, width)")
        self._channels_last = shape[3] == 3 and shape[1] != 3
        channels = shape[3 if self._channels_last else 1]
        if isinstance(channels, int) and channels != 3:
            raise self._unfit(f"takes {_words(shape)}, not pictures of three colours")
        self._one_by_one = shape[0] == 1

    def _read_size(self, facts: dict[str, str]) -> None:
        """Read the size of the input, and that of the pictures whose centre it is."""
        size = [side for side in _numbers(facts.get("input_size", "")) if side != 3] or [_SIDE]
        sides = self._input.shape[1:3] if self._channels_last else self._input.shape[2:4]
        height, width = (
            side if isinstance(side, int) else int(size[at]) for side, at in zip(sides, (0, -1), strict=True)
        )
        share = next(iter(_numbers(facts.get("crop_pct", ""))), _CROP)
        self._input_size = height, width
        self.height, self.width = round(height / share), round(width / share)

    def _read_normalisation(self, facts: dict[str, str]) -> None:
        """Read mean and standard deviation of the colours, on a scale of 0..1."""
        mean, std = (self._colours(facts, name, usual) for name, usual in (("mean", _MEAN), ("std", _STD)))
        scale = 255 if mean.max() > 1 else 1
        self._mean, self._std = mean / scale, std / scale

    def _colours(self, facts: dict[str, str], name: str, usual: Sequence[float]) -> NDArray[np.float32]:
        values = _numbers(facts.get(name, "")) or usual
        if len(values) != 3:
            raise self._unfit(f"has the {name} {facts[name]!r}, not three numbers")
        return np.array(values, dtype=np.float32)

    def _vectors(self, pictures: Pictures) -> Vectors:
        values: NDArray[Any] = pictures
        if self._input.type != "tensor(uint8)":
            values = (pictures.astype(np.float32) / 255 - self._mean) / self._std
        if not self._channels_last:
            values = values.transpose(0, 3, 1, 2)
        values = np.ascontiguousarray(values, dtype=_TYPES[self._input.type])
        parts = [values[row : row + 1] for row in range(len(values))] if self._one_by_one else [values]
        return np.concatenate([self._run(part) for part in parts])

    def _run(self, values: NDArray[Any]) -> Vectors:
        try:
            output = np.asarray(self._session.run(None, {self._input.name: values})[0], dtype=np.float32)
        except Exception as error:
            raise self._unfit(f"failed: {_line(error)}") from error
        if output.ndim == 4:
            return self._pool(output.transpose(0, 3, 1, 2) if self._channels_last else output)
        if output.ndim != 2:
            raise self._unfit(f"gives {output.shape}, neither vectors (n, d) nor maps (n, channels, height, width)")
        return output

    def _unfit(self, reason: str) -> ModelError:
        return ModelError(f"{self.name}: the model {reason}")


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _session(path: str) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise ModelError("embeddings need ONNX Runtime: pip install 'phash-engine[cnn]'") from None
    if not Path(path).is_file():
        raise ModelError(f"{path}: there is no such model file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised
    options.intra_op_num_threads = 1  # no vector depends on the number of threads
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path}: not an ONNX model that can be used: {_line(error)}") from error


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(error: Exception) -> str:
    """Return the message of ONNX Runtime without its codes and the file's name."""
    text = " ".join(str(error).split())
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed: ?)?", "", text)[:200]


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)]


def _words(shape: Sequence[object]) -> str:
    return f"({', '.join(str(side) for side in shape)})"


def _centre(pictures: Pictures, height: int, width: int) -> Pictures:
    return _cut(pictures, (pictures.shape[1] - height) // 2, (pictures.shape[2] - width) // 2, height, width)


def _ten_crops(pictures: Pictures, height: int, width: int) -> list[Pictures]:
    bottom, right = pictures.shape[1] - height, pictures.shape[2] - width
    corners = [_cut(pictures, top, left, height, width) for top in (0, bottom) for left in (0, right)]
    five = [*corners, _centre(pictures, height, width)]
    return [*five, *(crop[:, :, ::-1] for crop in five)]


def _cut(pictures: Pictures, top: int, left: int, height: int, width: int) -> Pictures:
    return pictures[:, top : top + height, left : left + width]
