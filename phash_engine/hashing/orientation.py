"""The 8 rotations and mirrorings: of a block, and of its codes by bit permutation.

An orientation is its EXIF number 1..8: the change that shows the stored pixels upright
(CIPA DC-008, tag 274). As maps of a matrix they are a transposition (5 to 8) followed by mirrorings; 1 changes nothing.

The codes of all 8 follow from the ten codes of a block exactly, equal differences and the moving median of the DCT
included. For that reason d(turned a, b) and d(a, b turned back) may differ by a few bits, and the distance with
rotations is the smallest over both: see :func:`distance`.
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
"""Only the quarter turns are not their own inverse."""


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

    ``columns`` are the stored codes that describe it; where the mirror image of a stored difference code is only its
    bits in another order, the query's bits are put in that order instead.
    """

    columns: tuple[str, str, str]
    flip_horizontal: bool
    flip_vertical: bool

    def adapt(self, words: Codes) -> Codes:
        """Return decision codes ``(..., 3)`` of queries, to be compared with this form's columns."""
        dct, horizontal, vertical = words[..., 0], words[..., 1], words[..., 2]
        if self.flip_horizontal:
            horizontal = mirror_rows(horizontal)
        if self.flip_vertical:
            vertical = mirror_columns(vertical)
        return np.stack([dct, horizontal, vertical], axis=-1)


UPRIGHT = Form(("dct", "horizontal", "vertical"), flip_horizontal=False, flip_vertical=False)
MIRROR_FORMS = (
    Form(("dct_lr", "horizontal_lr", "vertical"), flip_horizontal=False, flip_vertical=True),
    Form(("dct_ud", "horizontal", "vertical_ud"), flip_horizontal=True, flip_vertical=False),
    Form(("dct_180", "horizontal_lr", "vertical_ud"), flip_horizontal=True, flip_vertical=True),
)
"""The left-right, up-down and half-turn images; transposed queries find their transpositions."""
_IMAGES = dict(zip([(False, False), (True, False), (False, True), (True, True)], [UPRIGHT, *MIRROR_FORMS], strict=True))
"""The forms by whether they are mirrored left to right, and up to down."""


def upright(table: Codes) -> Codes:
    """Return the decision codes ``(n, 3)`` of all codes ``(n, 10)``."""
    return _select(table, UPRIGHT)


def has_mirror_codes(table: Codes) -> NDArray[np.bool_]:
    """Whether the mirror codes of each row of ``(n, 10)`` are known, bool ``(n,)``.

    A mirror code of 0 means unknown: the constant coefficient of a picture that is not black is the strict maximum of
    its DCT, so its bit is set.
    """
    known: NDArray[np.bool_] = _column(table, "dct_lr") != 0
    return known


def turned(table: Codes) -> Codes:
    """Return the decision codes ``(8, n, 3)`` of all orientations: row ``o - 1`` is ``turned_to(table, o)``."""
    return np.stack([turned_to(table, orientation) for orientation in ORIENTATIONS])


def turned_to(table: Codes, orientation: int) -> Codes:
    """Return the decision codes of one orientation.

    Where the mirror codes are not known, the upright ones replace those of all mirror images, so that only the
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
    # A mirroring after a transposition is the other mirroring before it.
    form = _IMAGES[mirrored[::-1] if orientation in _TRANSPOSED else mirrored]
    image = form.adapt(_select(table, form))
    if form is not UPRIGHT:
        image = np.where(has_mirror_codes(table)[:, np.newaxis], image, upright(table))
    if orientation not in _TRANSPOSED:
        return image
    dct, horizontal, vertical = image.T
    return np.stack([transpose(dct), transpose(vertical), transpose(horizontal)], axis=-1)


def distance(a: Codes, b: Codes) -> tuple[int, int]:
    """Return the distance with rotations of two pictures, and the orientation of ``a`` that gives it.

    Parameters
    ----------
    a, b
        uint64 ``(10,)``: all codes of each.

    Returns
    -------
    tuple
        min over the orientations T of d(T a, b) and d(T b, a) in bits, 0..192; and the lowest orientation that brings
        ``a`` that near to ``b``, 1 when turning it does not help.
    """
    turned_a, turned_b = turned(a[np.newaxis])[:, 0], turned(b[np.newaxis])[:, 0]
    forward = codes.distances(turned_a, turned_b[0]).sum(axis=1)
    backward = codes.distances(turned_b, turned_a[0]).sum(axis=1)
    nearest = np.minimum(forward, backward[_INVERSE])
    best = int(np.argmin(nearest))
    return int(nearest[best]), best + 1


def mirror_rows(grid: Codes) -> Codes:
    """Turn the 8x8 bits of codes upside down."""
    return grid.byteswap()


def mirror_columns(grid: Codes) -> Codes:
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
