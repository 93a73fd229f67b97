"""Files that are read back: whatever is in them, they are read or refused in one line that names the file."""

from __future__ import annotations

import copy
import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import hypothesis.strategies as st
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings

from phash_engine import _files, cli
from phash_engine.actions import executor, plan
from phash_engine.actions.journal import JournalReader
from phash_engine.catalogue import decision_lists, hash_lists
from phash_engine.catalogue.store import Store
from phash_engine.errors import ImageError, PhashError, PlanError
from phash_engine.evaluation import submissions
from phash_engine.matching import policy
from phash_engine.retrieval import labels
from tests.faults import World, tree


class Kind(NamedTuple):
    """A kind of document: the end of its name, a valid one if it is not of a :class:`World`, and how it is read."""

    suffix: str
    valid: bytes | None
    read: Callable[[Path], object]


def submission(path: Path) -> object:
    table = submissions.read(path)
    return submissions.predictions(table) if table.kind == "landmarks" else submissions.ranked_ids(table)


def calibration(path: Path) -> object:
    """Read a setting that is stored in a catalogue, which is called as the document."""
    stored = path.read_bytes()
    catalogue = path.with_name(f"{path.name}.db")
    with Store(catalogue) as store:
        store.settings.set("calibration", None)
        with store._database.transaction():
            try:
                store._database.set_meta("calibration", stored.decode())
            except UnicodeDecodeError:
                store._database.execute("INSERT INTO meta VALUES (?, ?)", ("calibration", stored))
        return policy.calibration_of(store)


DECISIONS = b"".join(
    json.dumps({"left": left * 64, "right": "f" * 64, "kind": kind, "decided": "2024-05-05T10:00:00+00:00"}).encode()
    + b"\n"
    for left, kind in (("a", "different"), ("f", "keep"))
)
CSV_HASHES = b'path,hex,hasher\r\na.jpg,ffd7918181c9ffff,phash\r\n"caf\xe9, b.jpg",00000000000000ff,\r\n'
JSON_HASHES = b'{"a.jpg": "ffd7918181c9ffff", "caf\xc3\xa9.jpg": "00000000000000ff"}'
LABELS = b'note,label,path\nx,cat,a.jpg\n,"dog, big",sub/caf\xe9.jpg\n'
PREDICTIONS = gzip.compress(b"id,landmarks\nq1,7 0.5\nq2,\n", mtime=0)

KINDS = {
    "plan": Kind(".json", None, lambda path: plan.read(str(path))),
    "journal": Kind(".jsonl", None, lambda path: JournalReader(str(path))),
    "decisions": Kind(".jsonl", DECISIONS, lambda path: decision_lists.read(str(path))),
    "hashes": Kind(".csv", CSV_HASHES, lambda path: hash_lists.read(path, "phash", "/base")),
    "hashes in JSON": Kind(".json", JSON_HASHES, lambda path: hash_lists.read(path, "phash", "/base")),
    "labels": Kind(".csv", LABELS, labels.read),
    "truth": Kind(".csv", b"id,images\nq1,a b c\nq2,\n", submission),
    "predictions": Kind(".csv.gz", PREDICTIONS, submission),
    "calibration": Kind("", b'{"contents": 900, "radius": 20, "cutoff": -12, "sure": 6}', calibration),
}
COMMANDS = {
    "plan": ["apply", "--dry-run"],
    "decisions": ["ignore", "--import"],
    "hashes": ["import"],
    "hashes in JSON": ["import"],
    "labels": ["label", "--calibrate", "--labels"],
    "truth": ["evaluate", "--truth"],
    "predictions": ["evaluate", "--truth"],
}
"""Commands that read a document whose name follows."""


