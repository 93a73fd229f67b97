"""Radius and cutoff for a requested rate of false pairs, measured on the user's own photos, and their recall."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import images
from phash_engine._columns import Ids
from phash_engine._threads import available_threads, in_threads
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError, UsageError
from phash_engine.images import augment
from phash_engine.matching import code_set, cohort, impostors
from phash_engine.matching.analyzed import AnalyzedImage, Query
from phash_engine.matching.code_set import CodeSet
from phash_engine.matching.impostors import Impostors
from phash_engine.matching.policy import CANDIDATE_RADIUS, CERTAIN, DEFAULT_RADIUS, Calibration, MatchPolicy
from phash_engine.matching.tail import Tail
from phash_engine.matching.verification import keypoints
from phash_engine.matching.verification.verifier import (
    FITS,
    LEAST_INLIERS,
    Evidence,
    PairToVerify,
    Side,
    Verifier,
)

Progress = Callable[[int, int], None]
"""Called with the number of photos copied and the number to copy."""

CONFIDENCE: Final = 0.95
FEWEST: Final = 50
"""Contents that make enough pairs to measure."""
_COPIED: Final = 50
_LONGER_SIDE: Final = 1024
_ALIGNED: Final = 40
"""Largest distance at which pixels alone are compared, which takes far longer than comparing points."""


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
    impostors
        How near impostors come to one another.
    radius, cutoff
        What suits the requested rate; no cutoff where there are too few photos for scores.
    sure
        Distance to accept whatever the score.
    recall
        Share of the copies that are found, by family, and the number of copies.
    copied
        Distances of all copies to their originals, int64.
    """

    impostors: Impostors
    radius: Limit
    cutoff: Limit | None
    sure: int
    recall: Mapping[str, tuple[float, int]]
    copied: Ids

    @property
    def calibration(self) -> Calibration:
        """What the matches of the collection are to be decided by from now on."""
        cutoff = self.cutoff.limit if self.cutoff else None
        return Calibration(self.impostors.contents, self.radius.limit, cutoff, self.sure)

    @property
    def policy(self) -> MatchPolicy:
        """What decides."""
        return self.calibration.policy(by_score=True)


