"""Radius and cutoff for a wanted rate of false pairs, measured on the user's own photos, and what copies they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import images
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError, UsageError
from phash_engine.hashing.rules import RADIUS
from phash_engine.images import augment
from phash_engine.matching import impostors
from phash_engine.matching import pairs as content_pairs
from phash_engine.matching.cohort import sample, strangers
from phash_engine.matching.distances import distances
from phash_engine.matching.impostors import Negatives
from phash_engine.matching.pairs import ViewCodes
from phash_engine.matching.policy import Calibration, Criterion
from phash_engine.matching.scores import SURE, adaptive_scores
from phash_engine.matching.search import Query, read_query
from phash_engine.matching.tail import Tail
from phash_engine.matching.verification import keypoints
from phash_engine.matching.verification.verify import BAND, FITS, LEAST_INLIERS, Candidate, Evidence, Subject, Verifier

Whole = NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Called with the number of photos copied and the number to copy."""

CONFIDENCE: Final = 0.95
FEWEST: Final = 50
"""Contents that make enough pairs to measure."""
_COPIED: Final = 50
_LONGER_SIDE: Final = 1024
_ALIGNED: Final = 40
"""Largest distance at which pixels alone are worth a look, which takes far longer than a look at points."""


class Limit(NamedTuple):
    """A radius or a cutoff, and how many false pairs it makes in the whole collection.

    Attributes
    ----------
    limit
        Largest accepted distance or score.
    expected
        False pairs to expect.
    bound
        What their expected number does not exceed, at the confidence :data:`CONFIDENCE`.
    """

    limit: int
    expected: float
    bound: float


class Report(NamedTuple):
    """What was measured.

    Attributes
    ----------
    negatives
        How near strangers come to one another.
    radius, cutoff
        What suits the wish; no cutoff where there are too few photos for scores.
    sure
        Distance to accept whatever the score.
    recall
        Share of the copies that are found, by family, and the number of copies.
    copied
        Distances of all copies to their originals, int64.
    """

    negatives: Negatives
    radius: Limit
    cutoff: Limit | None
    sure: int
    recall: Mapping[str, tuple[float, int]]
    copied: Whole

    @property
    def calibration(self) -> Calibration:
        """What the collection is to be judged by from now on."""
        cutoff = self.cutoff.limit if self.cutoff else None
        return Calibration(self.negatives.contents, self.radius.limit, cutoff, self.sure)

    @property
    def criterion(self) -> Criterion:
        """What decides."""
        return self.calibration.criterion(adaptive=True)


