"""A messy photo library, made from real photos at test time, and the truth about each of its files.

Every kind of copy, edit, series and sidecar has a folder of its own and pictures of its own. What a plan may do with a
file is its fate. The same seed makes the same library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.messy import copies, lookalikes, shots
from tests.messy.library import File, Library, Maker

FULL, SMALL = 10, 2
"""Originals of each kind."""

KINDS: Mapping[str, Maker] = {
    **{kind: copies.copied(recipe, kind) for kind, recipe in copies.RECIPES.items()},
    "family": copies.families,
    "edited-name": copies.edited_names,
    "identical": copies.identical,
    "described": copies.described,
    "heic-exported": copies.exported_heic,
    "transparent": copies.transparent,
    "bracket": shots.brackets,
    "burst": shots.bursts,
    "raw-jpeg": shots.raw,
    "live-photo": shots.live_photos,
    "motion-photo": shots.motion_photos,
    "sidecar": shots.sidecars,
    "unrelated-video": shots.unrelated_videos,
    "animation": lookalikes.animations,
    "multipage": lookalikes.documents,
    "meme": lookalikes.memes,
    "icon": lookalikes.icons,
    "black": lookalikes.black_frames,
}

KEEPER_KINDS = (
    "damaged-zeros", "damaged-cut", "animation", "sidecar", "live-photo", "described", "resaved-q99", "frame-white",
    "frame-black", "stamp-date", "export-large", "heic-exported", "raw-jpeg", "motion-photo", "edited-name", "family",
)  # fmt: skip
"""Kinds in which one original must be the keeper of its group."""


def make(root: Path, photos: Path, count: int = FULL, kinds: Iterable[str] = tuple(KINDS), seed: int = 1) -> list[File]:
    """Make the library with ``count`` originals of each kind, or of some kinds; all are about 950 files.

    Kinds that need Chromium are in ``rendered``. Kinds with HEIC need pillow-heif.
    """
    library = Library(root, photos, seed)
    for kind in kinds:
        KINDS[kind](library, count)
    return library.truth
