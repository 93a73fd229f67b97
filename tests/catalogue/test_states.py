"""Whatever is done to a catalogue and to its index files, in any order, it returns what a model does."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from phash_engine.catalogue import Content, Sighting, Store, View, code_cache
from phash_engine.catalogue.code_cache import CodeRows
from phash_engine.errors import IndexFileError

PATHS = [f"/{folder}/{name}" for folder in ("a", "a/b", "ab", "c") for name in ("1.jpg", "2.jpg", "3.jpg")]
FOLDERS = ["/", "/a", "/a/b", "/ab", "/c"]
SEEDS = st.integers(0, 8)  # few contents, so that many photos share one


def row(seed: int) -> list[int]:
    """Return ten codes, others for each content or import."""
    return [2**63 + 1000 * seed + column for column in range(10)]


def digest(seed: int) -> bytes:
    return hashlib.sha256(b"%d" % seed).digest()


def below(folder: str, path: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


class States(RuleBasedStateMachine):
    """The model: the content of each path that was scanned, that of each that was imported, and what is missing."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "photos.db"
        self.catalogue, self.reader = self.opened(), self.opened()
        self.scanned: dict[str, int] = {}
        self.imported: dict[str, int] = {}
        self.missing: set[str] = set()
        self.older: tuple[dict[str, int], dict[str, int], set[str]] | None = None

    def opened(self) -> Store:
        return Store(self.path, notify=str)  # notes on corrupt index files are no failures

    def teardown(self) -> None:
        self.catalogue.close()
        self.reader.close()
        shutil.rmtree(self.folder)

    @rule(shown=st.dictionaries(st.sampled_from(PATHS), SEEDS, min_size=1), again=st.booleans())
    def scan(self, shown: dict[str, int], again: bool) -> None:
        known = set() if again else self.catalogue.known_digests()
        contents = [
            Content(digest(seed), 4, 3, "PNG", 50, 40.0, [View("full", True, np.array(row(seed), dtype=np.uint64))])
            for seed in set(shown.values())
            if digest(seed) not in known
        ]
        self.catalogue.record([Sighting(path, 1, 1, digest(seed)) for path, seed in shown.items()], contents)
        self.catalogue.drop_unreferenced()
        self.scanned |= shown
        self.missing -= set(shown)
        for path in shown:
            self.imported.pop(path, None)

    @rule(path=st.sampled_from(PATHS))
    def fail(self, path: str) -> None:
        self.catalogue.record([Sighting(path, 1, 1, None, "broken")], [])
        self.missing |= {path} & set(self.scanned)

    @rule(given=st.dictionaries(st.sampled_from(PATHS), SEEDS, min_size=1))
    def add_fingerprints(self, given: dict[str, int]) -> None:
        table = np.array([row(100 + seed) for seed in given.values()], dtype=np.uint64)
        self.catalogue.add_fingerprints(list(given), table)
        self.imported |= {path: 100 + seed for path, seed in given.items()}
        self.missing -= set(given)
        for path in given:
            self.scanned.pop(path, None)

    @rule(folder=st.sampled_from(FOLDERS))
    def lose(self, folder: str) -> None:
        gone = {path for path in self.scanned if below(folder, path)} - self.missing
        assert self.catalogue.mark_missing([path for path in PATHS if below(folder, path)]) == len(gone)
        self.missing |= gone

    @rule(path=st.sampled_from(PATHS))
    def find_again(self, path: str) -> None:
        self.catalogue.mark_found([path])
        self.missing -= {path}

    @rule(folder=st.sampled_from(FOLDERS), missing_only=st.booleans())
    def forget(self, folder: str, missing_only: bool) -> None:
        known = self.missing if missing_only else self.scanned | self.imported
        gone = {path for path in known if below(folder, path)}
        assert self.catalogue.forget(folder, missing_only=missing_only) == len(gone)
        for path in gone:
            self.scanned.pop(path, None)
            self.imported.pop(path, None)
        self.missing -= gone

    @rule()
    def refresh(self) -> None:
        self.catalogue.refresh_index()

    @rule(
        which=st.sampled_from(["header.json", *(f"{name}.npy" for name in CodeRows._fields)]),
        keep=st.sampled_from([0, 1, 60, 300]),
    )
    def truncate(self, which: str, keep: int) -> None:
        for path in self.index.glob(f"*/{which}"):
            data = path.read_bytes()
            path.unlink()  # readers may have the old file mapped
            path.write_bytes(data[:keep])

    @rule(changed=st.sampled_from([{"catalogue": "other"}, {"stamp": "other"}, {"spec": 99}, {"views": {"full": 9}}]))
    def replace_by_that_of_another(self, changed: dict[str, Any]) -> None:
        stored = code_cache.open_newest(self.index) if not self.is_corrupt else None
        if stored is not None:
            one = np.array([1])
            rows = CodeRows(one, one, one.astype(np.uint8), np.full((1, 10), 7, dtype=np.uint64))
            code_cache.save(self.index, stored.header._replace(**changed), rows)

    @rule()
    def remove_index(self) -> None:
        shutil.rmtree(self.index, ignore_errors=True)

    @rule()
    def back_up(self) -> None:
        with (
            closing(sqlite3.connect(self.path)) as source,
            closing(sqlite3.connect(self.folder / "older.db")) as target,
        ):
            source.backup(target)
        self.older = (self.scanned.copy(), self.imported.copy(), self.missing.copy())

    @precondition(lambda self: self.older)
    @rule()
    def bring_the_older_file_back_beside_newer_code_files(self) -> None:
        assert self.older is not None
        self.catalogue.close()
        self.reader.close()
        for path in self.folder.glob("photos.db-*"):
            path.unlink()
        shutil.copy(self.folder / "older.db", self.path)
        self.catalogue, self.reader = self.opened(), self.opened()
        scanned, imported, missing = self.older
        self.scanned, self.imported, self.missing = scanned.copy(), imported.copy(), missing.copy()

    @property
    def index(self) -> Path:
        return self.folder / "photos.db.index"

    @property
    def is_corrupt(self) -> bool:
        try:
            code_cache.open_newest(self.index)
        except IndexFileError:
            return True
        return False

    @invariant()
    def photos_are_those_of_the_model(self) -> None:
        there = self.scanned.keys() - self.missing | self.imported.keys()
        photos = list(self.reader.photos())
        assert [photo.path for photo in photos] == sorted(there)
        assert {photo.path: photo.digest for photo in photos if photo.digest} == {
            path: digest(seed) for path, seed in self.scanned.items() if path not in self.missing
        }

    @invariant()
    def codes_are_those_of_the_model(self) -> None:
        contents, _, codes = self.reader.code_columns()
        expected = [row(seed) for seed in [*set(self.scanned.values()), *self.imported.values()]]
        assert sorted(codes.tolist()) == sorted(expected)
        rows = dict(zip(contents.tolist(), codes.tolist(), strict=True))
        shown = self.scanned | self.imported
        photos = list(self.reader.photos())
        for photo in photos:
            assert rows[photo.content_id] == row(shown[photo.path])
        columns = self.reader.photo_columns()
        assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == sorted(
            (photo.id, photo.content_id) for photo in photos
        )
        of_contents = self.reader.photos_of_contents(contents.tolist())
        assert sorted(photo for same in of_contents.values() for photo in same) == sorted(photos)

    @invariant()
    def references_lead_somewhere(self) -> None:
        assert (np.diff(self.reader._codes.rows().ids) > 0).all()
        assert list(self.reader._database.select("PRAGMA foreign_key_check")) == []

    @invariant()
    def hidden_contents_are_those_of_the_model(self) -> None:
        contents, _, codes = self.reader.code_columns()
        seen = {seed for path, seed in self.scanned.items() if path not in self.missing}
        hidden = [row(seed) for seed in set(self.scanned.values()) - seen]
        chosen = codes[np.isin(contents, self.reader.hidden_contents())]
        assert sorted(chosen.tolist()) == sorted(hidden)


TestStates = pytest.mark.slow(States.TestCase)
TestStates.settings = settings(max_examples=60, stateful_step_count=25)
