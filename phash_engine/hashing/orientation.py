"""EXIF orientation: the 8 rotations and mirror images of a block, and of its codes by bit permutation.

An orientation is an EXIF number 1..8: the operation that makes the stored pixels upright (CIPA DC-008, tag 274). As a
map of a matrix it is a transposition (5 to 8) followed by mirrorings; 1 changes nothing.

The ten codes of a block give the codes of all 8 exactly, with equal differences and the changed median of the DCT.
d(a rotated, b) and d(a, b rotated back) may therefore differ by a few bits, and the distance with rotations is the
minimum of both: see :func:`rotated_distance`.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from phash_engine.hashing import codes
from phash_engine.hashing.hashers import CODE_NAMES, MIRROR_NAMES, Codes

Scalar = TypeVar("Scalar", bound=np.generic)

ORIENTATIONS = range(1, 9)
_TRANSPOSED = frozenset({5, 6, 7, 8})
_LEFT_RIGHT = frozenset({2, 3, 6, 7})
_UP_DOWN = frozenset({3, 4, 7, 8})
_INVERSE = np.array([1, 2, 3, 4, 5, 8, 7, 6]) - 1
"""All but the quarter turns are their own inverse."""


def turn(block: NDArray[Scalar], orientation: int) -> NDArray[Scalar]:
    """Return a block, or any matrix or picture ``(h, w, …)``, as seen upright under an EXIF orientation; a view.

    Raises
    ------
    ValueError
        Not 1..8.
    """
    if orientation not in ORIENTATIONS:
        raise ValueError(f"orientation {orientation} is not one of the EXIF numbers 1 to 8")
    if orientation in _TRANSPOSED:
        block = block.swapaxes(0, 1)
    return block[:: _step(orientation in _UP_DOWN), :: _step(orientation in _LEFT_RIGHT)]


class Form(NamedTuple):
    """One mirror image of the stored codes, searched without computing it.

    ``columns`` are the stored codes of the image. If the mirror image of a stored difference code is a permutation of
    its bits, the bits of the query are permuted instead.
    """

    columns: tuple[str, str, str]
    flip_horizontal: bool
    flip_vertical: bool

    def adapt(self, words: Codes) -> Codes:
        """Return the decision codes ``(..., 3)`` of queries, permuted for comparison with the columns of this form."""
        dct, horizontal, vertical = words[..., 0], words[..., 1], words[..., 2]
        if self.flip_horizontal:
            horizontal = flip_up_down(horizontal)
        if self.flip_vertical:
            vertical = flip_left_right(vertical)
        return np.stack([dct, horizontal, vertical], axis=-1)


UPRIGHT = Form(("dct", "horizontal", "vertical"), flip_horizontal=False, flip_vertical=False)
MIRROR_FORMS = (
    Form(("dct_lr", "horizontal_lr", "vertical"), flip_horizontal=False, flip_vertical=True),
    Form(("dct_ud", "horizontal", "vertical_ud"), flip_horizontal=True, flip_vertical=False),
    Form(("dct_180", "horizontal_lr", "vertical_ud"), flip_horizontal=True, flip_vertical=True),
)
"""The left-right, up-down and half-turn images; transposed queries find their transpositions."""
_IMAGES = dict(zip([(False, False), (True, False), (False, True), (True, True)], [UPRIGHT, *MIRROR_FORMS], strict=True))
"""Forms by (mirrored left to right, mirrored up to down)."""


def upright(table: Codes) -> Codes:
    """Return the decision codes ``(n, 3)`` of all codes ``(n, 10)``."""
    return _select(table, UPRIGHT)


def has_mirror_codes(table: Codes) -> NDArray[np.bool_]:
    """Whether the mirror codes of each row of ``(n, 10)`` are known, bool ``(n,)``.

    A mirror code of 0 means unknown: unless a picture is black, the constant coefficient is the strict maximum of its
    DCT, so its bit is set.
    """
    known: NDArray[np.bool_] = _column(table, "dct_lr") != 0
    return known


def turned(table: Codes) -> Codes:
    """Return the decision codes ``(8, n, 3)`` of all orientations: row ``o - 1`` is ``turned_to(table, o)``."""
    return np.stack([turned_to(table, orientation) for orientation in ORIENTATIONS])


def turned_to(table: Codes, orientation: int) -> Codes:
    """Return the decision codes of one orientation.

    If the mirror codes are unknown, the upright codes replace those of all mirror images, so that only the
    transposition is searched.

    Parameters
    ----------
    table
        uint64 ``(n, 10)``, columns ``hashers.CODE_NAMES + hashers.MIRROR_NAMES``.
    orientation
        1..8.

    Returns
    -------
    numpy.ndarray
        uint64 ``(n, 3)``: the dct, horizontal and vertical codes of ``turn(block, orientation)``.
    """
    mirrored = orientation in _LEFT_RIGHT, orientation in _UP_DOWN
    # Mirroring left to right after a transposition is mirroring up to down before it, and the reverse.
    form = _IMAGES[mirrored[::-1] if orientation in _TRANSPOSED else mirrored]
    image = form.adapt(_select(table, form))
    if form is not UPRIGHT:
        image = np.where(has_mirror_codes(table)[:, np.newaxis], image, upright(table))
    if orientation not in _TRANSPOSED:
        return image
    dct, horizontal, vertical = image.T
    return np.stack([transpose(dct), transpose(vertical), transpose(horizontal)], axis=-1)


def rotated_distance(a: Codes, b: Codes) -> tuple[int, int]:
    """Return the distance of two pictures with rotations, and the orientation of ``a`` that gives it.

    Parameters
    ----------
    a, b
        uint64 ``(10,)``: all codes of each.

    Returns
    -------
    tuple
        Minimum over the orientations T of d(T a, b) and d(T b, a) in bits, 0..192; and the lowest orientation of ``a``
        with this distance, 1 if rotation does not reduce it.
    """
    turned_a, turned_b = turned(a[np.newaxis])[:, 0], turned(b[np.newaxis])[:, 0]
    forward = codes.distances(turned_a, turned_b[0]).sum(axis=1)
    backward = codes.distances(turned_b, turned_a[0]).sum(axis=1)
    nearest = np.minimum(forward, backward[_INVERSE])
    best = int(np.argmin(nearest))
    return int(nearest[best]), best + 1


def flip_up_down(grid: Codes) -> Codes:
    """Mirror the 8x8 bits of codes up to down."""
    return grid.byteswap()


def flip_left_right(grid: Codes) -> Codes:
    """Mirror the 8x8 bits of codes left to right (Warren 2012, "Hacker's Delight", 7-1, within bytes)."""
    for shift, mask in ((1, 0x5555555555555555), (2, 0x3333333333333333), (4, 0x0F0F0F0F0F0F0F0F)):
        grid = (grid >> np.uint64(shift)) & np.uint64(mask) | (grid & np.uint64(mask)) << np.uint64(shift)
    return grid


def transpose(grid: Codes) -> Codes:
    """Transpose the 8x8 bits of codes (Warren 2012, "Hacker's Delight", 7-3)."""
    for shift, mask in ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0)):
        swap = (grid ^ grid >> np.uint64(shift)) & np.uint64(mask)
        grid = grid ^ swap ^ swap << np.uint64(shift)
    return grid


def _column(table: Codes, name: str) -> Codes:
    return table[:, (CODE_NAMES + MIRROR_NAMES).index(name)]


def _select(table: Codes, form: Form) -> Codes:
    return np.stack([_column(table, name) for name in form.columns], axis=-1)


def _step(mirrored: bool) -> int:
    return -1 if mirrored else 1
