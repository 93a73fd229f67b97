"""Catalogue → matches of a picture.

The distance is that of the decision codes (dct, horizontal, vertical; 192 bits), the smallest over the views of either
side, with rotations over their turned codes too. A query has its full view and, where there is a border, the trimmed
one. A view without structure (see ``quality``) matches nothing; a picture that has no other, by its digest alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files, images
from phash_engine.catalogue import CodeColumns, Photo, Store
from phash_engine.catalogue.code_store import ALL_NAMES
from phash_engine.hashing import codes, hashers, orientation, quality, views
from phash_engine.hashing.hashers import Codes
from phash_engine.hashing.orientation import MIRROR_FORMS, UPRIGHT, Form
from phash_engine.hashing.rules import RADIUS, RULES, rank
from phash_engine.index import Explanation, Index, Matches, index_columns

if TYPE_CHECKING:
    from phash_engine.matching.verification.verify import Evidence, Verifier

_UPRIGHT_AND_TRANSPOSED = [0, 4]
_ROTATION = RULES.index("rotation")


class Match(NamedTuple):
    """A photo that matches a query, the distance in bits, and the rule of ``rules.RULES`` that gives it.

    ``evidence`` is what a second look saw, None where there was none.
    """

    query: str
    path: str
    distance: int
    rule: str
    evidence: Evidence | None = None


class Comparison(NamedTuple):
    """How two pictures compare: distance in bits, the rule that gives it, and both fingerprints.

    ``rule`` is one of ``rules.RULES``, or "flat" (one has no structure to tell by).
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
    contents
        Only contents of these ids, int64 ``(n,)``; None for all.
    verifier
        Takes a second look at all matches, and at some beyond the radius; None to do without.

    Raises
    ------
    ValueError
        An unknown kind.
    """

    def __init__(
        self,
        catalogue: Store,
        folders: Sequence[str] | None = None,
        *,
        rotations: bool = True,
        trust_all: bool = False,
        kind: str = "auto",
        contents: NDArray[np.int64] | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._verifier = verifier
        self._folders = None if folders is None else [_files.absolute(folder) for folder in folders]
        self._rotations = rotations
        self._trust_all = trust_all
        with catalogue.snapshot():
            codes = _present_codes(catalogue, folders, trust_all)
            if contents is not None:
                codes = codes.select(np.isin(codes.contents, contents))
        self.codes = codes
        rows = np.arange(len(codes.contents))
        self._forms = [(UPRIGHT, _form_index(rows, codes.codes, UPRIGHT, kind))]
        if rotations:
            mirrored = np.flatnonzero(orientation.has_mirror_codes(codes.codes))
            table = codes.codes if len(mirrored) == len(rows) else codes.codes.T[:, mirrored].T
            self._forms += [(form, _form_index(mirrored, table, form, kind)) for form in MIRROR_FORMS]

    def find(self, source: images.Source, k: int | None = None, radius: int | None = None) -> list[Match]:
        """Find the photos that match a picture; arguments and errors as :func:`find`."""
        if k is not None and k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        if radius is None and (k is None or self._verifier):
            radius = RADIUS
        name, digest, query = read_query(source)
        query = query.trusted(self._trust_all)
        if self._verifier and radius is not None:
            near = self._matches(name, self._by_code(query, None, self._verifier.reach(radius)))
            near = self._verified(self._verifier, source, near, radius)
        else:
            near = self._matches(name, self._by_code(query, k, radius))
        equal = [] if digest is None else self._inside(self._catalogue.photos_with_digest(digest))
        matches = {match.path: match for match in near}
        matches |= {photo.path: Match(name, photo.path, 0, "digest") for photo in equal}
        return sorted(matches.values(), key=lambda match: rank(match.distance, match.rule, match.path))[:k]

    def _matches(self, name: str, found: Mapping[int, tuple[int, int]]) -> list[Match]:
        photos = self._catalogue.photos_of_contents(list(found))
        return [
            Match(name, photo.path, distance, RULES[rule])
            for content, (distance, rule) in found.items()
            for photo in self._inside(photos[content])
        ]

    def _verified(
        self, verifier: Verifier, source: images.Source, matches: Sequence[Match], radius: int
    ) -> list[Match]:
        """Return the matches that stand a second look; those beyond the radius by the rule "verified"."""
        from phash_engine.matching.verification.verify import Candidate, Picture, Subject

        query = Subject(None, (), Picture(source))
        verdicts = verifier.judge(
            [Candidate(query, Subject(None, (match.path,)), match.distance <= radius) for match in matches]
        )
        return [
            match._replace(rule=match.rule if match.distance <= radius else "verified", evidence=verdict.evidence)
            for match, verdict in zip(matches, verdicts, strict=True)
            if verdict.match
        ]

    @property
    def catalogue(self) -> Store:
        """The catalogue that was open when this was made."""
        return self._catalogue

    @property
    def trust_all(self) -> bool:
        """Whether pictures without structure match by code too."""
        return self._trust_all

    def comparisons(self, table: Codes) -> Iterator[tuple[Index, Codes, str]]:
        """Yield every way in which codes are compared with the collection: the nearest over all is the distance.

        Parameters
        ----------
        table
            uint64 ``(q, 10)``, as of ``hashers.hash_blocks``.

        Yields
        ------
        tuple
            An index by row of :attr:`codes`, what to look up in it, uint64 ``(q, 3)``, and the rule of its matches.
        """
        turned = orientation.turned(table)[: None if self._rotations else 1]
        for form, index in self._forms:
            ways = turned if form is UPRIGHT else form.adapt(turned[_UPRIGHT_AND_TRANSPOSED])
            for number, words in enumerate(ways):
                yield index, words, "code" if form is UPRIGHT and number == 0 else "rotation"

    def explain(self, radius: int) -> Explanation:
        """Tell which kind of index answers upright pictures within a radius, and what each kind would take.

        Raises
        ------
        ValueError
            A radius out of range.
        """
        _, index = self._forms[0]
        return index.explain(radius)

    def _inside(self, photos: Sequence[Photo]) -> list[Photo]:
        return [photo for photo in photos if self._covers(photo.path)]

    def _covers(self, path: str) -> bool:
        return self._folders is None or _files.is_below(path, self._folders)

    def _by_code(self, query: Query, k: int | None, radius: int | None) -> dict[int, tuple[int, int]]:
        """Return distance and rule by content: all within the radius and as near as the k-th nearest."""
        if not query.ranks:
            return {}
        if k is not None:
            best = self._nearest(query, k, radius)
            if len(best) < k:
                return best
            # Of equals the index takes the lowest ids, which tell people nothing: all go on, to be sorted by rule.
            radius, _ = sorted(best.values())[k - 1]
        return self._of_contents(self._best(query, lambda index, words: index.range_query(words, radius or 0)))

    def _nearest(self, query: Query, k: int, radius: int | None) -> dict[int, tuple[int, int]]:
        """Return distance and rule of ``k`` contents, the nearest among them, or of all there are."""
        codes = k
        while True:
            best = self._best(query, partial(_ask_nearest, k=codes, radius=radius))
            contents = self._of_contents(best)
            if len(contents) >= k or len(best) < codes:
                return contents
            codes *= 2  # several were views of one content

    def _best(self, query: Query, ask: Callable[[Index, Codes], Matches]) -> dict[int, tuple[int, int]]:
        """Return distance and rule by row of the codes, the views of the catalogue taken for full ones."""
        turned = orientation.turned(query.table)
        best: dict[int, tuple[int, int]] = {}
        for form, index in self._forms:
            words = turned if self._rotations else turned[:1]
            if form is not UPRIGHT:
                words = form.adapt(turned[_UPRIGHT_AND_TRANSPOSED])
            matches = ask(index, np.concatenate(words))
            for row, code_row, distance in zip(*(column.tolist() for column in matches), strict=True):
                turn, view = divmod(row, len(query.ranks))
                rule = query.ranks[view] if form is UPRIGHT and turn == 0 else max(query.ranks[view], _ROTATION)
                best[code_row] = min(best.get(code_row, (distance, rule)), (distance, rule))
        return best

    def _of_contents(self, best: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
        """Return distance and rule by content, given them by row of the codes."""
        found: dict[int, tuple[int, int]] = {}
        for row, (distance, rule) in best.items():
            content = int(self.codes.contents[row])
            verdict = distance, max(rule, int(self.codes.views[row]))
            found[content] = min(found.get(content, verdict), verdict)
        return found


def find(
    source: images.Source,
    catalogue: Store,
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
        Sorted by distance, rule (as in ``rules.RULES``), path. A photo with the query's bytes has distance 0 and the
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
    (_, digest_a, query_a), (_, digest_b, query_b) = read_query(a), read_query(b)
    fingerprints = (query_a.fingerprint, query_b.fingerprint)
    if digest_a is not None and digest_a == digest_b:
        return Comparison(0, "digest", fingerprints)
    trusted_a, trusted_b = query_a.trusted(trust_all), query_b.trusted(trust_all)
    if not (trusted_a.ranks and trusted_b.ranks):
        distance, _ = _nearest(query_a, query_b, rotations)
        return Comparison(distance, "flat", fingerprints)
    distance, rule = _nearest(trusted_a, trusted_b, rotations)
    return Comparison(distance, RULES[rule], fingerprints)


def _nearest(a: Query, b: Query, rotations: bool) -> tuple[int, int]:
    """Return distance and rule of the nearest two views."""
    upright = codes.distances(orientation.upright(a.table)[:, np.newaxis], orientation.upright(b.table)).sum(axis=-1)
    verdicts = []
    for (i, j), distance in np.ndenumerate(upright):
        rule = max(a.ranks[i], b.ranks[j])
        verdicts.append((int(distance), rule))
        if rotations:
            verdicts.append((orientation.distance(a.table[i], b.table[j])[0], max(rule, _ROTATION)))
    return min(verdicts)


def _ask_nearest(index: Index, words: Codes, k: int, radius: int | None) -> Matches:
    return index.nearest(words, k, radius)


class Query(NamedTuple):
    """Views of a picture to look up.

    ``ranks`` are the positions in ``RULES`` of the plainest rule by which each can match, ``table``, uint64
    ``(n, 10)``, all codes of each; ``is_trusted`` tells whether the full one, row 0, has structure to match by.
    """

    ranks: list[int]
    table: Codes
    is_trusted: bool

    @property
    def fingerprint(self) -> hashers.Fingerprint:
        """The codes of the full view."""
        return hashers.Fingerprint(*self.table[0, :5])

    def trusted(self, trust_all: bool) -> Query:
        """Return the views that may match."""
        return self if self.is_trusted or trust_all else Query(self.ranks[1:], self.table[1:], True)


def read_query(source: images.Source) -> tuple[str, bytes | None, Query]:
    """Return a picture's name, its digest where it has bytes, and its views, from one reading.

    Raises
    ------
    ImageError
        The picture cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        _, data = _files.read(path)
        return path, _files.digest(data), _query(images.read_picture(data, path))
    digest = _files.digest(source) if isinstance(source, bytes) else None
    return images.source_name(source), digest, _query(images.read_picture(source))


def _query(picture: images.Picture) -> Query:
    """Return the full view, and others that can be trusted, as the catalogue keeps of its own."""
    blocks = np.stack(list(picture.blocks.values()))
    trusted = quality.is_trusted(quality.gradient_quality(blocks), quality.detail(blocks))
    kept = trusted.copy()
    kept[0] = True
    ranks = [views.rank(view) for view, is_kept in zip(picture.blocks, kept, strict=True) if is_kept]
    return Query(ranks, hashers.hash_blocks(blocks[kept]), bool(trusted[0]))


def _present_codes(catalogue: Store, folders: Sequence[str] | None, trust_all: bool) -> CodeColumns:
    """Return the codes of the photos below the folders, or of all, that are not missing."""
    codes = catalogue.code_columns(trust_all=trust_all)
    if folders is not None:
        return codes.select(np.isin(codes.contents, catalogue.photo_columns(folders).contents))
    hidden = catalogue.hidden_contents()
    return codes.select(~np.isin(codes.contents, hidden)) if hidden.size else codes


def _form_index(ids: NDArray[np.int64], table: Codes, form: Form, kind: str) -> Index:
    return index_columns(tuple(table[:, ALL_NAMES.index(name)] for name in form.columns), ids, kind)
