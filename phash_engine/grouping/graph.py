"""Catalogue → the graph that is grouped: contents that have a match, their photos, and the pairs between them.

All else stays in columns of numbers: of a million photos only those with a match become objects, and never all at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files
from phash_engine._columns import sorted_columns
from phash_engine.catalogue import Store
from phash_engine.catalogue.decisions import Decision
from phash_engine.grouping import clustering, keep_rules
from phash_engine.grouping.clustering import Link
from phash_engine.grouping.keep_rules import Candidate, KeepRule
from phash_engine.hashing.rules import RULES
from phash_engine.index import Pairs
from phash_engine.matching import pairs as content_pairs
from phash_engine.matching.judge import Judge
from phash_engine.matching.pairs import ContentPairs
from phash_engine.matching.policy import Calibration, Criterion
from phash_engine.scanning import walk

Ids = NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Called with the number of joins done and the number to do."""

_PHOTOS = 50_000
"""Photos that are objects at a time, but for larger components: 50 MB."""

SPANS = ("anywhere", "same-folder", "across-folders")
"""Where the two photos of a pair may lie."""


class Search(NamedTuple):
    """What is compared with what; the arguments of ``groups.find_groups`` of these names.

    ``band`` is how far apart pairs may be that a second look is taken at, or 0.
    """

    radius: int | None
    band: int
    folders: Sequence[str] | None
    references: Sequence[str]
    exclude: Sequence[str]
    rotations: bool
    trust_all: bool
    kind: str
    span: str


class _Columns(NamedTuple):
    """Photos: ids and numbers of their contents, int64 ``(n,)``; and the id of each content, int64 ``(m,)``."""

    ids: Ids
    contents: Ids
    content_ids: Ids


class MatchGraph(NamedTuple):
    """Nodes in keeper order within each component, and links between them.

    A node holds the photos of one content in keeper order; where the folder counts, those of one content in one folder.
    ``links`` are ``ContentPairs`` of the numbers of nodes: those that are near, and others in the band whose rule is
    "verified", if a second look says so. ``backgrounds``, int64, are those of the nodes, 0 where nobody asked.
    """

    nodes: list[list[Candidate]]
    links: ContentPairs
    backgrounds: Ids


def build(
    catalogue: Store, search: Search, by: Sequence[KeepRule], progress: Progress | None
) -> tuple[Criterion, int, Iterator[MatchGraph]]:
    """Find all pairs, and put the photos that have one in keeper order; errors as ``groups.find_groups``.

    Returns
    -------
    tuple
        What decided which contents are near, how many were compared by code, and the graph in parts, each of whole
        components: some ten thousand photos, of which there need be no more at a time.
    """
    folders = None if search.folders is None else [*search.folders, *search.references]
    with catalogue.snapshot():  # else a scan in another process might replace the codes of photos just read
        ids, content_ids = catalogue.photo_columns(folders, _filter(folders, search.exclude))
        of_contents, numbers = np.unique(content_ids, return_inverse=True)
        columns = _Columns(ids, numbers, of_contents)
        views = content_pairs.codes_of(of_contents, catalogue, trust_all=search.trust_all)
        judge = Judge(views, len(of_contents), search.radius, search.band, Calibration.of(catalogue))
    close = content_pairs.close_pairs(
        views, judge.reach, rotations=search.rotations, kind=search.kind, progress=progress
    )
    pairs, backgrounds = judge.judged(close)

    def graphs() -> Iterator[MatchGraph]:
        for some, among in _parts(columns, pairs):
            nodes, contents = _nodes(catalogue, some, search)
            links = _links(nodes, contents, among, search.span)
            nodes, links, order = _in_keeper_order(nodes, links, by)
            yield MatchGraph(nodes, links, backgrounds[np.array(contents, dtype=np.int64)[order]])

    return judge.criterion, judge.compared, graphs()


