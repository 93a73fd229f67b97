"""Quality of a table of distances: operating points, recall by family, R@1 and mAP@100."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.error_rates import OperatingPoint, operating_point
from bench.families import SAME_FRAMING, TRANSFORMS, UNREALISTIC
from bench.trial import Trial
from phash_engine.evaluation.ranking_metrics import Judged, mean_average_precision, top_k_accuracy

K = 100
FEWEST = 10
"""Fewest false pairs for a rate; fewer are not significant."""


class Quality(NamedTuple):
    """Quality of a descriptor on a trial; all but ``by_family`` leave out unrealistic families.

    Attributes
    ----------
    first
        R@1: share of the copies whose original comes first, ties in expectation.
    map
        mAP@100 of searches for the originals among all copies.
    points
        By rate of false pairs, the largest radius and the recall there.
    by_family
        Recall of each family at one rate, and of all families of the same framing together.
    mistaken
        Pairs of pictures among the false pairs of that rate; fewer, because copies of one original err together.
    """

    first: float
    map: float
    points: dict[float, OperatingPoint]
    by_family: dict[str, float]
    mistaken: int


def supported(rates: Sequence[float], impostors: int) -> list[float]:
    """Return the rates with enough false pairs."""
    return [rate for rate in rates if rate * impostors >= FEWEST]


def impostor_pairs(trial: Trial) -> int:
    """Return the number of false pairs of realistic families."""
    return int(np.count_nonzero(trial.impostors[_realistic(trial)]))


def measure(trial: Trial, distances: NDArray[np.int16], rates: Sequence[float], family_rate: float) -> Quality:
    """Measure distances ``(c, g)`` at some rates, and by family at one of them."""
    chosen = _realistic(trial)
    true = distances[np.arange(len(distances)), trial.sources]
    false = distances[chosen][trial.impostors[chosen]]
    enough = min(false.size, int(max(rates) * false.size) + 2)
    nearest = np.partition(false, enough - 1)[:enough]
    points = {rate: operating_point(true[chosen], nearest, rate, false.size) for rate in rates}
    within = distances <= points[family_rate].radius
    found = within[np.arange(len(distances)), trial.sources]
    copies, pictures = np.nonzero(within & trial.impostors & chosen[:, np.newaxis])
    return Quality(
        top_k_accuracy(_search_originals(trial, distances, true, chosen), 1),
        mean_average_precision(_search_copies(trial, distances, chosen), K),
        points,
        {name: float(np.mean(found[members])) for name, members in _groups(trial).items()},
        len({*zip(trial.sources[copies].tolist(), pictures.tolist(), strict=True)}),
    )


def _realistic(trial: Trial) -> NDArray[np.bool_]:
    chosen: NDArray[np.bool_] = ~np.isin(trial.families, sorted(UNREALISTIC))
    return chosen


def _groups(trial: Trial) -> dict[str, NDArray[np.bool_]]:
    """Return whether each copy is of a family, for all families in the order of the transforms, and for two sets."""
    names = dict.fromkeys(transform.family for transform in TRANSFORMS)
    groups = {name: trial.families == name for name in names} | {
        "same framing": np.isin(trial.families, sorted(SAME_FRAMING)),
        "all realistic": _realistic(trial),
    }
    return {name: members for name, members in groups.items() if members.any()}


def _search_originals(
    trial: Trial, distances: NDArray[np.int16], true: NDArray[np.int16], chosen: NDArray[np.bool_]
) -> Judged:
    """Return the matches of copies among the originals; those farther than the true original do not count."""
    near = (distances <= true[:, np.newaxis]) & trial.impostors
    near[np.arange(len(near)), trial.sources] = True
    near &= chosen[:, np.newaxis]
    queries, found = np.nonzero(near)
    return Judged(queries, distances[near], found == trial.sources[queries], chosen.astype(np.int64))


def _search_copies(trial: Trial, distances: NDArray[np.int16], chosen: NDArray[np.bool_]) -> Judged:
    """Return the matches of originals among all copies; those farther than the k-th nearest do not count."""
    copies, sources = distances[chosen], trial.sources[chosen]
    own = sources[:, np.newaxis] == np.arange(len(trial.originals))
    eligible = trial.impostors[chosen] | own
    ranked = np.where(eligible, copies, np.iinfo(np.int16).max)
    farthest = np.partition(ranked, min(K, len(ranked)) - 1, axis=0)[min(K, len(ranked)) - 1]
    near = (ranked <= farthest) & eligible
    queries = np.nonzero(near)[1]
    return Judged(queries, copies[near], own[near], own.sum(axis=0))
