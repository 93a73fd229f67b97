"""Charts of measures, as image files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from phash_engine import _optional
from phash_engine.errors import UsageError
from phash_engine.reports.names import quoted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FORMATS = (".png", ".svg", ".pdf")
_NUMBERED = 30
"""Classes whose cells have room for a number."""


def check(path: Path) -> None:
    """Raise unless a chart can be written there; call this before the work.

    Raises
    ------
    UsageError
        An unknown format, or matplotlib is not installed.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"{path}: charts are written as {', '.join(_FORMATS)}")
    _optional.require("matplotlib")


def confusion(path: Path, names: Sequence[str], matrix: NDArray[np.int64]) -> None:
    """Draw a confusion matrix, ``(c, c + 1)``, declined last; the shade of a cell is its share of the row."""
    names = [quoted(name) for name in names]
    side = max(4.0, 0.35 * len(names) + 2)
    figure, axes = _figure(side, side)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names) + 1), [*names, "declined"], rotation=90, parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set(xlabel="given", ylabel="true")
    if len(names) <= _NUMBERED:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    _save(figure, path)


def bars(path: Path, names: Sequence[str], percentages: Sequence[float], quantity: str) -> None:
    """Draw the percentage in each bin of a quantity."""
    figure, axes = _figure(8, 4)
    drawn = axes.bar(range(len(names)), percentages)
    axes.bar_label(drawn, [f"{value:.1f}" if value else "" for value in percentages], fontsize=8)
    axes.set_xticks(range(len(names)), names, rotation=45)
    axes.set(xlabel=quantity, ylabel="percent")
    _save(figure, path)


def distances(path: Path, impostors: NDArray[np.int64], copies: NDArray[np.int64], radius: int) -> None:
    """Draw the share at each distance of the pairs of impostors, and of copies with their originals.

    Numbers of pairs by distance in bits, each ``(n,)``. The scale of the shares is logarithmic: there the tail of the
    impostors is nearly straight. A line marks the radius.
    """
    figure, axes = _figure(9, 5)
    for counts, name, colour in ((impostors, "different photos", "tab:red"), (copies, "copies", "tab:blue")):
        bits = np.flatnonzero(counts)
        shares = counts[bits] / max(1, counts.sum())
        axes.bar(bits, shares, width=1, color=colour, alpha=0.6, label=f"{name}: {counts.sum():,} pairs")
    axes.axvline(radius + 0.5, color="black", linestyle="--", label=f"radius {radius}")
    axes.set(xlabel="distance in bits", ylabel="share of the pairs", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    _save(figure, path)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty chart, its size in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def _save(figure: Figure, path: Path) -> None:
    picture = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks
        figure.savefig(picture, format=path.suffix[1:].lower(), dpi=120, bbox_inches="tight")
    path.write_bytes(picture.getvalue())
