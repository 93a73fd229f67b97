"""Whether calibration keeps its word: half of a gallery is measured, the other half counts the false pairs.

Each draw halves anew pictures of which no two show the same. Radius and cutoff come from one half at a wanted rate;
``found`` is how many pairs of the other half they accept, on average of all draws, beside how many were expected, and
the bound at 95 %, which holds in a draw where no more were found than its next whole number. The last rate is that of
one false pair in the half.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import photos, trial
from bench.descriptors import EXTRACTORS
from phash_engine.catalogue.code_store import ALL_NAMES
from phash_engine.hashing.rules import RULES
from phash_engine.matching import calibration, impostors
from phash_engine.matching.cohort import strangers
from phash_engine.matching.distances import distances
from phash_engine.matching.pairs import ViewCodes
from phash_engine.matching.scores import adaptive_scores

Whole = NDArray[np.int64]


class Outcome(NamedTuple):
    """What one limit was worth in one draw: see :class:`calibrate.Limit`."""

    limit: int
    found: int
    expected: float
    bound: float


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    options = _options(argv)
    pictures = trial.originals(options.gallery, options.n, options.studio)
    if len(pictures) < 2 * calibration.FEWEST:
        raise SystemExit(
            f"two halves take {2 * calibration.FEWEST} pictures, and {len(pictures)} are there: --gallery DIR ..."
        )
    tables = [trial.features(picture.file(), {"ours": EXTRACTORS["ours"]})["ours"] for picture in pictures]
    views = views_of(np.stack(tables))
    between = distances(views, views).astype(np.int64)
    outcomes: dict[tuple[str, float], list[Outcome]] = {}
    for seed in range(options.draws):
        for name, rate, outcome in draw(views, between, np.random.default_rng(seed), options.rates):
            outcomes.setdefault((name, rate), []).append(outcome)
    if not options.json:
        print(f"{len(pictures)} pictures, {options.draws} draws of two halves\n")
        print(f"{'by':8}  {'rate':>8}  {'limit':>6}  {'found':>7}  {'expected':>8}  {'bound':>7}  holds")
    for (name, rate), drawn in outcomes.items():
        limit, found, expected, bound = np.mean(np.array(drawn, dtype=np.float64), axis=0).tolist()
        holds = float(np.mean([outcome.found <= np.ceil(outcome.bound) for outcome in drawn]))
        if options.json:
            columns = {"limit": limit, "found": found, "expected": expected, "bound": bound, "holds": holds}
            print(json.dumps({"by": name, "rate": rate, "draws": len(drawn), **columns}))
        else:
            print(f"{name:8}  {rate:8.1e}  {limit:6.1f}  {found:7.2f}  {expected:8.2f}  {bound:7.2f}  {holds:.3f}")


def views_of(tables: NDArray[np.uint64]) -> ViewCodes:
    """Return the full and the trimmed view of each picture, or twice the full one."""
    rows = len(tables)
    ranks = np.tile([RULES.index("code"), RULES.index("trimmed")], rows)
    return ViewCodes(np.repeat(np.arange(rows), 2), ranks, tables.reshape(-1, len(ALL_NAMES)))


def draw(
    views: ViewCodes, between: Whole, rng: np.random.Generator, rates: list[float]
) -> Iterator[tuple[str, float, Outcome]]:
    """Yield what limits of one half are worth in the other: by distance or score, and by rate."""
    order = rng.permutation(len(between))
    measured, held_out = np.sort(order[::2]), np.sort(order[1::2])
    pairs = len(held_out) * (len(held_out) - 1) / 2
    found = impostors.measure(_of(views, measured), _nobody)
    bits, scores = _pairs(_of(views, held_out), between, held_out)
    for rate in [*rates, 1 / pairs]:
        radius, cutoff, sure = calibration.limits(found, rate, pairs)
        yield "distance", rate, Outcome(radius.limit, int(np.sum(bits <= radius.limit)), *radius[1:])
        if cutoff and scores is not None:
            accepted = (scores <= cutoff.limit) | (bits <= sure)
            yield "score", rate, Outcome(cutoff.limit, int(np.sum(accepted)), *cutoff[1:])


def _of(views: ViewCodes, numbers: Whole) -> ViewCodes:
    return views.select(np.isin(views.numbers, numbers))


def _pairs(views: ViewCodes, between: Whole, numbers: Whole) -> tuple[Whole, Whole | None]:
    """Return distances and scores of all pairs of some pictures; no scores where there are no backgrounds."""
    left, right = (numbers[side] for side in np.triu_indices(len(numbers), 1))
    bits = between[left, right]
    near_strangers = strangers(views)
    if near_strangers is None:
        return bits, None
    own = near_strangers.backgrounds(views, len(between))
    return bits, adaptive_scores(bits, own[left], own[right])


def _nobody(left: Whole, _: Whole, __: Whole) -> NDArray[np.bool_]:
    return np.zeros(len(left), dtype=np.bool_)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench calibrate", description=__doc__)
    parser.add_argument("--gallery", type=Path, nargs="+", default=[photos.FOLDER / "web"], help="folders of pictures")
    parser.add_argument("--n", type=int, default=sys.maxsize, help="pictures to take at most (default all)")
    parser.add_argument("--studio", type=float, default=0, help="share of the pictures laid on one floor: look-alikes")
    parser.add_argument("--draws", type=int, default=200, help="ways to halve the gallery (default 200)")
    parser.add_argument("--rates", type=float, nargs="*", default=[1e-3, 1e-4], help="wanted false pairs per pair")
    parser.add_argument("--json", action="store_true", help="JSON Lines instead of a table")
    return parser.parse_args(argv)
