"""Embedding vectors as arrays: unit length, concatenation, cosine, PCA with whitening.

Vectors are rows, float32 ``(n, d)``; a *unit* vector has length 1, so its dot product with another is the cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Return the vectors at length 1; a vector of length 0 stays as it is.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled


def concatenated(parts: Sequence[Vectors], weights: Sequence[float] | None = None) -> Vectors:
    """Join the vectors of several models into unit vectors; without weights all weights are equal.

    The cosine of two is then the mean of the models' cosines, weighted by the squares of the weights.

    Parameters
    ----------
    parts
        float32 ``(n, d_i)``, one for each model.
    weights
        One for each model, above 0.

    Raises
    ------
    ValueError
        No vectors, different numbers of them, or weights of another number or not above 0.
    """
    if not parts or len({len(part) for part in parts}) > 1:
        raise ValueError(f"joined models need equal numbers of vectors, not {[len(part) for part in parts]}")
    weights = [1.0] * len(parts) if weights is None else weights
    if len(weights) != len(parts) or not all(weight > 0 for weight in weights):
        raise ValueError(f"{len(parts)} models need {len(parts)} weights above 0, not {list(weights)}")
    return unit(np.hstack([unit(part) * np.float32(weight) for part, weight in zip(parts, weights, strict=True)]))


def cosines(queries: Vectors, vectors: Vectors) -> NDArray[np.float32]:
    """Return the cosines ``(q, n)`` of all unit vectors ``(q, d)`` with all ``(n, d)``."""
    products: NDArray[np.float32] = queries @ vectors.T
    return products


def of_codes(codes: NDArray[np.uint64]) -> Vectors:
    """Return codes ``(..., words)`` as unit vectors ``(..., 64 * words)`` of two values (Charikar 2002, section 3).

    The cosine of two is ``1 - 2 * distance / bits``.
    """
    octets = codes.astype(">u8", order="C").view(np.uint8)
    bits = np.unpackbits(octets, axis=-1).astype(np.float32)
    return unit(2 * bits - 1)


def fused(cosine: NDArray[np.float32], distances: NDArray[np.int64], weight: float, bits: int = 192) -> Vectors:
    """Mix cosines with distances of codes: ``(1 - weight) * cosine + weight * (1 - 2 * distance / bits)``.

    The second term is the cosine of the codes read as vectors of +1 and -1 (Charikar 2002, section 3), so both run from
    -1 to 1.

    Parameters
    ----------
    cosine
        ``(m,)``, -1..1.
    distances
        ``(m,)``, bits.
    weight
        Of the codes, 0..1.
    bits
        Of a code.

    Raises
    ------
    ValueError
        A weight out of range.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"the weight of the codes must be 0 to 1, not {weight}")
    mixed: Vectors = ((1 - weight) * cosine + weight * (1 - 2 * distances / bits)).astype(np.float32)
    return mixed


class Whitening(NamedTuple):
    """Principal axes with their scale removed: learnt by :func:`learn_whitening`, applied by :meth:`apply`.

    Attributes
    ----------
    mean
        float32 ``(d,)``.
    axes
        float32 ``(components, d)``: each principal axis over the standard deviation along it.
    """

    mean: Vectors
    axes: Vectors

    def apply(self, vectors: Vectors) -> Vectors:
        """Return unit vectors ``(n, components)``."""
        return unit((vectors - self.mean) @ self.axes.T)


def learn_whitening(vectors: Vectors, components: int) -> Whitening:
    """Learn PCA with whitening (Jégou & Chum 2012, "Negative Evidences and Co-occurrences in Image Retrieval").

    Cost: one eigendecomposition of ``(d, d)``. The sign of each axis is that with which its largest part is positive,
    so that the result is unique.

    Parameters
    ----------
    vectors
        float32 ``(n, d)``, ``n`` above ``components``.
    components
        Axes to keep, 1..d: those of the largest variance.

    Raises
    ------
    ValueError
        More components than the vectors have.
    """
    if not 1 <= components <= min(len(vectors) - 1, vectors.shape[1]):
        raise ValueError(
            f"components must be 1 to {max(1, min(len(vectors) - 1, vectors.shape[1]))} "
            f"for {len(vectors)} vectors of {vectors.shape[1]} numbers, not {components}"
        )
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    variances, axes = np.linalg.eigh(centred.T @ centred / (len(vectors) - 1))
    variances, axes = variances[::-1][:components], axes.T[::-1][:components]
    axes *= np.sign(axes[np.arange(components), np.abs(axes).argmax(axis=1)])[:, np.newaxis]
    # An axis without variance would scale up noise alone.
    least = variances[0] * np.finfo(np.float32).eps
    scales = np.where(variances > least, 1 / np.sqrt(np.maximum(variances, least or 1)), 0)
    return Whitening(mean.astype(np.float32), (axes * scales[:, np.newaxis]).astype(np.float32))
