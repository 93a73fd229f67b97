"""How many near-duplicates each descriptor finds at a known rate of false pairs, on copies of real photos.

Copies of each picture of the gallery (``bench/families``) are compared with every picture of it; a pair is false where
the copy shows nothing of the picture. The radius of a rate is the largest whose share of false pairs accepted, over all
realistic families, does not exceed it; recall is counted at that radius, which follows the ``@``. Rates of fewer than
ten false pairs are left out. Copies of one original err together: ``pairs`` counts the pairs of pictures behind the
false pairs of the strictest rate.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from bench import photos, trial, verification
from bench.descriptors import COMPARE, DESCRIPTORS, Descriptor, available, our_codes
from bench.measures import Quality, impostor_pairs, measure, supported
from bench.trial import Original

_CURVE = np.logspace(-2, -7, 21).tolist()
_FEWEST_PICTURES = 30

COPY = 8
"""Distance in bits within which pictures of a gallery are taken for copies: none of 4.5 million different ones is."""

Results = Sequence[tuple[Descriptor, Quality]]


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    options = _options(argv)
    extractors = available()
    pictures = trial.originals(options.gallery, sys.maxsize, options.studio)
    pictures = distinct(pictures)[: options.n] if pictures else []
    if len(pictures) < _FEWEST_PICTURES:
        raise SystemExit(f"a trial takes {_FEWEST_PICTURES} pictures, and {len(pictures)} are there: --gallery DIR ...")
    tried = trial.run(pictures, options.share, extractors)
    impostors = impostor_pairs(tried)
    rates = supported(sorted(options.rates, reverse=True), impostors)
    if not rates:
        raise SystemExit(f"{impostors} false pairs are too few for these rates: more pictures, or --share")
    curve = sorted({*supported(_CURVE, impostors), *rates}, reverse=True)
    rows = [row for row in DESCRIPTORS if row.extractor in extractors]
    if options.verify:
        rows += verification.rows(tried, options.pairs)
    results = [(row, measure(tried, row.distances(tried), curve, rates[-1])) for row in rows]
    if options.json:
        print("\n".join(as_json(row, quality, rates) for row, quality in results))
    else:
        behind = ", ".join(f"{int(rate * impostors)} behind {rate:g}" for rate in rates)
        print(f"{len(pictures)} pictures, {len(tried.copies)} copies, {impostors} false pairs: {behind}\n")
        print(table(results, rates), by_family(results, rates[-1]), sep="\n\n")
    if options.plot:
        draw(results, options.plot)


def distinct(pictures: Sequence[Original]) -> list[Original]:
    """Return the pictures that are no copies of one before: pairs of a gallery count as false."""
    kept: list[int] = []
    codes = np.stack([our_codes(picture.file()) for picture in pictures])
    near = COMPARE(codes, codes) <= COPY
    for row in range(len(pictures)):
        if not near[row, kept].any():
            kept.append(row)
    if len(kept) < len(pictures):
        print(f"left out: {len(pictures) - len(kept)} that are within {COPY} bits of another", file=sys.stderr)
    return [pictures[row] for row in kept]


def table(results: Results, rates: Sequence[float]) -> str:
    """Return a line for each descriptor: R@1, mAP@100, recall and radius by rate."""
    width = max(len(row.name) for row, _ in results)
    lines = [f"{'':{width + 5}}  bits    R@1    mAP  " + "  ".join(f"{rate:<9g}" for rate in rates) + "  pairs"]
    for number, (row, quality) in enumerate(results, start=1):
        points = (quality.points[rate] for rate in rates)
        recalls = "  ".join(f"{point.recall:.3f}@{point.radius:<3.0f}" for point in points)
        ranked = f"{quality.first:.3f}  {quality.map:.3f}"
        lines.append(f"[{number:2}] {row.name:{width}}  {row.bits:4}  {ranked}  {recalls}  {quality.mistaken:5}")
    return "\n".join(lines)


def by_family(results: Results, rate: float) -> str:
    """Return a line for each family: recall of each descriptor at one rate, in columns that bear their numbers."""
    names = list(results[0][1].by_family)
    width = max(map(len, names))
    lines = [f"{f'at {rate:g}':{width}}" + "".join(f"  {f'[{number}]':>4}" for number in range(1, len(results) + 1))]
    for name in names:
        lines.append(f"{name:{width}}" + "".join(f"  {quality.by_family[name]:.2f}" for _, quality in results))
    return "\n".join(lines)


def as_json(row: Descriptor, quality: Quality, rates: Sequence[float]) -> str:
    """Return the object of a descriptor."""
    points = {f"{rate:g}": quality.points[rate]._asdict() for rate in rates}
    ranked = {"r_at_1": quality.first, "map_at_100": quality.map}
    found = {"rates": points, "families": quality.by_family, "mistaken": quality.mistaken}
    return json.dumps({"name": row.name, "bits": row.bits, **ranked, **found})


def draw(results: Results, picture: Path) -> None:
    """Write the curves: recall against the rate of false pairs, peers in dashes; dots where a colour comes again."""
    pyplot = import_module("matplotlib.pyplot")
    figure, axis = pyplot.subplots(figsize=(8, 6))
    colours = pyplot.get_cmap("tab20").colors
    for number, (row, quality) in enumerate(results):
        rates = sorted(quality.points)
        recalls = [quality.points[rate].recall for rate in rates]
        full = "-" if number < len(colours) else "-."
        style = full if row.extractor == "ours" else "--"
        axis.plot(rates, recalls, style, color=colours[number % len(colours)], label=row.name)
    axis.set(xscale="log", xlabel="share of the false pairs accepted", ylabel="recall")
    axis.grid(alpha=0.3)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(picture, dpi=120, bbox_inches="tight")
    pyplot.close(figure)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench quality", description=__doc__)
    parser.add_argument("--gallery", type=_folder, nargs="+", default=[photos.FOLDER / "web"], help="folders")
    parser.add_argument("--n", type=int, default=sys.maxsize, help="pictures to take at most (default all)")
    parser.add_argument("--share", type=float, default=0.35, help="of all copies, chosen by name (default 0.35)")
    parser.add_argument("--studio", type=float, default=0, help="share of the pictures laid on one floor: look-alikes")
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-4, 1e-5, 1e-6], help="of false pairs accepted")
    parser.add_argument("--verify", action="store_true", help="rows with verification of near pairs; takes minutes")
    parser.add_argument("--pairs", type=int, default=20_000, help="false pairs to verify at most (default 20,000)")
    parser.add_argument("--json", action="store_true", help="JSON Lines instead of tables")
    parser.add_argument("--plot", type=Path, help="picture to write the curves to; needs matplotlib")
    return parser.parse_args(argv)


def _folder(name: str) -> Path:
    if not Path(name).is_dir():
        raise argparse.ArgumentTypeError(f"{name} is no folder")
    return Path(name)