@pytest.fixture(scope="session")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A valid document of each kind."""
    world = World(tmp_path_factory.mktemp("documents") / "world")
    list(executor.apply(str(world.plan), "move", move_to=str(world.folder / "moved")))
    made = {"plan": world.plan.read_bytes(), "journal": Path(world.journal).read_bytes()}
    return made | {name: kind.valid for name, kind in KINDS.items() if kind.valid is not None}


def refusal(name: str, path: Path) -> str | None:
    """Read a document and return the line it is refused with, None if it is read."""
    try:
        KINDS[name].read(path)
    except PhashError as error:
        line = str(error)
        assert line.startswith(str(path))
        assert "\n" not in line.removeprefix(str(path))
        line.encode(errors="surrogateescape")
        return line
    return None


# ── what is no regular file ──────────────────────────────────────────────────────────────────────────────────────────


def no_files(folder: Path, suffix: str) -> Iterator[tuple[Path, str]]:
    pipe, directory, link = (folder / f"{kind}{suffix}" for kind in ("pipe", "directory", "zero"))
    os.mkfifo(pipe)
    directory.mkdir()
    link.symlink_to("/dev/zero")
    yield pipe, "is not a regular file"
    yield directory, "is a directory"
    yield link, "is not a regular file"
    yield folder / f"none{suffix}", "no such file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes and devices on this system")
@pytest.mark.parametrize("name", COMMANDS)
def test_pipes_devices_and_folders_are_refused_at_once(name: str, tmp_path: Path) -> None:
    with Store(tmp_path / "photos.db"):
        pass
    environment = {"PHASH_CATALOGUE": str(tmp_path / "photos.db")}
    for path, reason in no_files(tmp_path, KINDS[name].suffix):
        arguments = [*COMMANDS[name], str(path)]
        result = CliRunner().invoke(cli.cli, arguments, standalone_mode=False, env=environment)
        assert isinstance(result.exception, PhashError | click.UsageError)
        assert str(path) in str(result.exception)
        assert reason in str(result.exception)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "calibration"])
def test_large_files_are_refused(
    name: str, valid: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"large{KINDS[name].suffix}"
    path.write_bytes(valid[name])
    assert refusal(name, path) is None
    monkeypatch.setattr(_files, "MAX_DOCUMENT", len(valid[name]) - 1)
    assert "is larger than" in (refusal(name, path) or "")


def test_a_small_file_of_a_large_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"\n" * 100_000))
    monkeypatch.setattr(_files, "MAX_DOCUMENT", 10_000)
    assert "is larger than" in (refusal("predictions", path) or "")


# ── what is no document ──────────────────────────────────────────────────────────────────────────────────────────────

ODD: list[Any] = [
    None, True, 0, -1, 5, 1.5, 10**30, -(10**30), 1e400, float("nan"), "", "x", "\0", "\ud800", "caf\udce9", "..",
    "/..", "/a\nb", [], [[]], {}, {"path": 5}, ["/a"], {"a": {}}, "f" * 65, "9" * 40,
]  # fmt: skip


RAW = {"DEEP": "[" * 950 + "]" * 950, "DEEPER": "[" * 9000 + "]" * 9000, "DIGITS": "9" * 5000}
"""What stands in JSON in place of some strings."""


def places(value: Any) -> list[tuple[Any, Any]]:
    """Containers in a JSON value with the key or number of each of their members."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [place for key, item in items for place in ((value, key), *places(item))]


