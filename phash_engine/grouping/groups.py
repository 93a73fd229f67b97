"""Catalogue → groups of photos that show the same picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files
from phash_engine.catalogue.decisions import partners
from phash_engine.catalogue.store import Store
from phash_engine.grouping import clustering, keep_rules
from phash_engine.grouping import graph as match_graph
from phash_engine.grouping.graph import MatchGraph, Progress, Search
from phash_engine.grouping.keep_rules import Candidate, KeepRule, Reason
from phash_engine.hashing.rules import RULES, rank
from phash_engine.index import Pairs
from phash_engine.matching.confidence import confidence
from phash_engine.matching.pairs import ContentPairs
from phash_engine.matching.policy import Criterion
from phash_engine.matching.scores import adaptive_scores
from phash_engine.matching.verification import verify
from phash_engine.matching.verification.verify import Evidence, Verifier

Ids = NDArray[np.int64]


class Pair(NamedTuple):
    """Two photos of a group that match, the better one first.

    ``distance`` is in bits, ``rule`` the one that matched, ``confidence`` as ``confidence.confidence`` tells. ``score``
    is the adaptive score; None where it was not asked for.
    """

    left: str
    right: str
    distance: int
    rule: str
    confidence: float
    score: int | None = None
    evidence: Evidence | None = None


class Group(NamedTuple):
    """Photos that show the same picture: the one to keep, the others, and what joins them.

    Attributes
    ----------
    keeper
        Path of the photo to keep.
    others
        Paths of the photos that could go, nearest first.
    pairs
        Of a star the pairs of the keeper with all the rest, in their order. Of other groups all pairs between contents,
        each shown by its first photo, and those of that photo with its copies.
    kept
        Paths of photos that stay beside the keeper: those of reference folders, and those decided to be kept.
    reason
        What sets the keeper before the best of the others.
    series
        Whether it is a series of shots rather than copies; False where nobody asked.
    bytes
        Size of the others.
    """

    keeper: str
    others: tuple[str, ...]
    pairs: tuple[Pair, ...]
    kept: tuple[str, ...]
    reason: Reason
    series: bool
    bytes: int

    def joining(self) -> dict[str, Pair]:
        """Return, of each photo but the keeper, its pair with the keeper or, where there is none, the nearest."""
        found: dict[str, Pair] = {}
        for pair in sorted(self.pairs, key=lambda pair: (pair.left != self.keeper, pair.distance)):
            found.setdefault(pair.right, pair)
            found.setdefault(pair.left, pair)
        del found[self.keeper]
        return found


class Groups(list[Group]):
    """Groups, sorted by the keeper's path, what their pairs were judged by, and how many contents were compared."""

    def __init__(self, groups: Iterable[Group], criterion: Criterion, compared: int) -> None:
        super().__init__(sorted(groups))
        self.criterion, self.compared = criterion, compared


