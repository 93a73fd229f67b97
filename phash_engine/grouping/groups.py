"""Groups of photos that show the same picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from phash_engine import _files
from phash_engine._columns import Ids
from phash_engine.catalogue import Photo, Store
from phash_engine.catalogue.decisions import partners
from phash_engine.grouping import clustering, graph, keep_rules
from phash_engine.grouping.graph import MatchGraph, Search
from phash_engine.grouping.keep_rules import KeepRule, Member, Reason
from phash_engine.hashing.views import MatchType
from phash_engine.index import Pairs
from phash_engine.matching import cohort
from phash_engine.matching.confidence import confidence
from phash_engine.matching.pairs import ContentPairs, Progress
from phash_engine.matching.policy import MatchPolicy
from phash_engine.matching.verification import Evidence, PairSide, PairToVerify, Verifier
from phash_engine.matching.where import Where


class Pair(NamedTuple):
    """Two photos of a group that match, the better one first.

    Attributes
    ----------
    left, right
        The photos.
    distance
        Bits of 192.
    match_type
        Why they match.
    confidence
        As ``confidence.confidence`` returns it.
    score
        The distance normalised by the cohort; None where the distance alone decides.
    evidence
        What verification measured; None where there was none.
    """

    left: Photo
    right: Photo
    distance: int
    match_type: MatchType
    confidence: float
    score: int | None = None
    evidence: Evidence | None = None

    def __repr__(self) -> str:
        return f"Pair({self.left.path!r}, {self.right.path!r}, {self.distance} bits, {self.match_type})"


class Group(NamedTuple):
    """Photos that show the same picture: the one to keep, its duplicates, and what joins them.

    Attributes
    ----------
    keeper
        The photo to keep.
    duplicates
        The photos that could go, nearest first.
    pairs
        Of a star the pairs of the keeper with all others, in their order. Of other groups all pairs between contents,
        each shown by its first photo, and those of that photo with its copies.
    kept
        Photos that stay with the keeper: those of reference folders, and those that were decided to be kept.
    reason
        Why the keeper is kept rather than the best of the duplicates.
    is_series
        Whether it is a series of shots rather than copies; False where nobody asked.
    """

    keeper: Photo
    duplicates: tuple[Photo, ...]
    pairs: tuple[Pair, ...]
    kept: tuple[Photo, ...]
    reason: Reason
    is_series: bool

    def __repr__(self) -> str:
        return f"Group(keeper={self.keeper.path!r}, {len(self.duplicates)} duplicates, {len(self.kept)} kept)"

    @property
    def bytes(self) -> int:
        """The size of the duplicates."""
        return sum(photo.size for photo in self.duplicates)

    def joining(self) -> dict[str, Pair]:
        """Return, by the path of each photo but the keeper, its pair with the keeper or, without one, the nearest."""
        found: dict[str, Pair] = {}
        for pair in sorted(self.pairs, key=lambda pair: (pair.left.path != self.keeper.path, pair.distance)):
            found.setdefault(pair.right.path, pair)
            found.setdefault(pair.left.path, pair)
        del found[self.keeper.path]
        return found


class Groups(list[Group]):
    """Groups, sorted by the keeper's path.

    Attributes
    ----------
    policy
        What decided.
    compared
        How many contents were compared by code.
    catalogue
        The path of the catalogue they were found in; empty for one in memory.
    references
        Absolute paths of the folders whose photos are never duplicates.
    sidecars
        Files of the same shot that travel with a photo, by its path; only of photos that have any.
    left_out
        How many photos were not compared since they are in managed folders.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        policy: MatchPolicy,
        compared: int,
        catalogue: str = "",
        references: Sequence[str] = (),
        sidecars: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(sorted(groups, key=lambda group: group.keeper.path))
        self.policy, self.compared = policy, compared
        self.catalogue, self.references, self.sidecars = catalogue, references, sidecars or {}
        self.left_out = 0

    def __repr__(self) -> str:
        duplicates = sum(len(group.duplicates) for group in self)
        return f"Groups({len(self)} groups, {duplicates} duplicates, by {self.policy})"

    def photos(self) -> Iterator[Photo]:
        """Yield all photos, group by group."""
        for group in self:
            yield from (group.keeper, *group.kept, *group.duplicates)


