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
from phash_engine.matching.verification.verifier import LEAST_INLIERS, VerificationImage, agreement

SURE = 12
"""Distance that needs no verification: smaller than the radius of any rate."""

Pairs = NDArray[np.bool_]
"""Of copies and originals, ``(c, g)``."""


def rows(trial: Trial, most: int) -> list[Descriptor]:
    """Look at near pairs; return rows in which a pair whose points agree is nearer than all, whatever its distance.

    Parameters
    ----------
    trial
        Copies and originals.
    most
        False pairs to verify. Their number is printed on standard error, with the bound that follows from it.
    """
    distances = plain(COMPARE)(trial)
    asked = candidates(trial, distances, most)
    agreed = agreeing(trial, asked)
    print(_told(trial, distances, asked, agreed), file=sys.stderr)
    scores = scored(COMPARE)(trial)
    return [
        _row("ours: + rotations, trim, verification", distances, agreed),
        _row("ours: + rotations, trim, score, verification", scores, agreed),
    ]


def candidates(trial: Trial, distances: Distances, most: int) -> Pairs:
    """Return the true pairs and, evenly chosen, so many false ones that verification looks at: see :func:`_near`."""
    near = _near(distances)
    false = np.flatnonzero(near & trial.impostors)
    chosen = np.linspace(0, len(false) - 1, min(most, len(false))).astype(np.int64)
    asked = np.zeros_like(near)
    asked.flat[false[chosen]] = True
    own = np.arange(len(near)), trial.sources
    asked[own] = near[own]
    return asked


def agreeing(trial: Trial, asked: Pairs) -> Pairs:
    """Return the pairs, of those asked for, whose points agree; each copy is made again for that."""
    original = lru_cache(None)(lambda column: VerificationImage(trial.originals[column].file()))

    def of_copy(row: int) -> list[bool]:
        copy = VerificationImage(trial.copy_file(row))
        return [agreement(copy, original(column)) >= LEAST_INLIERS for column in np.flatnonzero(asked[row]).tolist()]

    copies = np.flatnonzero(asked.any(axis=1)).tolist()
    agreed = np.zeros_like(asked)
    with ThreadPoolExecutor(available_threads()) as threads:
        for row, verdicts in zip(copies, threads.map(of_copy, copies), strict=True):
            agreed[row, asked[row]] = verdicts
    return agreed


def _near(distances: Distances) -> Pairs:
    near: Pairs = (distances > SURE) & (distances <= CANDIDATE_RADIUS)
    return near


def _told(trial: Trial, distances: Distances, asked: Pairs, agreed: Pairs) -> str:
    """Return the number of verified pairs, and the bound that it gives for all false pairs."""
    false = trial.impostors
    near, verified, accepted = (int(np.count_nonzero(pairs & false)) for pairs in (_near(distances), asked, agreed))
    _, bound = expected_false_pairs(accepted, max(verified, 1), photos=2)
    share = bound * near / np.count_nonzero(false)
    return (
        f"verification: {verified} of {near} false pairs within {CANDIDATE_RADIUS} bits, {accepted} accepted: "
        f"at most {share:.1e} of all false pairs, at 95 % confidence"
    )


def _row(name: str, distances: Distances, agreed: Pairs) -> Descriptor:
    table: Distances = np.where(agreed, np.int16(NEAREST), distances)
    return Descriptor(name, "ours", 192, lambda _: table)
