"""The photos of a catalogue that match a picture.

The distance is that of the decision codes (dct, horizontal, vertical; 192 bits), the smallest over the views of either
side, with rotations over their rotated codes too. A query has its full view and, where there is a border, the trimmed
one. A view with too little structure (see ``quality``) matches nothing; a picture that has no other, by its digest
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from phash_engine import _files, images
from phash_engine._columns import Ids
from phash_engine.catalogue import Photo, Store
from phash_engine.errors import ImageError
from phash_engine.hashing import codes as code_bits
from phash_engine.hashing import hashers, orientation
from phash_engine.hashing.hashers import ALL_NAMES, Codes
from phash_engine.hashing.orientation import MIRROR_FORMS, UPRIGHT, Form
from phash_engine.hashing.views import MatchType
from phash_engine.index import Explanation, Index, Matches, index_columns
from phash_engine.matching import code_set
from phash_engine.matching.analyzed import AnalyzedImage, Query, analyzed
from phash_engine.matching.code_set import CodeSet
from phash_engine.matching.policy import CANDIDATE_RADIUS, DEFAULT_RADIUS

if TYPE_CHECKING:
    from phash_engine.matching.verification import Evidence, Verifier

_EMPTY = _files.digest(b"")
_UPRIGHT_AND_TRANSPOSED = [0, 4]

Found = tuple[int, MatchType]
"""Distance and match type."""


class Match(NamedTuple):
    """A photo that matches a query: the distance in bits, and why.

    ``evidence`` is what verification measured, None where there was none.
    """

    query: str
    photo: Photo
    distance: int
    match_type: MatchType
    evidence: Evidence | None = None

    def __repr__(self) -> str:
        return f"Match({self.photo.path!r}, {self.distance} bits, {self.match_type})"

    @property
    def path(self) -> str:
        """The path of the photo."""
        return self.photo.path

    @property
    def order(self) -> tuple[int, MatchType, str]:
        """What matches are sorted by: distance, match type, path."""
        return self.distance, self.match_type, self.photo.path


class Comparison(NamedTuple):
    """How two pictures compare.

    Attributes
    ----------
    is_match
        Whether they match: by equal bytes, by the radius, or as verification decides.
    match_type
        Why they would; None where one of them has too little structure to be compared.
    distance
        Bits of 192.
    fingerprints
        Of both; None where they cannot be decoded, and are equal bytes.
    score
        The distance normalised by a cohort; None without a collection.
    finding, evidence
        Of verification; empty and None where there was none.
    """

    is_match: bool
    match_type: MatchType | None
    distance: int
    fingerprints: tuple[hashers.Fingerprint, hashers.Fingerprint] | None
    score: int | None = None
    finding: str = ""
    evidence: Evidence | None = None

    def __repr__(self) -> str:
        match = "match" if self.is_match else "no match"
        kind = "too little structure" if self.match_type is None else str(self.match_type)
        return f"Comparison({match}, {kind}, {self.distance} bits)"


class Collection:
    """The photos of a catalogue, or of some folders in it, ready to be searched.

    Parameters
    ----------
    store
        An open catalogue.
    folders
        Only photos below these; None for all.
    rotations
        Whether rotated and mirrored pictures match.
    trust_all
        Whether pictures with too little structure match by code too.
    kind
        The kind of index, as for ``Index``.
    contents
        Only contents of these ids, int64 ``(n,)``; None for all.
    verifier
        Verifies all matches, and candidates beyond the radius; None to do without.

    Attributes
    ----------
    store, trust_all
        As given.
    codes
        The codes that are searched; the indexes return their rows.

    Raises
    ------
    ValueError
        An unknown kind.
    """

    def __init__(
        self,
        store: Store,
        folders: str | Sequence[str] | None = None,
        *,
        rotations: bool = True,
        trust_all: bool = False,
        kind: str = "auto",
        contents: Ids | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        self.store = store
        self.trust_all = trust_all
        self._verifier = verifier
        self._folders = (
            None if folders is None else [_files.absolute(folder) for folder in _files.listed(folders, "folders")]
        )
        self._rotations = rotations
        with store.snapshot():
            if self._folders is not None:
                there = store.photo_columns(self._folders).contents
                contents = there if contents is None else np.intersect1d(there, contents)
            self.codes = code_set.load(store, contents, trust_all=trust_all)
        self._forms = list(_form_indexes(self.codes, kind, rotations=rotations))

    def find(
        self, source: images.Source | AnalyzedImage, k: int | None = None, radius: int | None = None
    ) -> list[Match]:
        """Find the photos that match a picture; arguments and errors as :func:`find`."""
        if k is not None and k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        if radius is None and (k is None or self._verifier):
            radius = DEFAULT_RADIUS
        picture = analyzed(source)
        equal = [] if picture.digest is None else self._inside(self.store.photos_with_digest(picture.digest))
        try:
            near = self._near(picture, k, radius)
        except ImageError:
            if not equal:
                raise
            near = []  # what cannot be decoded matches by equal bytes alone
        matches = {match.path: match for match in near}
        matches |= {photo.path: Match(picture.name, photo, 0, MatchType.IDENTICAL) for photo in equal}
        return sorted(matches.values(), key=lambda match: match.order)[:k]

    def comparisons(self, codes: Codes) -> Iterator[tuple[Index, Codes, MatchType]]:
        """Yield everything that codes are compared with in the collection: the nearest over all is the distance.

        Parameters
        ----------
        codes
            uint64 ``(q, 10)``, as of ``hashers.hash_blocks``.

        Yields
        ------
        tuple
            An index by row of :attr:`codes`, what to look up in it, uint64 ``(q, 3)``, and the type of its matches.
        """
        for form, index, words in self._rotated(codes):
            for number, part in enumerate(words):
                is_upright = form is UPRIGHT and number == 0
                yield index, part, MatchType.SIMILAR if is_upright else MatchType.ROTATED

    def explain(self, radius: int) -> Explanation:
        """Return which kind of index searches upright pictures within a radius, and the time each kind would take.

        Raises
        ------
        ValueError
            A radius out of range.
        """
        _, index = self._forms[0]
        return index.explain(radius)

    def _rotated(self, codes: Codes) -> Iterator[tuple[Form, Index, Codes]]:
        """Yield the index of each form, and the codes to look up in it, ``(turns, q, 3)``, the upright ones first."""
        rotated = orientation.turned(codes)
        for form, index in self._forms:
            if form is not UPRIGHT:
                yield form, index, form.adapt(rotated[_UPRIGHT_AND_TRANSPOSED])
            else:
                yield form, index, rotated if self._rotations else rotated[:1]

    def _near(self, picture: AnalyzedImage, k: int | None, radius: int | None) -> list[Match]:
        """Return the photos that match by code or, with verification, by pixels too."""
        query = picture.query.trusted(self.trust_all)
        if self._verifier is None or radius is None:
            return self._matches(picture.name, self._by_code(query, k, radius))
        near = self._matches(picture.name, self._by_code(query, None, self._verifier.candidate_radius(radius)))
        return self._verified(self._verifier, picture, near, radius)

    def _matches(self, name: str, found: Mapping[int, Found]) -> list[Match]:
        photos = self.store.photos_of_contents(list(found))
        return [Match(name, photo, *found[content]) for content in found for photo in self._inside(photos[content])]

    def _verified(
        self, verifier: Verifier, picture: AnalyzedImage, matches: Sequence[Match], radius: int
    ) -> list[Match]:
        """Return the matches that verification accepts; those beyond the radius as ``VERIFIED``."""
        from phash_engine.matching.verification import PairSide, PairToVerify

        query = PairSide(None, (), picture.pixels)
        verdicts = verifier.verify(
            [PairToVerify(query, PairSide(None, (match.path,)), match.distance <= radius) for match in matches]
        )
        return [
            match._replace(
                match_type=match.match_type if match.distance <= radius else MatchType.VERIFIED,
                evidence=verdict.evidence,
            )
            for match, verdict in zip(matches, verdicts, strict=True)
            if verdict.match
        ]

    def _inside(self, photos: Sequence[Photo]) -> list[Photo]:
        """Return the photos below the folders."""
        return [photo for photo in photos if self._folders is None or _files.is_below(photo.path, self._folders)]

    def _by_code(self, query: Query, k: int | None, radius: int | None) -> dict[int, Found]:
        """Return distance and match type by content: all within the radius and as near as the k-th nearest."""
        if not query.views:
            return {}
        if k is not None:
            best = self._nearest(query, k, radius)
            if len(best) < k:
                return best
            # Of equals the index returns the lowest rows, an order of no meaning: all go on, to be sorted by type.
            radius, _ = sorted(best.values())[k - 1]
        return self._best(query, lambda index, words: index.range_search(words, radius or 0))[0]

    def _nearest(self, query: Query, k: int, radius: int | None) -> dict[int, Found]:
        """Return distance and match type of ``k`` contents, the nearest among them, or of all there are."""
        rows = k
        while True:
            contents, found = self._best(query, partial(_k_nearest, k=rows, radius=radius))
            if len(contents) >= k or found < rows:
                return contents
            rows *= 2  # several were views of one content

    def _best(self, query: Query, search: Callable[[Index, Codes], Matches]) -> tuple[dict[int, Found], int]:
        """Return distance and match type by content, and the number of rows that were found."""
        best: dict[int, Found] = {}
        rows: set[int] = set()
        for form, index, words in self._rotated(query.codes):
            found = search(index, np.concatenate(words))
            contents, own_views = self.codes.contents[found.ids].tolist(), self.codes.views[found.ids].tolist()
            rows.update(found.ids.tolist())
            columns = found.queries.tolist(), found.distances.tolist(), contents, own_views
            for place, distance, content, own_view in zip(*columns, strict=True):
                turn, view = divmod(place, len(query.views))
                match_type = max(query.views[view], own_view)
                if form is not UPRIGHT or turn:
                    match_type = max(match_type, MatchType.ROTATED)
                verdict = distance, MatchType(match_type)
                best[content] = min(best.get(content, verdict), verdict)
        return best, len(rows)


def find(
    source: images.Source,
    store: Store,
    k: int | None = None,
    radius: int | None = None,
    *,
    folders: str | Sequence[str] | None = None,
    rotations: bool = True,
    trust_all: bool = False,
) -> list[Match]:
    """Find the catalogued photos that match a picture, nearest first.

    Parameters
    ----------
    source
        A path or anything else ``images.read_block`` takes.
    store
        An open catalogue.
    k
        Largest number of photos.
    radius
        Largest distance in bits, 0..192. Without ``k`` and ``radius`` it is ``policy.DEFAULT_RADIUS``; with ``k``
        alone there is no limit.
    folders, rotations, trust_all
        As for :class:`Collection`, which saves time when many pictures are looked up.

    Returns
    -------
    list of Match
        Sorted by distance, match type, path. A photo with the query's bytes has distance 0 and is ``IDENTICAL``.

    Raises
    ------
    ImageError
        The picture cannot be read.
    ValueError
        ``k`` below 1, or a radius out of range.
    """
    return Collection(store, folders, rotations=rotations, trust_all=trust_all).find(source, k, radius)


def compare(
    a: images.Source | AnalyzedImage,
    b: images.Source | AnalyzedImage,
    *,
    radius: int = DEFAULT_RADIUS,
    rotations: bool = True,
    trust_all: bool = False,
    verify: bool = False,
) -> Comparison:
    """Compare two pictures without a catalogue, as :func:`find` does.

    Parameters
    ----------
    a, b
        Pictures, as for :func:`find`.
    radius
        Largest accepted distance in bits, 0..192.
    rotations
        Whether rotated and mirrored pictures match.
    trust_all
        Whether pictures with too little structure match by code too.
    verify
        Whether pixels and keypoints are compared too, of pairs within the radius or ``policy.CANDIDATE_RADIUS``.

    Raises
    ------
    ImageError
        One of them cannot be read, or cannot be decoded and is no copy of the other.
    """
    one, other = analyzed(a), analyzed(b)
    found = _compare(one, other, radius, rotations=rotations, trust_all=trust_all)
    may_match = found.match_type not in {None, MatchType.IDENTICAL} and found.distance <= max(radius, CANDIDATE_RADIUS)
    if not (verify and may_match):
        return found
    from phash_engine.matching import verification

    verdict = verification.verify(one.pixels, other.pixels, near=found.is_match)
    match_type = MatchType.VERIFIED if verdict.match and not found.is_match else found.match_type
    return found._replace(
        is_match=verdict.match, match_type=match_type, finding=verdict.finding, evidence=verdict.evidence
    )


def _compare(a: AnalyzedImage, b: AnalyzedImage, radius: int, *, rotations: bool, trust_all: bool) -> Comparison:
    is_copy = a.digest is not None and a.digest == b.digest
    try:
        fingerprints = (a.query.fingerprint, b.query.fingerprint)
    except ImageError:
        if not is_copy or a.digest == _EMPTY:
            raise
        return Comparison(True, MatchType.IDENTICAL, 0, None)
    if is_copy:
        return Comparison(True, MatchType.IDENTICAL, 0, fingerprints)
    trusted_a, trusted_b = a.query.trusted(trust_all), b.query.trusted(trust_all)
    if not (trusted_a.views and trusted_b.views):
        distance, _ = _nearest(a.query, b.query, rotations)
        return Comparison(False, None, distance, fingerprints)
    distance, match_type = _nearest(trusted_a, trusted_b, rotations)
    return Comparison(distance <= radius, match_type, distance, fingerprints)


def _nearest(a: Query, b: Query, rotations: bool) -> tuple[int, MatchType]:
    """Return distance and match type of the nearest two views."""
    words_a, words_b = orientation.upright(a.codes), orientation.upright(b.codes)
    upright = code_bits.distances(words_a[:, np.newaxis], words_b).sum(axis=-1)
    verdicts = []
    for (i, j), distance in np.ndenumerate(upright):
        match_type = max(a.views[i], b.views[j])
        verdicts.append((int(distance), match_type))
        if rotations:
            verdicts.append(
                (orientation.rotated_distance(a.codes[i], b.codes[j])[0], max(match_type, MatchType.ROTATED))
            )
    return min(verdicts)


def _k_nearest(index: Index, words: Codes, k: int, radius: int | None) -> Matches:
    return index.search(words, k, radius)


def _form_indexes(codes: CodeSet, kind: str, *, rotations: bool) -> Iterator[tuple[Form, Index]]:
    """Yield the index of upright codes and, with rotations, those of the mirrored forms of what has mirror codes."""
    yield UPRIGHT, _form_index(codes, np.arange(len(codes.contents)), UPRIGHT, kind)
    if rotations:
        are_mirrored = orientation.has_mirror_codes(codes.codes)
        rows, mirrored = np.flatnonzero(are_mirrored), codes.select(are_mirrored)
        yield from ((form, _form_index(mirrored, rows, form, kind)) for form in MIRROR_FORMS)


def _form_index(codes: CodeSet, rows: Ids, form: Form, kind: str) -> Index:
    return index_columns(tuple(codes.codes[:, ALL_NAMES.index(name)] for name in form.columns), rows, kind)
