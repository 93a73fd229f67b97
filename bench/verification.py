"""Verification of the near pairs of a trial: rows of the quality table."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.descriptors import COMPARE, NEAREST, Descriptor, Distances, plain, scored
from bench.error_rates import expected_false_pairs
from bench.trial import Trial
from phash_engine._threads import available_threads
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.verification import VerificationImage, count_inliers
from phash_engine.matching.verification.evidence import MIN_INLIERS

SURE = 12
"""Distance that needs no verification: smaller than the radius of any rate."""

Pairs = NDArray[np.bool_]
"""Of copies and originals, ``(c, g)``."""


def rows(trial: Trial, most: int) -> list[Descriptor]:
    """Verify near pairs; return rows in which a verified pair is nearer than all others, whatever its distance.

    Parameters
    ----------
    trial
        Copies and originals.
    most
        False pairs to verify. Their number is printed on standard error, with the bound that follows from it.
    """
    distances = plain(COMPARE)(trial)
    chosen = candidates(trial, distances, most)
    verified = verify(trial, chosen)
    print(_summary(trial, distances, chosen, verified), file=sys.stderr)
    scores = scored(COMPARE)(trial)
    return [
        _row("ours: + rotations, trim, verification", distances, verified),
        _row("ours: + rotations, trim, score, verification", scores, verified),
    ]


def candidates(trial: Trial, distances: Distances, most: int) -> Pairs:
    """Return pairs beyond :data:`SURE` and within ``CANDIDATE_RADIUS``: all true ones, ``most`` of the false ones."""
    near = _near(distances)
    false = np.flatnonzero(near & trial.impostors)
    places = np.linspace(0, len(false) - 1, min(most, len(false))).astype(np.int64)
    chosen = np.zeros_like(near)
    chosen.flat[false[places]] = True
    own = np.arange(len(near)), trial.sources
    chosen[own] = near[own]
    return chosen


def verify(trial: Trial, chosen: Pairs) -> Pairs:
    """Return the chosen pairs whose keypoints agree; each copy is made again for that."""
    original = lru_cache(None)(lambda column: VerificationImage(trial.originals[column].file()))

    def of_copy(row: int) -> list[bool]:
        copy = VerificationImage(trial.copy_file(row))
        return [count_inliers(copy, original(column)) >= MIN_INLIERS for column in np.flatnonzero(chosen[row]).tolist()]

    copies = np.flatnonzero(chosen.any(axis=1)).tolist()
    verified = np.zeros_like(chosen)
    with ThreadPoolExecutor(available_threads()) as threads:
        for row, verdicts in zip(copies, threads.map(of_copy, copies), strict=True):
            verified[row, chosen[row]] = verdicts
    return verified


def _near(distances: Distances) -> Pairs:
    near: Pairs = (distances > SURE) & (distances <= CANDIDATE_RADIUS)
    return near


def _summary(trial: Trial, distances: Distances, chosen: Pairs, verified: Pairs) -> str:
    """Return the numbers of compared and accepted false pairs, and the bound that they give for all false pairs."""
    false = trial.impostors
    near, compared, accepted = (int(np.count_nonzero(pairs & false)) for pairs in (_near(distances), chosen, verified))
    _, bound = expected_false_pairs(accepted, max(compared, 1), photos=2)
    share = bound * near / np.count_nonzero(false)
    return (
        f"verification: {compared} of {near} false pairs within {CANDIDATE_RADIUS} bits, {accepted} accepted: "
        f"at most {share:.1e} of all false pairs, at 95 % confidence"
    )


def _row(name: str, distances: Distances, verified: Pairs) -> Descriptor:
    table: Distances = np.where(verified, np.int16(NEAREST), distances)
    return Descriptor(name, "ours", 192, lambda _: table)
