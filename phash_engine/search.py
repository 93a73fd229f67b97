"""Catalogue → matches of a picture.

The distance is that of the decision codes (dct, horizontal, vertical; 192 bits), with rotations the smallest over the
turned codes of either side. A picture without structure (see ``quality``) is matched by its digest alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import files, hashers, images, orientation, quality
from phash_engine.catalogue import Catalogue, Photo
from phash_engine.code_table import ALL_NAMES
from phash_engine.duplicates import find_groups as find_groups
from phash_engine.hashers import Codes
from phash_engine.index import Explanation, Index, Matches, index_columns
from phash_engine.orientation import MIRROR_FORMS, UPRIGHT, Form
from phash_engine.rules import RADIUS, rank
from phash_engine.verify import Candidate, Evidence, Picture, Subject, Verifier

_UPRIGHT_AND_TRANSPOSED = [0, 4]


class Match(NamedTuple):
    """A photo that matches a query.

    ``rule`` is "digest" (equal bytes), "code", "rotation" (closer when turned), or "verified" (beyond the radius, but a
    second look says so); ``evidence`` is what a second look saw, None where there was none.
    """

    query: str
    path: str
    distance: int
    rule: str
    evidence: Evidence | None = None


class Comparison(NamedTuple):
    """How two pictures compare: distance in bits, the rule that gives it, and both fingerprints.

    ``rule`` is "digest" (equal bytes), "flat" (one has no structure to tell by), "code", or "rotation" (closer when
    turned).
    """

    distance: int
    rule: str
    fingerprints: tuple[hashers.Fingerprint, hashers.Fingerprint]


class Collection:
    """The photos of a catalogue, or of some folders in it, ready to be searched.

    Parameters
    ----------
    catalogue
        An open catalogue.
    folders
        Only photos below these; None for all.
    rotations
        Whether turned and mirrored pictures match.
    trust_all
        Whether pictures without structure match by code too.
    kind
        The kind of index that answers, as for ``build_index``.
    verifier
        Takes a second look at all matches, and at some beyond the radius; None to do without.

    Raises
    ------
    ValueError
        An unknown kind.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        folders: Sequence[str] | None = None,
        *,
        rotations: bool = True,
        trust_all: bool = False,
        kind: str = "auto",
        verifier: Verifier | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._verifier = verifier
        self._folders = folders
        self._rotations = rotations
        self._trust_all = trust_all
        with catalogue.snapshot():
            ids, table = _present_codes(catalogue, folders, trust_all)
        self._forms = [(UPRIGHT, _form_index(ids, table, UPRIGHT, kind))]
        if rotations:
            mirrored = _select(ids, table, orientation.has_mirror_codes(table))
            self._forms += [(form, _form_index(*mirrored, form, kind)) for form in MIRROR_FORMS]

    def find(self, source: images.Source, k: int | None = None, radius: int | None = None) -> list[Match]:
        """Find the photos that match a picture; arguments and errors as :func:`find`."""
        if k is not None and k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        if radius is None and (k is None or self._verifier):
            radius = RADIUS
        name, digest, block = _read(source)
        equal = [] if digest is None else self._equal(digest)
        matches = {photo.path: Match(name, photo.path, 0, "digest") for photo in equal}
        if self._trust_all or _has_structure(block):
            query = hashers.hash_blocks(block[np.newaxis])
            if self._verifier and radius is not None:
                near = self._matches(name, self._by_code(query, None, self._verifier.reach(radius)))
                near = self._verified(self._verifier, source, near, radius)
            else:
                near = self._matches(name, self._by_code(query, k, radius))
            matches = {match.path: match for match in near} | matches
        return sorted(matches.values(), key=lambda match: rank(match.distance, match.rule, match.path))[:k]

    def _matches(self, name: str, found: Mapping[int, tuple[int, str]]) -> list[Match]:
        photos = self._catalogue.photos_of(found)
        return [
            Match(name, photo.path, *verdict)
            for code_id, verdict in found.items()
            for photo in photos[code_id]
            if self._covers(photo.path)
        ]

    def _verified(
        self, verifier: Verifier, source: images.Source, matches: Sequence[Match], radius: int
    ) -> list[Match]:
        """Return the matches that stand a second look; those beyond the radius by the rule "verified"."""
        query = Subject(None, (), Picture(source))
        verdicts = verifier.judge(
            [Candidate(query, Subject(None, (match.path,)), match.distance <= radius) for match in matches]
        )
        return [
            match._replace(rule=match.rule if match.distance <= radius else "verified", evidence=verdict.evidence)
            for match, verdict in zip(matches, verdicts, strict=True)
            if verdict.match
        ]

    def explain(self, radius: int) -> Explanation:
        """Tell which kind of index answers upright pictures within a radius, and what each kind would take.

        Raises
        ------
        ValueError
            A radius out of range.
        """
        _, index = self._forms[0]
        return index.explain(radius)

    def _equal(self, digest: bytes) -> list[Photo]:
        return [photo for photo in self._catalogue.photos_with(digest) if self._covers(photo.path)]

    def _covers(self, path: str) -> bool:
        return self._folders is None or any(files.contains(files.absolute(folder), path) for folder in self._folders)

    def _by_code(self, query: Codes, k: int | None, radius: int | None) -> dict[int, tuple[int, str]]:
        """Return distance and rule by code id: all within the radius and as near as the k-th nearest."""
        turned = orientation.turned(query)[:, 0]
        if k is None:
            return self._best(turned, lambda index, words: index.range_query(words, radius or 0))
        best = self._best(turned, lambda index, words: index.nearest(words, k, radius))
        if len(best) < k:
            return best
        # Of equals the index takes the lowest ids, which tell people nothing: all go on, to be sorted by rule.
        reach, _ = sorted(best.values())[k - 1]
        return self._best(turned, lambda index, words: index.range_query(words, reach))

    def _best(self, turned: Codes, ask: Callable[[Index, Codes], Matches]) -> dict[int, tuple[int, str]]:
        best: dict[int, tuple[int, str]] = {}
        for form, index in self._forms:
            words = turned if self._rotations else turned[:1]
            if form is not UPRIGHT:
                words = form.adapt(turned[_UPRIGHT_AND_TRANSPOSED])
            matches = ask(index, words)
            for row, code_id, distance in zip(*(column.tolist() for column in matches), strict=True):
                rule = "code" if form is UPRIGHT and row == 0 else "rotation"
                best[code_id] = min(best.get(code_id, (distance, rule)), (distance, rule))
        return best


