"""Small ONNX models, written by the real library: convolutions with fixed random filters, with and without pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str | None]


def convolutional(
    path: Path, *, channels: int = 16, shape: Shape = ("n", 3, 64, 64), facts: Mapping[str, str] | None = None
) -> Path:
    """Two strided convolutions with fixed random filters, rectified: feature maps, which do rank pictures."""
    rng = np.random.default_rng(3)
    weights: dict[str, NDArray[Any]] = {
        "first": rng.standard_normal((8, 3, 5, 5)).astype(np.float32) / 8,
        "second": rng.standard_normal((channels, 8, 3, 3)).astype(np.float32) / 8,
    }
    nodes = [
        helper.make_node("Conv", ["pictures", "first"], ["a"], strides=[4, 4], kernel_shape=[5, 5]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "second"], ["c"], strides=[2, 2], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c"], ["maps"]),
    ]
    return write(path, nodes, shape, ["n", channels, None, None], weights, facts)


def classifier(path: Path) -> Path:
    """As torchvision exports them: (n, 3, 224, 224) in, one vector a picture out, no word on mean and deviation."""
    rng = np.random.default_rng(4)
    weights: dict[str, NDArray[Any]] = {
        "conv1.weight": rng.standard_normal((8, 3, 7, 7)).astype(np.float32) / 12,
        "fc.weight": rng.standard_normal((10, 8)).astype(np.float32),
        "fc.bias": np.zeros(10, dtype=np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["input", "conv1.weight"], ["a"], strides=[4, 4], pads=[3, 3, 3, 3]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "fc.weight", "fc.bias"], ["output"], transB=1),
    ]
    return write(path, nodes, ["batch", 3, 224, 224], ["batch", 10], weights)


def through(
    path: Path,
    shape: Shape,
    facts: Mapping[str, str] | None = None,
    *,
    kind: int = TensorProto.FLOAT,
    operation: str = "Identity",
) -> Path:
    """One operation of one argument on what comes in, so that a test sees what the model is shown."""
    return write(path, [helper.make_node(operation, ["input"], ["output"])], shape, shape, {}, facts, kind=kind)


def write(
    path: Path,
    nodes: Sequence[Any],
    shape: Shape,
    output: Shape,
    weights: Mapping[str, NDArray[Any]],
    facts: Mapping[str, str] | None = None,
    *,
    kind: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(nodes[0].input[0], kind, shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], kind, output)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(facts or {}))
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
