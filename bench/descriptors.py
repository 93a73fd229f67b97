"""Descriptors of pictures, ours and of other libraries, and their distances."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import product
from typing import Any, NamedTuple

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.families.base import cv2
from bench.trial import Extractor, Trial
from phash_engine.hashing import hashers, orientation
from phash_engine.hashing.hashers import ALL_NAMES
from phash_engine.matching import cohort
from phash_engine.matching.analyzed import AnalyzedImage
from phash_engine.matching.policy import CERTAIN, DEFAULT_RADIUS

Words = NDArray[np.uint64]
Distances = NDArray[np.int16]
Compare = Callable[[Words, Words], Distances]

_FAR = np.iinfo(np.int16).max
NEAREST = np.iinfo(np.int16).min
"""The distance of pairs that are accepted at any radius."""
_NO_IMPOSTOR = 96
_ROWS = 4096


class Descriptor(NamedTuple):
    """A row of the table: which features it takes, its bits, and the distances ``(c, g)`` of a trial."""

    name: str
    extractor: str
    bits: int
    distances: Callable[[Trial], Distances]


def our_codes(file: bytes, _: Image.Image | None = None) -> Words:
    """Return all codes of the full view, then those of the trimmed one, or of the full one again."""
    table = AnalyzedImage(file).query.codes
    return table[[0, -1]].ravel()


def _imagehash(method: Callable[..., Any], size: int) -> Extractor:
    def extract(_: bytes, image: Image.Image) -> Words:
        return _packed(method(image, hash_size=size).hash)

    return extract


def _pdq(_: bytes, image: Image.Image) -> Words:
    return _packed(import_module("pdqhash").compute(np.asarray(image))[0])


def _img_hash(name: str) -> Extractor:
    def extract(_: bytes, image: Image.Image) -> Words:
        if not hasattr(cv2(), "img_hash"):
            raise ImportError("pip uninstall opencv-python-headless, then install opencv-contrib-python-headless")
        octets = getattr(cv2().img_hash, name)(np.asarray(image)[:, :, ::-1])
        return _packed(np.unpackbits(octets))

    return extract


EXTRACTORS: Mapping[str, Extractor] = {
    "ours": our_codes,
    "imagehash average 64": _imagehash(imagehash.average_hash, 8),
    "imagehash phash 64": _imagehash(imagehash.phash, 8),
    "imagehash dhash 64": _imagehash(imagehash.dhash, 8),
    "imagehash whash 64": _imagehash(imagehash.whash, 8),
    "imagehash phash 256": _imagehash(imagehash.phash, 16),
    "imagehash dhash 256": _imagehash(imagehash.dhash, 16),
    "PDQ": _pdq,
    "cv2 pHash": _img_hash("pHash"),
    "cv2 blockMeanHash": _img_hash("blockMeanHash"),
    "cv2 marrHildrethHash": _img_hash("marrHildrethHash"),
}
"""What makes features of a file and its pixels, by name."""


def available() -> dict[str, Extractor]:
    """Return the extractors whose packages are installed; say which are not."""
    return dict(_working())


def _working() -> Iterator[tuple[str, Extractor]]:
    for name, extractor in EXTRACTORS.items():
        try:
            if name != "ours":
                extractor(b"", Image.linear_gradient("L").convert("RGB"))
            yield name, extractor
        except ImportError as error:
            print(f"left out: {name}: {error}", file=sys.stderr)


def hamming(queries: Words, gallery: Words) -> Distances:
    """Return the distances of codes ``(c, words)`` and ``(g, words)``, ``(c, g)``."""
    distances: Distances = np.zeros((len(queries), len(gallery)), dtype=np.int16)
    for first in range(0, len(queries), _ROWS):
        for one, other in zip(queries[first : first + _ROWS].T, gallery.T, strict=True):
            distances[first : first + _ROWS] += np.bitwise_count(one[:, np.newaxis] ^ other)
    return distances


def of_codes(*names: str) -> Compare:
    """Return the distance over some of our codes."""
    columns = [ALL_NAMES.index(name) for name in names]
    return lambda queries, gallery: hamming(queries[:, columns], gallery[:, columns])


def with_rotations(queries: Words, gallery: Words) -> Distances:
    """Return the distances of decision codes, the smallest over all orientations of either side."""
    nearest = np.full((len(queries), len(gallery)), _FAR, dtype=np.int16)
    queries, gallery = queries[:, : len(ALL_NAMES)], gallery[:, : len(ALL_NAMES)]
    upright = orientation.upright(queries), orientation.upright(gallery)
    for turn in orientation.ORIENTATIONS:
        np.minimum(nearest, hamming(orientation.turned_to(queries, turn), upright[1]), out=nearest)
        np.minimum(nearest, hamming(upright[0], orientation.turned_to(gallery, turn)), out=nearest)
    return nearest


def trimmed(compare: Compare) -> Compare:
    """Return the smallest distance over the full and the trimmed view of either side."""

    def nearest(queries: Words, gallery: Words) -> Distances:
        views = [(table, table[:, len(ALL_NAMES) :]) for table in (queries, gallery)]
        distances: Distances = np.minimum.reduce([compare(one, other) for one, other in product(*views)])
        return distances

    return nearest


def plain(compare: Compare, extractor: str = "ours") -> Callable[[Trial], Distances]:
    """Return the distances of a trial as they are."""
    return lambda trial: compare(trial.queries[extractor], trial.gallery[extractor])


def scored(compare: Compare) -> Callable[[Trial], Distances]:
    """Return the scores of a trial, the lowest of all where the distance alone is enough.

    Each half of the gallery is the cohort of the other, so that no cohort contains the pair that it normalises; as in
    ``phash_engine.matching.cohort``, pictures within the default radius are no impostors.
    """

    def scores(trial: Trial) -> Distances:
        queries, gallery = trial.queries["ours"], trial.gallery["ours"]
        found, between = compare(queries, gallery), compare(gallery, gallery)
        certain = found <= CERTAIN
        unlike, between = (np.where(bits > DEFAULT_RADIUS, bits, _NO_IMPOSTOR) for bits in (found, between))
        unlike[~trial.impostors] = _NO_IMPOSTOR
        for half, other in (np.s_[::2], np.s_[1::2]), (np.s_[1::2], np.s_[::2]):
            own, theirs = cohort.cohort_mean(unlike[:, other]), cohort.cohort_mean(between[half, other])
            found[:, half] = cohort.scores(found[:, half], own[:, np.newaxis], theirs)
        found[certain] = NEAREST
        return found

    return scores


def _packed(bits: Any) -> Words:
    octets = np.packbits(np.asarray(bits, dtype=np.bool_).ravel())
    return np.pad(octets, (0, -len(octets) % 8)).view(np.uint64)


DECISION = of_codes(*hashers.DECISION_NAMES)
COMPARE = trimmed(with_rotations)
"""As the commands do."""

DESCRIPTORS: tuple[Descriptor, ...] = (
    Descriptor("ours: dct + h + v", "ours", 192, plain(DECISION)),
    Descriptor("ours: + rotations", "ours", 192, plain(with_rotations)),
    Descriptor("ours: + trim", "ours", 192, plain(trimmed(DECISION))),
    Descriptor("ours: + rotations, trim", "ours", 192, plain(COMPARE)),
    Descriptor("ours: + score", "ours", 192, scored(DECISION)),
    Descriptor("ours: + rotations, trim, score", "ours", 192, scored(COMPARE)),
    Descriptor("ours: average + dct + wavelet", "ours", 192, plain(of_codes("average", "dct", "wavelet"))),
    *(Descriptor(f"ours: {name}", "ours", 64, plain(of_codes(name))) for name in hashers.CODE_NAMES),
    *(
        Descriptor(name, name, bits, plain(hamming, name))
        for name, bits in {
            "imagehash average 64": 64,
            "imagehash phash 64": 64,
            "imagehash dhash 64": 64,
            "imagehash whash 64": 64,
            "imagehash phash 256": 256,
            "imagehash dhash 256": 256,
            "PDQ": 256,
            "cv2 pHash": 64,
            "cv2 blockMeanHash": 256,
            "cv2 marrHildrethHash": 576,
        }.items()
    ),
)
"""Rows of the table, ours first. A further row is one line: features by an extractor, and distances of a trial."""