def calibrate(
    store: Store,
    folders: Sequence[str] | None = None,
    *,
    rate: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Measure how near impostors come to one another, and what copies of some photos would be found.

    Parameters
    ----------
    store
        An open catalogue.
    folders
        Only photos below these; None for all.
    rate
        False pairs per pair, 0..1; None for at most one false group in the collection.
    progress
        Called as photos are copied.

    Raises
    ------
    UsageError
        Too few photos, or too many copies among them.
    """
    with store.snapshot():
        photos = store.photo_columns(folders)
        codes = code_set.load(store, photos.contents)
    contents = len(np.unique(codes.contents))
    if contents < FEWEST:
        raise UsageError(f"calibration takes {FEWEST} different photos at least, and there are {contents}: scan more")
    verification = _Verification(store, dict(zip(photos.contents.tolist(), photos.ids.tolist(), strict=True)))
    try:
        found = impostors.measure(codes, verification.are_copies)
    except ValueError as error:
        raise UsageError(f"too few pairs of different photos among {contents}: {error}") from None
    pairs = contents * (contents - 1) / 2
    radius, cutoff, sure = limits(found, 1 / pairs if rate is None else rate, pairs)
    report = Report(found, radius, cutoff, sure, {}, np.empty(0, dtype=np.int64))
    return _with_recall(report, codes, verification, progress)


def limits(found: Impostors, rate: float, pairs: float) -> tuple[Limit, Limit | None, int]:
    """Return radius and cutoff of a rate, with the false pairs among ``pairs``, and the distance that is certain.

    Very small distances are accepted whatever the score, for which at most half of the false pairs are set aside,
    mostly far less. Only in collections where impostors have equal codes the two may come to more than the rate.
    """
    by_distance, by_score = found.by_distance, found.by_score
    radius = _limit(by_distance, max(0, by_distance.radius(rate, CONFIDENCE)), pairs)
    if by_score is None:
        return radius, None, CERTAIN
    sure = int(np.clip(by_distance.radius(rate / 10, CONFIDENCE), 0, CERTAIN))
    certain = _limit(by_distance, sure, pairs)
    left = max(rate - certain.bound / pairs, rate / 2)
    cutoff = _limit(by_score, by_score.radius(left, CONFIDENCE), pairs)
    together = Limit(cutoff.limit, cutoff.expected + certain.expected, cutoff.bound + certain.bound)
    return radius, together, sure


def _limit(tail: Tail, limit: int, pairs: float) -> Limit:
    return Limit(limit, tail.share(limit) * pairs, tail.bound(limit, CONFIDENCE) * pairs)


class _Verification:
    """Decides which pairs are copies, by points and pixels; where files are gone, by the default radius."""

    def __init__(self, store: Store, photos: Mapping[int, int]) -> None:
        self._store = store
        self._photos = photos
        self._verifier = Verifier(store)

    def sides(self, contents: Sequence[int]) -> dict[int, Side]:
        """Return a photo of each content, by content id."""
        of_photo = {self._photos[content]: content for content in contents}
        photos = self._store.photos_by_id(list(of_photo))
        return {of_photo[photo.id]: Side(photo.digest, (photo.path,)) for photo in photos}

    def are_copies(self, left: Ids, right: Ids, bits: Ids) -> NDArray[np.bool_]:
        """Return which pairs show the same."""
        found = np.zeros(len(bits), dtype=np.bool_)
        sides = self.sides(np.unique(np.concatenate([left, right])).tolist())
        radius = DEFAULT_RADIUS if keypoints.available() else _ALIGNED
        for near, rows in (False, np.flatnonzero(bits <= CANDIDATE_RADIUS)), (True, np.flatnonzero(bits <= radius)):
            if not near and not keypoints.available():
                continue
            rows = rows[~found[rows]]
            pairs = [
                PairToVerify(sides[a], sides[b], near)
                for a, b in zip(left[rows].tolist(), right[rows].tolist(), strict=True)
            ]
            for row, verdict in zip(rows.tolist(), self._verifier.verify(pairs), strict=True):
                seen = verdict.evidence
                found[row] = bits[row] <= DEFAULT_RADIUS if seen is None else _shows_the_same(seen)
        return found


def _shows_the_same(seen: Evidence) -> bool:
    """Whether pixels or points lie on one another; also where something was drawn into one of the pictures."""
    return (seen.correlation or 0) >= FITS or (seen.inliers or 0) >= LEAST_INLIERS


def _with_recall(report: Report, codes: CodeSet, verification: _Verification, progress: Progress | None) -> Report:
    """Add the share of the copies of some photos that are found."""
    originals = cohort.sample(codes.queries(), _COPIED)
    contents = np.unique(originals.contents)
    sides = verification.sides(contents.tolist())
    chosen = [(content, sides[content].paths[0]) for content in contents.tolist()]
    members = cohort.choose(codes) if report.cutoff else None
    found: dict[str, list[bool]] = {}
    bits: list[int] = []
    for done, (content, made) in enumerate(in_threads(_copied, chosen, available_threads()), 1):
        if made:
            names, queries = zip(*made, strict=True)
            original, copies = originals.of(np.array([content])), _codes_of(queries)
            between = copies.distances(original)[:, 0].astype(np.int64)
            scores = np.zeros_like(between)
            if members:
                scores = cohort.scores(between, members.means(copies).means, members.means(original).means)
            for name, accepted in zip(names, report.policy.accepts(between, scores).tolist(), strict=True):
                found.setdefault(name, []).append(accepted)
            bits += between.tolist()
        if progress:
            progress(done, len(chosen))
    recall = {name: (float(np.mean(accepted)), len(accepted)) for name, accepted in found.items()}
    return report._replace(recall=recall, copied=np.array(bits, dtype=np.int64))


def _copied(photo: tuple[int, str]) -> tuple[int, list[tuple[str, Query]]]:
    """Return family and views of the copies of a photo that have enough structure; none if the file is gone."""
    content, path = photo
    try:
        pixels = images.read_pixels(path, _LONGER_SIDE)
    except ImageError:
        return content, []
    made = ((family, AnalyzedImage(file).query) for family, file in augment.copies_of(pixels))
    return content, [(family, query) for family, query in made if query.is_trusted]


def _codes_of(queries: Sequence[Query]) -> CodeSet:
    """Return the views of some pictures, each a content of its own, numbered from 0."""
    counts = [len(query.views) for query in queries]
    views = np.array([view for query in queries for view in query.views], dtype=np.int64)
    return CodeSet(np.repeat(np.arange(len(queries)), counts), views, np.concatenate([q.codes for q in queries]))
