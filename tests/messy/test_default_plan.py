"""A messy library: what a default plan takes that must stay, and what is not found, kind by kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

import phash_engine as ph
from tests import messy, pages
from tests.messy import rendered, verdicts
from tests.messy.library import File

pytest.importorskip("pillow_heif", reason="no pillow-heif here to write HEIC")

WRONG: Mapping[str, tuple[int, int]] = {
    "export-large": (10, 0),
    "format-png": (10, 0),
    "format-tiff": (10, 0),
    "frame-white": (10, 0),
    "frame-black": (10, 0),
    "stamp-date": (10, 0),
    "text": (10, 0),
    "filter-warm": (10, 0),
    "filter-grey": (10, 0),
    "resaved-q99": (10, 0),
    "damaged-zeros": (1, 0),
    "family": (19, 1),
    "edited-name": (10, 0),
    "described": (10, 0),
    "heic-exported": (10, 0),
    "bracket": (20, 0),
    "burst": (30, 0),
    "raw-jpeg": (14, 0),
    "live-photo": (20, 0),
    "motion-photo": (5, 0),
    "sidecar": (21, 0),
    "unrelated-video": (10, 0),
    "animation": (10, 0),
    "multipage": (20, 0),
    "meme": (27, 0),
    "icon": (11, 0),
    "form": (47, 0),
    "receipt": (19, 0),
    "page-reencoded": (12, 0),
}
"""Of each kind that is not decided right yet: the most files that a plan may take, and that may be missed."""
WRONG_KEEPERS: Mapping[str, int] = {
    "damaged-zeros": 1,
    "animation": 5,
    "sidecar": 10,
    "live-photo": 5,
    "described": 5,
    "resaved-q99": 5,
    "frame-white": 5,
    "stamp-date": 5,
    "export-large": 5,
    "heic-exported": 5,
    "family": 5,
    "raw-jpeg": 5,
    "motion-photo": 2,
    "edited-name": 5,
    "frame-black": 5,
}
"""Of each kind, how many of the originals that must be kept may not be."""


class Library(NamedTuple):
    root: Path
    truth: list[File]


class Decided(NamedTuple):
    """What was decided about the files of libraries, by their paths below the roots."""

    planned: set[str]
    group_of: dict[str, int]
    keeper_of: dict[str, str]


def decided(*libraries: Library) -> Decided:
    """Scan libraries into one catalogue, and make a default plan."""
    with ph.Catalogue(None) as catalogue:
        catalogue.scan([library.root for library in libraries])
        groups = catalogue.find_duplicates()
    names = {str(root / file.path): file.path for root, truth in libraries for file in truth}
    removed = (photo for group in ph.Plan.from_groups(groups).groups for photo in group.duplicates)
    planned = {names[file.path] for photo in removed for file in (photo, *photo.sidecars)}
    grouped = [
        (number, names[photo.path], names[group.keeper.path])
        for number, group in enumerate(groups)
        for photo in (group.keeper, *group.kept, *group.duplicates)
    ]
    return Decided(planned, {path: n for n, path, _ in grouped}, {path: keeper for _, path, keeper in grouped})


@pytest.fixture(scope="module")
def small(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    root = tmp_path_factory.mktemp("small")
    return Library(root, messy.make(root, photos, messy.SMALL))


@pytest.fixture(scope="module")
def full(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    root = tmp_path_factory.mktemp("full")
    return Library(root, messy.make(root, photos))


def check(decision: Decided, *libraries: Library) -> None:
    """Print what is wrong of each kind, and compare it with what is known to be."""
    by_kind = verdicts.judge((file for library in libraries for file in library.truth), *decision[:2])
    print(verdicts.table(by_kind))
    found = {kind: (len(verdict.taken), len(verdict.missed)) for kind, verdict in by_kind.items()}
    worse = {
        kind: by_kind[kind]
        for kind, wrong in found.items()
        if any(n > most for n, most in zip(wrong, WRONG.get(kind, (0, 0)), strict=True))
    }
    assert not worse


def test_truth_names_every_file(small: Library) -> None:
    paths = [file.path for file in small.truth]
    on_disk = sorted(path.relative_to(small.root).as_posix() for path in small.root.rglob("*") if path.is_file())
    assert sorted(paths) == on_disk
    assert {file.original for file in small.truth} <= set(paths)
    assert {file.kind for file in small.truth} >= set(messy.KINDS)


def test_one_seed_makes_one_library(small: Library, photos: Path, tmp_path: Path) -> None:
    kinds = ["reencode-q85", "identical", "raw-jpeg", "motion-photo"]
    first, second = (messy.make(tmp_path / name, photos, messy.SMALL, kinds) for name in "ab")
    assert first == second
    for file in first:
        assert (tmp_path / "a" / file.path).read_bytes() == (tmp_path / "b" / file.path).read_bytes()


def test_default_plan_of_a_small_library(small: Library) -> None:
    check(decided(small), small)


@pytest.mark.slow
def test_default_plan_of_a_messy_library(full: Library) -> None:
    check(decided(full), full)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(pages.BROWSER is None, reason="no Chromium here to render pages")
def test_default_plan_of_a_messy_library_with_pages(full: Library, photos: Path, tmp_path: Path) -> None:
    forms = Library(tmp_path, rendered.make(tmp_path, photos))
    check(decided(full, forms), full, forms)


@pytest.mark.slow
def test_originals_are_kept_before_their_copies(photos: Path, tmp_path: Path) -> None:
    truth = messy.make(tmp_path, photos, 5, messy.KEEPER_KINDS)
    wrong = verdicts.wrong_keepers(truth, decided(Library(tmp_path, truth)).keeper_of)
    print(*(f"{kind:<18}{len(paths):>6}" for kind, paths in wrong.items()), sep="\n")
    assert len([file for file in truth if file.what == "original"]) >= 60
    assert not {kind: paths for kind, paths in wrong.items() if len(paths) > WRONG_KEEPERS.get(kind, 0)}