@st.composite
def edited(draw: st.DrawFn, data: bytes) -> bytes:
    """JSON, or lines of it, of which some values are replaced, removed or added."""
    is_lines = data.startswith((b'{"left', b'{"event'))
    documents = [json.loads(line) for line in (data.splitlines() if is_lines else [data])]
    for _ in range(draw(st.integers(1, 2))):
        container, key = draw(st.sampled_from(places(documents)))
        value = copy.deepcopy(draw(st.sampled_from([*ODD, *RAW])))
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del container[key]
        elif change == "add" and isinstance(container, dict):
            container[draw(st.sampled_from(["path", "path_b64", "kept", "event", "\ud800", "\n"]))] = value
        else:
            container[key] = value
        if not places(documents):
            break
    lines = [json.dumps(document, ensure_ascii=draw(st.booleans())) for document in documents]
    text = "\n".join(lines)
    for mark, raw in RAW.items():
        text = text.replace(f'"{mark}"', raw)
    return text.encode(errors="surrogatepass")


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of which some are replaced, removed or repeated, or that have a piece put in."""
    pieces = [
        b"\xff",
        b"\0",
        b'"',
        b",",
        b"\n",
        b"\r",
        b"[" * 950,
        b"{" * 100_000,
        b"9" * 30,
        b"9" * 5000,
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\xef\xbb\xbf",
    ]
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.sampled_from([start, start + 1, start + 20, len(data)]))
        data = (
            data[:start]
            + draw(st.sampled_from([*pieces, b"", data[start:end] * 2]) | st.binary(max_size=4))
            + data[end:]
        )
    return data


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=200)
def test_damaged_documents_are_read_or_refused_in_one_line(
    name: str, data: st.DataObject, valid: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / f"damaged{KINDS[name].suffix}"
    original = valid[name]
    packed = path.suffix == ".gz" and data.draw(st.booleans())
    strategy = mutated(gzip.decompress(original) if packed else original)
    if original[:1] == b"{":
        strategy |= edited(original)
    made = data.draw(strategy)
    path.write_bytes(gzip.compress(made) if packed else made)
    refusal(name, path)


# ── lists of pictures ────────────────────────────────────────────────────────────────────────────────────────────────


def find(tmp_path: Path, *arguments: str) -> Result:
    with Store(tmp_path / "photos.db"):
        pass
    environment = {"PHASH_CATALOGUE": str(tmp_path / "photos.db")}
    return CliRunner().invoke(cli.cli, ["find", *arguments], standalone_mode=False, env=environment)


def test_a_list_of_pictures_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "MAX_DOCUMENT", 10_000)
    assert str(find(tmp_path, "--files-from", "/dev/zero").exception) == "/dev/zero: is larger than 10000 bytes"


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_what_is_no_path_is_no_picture(name: str) -> None:
    with pytest.raises(ImageError, match="is no path") as caught:
        _files.read(name)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes and devices on this system")
@pytest.mark.parametrize("command", [["hash"], ["hash", "--scheme", "imagehash"], ["find"], ["ignore", "--keep-both"]])
def test_pipes_and_devices_are_no_pictures(command: list[str], tmp_path: Path) -> None:
    with Store(tmp_path / "photos.db"):
        pass
    environment = {"PHASH_CATALOGUE": str(tmp_path / "photos.db")}
    for path, reason in no_files(tmp_path, ".jpg"):
        result = CliRunner().invoke(cli.cli, [*command, str(path)], standalone_mode=False, env=environment)
        assert f"{path}: {reason}" in result.stderr + str(result.exception)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_in_a_list_is_an_unreadable_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "list").write_text(f"{tmp_path / 'pipe'}\n")
    result = find(tmp_path, "--files-from", str(tmp_path / "list"))
    assert (result.exception, result.return_value) == (None, 2)
    assert f"{tmp_path / 'pipe'}: is not a regular file" in result.stderr


def test_a_path_in_a_list_that_is_none_is_an_unreadable_picture(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"a\0b\n")
    result = find(tmp_path, "--files-from", str(tmp_path / "list"))
    assert (result.exception, result.return_value) == (None, 2)
    assert "is no path" in result.stderr


# ── before the work ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_wrong_labels_are_refused_before_a_scan(tmp_path: Path, sample: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"path,label\na.jpg\n")
    arguments = ["calibrate", str(sample), "--labels", str(path), "--catalogue", str(tmp_path / "photos.db")]
    result = CliRunner().invoke(cli.cli, arguments, standalone_mode=False)
    assert str(result.exception) == f"{path}: line 2 needs a path and a label"
    assert not (tmp_path / "photos.db").exists()


@pytest.mark.parametrize("catalogue", [5, ["photos.db"], "\0", "\ud800", None, {"path": "photos.db"}])
def test_a_wrong_catalogue_is_refused_before_anything_is_done(catalogue: object, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    world.plan.write_text(json.dumps(json.loads(world.plan.read_bytes()) | {"catalogue": catalogue}))
    for dry_run in (True, False):
        with pytest.raises(PlanError, match="invalid plan: "):
            list(executor.apply(str(world.plan), "move", move_to=str(tmp_path / "moved"), dry_run=dry_run))
    assert tree(world.photos) == world.before
