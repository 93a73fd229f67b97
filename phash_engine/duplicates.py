"""Catalogue → groups of photos that show the same picture."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from phash_engine import content_pairs, files, grouping
from phash_engine.catalogue import Catalogue, Photo
from phash_engine.content_pairs import ContentPairs
from phash_engine.index import Pairs
from phash_engine.rules import RADIUS, RULES, rank
from phash_engine.verify import Candidate, Evidence, Subject, Verifier


class Pair(NamedTuple):
    """Two photos of a group, the keeper first, with their distance in bits and the rule that matched.

    ``evidence`` is what a second look saw of them, None where there was none.
    """

    keeper: str
    other: str
    distance: int
    rule: str
    evidence: Evidence | None = None


class Group(NamedTuple):
    """Photos that show the same picture: the one to keep, the others, and what joins each of them to the keeper.

    The others are sorted as the matches of ``search.find``.
    """

    keeper: str
    others: tuple[str, ...]
    pairs: tuple[Pair, ...]


def find_groups(
    catalogue: Catalogue,
    radius: int = RADIUS,
    *,
    folders: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    rotations: bool = True,
    trust_all: bool = False,
    kind: str = "auto",
    verifier: Verifier | None = None,
) -> list[Group]:
    """Group the photos that show the same picture.

    Each group is a star: every other is within the radius of the keeper, or has its bytes. Keepers are chosen by most
    pixels, largest file, oldest, path.

    Parameters
    ----------
    catalogue
        An open catalogue.
    radius
        Largest accepted distance in bits, 0..192.
    folders, rotations, trust_all, kind
        As for ``search.Collection``.
    verifier
        Takes a second look at all pairs, and at some beyond the radius; None to do without.
    exclude
        Shell patterns as for ``scan``. A photo that fits stays out, also one that an earlier scan took in.

    Returns
    -------
    list of Group
        Sorted by the keeper's path; the same for any order of scanning.

    Raises
    ------
    ValueError
        A radius out of range, or an unknown kind.
    """
    with catalogue.snapshot():  # else a scan in another process might replace the codes of photos just read
        owners = _by_owner(_not_excluded(catalogue.photos(folders), folders, exclude))
        full = [-1 if photos[0].code_id is None else photos[0].code_id for photos in owners]
        codes = content_pairs.codes_of(np.array(full, dtype=np.int64), catalogue, trust_all=trust_all)
    reach = verifier.reach(radius) if verifier else radius
    pairs = content_pairs.close_pairs(codes, reach, rotations=rotations, kind=kind)
    pairs, evidence = _verified(pairs, owners, radius, verifier) if verifier else (pairs, {})
    keepers = grouping.star(Pairs(*pairs[:3]), len(owners))
    joining = keepers[pairs.right] == pairs.left
    verdicts = {
        (left, right): (distance, RULES[rule])
        for left, right, distance, rule in zip(*(column[joining].tolist() for column in pairs), strict=True)
    }
    members: dict[int, list[int]] = {}
    for owner, keeper in enumerate(keepers.tolist()):
        members.setdefault(keeper, []).append(owner)
    shared = (numbers for numbers in members.values() if len(numbers) > 1 or len(owners[numbers[0]]) > 1)
    return sorted(_group(owners, numbers, verdicts, evidence) for numbers in shared)


def _not_excluded(photos: Iterator[Photo], folders: Sequence[str] | None, exclude: Sequence[str]) -> Iterator[Photo]:
    """Leave out photos that a walk from the folders, or from everywhere, would pass over."""
    if not exclude:
        return photos
    # A walk comes to a photo from the outermost root, which is the first in order.
    roots = [os.sep] if folders is None else sorted(map(files.absolute, folders))
    rooted = ((photo, next(root for root in roots if files.contains(root, photo.path))) for photo in photos)
    return (photo for photo, root in rooted if not files.is_excluded(photo.path, root, exclude))


def _verified(
    pairs: ContentPairs, owners: Sequence[Sequence[Photo]], radius: int, verifier: Verifier
) -> tuple[ContentPairs, dict[tuple[int, int], Evidence | None]]:
    """Return the pairs that stand a second look, and what it saw of each."""
    columns = zip(pairs.left.tolist(), pairs.right.tolist(), (pairs.distances <= radius).tolist(), strict=True)
    candidates = [Candidate(_subject(owners[left]), _subject(owners[right]), near) for left, right, near in columns]
    verdicts = verifier.judge(candidates)
    stands = np.fromiter((verdict.match for verdict in verdicts), dtype=np.bool_)
    rules = np.where(pairs.distances <= radius, pairs.rules, RULES.index("verified"))
    keys = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    evidence = {key: verdict.evidence for key, verdict in zip(keys, verdicts, strict=True)}
    return ContentPairs(*(column[stands] for column in pairs._replace(rules=rules))), evidence


def _subject(photos: Sequence[Photo]) -> Subject:
    return Subject(photos[0].digest, tuple(photo.path for photo in photos))


def _group(
    owners: list[list[Photo]],
    numbers: list[int],
    verdicts: dict[tuple[int, int], tuple[int, str]],
    evidence: dict[tuple[int, int], Evidence | None],
) -> Group:
    keeper, *same = owners[numbers[0]]
    pairs = [Pair(keeper.path, photo.path, 0, "digest") for photo in same]
    for number in numbers[1:]:
        distance, rule = verdicts[numbers[0], number]
        seen = evidence.get((numbers[0], number))
        pairs += [Pair(keeper.path, photo.path, distance, rule, seen) for photo in owners[number]]
    pairs.sort(key=lambda pair: rank(pair.distance, pair.rule, pair.other))
    return Group(keeper.path, tuple(pair.other for pair in pairs), tuple(pairs))


def _by_owner(photos: Iterator[Photo]) -> list[list[Photo]]:
    """Return the photos by content, contents and photos in keeper order."""
    ordered = sorted(photos, key=lambda photo: (-photo.width * photo.height, -photo.size, photo.mtime_ns, photo.path))
    owners: dict[bytes | str, list[Photo]] = {}
    for photo in ordered:
        owners.setdefault(photo.digest or photo.path, []).append(photo)
    return list(owners.values())