def calibrate(
    catalogue: Store,
    folders: Sequence[str] | None = None,
    *,
    rate: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Measure how near strangers come to one another, and what copies of some photos would be found.

    Parameters
    ----------
    catalogue
        An open catalogue.
    folders
        Only photos below these; None for all.
    rate
        Wanted false pairs per pair, 0..1; None for at most one false group in the collection.
    progress
        Called as photos are copied.

    Raises
    ------
    UsageError
        Too few photos, or too many copies among them.
    """
    with catalogue.snapshot():
        ids, content_ids = catalogue.photo_columns(folders)
        of_contents, numbers = np.unique(content_ids, return_inverse=True)
        views = content_pairs.codes_of(of_contents, catalogue, trust_all=False)
    contents = len(np.unique(views.numbers))
    if contents < FEWEST:
        raise UsageError(f"calibration takes {FEWEST} different photos at least, and there are {contents}: scan more")
    look = _SecondLook(catalogue, dict(zip(numbers.tolist(), ids.tolist(), strict=True)))
    try:
        found = impostors.measure(views, look.same)
    except ValueError as error:
        raise UsageError(f"too few pairs of different photos among {contents}: {error}") from None
    pairs = contents * (contents - 1) / 2
    radius, cutoff, sure = limits(found, 1 / pairs if rate is None else rate, pairs)
    report = Report(found, radius, cutoff, sure, {}, np.empty(0, dtype=np.int64))
    return _with_recall(report, views, look, progress)


def limits(found: Negatives, rate: float, pairs: float) -> tuple[Limit, Limit | None, int]:
    """Return radius and cutoff of a rate, with the false pairs among so many, and the distance that is always accepted.

    Beside the score the distance decides where it is very small, for which at most half of the false pairs are set
    aside, mostly far less. Only in collections where strangers have equal codes the two may come to more than the rate.
    """
    by_distance, by_score = found.by_distance, found.by_score
    radius = _limit(by_distance, max(0, by_distance.radius(rate, CONFIDENCE)), pairs)
    if by_score is None:
        return radius, None, SURE
    sure = int(np.clip(by_distance.radius(rate / 10, CONFIDENCE), 0, SURE))
    beside = _limit(by_distance, sure, pairs)
    left = max(rate - beside.bound / pairs, rate / 2)
    cutoff = _limit(by_score, by_score.radius(left, CONFIDENCE), pairs)
    together = Limit(cutoff.limit, cutoff.expected + beside.expected, cutoff.bound + beside.bound)
    return radius, together, sure


def _limit(tail: Tail, limit: int, pairs: float) -> Limit:
    return Limit(limit, tail.share(limit) * pairs, tail.bound(limit, CONFIDENCE) * pairs)


class _SecondLook:
    """Tells which pairs show the same, by points and pixels; where files are gone, by the default radius."""

    def __init__(self, catalogue: Store, photos: Mapping[int, int]) -> None:
        self._catalogue = catalogue
        self._photos = photos
        self._verifier = Verifier(catalogue)

    def subjects(self, numbers: Sequence[int]) -> dict[int, Subject]:
        """Return the photos of contents, by number."""
        of_photo = {self._photos[number]: number for number in numbers}
        photos = self._catalogue.photos_by_id(list(of_photo))
        return {of_photo[photo.id]: Subject(photo.digest, (photo.path,)) for photo in photos}

    def same(self, left: Whole, right: Whole, bits: Whole) -> NDArray[np.bool_]:
        """Return which pairs show the same."""
        found = np.zeros(len(bits), dtype=np.bool_)
        subjects = self.subjects(np.unique(np.concatenate([left, right])).tolist())
        reach = RADIUS if keypoints.available() else _ALIGNED
        for near, rows in (False, np.flatnonzero(bits <= BAND)), (True, np.flatnonzero(bits <= reach)):
            if not near and not keypoints.available():
                continue
            rows = rows[~found[rows]]
            pairs = [
                Candidate(subjects[a], subjects[b], near)
                for a, b in zip(left[rows].tolist(), right[rows].tolist(), strict=True)
            ]
            for row, verdict in zip(rows.tolist(), self._verifier.judge(pairs), strict=True):
                seen = verdict.evidence
                found[row] = bits[row] <= RADIUS if seen is None else _shows_the_same(seen)
        return found


def _shows_the_same(seen: Evidence) -> bool:
    """Whether pixels or points lie on one another; also where something was drawn into one of the pictures."""
    return (seen.correlation or 0) >= FITS or (seen.inliers or 0) >= LEAST_INLIERS


def _with_recall(report: Report, views: ViewCodes, look: _SecondLook, progress: Progress | None) -> Report:
    """Add what is found of copies of some photos."""
    originals = sample(views.asking(), _COPIED)
    numbers = np.unique(originals.numbers)
    subjects = look.subjects(numbers.tolist())
    chosen = [(number, subjects[number].paths[0]) for number in numbers.tolist()]
    near_strangers = strangers(views) if report.cutoff else None
    found: dict[str, list[bool]] = {}
    bits: list[int] = []
    for done, (number, made) in enumerate(in_threads(_copied, chosen, available_threads()), 1):
        if made:
            names, queries = zip(*made, strict=True)
            original, copied = originals.select(originals.numbers == number), _views_of(queries)
            between = distances(copied, original)[:, 0].astype(np.int64)
            scores = np.zeros_like(between)
            if near_strangers:
                own = near_strangers.backgrounds(copied, len(queries))
                other = near_strangers.backgrounds(original, number + 1)[number]
                scores = adaptive_scores(between, own, other)
            for name, accepted in zip(names, report.criterion.accepts(between, scores).tolist(), strict=True):
                found.setdefault(name, []).append(accepted)
            bits += between.tolist()
        if progress:
            progress(done, len(chosen))
    recall = {name: (float(np.mean(accepted)), len(accepted)) for name, accepted in found.items()}
    return report._replace(recall=recall, copied=np.array(bits, dtype=np.int64))


def _copied(photo: tuple[int, str]) -> tuple[int, list[tuple[str, Query]]]:
    """Return family and views of the copies of a photo, those without structure left out; none if it is gone."""
    number, path = photo
    try:
        pixels = images.read_pixels(path, _LONGER_SIDE)
    except ImageError:
        return number, []
    made = ((family, read_query(file)[2]) for family, file in augment.copies_of(pixels))
    return number, [(family, query) for family, query in made if query.is_trusted]


def _views_of(queries: Sequence[Query]) -> ViewCodes:
    counts = [len(query.ranks) for query in queries]
    ranks = np.array([rank for query in queries for rank in query.ranks], dtype=np.int64)
    return ViewCodes(np.repeat(np.arange(len(queries)), counts), ranks, np.concatenate([q.table for q in queries]))
