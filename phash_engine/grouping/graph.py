"""The graph that is grouped: contents that have a match, their photos, and the pairs between them.

All else stays in columns of numbers: of a million photos only those with a match become objects, and never all at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from phash_engine import _files
from phash_engine._columns import Ids, sorted_columns
from phash_engine.catalogue import PhotoColumns, Store
from phash_engine.catalogue.decisions import Decision
from phash_engine.grouping import clustering, keep_rules
from phash_engine.grouping.clustering import Link
from phash_engine.grouping.keep_rules import KeepRule, Member
from phash_engine.hashing.views import MatchType
from phash_engine.images import Traits
from phash_engine.index import Pairs
from phash_engine.matching import code_set, policy
from phash_engine.matching.cohort import CohortMeans
from phash_engine.matching.pairs import ContentPairs, PairFilter, Progress, close_pairs, first_of_component
from phash_engine.matching.policy import MatchPolicy
from phash_engine.matching.where import Where
from phash_engine.scanning import managed_folders, walk
from phash_engine.scanning.managed_folders import ManagedFolders

_PHOTOS = 50_000
"""Photos that are objects at a time, but for larger components: 50 MB."""

SPANS = ("anywhere", "same-folder", "across-folders")
"""Where the two photos of a pair may lie."""


class Search(NamedTuple):
    """What is compared with what; the arguments of ``groups.find_groups`` of these names.

    ``candidate_radius`` is the distance in bits up to which pairs are verified, or 0.
    """

    radius: int | None
    candidate_radius: int
    folders: Sequence[str] | None
    references: Sequence[str]
    exclude: Sequence[str]
    include_managed: bool
    rotations: bool
    trust_all: bool
    kind: str
    span: str
    where: Where | None


class MatchGraph(NamedTuple):
    """Nodes in keeper order within each component, and links between them.

    Attributes
    ----------
    nodes
        The photos of one content in keeper order; where the folder counts, those of one content in one folder.
    links
        ``ContentPairs`` of the numbers of nodes: those that match, and candidates of type ``VERIFIED``.
    means
        int64: the cohort mean of each node, 0 where there is no cohort.
    """

    nodes: list[list[Member]]
    links: ContentPairs
    means: Ids


def build(
    store: Store, search: Search, by: Sequence[KeepRule], progress: Progress | None
) -> tuple[MatchPolicy, int, int, Iterator[MatchGraph]]:
    """Find all pairs, and put the photos that have one in keeper order; errors as ``groups.find_groups``.

    Returns
    -------
    tuple
        The policy that decided, how many contents were compared by code, how many photos were left out since they are
        in managed folders, and the graph in parts, each of whole components: some ten thousand photos, of which no more
        are needed at a time.
    """
    managed = managed_folders.of(store)
    folders = None if search.folders is None else [*search.folders, *search.references]
    photo_filter = _PhotoFilter(folders, search, managed)
    with store.snapshot():  # else a scan in another process might replace the codes of photos just read
        photos = store.photo_columns(folders, photo_filter.is_left_out if photo_filter.is_needed else None)
        if search.where:
            photos = _selected(store, photos, search.where)
        codes = code_set.load(store, photos.contents, trust_all=search.trust_all)
        pair_filter = PairFilter(codes, search.radius, search.candidate_radius, policy.calibration_of(store))
    close = close_pairs(codes, pair_filter.radius, rotations=search.rotations, kind=search.kind, progress=progress)
    pairs, means = pair_filter.filter(close)
    parts = (_graph(store, part, means, search, managed, by) for part in _parts(photos, pairs))
    return pair_filter.policy, pair_filter.compared, photo_filter.managed_photos, parts


class _Part(NamedTuple):
    """Whole components: their photos, the component of each photo, and the pairs among their contents."""

    photos: PhotoColumns
    components: Ids
    pairs: ContentPairs


def _graph(
    store: Store, part: _Part, means: CohortMeans, search: Search, managed: ManagedFolders, by: Sequence[KeepRule]
) -> MatchGraph:
    nodes, contents = _nodes(store, part.photos, search, managed)
    links = _links(nodes, contents, part.pairs, search.span)
    component_of = dict(zip(part.photos.contents.tolist(), part.components.tolist(), strict=True))
    components = np.array([component_of[content] for content in contents.tolist()], dtype=np.int64)
    ordered = _in_keeper_order(nodes, components, by)
    order = [number for number, _ in ordered]
    return MatchGraph([node for _, node in ordered], _renumbered(links, order), means.of(contents[order]))


def without_decided(
    nodes: Sequence[Sequence[Member]], links: ContentPairs, decided: Sequence[Decision]
) -> tuple[ContentPairs, set[Link]]:
    """Return the links that remain, and the nodes that must not meet in one group.

    What was decided to be different is removed, see ``clustering.without_farther_sides``. References are not compared
    with each other, and neither are contents of which both were decided to stay.
    """
    known = {digest for decision in decided for digest in decision[:2]}
    numbers: dict[bytes, list[int]] = {digest: [] for digest in known}
    for number, (first, *_) in enumerate(nodes):
        if first.photo.digest in known:
            numbers[first.photo.digest].append(number)
    met: dict[str, set[Link]] = {"different": set(), "keep": set()}
    for left, right, kind, _ in decided:
        met[kind] |= {(min(pair), max(pair)) for pair in product(numbers[left], numbers[right]) if pair[0] != pair[1]}
    reference = np.array([node[0].is_reference for node in nodes], dtype=np.bool_)
    links = links.where(~(reference[links.left] & reference[links.right]))
    staying = [left * len(reference) + right for left, right in met["keep"]]
    links = links.where(~np.isin(links.left * len(reference) + links.right, staying))
    return links.where(clustering.without_farther_sides(Pairs(*links[:3]), met["different"])), met["different"]


class _PhotoFilter:
    """Which photos a scan of the folders, or of everywhere, would pass over; ``managed_photos`` counts some of them."""

    def __init__(self, folders: Sequence[str] | None, search: Search, managed: ManagedFolders) -> None:
        self._roots = None if folders is None else sorted(map(_files.absolute, folders))
        self._exclude, self._include_managed, self._managed = search.exclude, search.include_managed, managed
        self._known: dict[str, bool] = {}
        self.is_needed = bool(search.exclude) or not search.include_managed
        self.managed_photos = 0

    def is_left_out(self, path: str) -> bool:
        """Whether the photo of a path is in a managed folder below its root, or excluded."""
        folder = path.rpartition(os.sep)[0]
        is_managed = self._known.get(folder)
        if is_managed is None:
            is_managed = self._known[folder] = not self._include_managed and self._is_managed(folder)
        if is_managed:
            self.managed_photos += 1
            return True
        # A walk comes to a photo from the outermost root, which is the first in order.
        return bool(self._exclude) and walk.is_excluded(path, next(self._roots_above(path), os.sep), self._exclude)

    def _is_managed(self, folder: str) -> bool:
        # A managed folder that is a root itself was named, and so is all below it: the innermost root decides.
        return self._managed.containing(folder, max(self._roots_above(folder), key=len, default=None)) is not None

    def _roots_above(self, path: str) -> Iterator[str]:
        return (root for root in self._roots or () if _files.contains(root, path))


def _selected(store: Store, photos: PhotoColumns, where: Where) -> PhotoColumns:
    """Return the photos that meet conditions; some ten thousand are objects at a time."""
    kept: list[int] = []
    for start in range(0, photos.ids.size, _PHOTOS):
        some = list(store.photos_by_id(photos.ids[start : start + _PHOTOS].tolist()))
        kept += [photo.id for photo in where.select(some, store)]
    return PhotoColumns(*(column[np.isin(photos.ids, kept)] for column in photos))


def _parts(photos: PhotoColumns, pairs: ContentPairs) -> Iterator[_Part]:
    """Yield whole components that have several photos, some ten thousand photos at a time."""
    contents, of_photo = np.unique(photos.contents, return_inverse=True)
    left, right = (np.searchsorted(contents, column) for column in pairs[:2])
    component = first_of_component(left, right, len(contents))
    of_photos, of_pairs = component[of_photo], component[left]
    rows = np.flatnonzero(np.bincount(of_photos)[of_photos] > 1) if len(contents) else np.empty(0, dtype=np.int64)
    rows = rows[np.argsort(of_photos[rows])]
    of_photos, order = of_photos[rows], np.argsort(of_pairs)
    firsts = np.flatnonzero(np.diff(of_photos, prepend=-1))
    cuts = firsts[np.searchsorted(firsts, np.arange(0, rows.size, _PHOTOS), "right") - 1]
    for first, end in pairwise([*np.unique(cuts).tolist(), rows.size]):
        some, edges = rows[first:end], of_photos[[first, end - 1]] + [0, 1]
        among = order[slice(*np.searchsorted(of_pairs, edges, sorter=order))]
        yield _Part(
            PhotoColumns(*(column[some] for column in photos)),
            of_photos[first:end],
            ContentPairs(*(column[among] for column in pairs)),
        )


def _nodes(
    store: Store, photos: PhotoColumns, search: Search, managed: ManagedFolders
) -> tuple[list[list[Member]], Ids]:
    """Return the nodes, and the content of each, without photos that became another content meanwhile."""
    content_of = dict(zip(photos.ids.tolist(), photos.contents.tolist(), strict=True))
    references = list(map(_files.absolute, search.references))
    nodes: dict[tuple[int, str], list[Member]] = {}
    traits = store.traits.of(sorted({*content_of.values()}))
    for photo in store.photos_by_id(list(content_of)):
        if photo.content_id != content_of[photo.id]:
            continue
        member = Member(
            photo,
            traits.get(photo.content_id, Traits()),
            is_reference=_files.is_below(photo.path, references),
            is_managed=managed.containing(_folder(photo.path)) is not None,
        )
        folder = "" if search.span == "anywhere" else _folder(photo.path)
        nodes.setdefault((photo.content_id, folder), []).append(member)
    return list(nodes.values()), np.array([content for content, _ in nodes], dtype=np.int64)


def _links(nodes: list[list[Member]], contents: Ids, pairs: ContentPairs, span: str) -> ContentPairs:
    """Return the pairs of contents as pairs of nodes; where the folder counts, equal contents are pairs too."""
    pairs = pairs.where(np.isin(pairs.left, contents) & np.isin(pairs.right, contents))
    order = np.argsort(contents, kind="stable")
    if span == "anywhere":
        left, right = (order[np.searchsorted(contents[order], column)] for column in pairs[:2])
        return pairs._replace(left=left, right=right)
    same = np.unique(contents)
    equal = np.zeros_like(same), np.full_like(same, MatchType.IDENTICAL)
    widened = [np.concatenate([*parts]) for parts in zip(pairs, (same, same, *equal), strict=True)]
    left, right, rows = _product(contents[order], *widened[:2])
    left, right = order[left], order[right]
    _, folder = np.unique([_folder(node[0].path) for node in nodes], return_inverse=True)
    chosen = (left != right) & ((folder[left] == folder[right]) == (span == "same-folder"))
    chosen &= (contents[left] != contents[right]) | (left < right)
    rows = rows[chosen]
    return ContentPairs(left[chosen], right[chosen], widened[2][rows], widened[3][rows])


def _folder(path: str) -> str:
    return path.rpartition(os.sep)[0]


def _product(ordered: Ids, left: Ids, right: Ids) -> tuple[Ids, Ids, Ids]:
    """Return the places of all nodes of ``left[i]`` with those of ``right[i]`` in ordered contents, and i."""
    first, last = np.searchsorted(ordered, left), np.searchsorted(ordered, left, "right")
    begin, end = np.searchsorted(ordered, right), np.searchsorted(ordered, right, "right")
    counts = (last - first) * (end - begin)
    rows = np.repeat(np.arange(len(left)), counts)
    step = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    across = (end - begin)[rows]
    return first[rows] + step // across, begin[rows] + step % across, rows


def _in_keeper_order(
    nodes: list[list[Member]], components: Ids, by: Sequence[KeepRule]
) -> list[tuple[int, list[Member]]]:
    """Return the nodes with their numbers so that, in each component, the one to keep comes first."""
    together = np.argsort(components, kind="stable")
    starts = np.flatnonzero(np.diff(components[together], prepend=-1))
    return [node for part in np.split(together, starts[1:]) for node in _ordered(part.tolist(), nodes, by)]


def _ordered(
    numbers: list[int], nodes: list[list[Member]], by: Sequence[KeepRule]
) -> Iterator[tuple[int, list[Member]]]:
    """Yield the nodes of a component with their numbers, and the photos of each, in keeper order."""
    home = {id(member): number for number in numbers for member in nodes[number]}
    found: dict[int, list[Member]] = {}
    for member in keep_rules.ordered((member for number in numbers for member in nodes[number]), by):
        found.setdefault(home[id(member)], []).append(member)
    yield from found.items()


def _renumbered(links: ContentPairs, order: Sequence[int]) -> ContentPairs:
    """Return links between nodes by their places in an order, the lower one left, sorted."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    left, right = place[links.left], place[links.right]
    return ContentPairs(*sorted_columns(np.minimum(left, right), np.maximum(left, right), *links[2:]))