def find_groups(
    store: Store,
    radius: int | None = None,
    *,
    folders: str | Sequence[str] | None = None,
    references: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    where: Where | None = None,
    include_managed: bool = False,
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
    store
        An open catalogue.
    radius
        Largest accepted distance in bits, 0..192. None for what suits the collection: the score where at least 200
        contents are compared, else ``policy.DEFAULT_RADIUS``.
    folders, rotations, trust_all, kind
        As for ``search.Collection``.
    verifier
        Verifies all pairs, and candidates beyond the radius; None to do without.
    references
        Folders whose photos may be keepers and are never duplicates. They are not compared with each other, and only
        groups that have one of them are returned.
    exclude
        Shell patterns as for ``scan``. A photo that fits stays out, also one that an earlier scan took in.
    where
        Conditions on photos; those that do not meet them are not compared, nor kept.
    include_managed
        Whether photos in managed folders below the folders are compared too. They are never kept rather than one
        outside.
    mode
        One of ``clustering.MODES``: "star" (each is close to the keeper), "complete" (each to each) or "component" (all
        that a chain joins).
    keep
        Keeper rules, as for ``keep_rules.rules``.
    span
        One of ``graph.SPANS``: photos match "anywhere", in the "same-folder" or "across-folders" alone.
    burst
        Mark as series the groups in which cameras took two photos at different moments, no more seconds apart.
    progress
        Called with the number of joins done and the number to do.

    Returns
    -------
    list of Group
        Sorted by the keeper's path; the same for any order of scanning. ``policy`` is what decided.

    Raises
    ------
    ValueError
        A radius out of range, an unknown kind, mode or span.
    UsageError
        An unknown keeper rule.
    """
    if mode not in clustering.MODES or span not in graph.SPANS:
        raise ValueError(f"mode {mode!r} or span {span!r} is unknown: {', '.join((*clustering.MODES, *graph.SPANS))}")
    by = keep_rules.rules(keep)
    folders = None if folders is None else _files.listed(folders, "folders")
    references, exclude = _files.listed(references, "references"), _files.listed(exclude, "exclude")
    candidate_radius = verifier.candidate_radius(0) if verifier else 0
    search = Search(
        radius, candidate_radius, folders, references, exclude, include_managed, rotations, trust_all, kind, span, where
    )
    policy, compared, left_out, graphs = graph.build(store, search, by, progress)
    decided = store.decisions.all()
    stay = partners(decision for decision in decided if decision.kind == "keep")

    def groups(part: MatchGraph) -> Iterator[Group]:
        links, apart = graph.without_decided(part.nodes, part.links, decided)
        links, evidence = _verified(links, part.nodes, verifier) if verifier else (links, {})
        keepers = clustering.MODES[mode](Pairs(*links[:3]), len(part.nodes), apart)
        links = links.where(keepers[links.right] == (links.left if mode == "star" else keepers[links.left]))
        maker = _Maker(
            part,
            policy,
            compared,
            by,
            stay,
            evidence,
            burst,
            is_star=mode == "star",
            is_across=span == "across-folders",
        )
        for cluster in _clusters(keepers, links):
            if not references or part.nodes[cluster.numbers[0]][0].is_reference:
                yield from maker.group(cluster)

    found = Groups(chain.from_iterable(map(groups, graphs)), policy, compared, str(store.path or ""))
    found.left_out = left_out
    found.references = [_files.absolute(folder) for folder in references]
    found.sidecars = store.sidecars.of([photo.path for photo in found.photos()])
    return found


def _verified(
    links: ContentPairs, nodes: Sequence[Sequence[Member]], verifier: Verifier
) -> tuple[ContentPairs, dict[tuple[int, int], Evidence | None]]:
    """Return the links that verification accepts, and the evidence of each; equal bytes need none."""
    are_near, are_equal = links.match_types != MatchType.VERIFIED, links.match_types == MatchType.IDENTICAL
    others = links.where(~are_equal)
    keys = list(zip(others.left.tolist(), others.right.tolist(), strict=True))
    sides = [(_side(nodes[left]), _side(nodes[right])) for left, right in keys]
    near = are_near[~are_equal].tolist()
    verdicts = verifier.verify([PairToVerify(*pair, is_near) for pair, is_near in zip(sides, near, strict=True)])
    accepted = are_equal.copy()
    accepted[~are_equal] = [verdict.match for verdict in verdicts]
    return links.where(accepted), {key: verdict.evidence for key, verdict in zip(keys, verdicts, strict=True)}


def _side(node: Sequence[Member]) -> PairSide:
    return PairSide(node[0].photo.digest, tuple(member.path for member in node))


class _Cluster(NamedTuple):
    """A group as numbers of nodes, in keeper order, and rows of links: left, right, distance, match type."""

    numbers: list[int]
    links: list[tuple[int, int, int, int]]


def _clusters(keepers: Ids, links: ContentPairs) -> Iterator[_Cluster]:
    clusters = {keeper: _Cluster([], []) for keeper in np.unique(keepers).tolist()}
    for number, keeper in enumerate(keepers.tolist()):
        clusters[keeper].numbers.append(number)
    rows = zip(*(column.tolist() for column in links), strict=True)
    for keeper, row in zip(keepers[links.left].tolist(), rows, strict=True):
        clusters[keeper].links.append(row)
    return iter(clusters.values())


class _Maker(NamedTuple):
    """Makes groups of clusters; fields as the arguments of :func:`find_groups`."""

    graph: MatchGraph
    policy: MatchPolicy
    compared: int
    by: Sequence[KeepRule]
    stay: Mapping[bytes | None, set[bytes]]
    evidence: Mapping[tuple[int, int], Evidence | None]
    burst: float | None
    is_star: bool
    is_across: bool

    def group(self, cluster: _Cluster) -> Iterator[Group]:
        """Yield the group, unless nothing could go."""
        nodes = [self.graph.nodes[number] for number in cluster.numbers]
        if self.is_across:
            nodes[0] = nodes[0][:1]  # its copies lie in the keeper's folder
        keeper, *rest = members = [member for node in nodes for member in node]
        kept = self._kept(members)
        duplicates = _duplicates(rest, [keeper, *kept])
        if not duplicates:
            return
        pairs = list(self._pairs(cluster, {member.path for member in (keeper, *kept, *duplicates)}))
        photos = [member.photo for member in duplicates]
        if self.is_star:
            pairs.sort(key=lambda pair: (pair.distance, pair.match_type, pair.right.path))
            going = {photo.path for photo in photos}
            photos = [pair.right for pair in pairs if pair.right.path in going]
        yield Group(
            keeper.photo,
            tuple(photos),
            tuple(pairs),
            tuple(member.photo for member in kept),
            keep_rules.reason(keeper, duplicates[0], self.by),
            self.burst is not None and _is_series(members, self.burst),
        )

    def _kept(self, members: Sequence[Member]) -> list[Member]:
        """Return the members after the first that stay: references, and what was decided to stay with one before."""
        kept, before = [], {members[0].photo.digest}
        for member in members[1:]:
            digest = member.photo.digest
            if member.is_reference or not before.isdisjoint(self.stay.get(digest, ())):
                kept.append(member)
            before.add(digest)
        return kept

    def _pairs(self, cluster: _Cluster, shown: Container[str]) -> Iterator[Pair]:
        nodes = {n: [m.photo for m in self.graph.nodes[n] if m.path in shown] for n in cluster.numbers}
        for number, photos in nodes.items():
            if number == cluster.numbers[0] or not self.is_star:
                yield from (Pair(photos[0], copy, 0, MatchType.IDENTICAL, 1.0) for copy in photos[1:])
        for left, right, distance, number in cluster.links:
            match_type = MatchType(number)
            score = self._score(left, right, distance, match_type)
            measured = distance, match_type, confidence(distance, match_type, self.compared, score), score
            evidence = self.evidence.get((left, right))
            for photo in nodes[right] if self.is_star else nodes[right][:1]:
                yield from (Pair(first, photo, *measured, evidence) for first in nodes[left][:1])

    def _score(self, left: int, right: int, distance: int, match_type: MatchType) -> int | None:
        if self.policy.cutoff is None or match_type == MatchType.IDENTICAL:
            return None
        return int(cohort.scores(distance, self.graph.means[left], self.graph.means[right]))


def _duplicates(members: Sequence[Member], staying: Sequence[Member]) -> list[Member]:
    """Return the members that do not stay, without those that are the same file as one that stays."""
    copies = Counter(member.photo.digest for member in (*members, *staying))

    def identity(member: Member) -> object:
        return member.photo.digest and copies[member.photo.digest] > 1 and _files.file_id(member.path)

    stay = {member.path for member in staying}
    taken = {identity(member) for member in staying} - {None, False}
    return [member for member in members if member.path not in stay and identity(member) not in taken]


def _is_series(members: Sequence[Member], seconds: float) -> bool:
    """Whether two of the photos were taken at different moments, at most ``seconds`` apart."""
    moments = sorted({member.traits.taken_us for member in members if member.traits.taken_us is not None})
    return any(after - before <= seconds * 10**6 for before, after in pairwise(moments))
