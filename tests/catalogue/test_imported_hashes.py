"""Hashes imported from other tools: lists of them, their rows in the catalogue, and searching them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from phash_engine.catalogue import hash_lists
from phash_engine.catalogue.imported_hashes import HASHERS, ImportedHash
from phash_engine.catalogue.store import Store
from phash_engine.errors import UsageError
from phash_engine.hashing import codes
from phash_engine.hashing.views import MatchType
from phash_engine.images import imagehash_compat
from phash_engine.matching.imagehash_search import ImportedCollection

SAMPLE = Path(__file__).parents[2] / "data" / "photos"
LAKE = sorted((SAMPLE / "2023-lake").glob("*.jpg"))
LIBRARY: Mapping[str, Callable[[Image.Image], Any]] = {
    "average": imagehash.average_hash,
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
}


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "photos.db") as catalogue:
        yield catalogue


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def library_list(path: Path) -> Path:
    """A list as somebody writes it with the imagehash library."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["hasher", "path", "hex"])
        for photo in LAKE:
            with Image.open(photo) as image:
                writer.writerows([name, photo.name, str(compute(image))] for name, compute in LIBRARY.items())
    return path


def test_hashers_are_those_of_the_scheme() -> None:
    assert HASHERS == imagehash_compat.CODE_NAMES


def test_what_the_library_wrote_finds_the_photos(tmp_path: Path, catalogue: Store) -> None:
    catalogue.imported_hashes.add(hash_lists.read(library_list(tmp_path / "list.csv"), "whash", "/photos"))
    assert catalogue.imported_hashes.counts() == dict.fromkeys(sorted(LIBRARY), len(LAKE))
    for hasher, compute in LIBRARY.items():
        collection = ImportedCollection(catalogue, hasher)
        for photo in LAKE:
            first = collection.find(photo)[0]
            assert (first.query, first.distance, first.match_type) == (str(photo), 0, MatchType.SIMILAR)
            with Image.open(photo) as image:
                code = np.uint64(codes.from_bits(compute(image).hash))
            assert f"/photos/{photo.name}" in {match.path for match in collection.find(code) if match.distance == 0}


@given(st.data())
def test_a_look_up_is_that_of_the_slow_twin(data: st.DataObject) -> None:
    base = data.draw(st.integers(0, 2**64 - 1))
    near = st.sets(st.integers(0, 63), max_size=12).map(lambda bits: base ^ sum(1 << bit for bit in bits))
    table = data.draw(st.dictionaries(st.text("abcß/", min_size=1, max_size=5), near, max_size=20))
    k = data.draw(st.none() | st.integers(1, 25))
    radius = data.draw(st.integers(0, 64) if k is None else st.none() | st.integers(0, 64))
    table = {f"/{path.strip('/')}.jpg": code for path, code in table.items()}
    with Store(None) as catalogue:
        catalogue.imported_hashes.add([ImportedHash("/other.jpg", "dhash", np.uint64(base))])
        catalogue.imported_hashes.add([ImportedHash(path, "phash", np.uint64(code)) for path, code in table.items()])
        if not table:
            with pytest.raises(UsageError, match="no codes of imagehash's phash: it has those of dhash"):
                ImportedCollection(catalogue, "phash")
            return
        found = ImportedCollection(catalogue, "phash").find(np.uint64(base), k, radius)
    expected = sorted(((base ^ code).bit_count(), path.encode()) for path, code in table.items())
    expected = [pair for pair in expected if radius is None or pair[0] <= radius][:k]
    assert [(match.distance, match.path.encode()) for match in found] == expected
    assert {match.query for match in found} <= {f"{base:016x}"}


def test_codes_are_replaced_kept_beside_photos_and_forgotten_with_them(tmp_path: Path, catalogue: Store) -> None:
    path = tmp_path / "a.jpg"
    for code in (1, 2**64 - 1):
        catalogue.imported_hashes.add([ImportedHash(str(path), "phash", np.uint64(code))])
    catalogue.add_fingerprints([path], np.ones((1, 5), dtype=np.uint64))
    paths, table = catalogue.imported_hashes.of("phash")
    assert (paths, table.tolist()) == ([str(path)], [2**64 - 1])
    assert table.dtype == np.uint64
    assert catalogue.counts()["imported_hashes"] == 1
    catalogue.imported_hashes.add([ImportedHash(str(tmp_path / "b.jpg"), name, np.uint64(3)) for name in HASHERS])
    assert catalogue.forget(str(tmp_path), missing_only=True) == 0
    assert catalogue.forget(str(tmp_path)) == 2
    assert catalogue.imported_hashes.counts() == {}


def test_only_folders_asked_for(catalogue: Store) -> None:
    catalogue.imported_hashes.add([ImportedHash(f"/{folder}/a.jpg", "phash", np.uint64(7)) for folder in ("x", "xy")])
    collection = ImportedCollection(catalogue, "phash", ["/x"])
    assert [match.path for match in collection.find(np.uint64(7))] == ["/x/a.jpg"]