def heeding(
    nodes: Sequence[Sequence[Candidate]], links: ContentPairs, decided: Sequence[Decision]
) -> tuple[ContentPairs, set[Link]]:
    """Return the links that remain, and the nodes that must not meet in one group.

    What was decided to be different goes, as ``grouping.without_farther_sides`` tells. References are not compared with
    each other, and neither are contents that were decided to stay both.
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


def _filter(folders: Sequence[str] | None, exclude: Sequence[str]) -> Callable[[str], bool] | None:
    """Return what tells the photos that a walk from the folders, or from everywhere, would pass over."""
    if not exclude:
        return None
    # A walk comes to a photo from the outermost root, which is the first in order.
    roots = [os.sep] if folders is None else sorted(map(_files.absolute, folders))

    def is_excluded(path: str) -> bool:
        return walk.is_excluded(path, next(root for root in roots if _files.contains(root, path)), exclude)

    return is_excluded


def _parts(columns: _Columns, pairs: ContentPairs) -> Iterator[tuple[_Columns, ContentPairs]]:
    """Yield whole components that have several photos, some ten thousand photos at a time, and the pairs among them."""
    component = content_pairs.first_of_component(pairs.left, pairs.right, len(columns.content_ids))
    of_photos, of_pairs = component[columns.contents], component[pairs.left]
    photos = np.flatnonzero(np.bincount(of_photos)[of_photos] > 1)
    photos = photos[np.argsort(of_photos[photos])]
    of_photos, order = of_photos[photos], np.argsort(of_pairs)
    firsts = np.flatnonzero(np.diff(of_photos, prepend=-1))
    cuts = firsts[np.searchsorted(firsts, np.arange(0, photos.size, _PHOTOS), "right") - 1]
    for first, end in pairwise([*np.unique(cuts).tolist(), photos.size]):
        some, edges = photos[first:end], of_photos[[first, end - 1]] + [0, 1]
        among = order[slice(*np.searchsorted(of_pairs, edges, sorter=order))]
        part = columns._replace(ids=columns.ids[some], contents=columns.contents[some])
        yield part, ContentPairs(*(column[among] for column in pairs))


def _nodes(catalogue: Store, columns: _Columns, search: Search) -> tuple[list[list[Candidate]], list[int]]:
    """Return the nodes, and the content of each, without photos that became another content meanwhile."""
    content_of = dict(zip(columns.ids.tolist(), columns.contents.tolist(), strict=True))
    references = list(map(_files.absolute, search.references))
    nodes: dict[tuple[int, str], list[Candidate]] = {}
    for photo in catalogue.photos_by_id(list(content_of)):
        content = content_of[photo.id]
        if photo.content_id != columns.content_ids[content]:
            continue
        is_reference = _files.is_below(photo.path, references)
        folder = "" if search.span == "anywhere" else _folder(photo.path)
        nodes.setdefault((content, folder), []).append(Candidate(photo, is_reference=is_reference))
    return list(nodes.values()), [content for content, _ in nodes]


def _links(nodes: list[list[Candidate]], contents: list[int], pairs: ContentPairs, span: str) -> ContentPairs:
    """Return the pairs of contents as pairs of nodes; where the folder counts, equal contents are pairs too."""
    content = np.array(contents, dtype=np.int64)
    pairs = pairs.where(np.isin(pairs.left, content) & np.isin(pairs.right, content))
    order = np.argsort(content, kind="stable")
    if span == "anywhere":
        left, right = (order[np.searchsorted(content[order], column)] for column in pairs[:2])
        return ContentPairs(left, right, pairs.distances, pairs.rules)
    same = np.unique(content)
    equal = np.zeros_like(same), np.full_like(same, RULES.index("digest"))
    widened = [np.concatenate([*parts]) for parts in zip(pairs, (same, same, *equal), strict=True)]
    left, right, rows = _product(content[order], *widened[:2])
    left, right = order[left], order[right]
    _, folder = np.unique([_folder(node[0].path) for node in nodes], return_inverse=True)
    chosen = (left != right) & ((folder[left] == folder[right]) == (span == "same-folder"))
    chosen &= (content[left] != content[right]) | (left < right)
    rows = rows[chosen]
    return ContentPairs(left[chosen], right[chosen], widened[2][rows], widened[3][rows])


def _folder(path: str) -> str:
    return path.rpartition(os.sep)[0]


def _product(ordered: Ids, left: Ids, right: Ids) -> tuple[Ids, Ids, Ids]:
    """Return the places of all nodes of ``left[i]`` beside those of ``right[i]`` in ordered contents, and i."""
    first, last = np.searchsorted(ordered, left), np.searchsorted(ordered, left, "right")
    begin, end = np.searchsorted(ordered, right), np.searchsorted(ordered, right, "right")
    counts = (last - first) * (end - begin)
    rows = np.repeat(np.arange(len(left)), counts)
    step = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    across = (end - begin)[rows]
    return first[rows] + step // across, begin[rows] + step % across, rows


def _in_keeper_order(
    nodes: list[list[Candidate]], links: ContentPairs, by: Sequence[KeepRule]
) -> tuple[list[list[Candidate]], ContentPairs, list[int]]:
    """Renumber the nodes so that, in each component, the one to keep comes first; return their former numbers too."""
    components = content_pairs.first_of_component(links.left, links.right, len(nodes))
    together = np.argsort(components, kind="stable")
    starts = np.flatnonzero(np.diff(components[together], prepend=-1))
    ordered = [node for part in np.split(together, starts[1:]) for node in _ordered(part.tolist(), nodes, by)]
    rank = np.empty(len(nodes), dtype=np.int64)
    order = [number for number, _ in ordered]
    rank[order] = np.arange(len(nodes))
    left, right = rank[links.left], rank[links.right]
    low, high = np.minimum(left, right), np.maximum(left, right)
    return [node for _, node in ordered], ContentPairs(*sorted_columns(low, high, *links[2:])), order


def _ordered(
    numbers: list[int], nodes: list[list[Candidate]], by: Sequence[KeepRule]
) -> Iterator[tuple[int, list[Candidate]]]:
    """Yield the nodes of a component with their numbers, and the photos of each, in keeper order."""
    home = {id(candidate): number for number in numbers for candidate in nodes[number]}
    found: dict[int, list[Candidate]] = {}
    for candidate in keep_rules.ordered((candidate for number in numbers for candidate in nodes[number]), by):
        found.setdefault(home[id(candidate)], []).append(candidate)
    yield from found.items()
