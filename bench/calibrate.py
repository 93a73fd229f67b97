"""Whether calibration is right: one half of a gallery is measured, in the other half the false pairs are counted.

Each draw halves anew pictures of which no two show the same. Radius and cutoff come from one half at a given rate;
``found`` is the number of pairs of the other half that they accept, on average of all draws; ``expected`` the number
predicted, and ``bound`` its bound at 95 %, which holds in a draw where no more were found than its next whole number.
The last rate is that of one false pair in the half.
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
from phash_engine.hashing.hashers import ALL_NAMES
from phash_engine.hashing.views import MatchType
from phash_engine.matching import calibration, cohort, impostors
from phash_engine.matching.code_set import CodeSet

Whole = NDArray[np.int64]


class Outcome(NamedTuple):
    """The false pairs of one limit in one draw: see ``calibration.Limit``."""

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
    codes = codes_of(np.stack(tables))
    between = codes.distances(codes).astype(np.int64)
    outcomes: dict[tuple[str, float], list[Outcome]] = {}
    for seed in range(options.draws):
        for name, rate, outcome in draw(codes, between, np.random.default_rng(seed), options.rates):
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


def codes_of(tables: NDArray[np.uint64]) -> CodeSet:
    """Return the full and the trimmed view of each picture, or twice the full one."""
    rows = len(tables)
    views = np.tile([MatchType.SIMILAR, MatchType.TRIMMED], rows)
    return CodeSet(np.repeat(np.arange(rows), 2), views, tables.reshape(-1, len(ALL_NAMES)))


def draw(
    codes: CodeSet, between: Whole, rng: np.random.Generator, rates: list[float]
) -> Iterator[tuple[str, float, Outcome]]:
    """Yield what limits of one half do in the other: by distance or score, and by rate."""
    order = rng.permutation(len(between))
    measured, held_out = np.sort(order[::2]), np.sort(order[1::2])
    pairs = len(held_out) * (len(held_out) - 1) / 2
    found = impostors.measure(codes.of(measured), _no_copies)
    bits, scores = _pairs(codes.of(held_out), between, held_out)
    for rate in [*rates, 1 / pairs]:
        radius, cutoff, sure = calibration.limits(found, rate, pairs)
        yield "distance", rate, Outcome(radius.limit, int(np.sum(bits <= radius.limit)), *radius[1:])
        if cutoff and scores is not None:
            accepted = (scores <= cutoff.limit) | (bits <= sure)
            yield "score", rate, Outcome(cutoff.limit, int(np.sum(accepted)), *cutoff[1:])


def _pairs(codes: CodeSet, between: Whole, numbers: Whole) -> tuple[Whole, Whole | None]:
    """Return distances and scores of all pairs of some pictures; no scores where there is no cohort."""
    left, right = (numbers[side] for side in np.triu_indices(len(numbers), 1))
    bits = between[left, right]
    members = cohort.choose(codes)
    if members is None:
        return bits, None
    means = members.means(codes)
    return bits, cohort.scores(bits, means.of(left), means.of(right))


def _no_copies(left: Whole, _: Whole, __: Whole) -> NDArray[np.bool_]:
    return np.zeros(len(left), dtype=np.bool_)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench calibrate", description=__doc__)
    parser.add_argument("--gallery", type=Path, nargs="+", default=[photos.FOLDER / "web"], help="folders of pictures")
    parser.add_argument("--n", type=int, default=sys.maxsize, help="pictures to take at most (default all)")
    parser.add_argument("--studio", type=float, default=0, help="share of the pictures laid on one floor: look-alikes")
    parser.add_argument("--draws", type=int, default=200, help="number of random halvings of the gallery (default 200)")
    parser.add_argument("--rates", type=float, nargs="*", default=[1e-3, 1e-4], help="false pairs per pair")
    parser.add_argument("--json", action="store_true", help="JSON Lines instead of a table")
    return parser.parse_args(argv)