def test_lists_are_read(tmp_path: Path) -> None:
    hexes = {"a\n\u2028.jpg": "00000000000000ff", "/b/../c.jpg": "FFD7918181C9FFFF"}
    rows = "".join(f'"{path}",{digits},1\r\n' for path, digits in hexes.items())
    expected = [
        ImportedHash("/base/a\n\u2028.jpg", "whash", np.uint64(255)),
        ImportedHash("/c.jpg", "whash", np.uint64(0xFFD7918181C9FFFF)),
    ]
    table = write(tmp_path / "list.csv", "\ufeffpath,hex,quality\r\n" + rows)
    assert hash_lists.read(table, "whash", "/base") == expected
    mapping = write(tmp_path / "list.JSON", json.dumps(hexes))
    assert hash_lists.read(mapping, "whash", "/base") == expected


WRONG: Mapping[str, tuple[str, str]] = {
    "no columns": ("a.jpg,00000000000000ff\n", "no column path and no column hex"),
    "no hex": ("path,hash\na.jpg,00000000000000ff\n", "no column hex"),
    "nothing": ("", "no column path"),
    "short": ("path,hex\na.jpg,00000000000000ff\nb.jpg,ff\n", "line 3: 'ff' is not a code: a code is 16 hex digits"),
    "long": ("path,hex\na.jpg,00000000000000ff00\n", "line 2: '00000000000000ff00' is not a code"),
    "no digits": ("path,hex\na.jpg,00000000000000fg\n", "line 2: '00000000000000fg' is not a code"),
    "hasher": ("path,hex,hasher\na.jpg,00000000000000ff,md5\n", "no hasher 'md5': those of imagehash are average"),
    "twice": (
        "path,hex\na.jpg,00000000000000ff\n./a.jpg,00000000000000fe\n",
        "code of phash already, see .*line 2",
    ),
    "no path": ("path,hex\n,00000000000000ff\n", "line 2: no path"),
    "few fields": ("path,hex\na.jpg\n", "line 2: not as many fields as columns"),
    "many fields": ("path,hex\na.jpg,00000000000000ff,1\n", "line 2: not as many fields as columns"),
    "open quote": ('path,hex\n"a.jpg,00000000000000ff\n', "unexpected end of data"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_lists_are_refused_with_the_place(name: str, tmp_path: Path) -> None:
    text, reason = WRONG[name]
    with pytest.raises(UsageError, match=reason) as caught:
        hash_lists.read(write(tmp_path / "list.csv", text), "phash", "/base")
    assert str(tmp_path / "list.csv") in str(caught.value)


@pytest.mark.parametrize(
    "text", ['["a"]', '{"a": 3}', '{"a": {"b": "c"}}', "{", "path,hex", "[" * 100_000, '"a"', "[]"]
)
def test_wrong_json_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no JSON|not one JSON object"):
        hash_lists.read(write(tmp_path / "list.json", text), "phash", "/base")


def test_a_name_twice_in_json_is_refused(tmp_path: Path) -> None:
    text = '{"a": "00000000000000ff", "a": "00000000000000fe"}'
    with pytest.raises(UsageError, match="has a code of phash already"):
        hash_lists.read(write(tmp_path / "list.json", text), "phash", "/base")


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv: no such file"):
        hash_lists.read(tmp_path / "none.csv", "phash", "/base")


def phash(catalogue: Path, *arguments: str | Path) -> tuple[int, list[str], str]:
    """Run a command; its exit code, what it printed without folders, and the last line of what it said."""
    line = [sys.executable, "-m", "phash_engine", *arguments]
    run = subprocess.run(
        line, capture_output=True, text=True, check=False, env={**os.environ, "PHASH_CATALOGUE": str(catalogue)}
    )
    printed = [record.replace(f"{SAMPLE}/2023-lake/", "") for record in run.stdout.splitlines()]
    return run.returncode, printed, run.stderr.strip()


def test_from_the_command_line(tmp_path: Path) -> None:
    photos, listed = tmp_path / "photos.db", library_list(tmp_path / "list.csv")
    assert phash(photos, "import", listed, "--base", LAKE[0].parent) == (0, [], "phash: 30 codes imported")
    code, printed, _ = phash(photos, "find-hash", LAKE[0], "-r", "0")
    assert (code, printed) == (0, ["0\tsimilar\tIMG_0412.jpg"])
    with Image.open(LAKE[0]) as image:
        digits = str(imagehash.dhash(image))
    assert phash(photos, "find-hash", "--hasher", "dhash", digits, "-k", "1")[1] == ["0\tsimilar\tIMG_0412.jpg"]
    assert phash(photos, "find-hash", "0" * 16, "-r", "2") == (1, [], "phash: nothing found")
    assert phash(photos, "status")[1][-2].split(maxsplit=1)[0] == "30"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["0" * 16, "-r", "65"], "65 is not in the range 0<=x<=64"),
        (["0" * 16, "--hasher", "md5"], "'md5' is not one of"),
        (["0" * 16], "has no codes of imagehash's phash: 'phash import' brings them"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], reason: str, tmp_path: Path) -> None:
    with Store(tmp_path / "photos.db"):
        code, printed, said = phash(tmp_path / "photos.db", "find-hash", *arguments)
    assert (code, printed, len(said.splitlines())) == (2, [], 1)
    assert reason in said


def test_a_wrong_list_leaves_the_catalogue_as_it_was(tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", "path,hex\na.jpg,00000000000000ff\n")
    bad = write(tmp_path / "bad.csv", "path,hex\nb.jpg,00000000000000ff\nc.jpg,ff\n")
    code, _, said = phash(tmp_path / "photos.db", "import", good, bad)
    assert (code, "bad.csv, line 3" in said, len(said.splitlines())) == (2, True, 1)
    assert not (tmp_path / "photos.db").exists()