def find_groups(
    catalogue: Store,
    radius: int | None = None,
    *,
    folders: Sequence[str] | None = None,
    references: Sequence[str] = (),
    exclude: Sequence[str] = (),
    rotations: bool = True,
    trust_all: bool = False,
    mode: str = "star",
    keep: Sequence[str] = keep_rules.DEFAULT,
    span: str = "anywhere",
    burst: float | None = None,
    kind: str = "auto",
    verifier: Verifier | None = None,
    progress: Progress | None = None,
) -> Groups:
    """Group the photos that show the same picture.

    Equal bytes always match. Several paths that are one file are one photo. What was decided about contents holds: see
    ``decisions``.

    Parameters
    ----------
    catalogue
        An open catalogue.
    radius
        Largest accepted distance in bits, 0..192. None for what suits the collection: the adaptive score where at least
        200 contents are compared, else ``rules.RADIUS``.
    folders, rotations, trust_all, kind
        As for ``search.Collection``.
    verifier
        Takes a second look at all pairs, and at some beyond the radius; None to do without.
    references
        Folders whose photos may be keepers and are never among the others. They are not compared with each other, and
        only groups that have one of them are returned.
    exclude
        Shell patterns as for ``scan``. A photo that fits stays out, also one that an earlier scan took in.
    mode
        One of ``grouping.MODES``: "star" (every other is close to the keeper), "complete" (everyone to everyone) or
        "component" (whoever a chain joins).
    keep
        Keeper rules, as for ``keep_rules.rules``.
    span
        One of ``graph.SPANS``: photos match "anywhere", in the "same-folder" or "across-folders" alone.
    burst
        Mark as series the groups in which cameras took two photos at different moments at most so many seconds apart.
    progress
        Called with the number of joins done and the number to do.

    Returns
    -------
    list of Group
        Sorted by the keeper's path; the same for any order of scanning. Its ``criterion`` tells what decided.

    Raises
    ------
    ValueError
        A radius out of range, an unknown kind, mode or span.
    UsageError
        An unknown keeper rule.
    """
    if mode not in clustering.MODES or span not in match_graph.SPANS:
        raise ValueError(
            f"mode {mode!r} or span {span!r} is unknown: {', '.join((*clustering.MODES, *match_graph.SPANS))}"
        )
    by = keep_rules.rules(keep)
    band = verifier.reach(0) if verifier else 0
    search = Search(radius, band, folders, references, exclude, rotations, trust_all, kind, span)
    criterion, compared, graphs = match_graph.build(catalogue, search, by, progress)
    decided = catalogue.decisions.all()
    stay = partners(decision for decision in decided if decision.kind == "keep")

    def groups(graph: MatchGraph) -> Iterator[Group]:
        nodes = graph.nodes
        links, apart = match_graph.heeding(nodes, graph.links, decided)
        links, evidence = _verified(links, nodes, verifier) if verifier else (links, {})
        owners = clustering.MODES[mode](Pairs(*links[:3]), len(nodes), apart)
        links = links.where(owners[links.right] == (links.left if mode == "star" else owners[links.left]))
        teller = _Teller(
            graph,
            criterion,
            compared,
            by,
            stay,
            evidence,
            burst,
            is_star=mode == "star",
            is_across=span == "across-folders",
        )
        for part in _parts(owners, links):
            if not references or nodes[part.numbers[0]][0].is_reference:
                yield from teller.group(part)

    return Groups(chain.from_iterable(map(groups, graphs)), criterion, compared)


def _verified(
    links: ContentPairs, nodes: Sequence[Sequence[Candidate]], verifier: Verifier
) -> tuple[ContentPairs, dict[tuple[int, int], Evidence | None]]:
    """Return the links that stand a second look, and what it saw of each; equal bytes need none."""
    near, equal = links.rules != RULES.index("verified"), links.rules == RULES.index("digest")
    looked = links.where(~equal)
    keys = list(zip(looked.left.tolist(), looked.right.tolist(), strict=True))
    subjects = [(_subject(nodes[left]), _subject(nodes[right])) for left, right in keys]
    pairs = [verify.Candidate(*pair, is_near) for pair, is_near in zip(subjects, near[~equal].tolist(), strict=True)]
    verdicts = verifier.judge(pairs)
    stands = equal.copy()
    stands[~equal] = [verdict.match for verdict in verdicts]
    return links.where(stands), {key: verdict.evidence for key, verdict in zip(keys, verdicts, strict=True)}


def _subject(node: Sequence[Candidate]) -> verify.Subject:
    return verify.Subject(node[0].photo.digest, tuple(candidate.path for candidate in node))


class _Part(NamedTuple):
    """A group as numbers of nodes, in keeper order, and rows of links: left, right, distance, number of the rule."""

    numbers: list[int]
    links: list[tuple[int, int, int, int]]


def _parts(owners: Ids, links: ContentPairs) -> Iterator[_Part]:
    parts = {owner: _Part([], []) for owner in np.unique(owners).tolist()}
    for number, owner in enumerate(owners.tolist()):
        parts[owner].numbers.append(number)
    rows = zip(*(column.tolist() for column in links), strict=True)
    for owner, row in zip(owners[links.left].tolist(), rows, strict=True):
        parts[owner].links.append(row)
    return iter(parts.values())