def find(
    source: images.Source,
    catalogue: Catalogue,
    k: int | None = None,
    radius: int | None = None,
    *,
    folders: Sequence[str] | None = None,
    rotations: bool = True,
    trust_all: bool = False,
) -> list[Match]:
    """Find the catalogued photos that match a picture, nearest first.

    Parameters
    ----------
    source
        A path or anything else ``images.read_block`` takes.
    catalogue
        An open catalogue.
    k
        At most so many photos.
    radius
        None farther than so many bits, 0..192. Without ``k`` and ``radius`` it is :data:`RADIUS`; with ``k`` alone
        there is no limit.
    folders, rotations, trust_all
        As for :class:`Collection`, which saves time when many pictures are looked up.

    Returns
    -------
    list of Match
        Sorted by distance, rule (digest, code, rotation), path. A photo with the query's bytes has distance 0 and the
        rule "digest".

    Raises
    ------
    ImageError
        The picture cannot be read.
    ValueError
        ``k`` below 1, or a radius out of range.
    """
    return Collection(catalogue, folders, rotations=rotations, trust_all=trust_all).find(source, k, radius)


def compare(a: images.Source, b: images.Source, *, rotations: bool = True, trust_all: bool = False) -> Comparison:
    """Compare two pictures without a catalogue, by the rules of :func:`find`.

    Raises
    ------
    ImageError
        One of them cannot be read.
    """
    (_, digest_a, block_a), (_, digest_b, block_b) = _read(a), _read(b)
    table = hashers.hash_blocks(np.stack([block_a, block_b]))
    fingerprints = (hashers.Fingerprint(*table[0, :5]), hashers.Fingerprint(*table[1, :5]))
    if digest_a is not None and digest_a == digest_b:
        return Comparison(0, "digest", fingerprints)
    distance = hashers.distance(*fingerprints)
    nearest, _ = orientation.distance(table[0], table[1]) if rotations else (distance, 1)
    rule = "rotation" if nearest < distance else "code"
    if not (trust_all or (_has_structure(block_a) and _has_structure(block_b))):
        rule = "flat"
    return Comparison(nearest, rule, fingerprints)


def _read(source: images.Source) -> tuple[str, bytes | None, NDArray[np.uint16]]:
    """Return the query's name, its digest where it has bytes, and its block, from one reading."""
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        _, data = files.read(path)
        return path, files.digest(data), images.read_block(data, path)
    digest = files.digest(source) if isinstance(source, bytes) else None
    return images.source_name(source), digest, images.read_block(source)


def _has_structure(block: NDArray[np.uint16]) -> bool:
    """Whether codes of this block may match, as the catalogue decides for its own."""
    blocks = block[np.newaxis]
    return bool(quality.is_trusted(quality.gradient_quality(blocks), quality.detail(blocks))[0])


def _present_codes(
    catalogue: Catalogue, folders: Sequence[str] | None, trust_all: bool
) -> tuple[NDArray[np.int64], Codes]:
    """Return ids and codes of the photos below the folders, or of all, that are not missing."""
    ids, table = catalogue.code_table(trust_all=trust_all)
    if folders is not None:
        inside = (photo.code_id for photo in catalogue.photos(folders) if photo.code_id is not None)
        return _select(ids, table, np.isin(ids, np.fromiter(inside, dtype=np.int64)))
    hidden = catalogue.hidden_codes()
    return _select(ids, table, ~np.isin(ids, hidden)) if hidden.size else (ids, table)


def _form_index(ids: NDArray[np.int64], table: Codes, form: Form, kind: str) -> Index:
    return index_columns(tuple(table[:, ALL_NAMES.index(name)] for name in form.columns), ids, kind)


def _select(ids: NDArray[np.int64], table: Codes, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Codes]:
    return (ids, table) if chosen.all() else (ids[chosen], np.asfortranarray(table[chosen]))
