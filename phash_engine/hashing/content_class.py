"""What kind of picture a small grey plane shows: a photo, a document, a drawing or a screenshot.

Pages of one template, menus and cartoons have near codes and are other pictures, so they are compared more closely than
photos. What tells them apart is how luma is distributed: paper and user interfaces have one tone over most of the area,
few tones in between, and strokes everywhere. Eight measures that do not depend on orientation go into a multinomial
logistic regression; ``python -m bench content_class`` makes the material, fits the weights and states the errors on
templates that were left out.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

ContentClass: TypeAlias = Literal["photo", "document", "drawing", "screenshot"]

CLASSES: tuple[ContentClass, ...] = ("photo", "document", "drawing", "screenshot")

SHORTER_SIDE = 64
"""Planes are reduced while their shorter side keeps this many pixels, so that strokes weigh alike in any size."""

_LEAST_SIDE = 16
_TONE_WINDOW = np.ones(9)
_FAR = 24
"""Luma steps from the background at which a pixel counts as ink."""
_PRESENT = 0.0005
"""Share of the pixels that a tone must have to count as one that occurs."""
_FLAT, _EDGE = 2, 40
_STRONG = 4
"""The place of the share of strong steps among the measures."""
_LEAST_STRONG = 0.005
"""Share of the pixels with a strong step below which a picture has no strokes, as at night, in fog, of sky and snow."""
_CELLS = 8
_INK = (0.03, 0.9)
"""A cell has strokes where its share of ink lies between these: less is empty, more is an area."""

_TONES = np.arange(256.0)
_SQUARES = _TONES**2

_WEIGHTS = np.array(
    [
        [-0.91, -3.98, 7.41, 7.15, -3.54, -14.99, -3.98, 1.1, 3.13],
        [-1.1, 4.26, -0.14, -9.37, 3.75, 17.28, 2.9, -0.96, -3.34],
        [1.39, 2.06, -2.96, -0.11, -1.64, -3.1, -3.56, -0.69, 3.6],
        [0.63, -2.34, -4.32, 2.33, 1.43, 0.81, 4.64, 0.55, -3.4],
    ]
)
"""One row a class: the constant, then one weight a measure."""

_PHOTO_MARGIN = 0.3
"""What the score of a photo is raised by, so that 4 of 1,000 photos pass as something else."""


def content_class(grey: NDArray[np.uint8]) -> ContentClass:
    """Return the class of a picture.

    Parameters
    ----------
    grey
        uint8 ``(h, w)`` of luma, 0..255, transparency composited. It is reduced first where its shorter side is beyond
        127 pixels; with a side below 16 pixels it counts as a photo.

    Returns
    -------
    str
        One of :data:`CLASSES`. Whatever is not clearly something else is a photo.

    Notes
    -----
    Takes less than 0.1 ms.
    """
    grey = reduced(grey)
    if min(grey.shape) < _LEAST_SIDE:
        return "photo"
    measured = measures(grey)
    if measured[_STRONG] < _LEAST_STRONG:
        return "photo"
    scores = _WEIGHTS[:, 0] + _WEIGHTS[:, 1:] @ measured
    scores[0] += _PHOTO_MARGIN
    return CLASSES[int(scores.argmax())]


def reduced(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve a plane until its shorter side is below 128 pixels; uint8 ``(h, w)``, each pixel the mean of its area."""
    side = 1 << max(min(grey.shape) // SHORTER_SIDE, 1).bit_length() - 1
    if side == 1:
        return grey
    rows, columns = (length // side for length in grey.shape)
    tiles = grey[: rows * side, : columns * side].reshape(rows, side, columns, side)
    means: NDArray[np.uint8] = (tiles.sum(axis=(1, 3), dtype=np.uint32) // side**2).astype(np.uint8)
    return means


def measures(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the measures of a plane of at least 16x16 pixels: float64 ``(8,)``, each about 0..1.

    The commonest tone; the entropy of the tones; the share of tones that occur; the share of pixels without a step to
    the right or below, and of those with a strong one; the share of cells of an 8x8 grid that hold strokes; the
    brightness of a background, where one covers half of the picture; the contrast.
    """
    tones = _histogram(grey)
    near = np.convolve(tones, _TONE_WINDOW, "same")
    tone = int(near.argmax())
    present = tones[tones > 0]
    mean = tones @ _TONES
    steps = _steps(grey)
    return np.array(
        [
            tone / 255,
            -(present @ np.log2(present)) / 8,
            np.count_nonzero(tones > _PRESENT) / 256,
            np.count_nonzero(steps <= _FLAT) / steps.size,
            np.count_nonzero(steps > _EDGE) / steps.size,
            _share_of_strokes((grey > tone + _FAR) | (grey < tone - _FAR)),
            tone / 255 * (near[tone] > 0.5),
            np.sqrt(max(tones @ _SQUARES - mean**2, 0.0)) / 64,
        ]
    )


def _histogram(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.bincount(values.ravel(), minlength=256) / values.size


def _steps(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the larger step from each pixel to the right or below; uint8 ``(h - 1, w - 1)``."""
    # Whole rows as one line: three times as fast. The steps from the end of a row to the next are cut off.
    rows, columns = grey.shape
    line, size = grey.ravel(), (rows - 1) * columns
    pixels = line[:size]
    steps = np.maximum(_distance(pixels, line[1 : size + 1]), _distance(pixels, line[columns:]))
    return steps.reshape(rows - 1, columns)[:, :-1]


def _distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    difference: NDArray[np.uint8] = np.maximum(a, b) - np.minimum(a, b)
    return difference


def _share_of_strokes(ink: NDArray[np.bool_]) -> float:
    height, width = (length // _CELLS for length in ink.shape)
    cells = ink[: height * _CELLS, : width * _CELLS].reshape(_CELLS, height, _CELLS * width)
    columns = cells.sum(axis=1, dtype=np.uint32)  # first along the rows as they lie in memory
    shares = columns.reshape(_CELLS, _CELLS, width).sum(axis=2) / (height * width)
    return float(np.count_nonzero((shares > _INK[0]) & (shares < _INK[1])) / shares.size)