class _Teller(NamedTuple):
    """What it takes to tell groups by their photos."""

    graph: MatchGraph
    criterion: Criterion
    compared: int
    by: Sequence[KeepRule]
    stay: Mapping[bytes | None, set[bytes]]
    evidence: Mapping[tuple[int, int], Evidence | None]
    burst: float | None
    is_star: bool
    is_across: bool

    def group(self, part: _Part) -> Iterator[Group]:
        """Yield the group, unless nothing could go."""
        nodes = [self.graph.nodes[number] for number in part.numbers]
        if self.is_across:
            nodes[0] = nodes[0][:1]  # its copies lie in the keeper's folder
        keeper, *rest = photos = [photo for node in nodes for photo in node]
        kept = self._kept(photos)
        others = _other_files(rest, [keeper, *kept])
        if not others:
            return
        pairs = list(self._pairs(part, {photo.path for photo in (keeper, *kept, *others)}))
        if self.is_star:
            pairs.sort(key=lambda pair: rank(pair.distance, pair.rule, pair.right))
            going = {photo.path for photo in others}
            paths = [pair.right for pair in pairs if pair.right in going]
        else:
            paths = [photo.path for photo in others]
        yield Group(
            keeper.path,
            tuple(paths),
            tuple(pairs),
            tuple(photo.path for photo in kept),
            keep_rules.reason(keeper, others[0], self.by),
            self.burst is not None and _is_series(photos, self.burst),
            sum(photo.photo.size for photo in others),
        )

    def _kept(self, photos: Sequence[Candidate]) -> list[Candidate]:
        """Return the photos after the first that stay: references, and what was decided to stay beside one before."""
        kept, before = [], {photos[0].photo.digest}
        for photo in photos[1:]:
            digest = photo.photo.digest
            if photo.is_reference or not before.isdisjoint(self.stay.get(digest, ())):
                kept.append(photo)
            before.add(digest)
        return kept

    def _pairs(self, part: _Part, shown: Container[str]) -> Iterator[Pair]:
        nodes = {n: [c.path for c in self.graph.nodes[n] if c.path in shown] for n in part.numbers}
        for number, paths in nodes.items():
            if number == part.numbers[0] or not self.is_star:
                yield from (Pair(paths[0], copy, 0, "digest", 1.0) for copy in paths[1:])
        for left, right, distance, number in part.links:
            rule, score = RULES[number], self._score(left, right, distance, RULES[number])
            told = distance, rule, confidence(distance, rule, self.compared, score), score
            seen = self.evidence.get((left, right))
            for path in nodes[right] if self.is_star else nodes[right][:1]:
                yield from (Pair(first, path, *told, seen) for first in nodes[left][:1])

    def _score(self, left: int, right: int, distance: int, rule: str) -> int | None:
        if self.criterion.cutoff is None or rule == "digest":
            return None
        return int(adaptive_scores(distance, self.graph.backgrounds[left], self.graph.backgrounds[right]))


def _other_files(photos: Sequence[Candidate], staying: Sequence[Candidate]) -> list[Candidate]:
    """Return the photos that do not stay, without those that are the very file of one that stays."""
    copies = Counter(photo.photo.digest for photo in (*photos, *staying))

    def identity(photo: Candidate) -> object:
        return photo.photo.digest and copies[photo.photo.digest] > 1 and _files.file_id(photo.path)

    stay = {photo.path for photo in staying}
    taken = {identity(photo) for photo in staying} - {None, False}
    return [photo for photo in photos if photo.path not in stay and identity(photo) not in taken]


def _is_series(photos: Sequence[Candidate], seconds: float) -> bool:
    """Whether two of the photos were taken at different moments at most so many seconds apart."""
    moments = sorted({photo.traits.taken for photo in photos if photo.traits.taken})
    return any((after - before).total_seconds() <= seconds for before, after in pairwise(moments))
