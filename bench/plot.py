"""``python -m bench plot RESULTS PICTURE``: time of a range query against the number of codes, a panel for each radius.

RESULTS are the JSON Lines of ``python -m bench search --data NAME --n 1000 10000 ... --json``; needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from importlib import import_module
from pathlib import Path

Curves = dict[str, dict[int, float]]
"""Name → number of codes → seconds."""


def main(argv: list[str]) -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="JSON Lines of the search benchmark on one set of codes")
    parser.add_argument("picture", type=Path, help="file to write: .png or .svg")
    options = parser.parse_args(argv)
    draw(panels(options.results.read_text().splitlines()), options.picture)


def panels(lines: list[str]) -> dict[int, Curves]:
    """Return the curves of each radius; of the parameters that one method was tried with, the fastest at each point."""
    found: dict[int, Curves] = defaultdict(lambda: defaultdict(dict))
    for row in map(json.loads, lines):
        if row["what"] == "range query":
            method, _, parameters = row["name"].partition(" multi-hash ")
            curve = found[row["radius"]][f"{method} multi-hash" if parameters else method]
            curve[row["n"]] = min(row["median"], curve.get(row["n"], row["median"]))
    if not found:
        raise SystemExit("these results hold no range query")
    return found


def draw(curves: dict[int, Curves], picture: Path) -> None:
    """Write one panel for each radius, both axes logarithmic."""
    pyplot = import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(1, len(curves), figsize=(4 * len(curves), 4), sharey=True, squeeze=False)
    for axis, (radius, panel) in zip(axes[0], sorted(curves.items()), strict=True):
        for name, curve in panel.items():
            counts = sorted(curve)
            axis.plot(counts, [1e6 * curve[n] for n in counts], marker=".", label=name)
        axis.set(xscale="log", yscale="log", xlabel="codes", title=f"radius {radius}")
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("microseconds per query, one thread")
    axes[0][-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(picture, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
