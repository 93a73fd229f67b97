"""Small catalogues, and what SQLite holds of them."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue import Content, Sighting, Store, View
from phash_engine.catalogue.code_cache import CodeRows
from phash_engine.hashing.hashers import ALL_NAMES, SPEC
from phash_engine.hashing.views import match_type

HERE = Path(__file__).parent
NAMES = {int(match_type(view)): view for view in ("full", "trimmed")}
VERSIONS = sorted(HERE.glob("v*.sql"), key=lambda path: int(path.stem[1:]))


def codes_of(seed: int) -> NDArray[np.uint64]:
    """Ten codes, some of them above 2^63."""
    return np.random.default_rng(seed).integers(0, 2**64, 10, dtype=np.uint64)


def content(seed: int, quality: int = 90) -> Content:
    views = [View("full", quality >= 10, codes_of(seed))]
    return Content(hashlib.sha256(b"%d" % seed).digest(), 40, 30, "JPEG", quality, 40.0, views)


def sighting(path: str, seed: int | None) -> Sighting:
    return Sighting(path, 1000, 5, None if seed is None else content(seed).digest, "broken" if seed is None else "")


def record(catalogue: Store, photos: dict[str, int | None]) -> None:
    """Record files that show contents by number; None is a failure."""
    known = catalogue.known_digests()
    new = [content(seed) for seed in sorted({seed for seed in photos.values() if seed is not None})]
    catalogue.record([sighting(path, seed) for path, seed in photos.items()], [c for c in new if c.digest not in known])


def paths(catalogue: Store, *folders: str) -> list[str]:
    return [photo.path for photo in catalogue.photos(folders or None)]


def rows_of(catalogue: Store) -> CodeRows:
    return catalogue._codes.rows()


def paths_by_content(catalogue: Store, contents: list[int]) -> dict[int, list[str]]:
    found = catalogue.photos_of_contents(contents).items()
    return {content: [photo.path for photo in photos] for content, photos in found}


def query(path: Path | None, text: str) -> list[tuple[object, ...]]:
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(text).fetchall()


def truth(path: Path | None) -> dict[int, list[int]]:
    """Codes by id as SQLite holds them, unsigned."""
    rows = query(path, f"SELECT id, {', '.join(ALL_NAMES)} FROM codes WHERE trusted AND spec = {SPEC} ORDER BY id")
    return {int(str(code_id)): [int(str(code)) % 2**64 for code in codes] for code_id, *codes in rows}


def assert_table_is_truth(catalogue: Store) -> None:
    ids, contents, views, codes = rows_of(catalogue)
    assert dict(zip(ids.tolist(), codes.tolist(), strict=True)) == truth(catalogue.path)
    assert (np.diff(ids) > 0).all()
    rows = query(catalogue.path, f"SELECT content_id, view FROM codes WHERE trusted AND spec = {SPEC} ORDER BY id")
    assert rows == [(content, NAMES[view]) for content, view in zip(contents.tolist(), views.tolist(), strict=True)]
