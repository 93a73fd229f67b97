"""A journal that came with a plan from anywhere is followed only where it names what the plan names."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from phash_engine import _json
from phash_engine.actions import executor, steps
from phash_engine.errors import PlanError
from tests.faults import World, tree

Record = dict[str, Any]


@pytest.fixture(autouse=True)
def own_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "world" / "data"))
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "world")
    victim(made).write_bytes(b"keeper")  # has the bytes of copies in the plan
    empty(made).write_bytes(b"")
    return made


def victim(world: World) -> Path:
    return world.folder / "victim.jpg"


def empty(world: World) -> Path:
    return world.folder / "empty"


def apply(world: World, action: str, *, dry_run: bool = False) -> None:
    list(executor.apply(str(world.plan), action, move_to=target(world, action), dry_run=dry_run))


def target(world: World, action: str) -> str | None:
    return str(world.folder / "moved") if action == "move" else None


class Death(BaseException):
    """Of the process, at some point."""


def journalled(world: World, action: str, *, undone: bool, monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """Records of a journal whose last step is unfinished: the process died while applying or undoing."""

    def die(*_: object) -> None:
        raise Death

    if undone:
        apply(world, action)
    with monkeypatch.context() as patch:
        patch.setattr(steps, "revert" if undone else "perform", die)
        with pytest.raises(Death):
            list(executor.undo(world.journal)) if undone else apply(world, action)
    return [_json.loads(line) for line in Path(world.journal).read_bytes().splitlines()]


def rewrite(world: World, records: list[Record]) -> None:
    Path(world.journal).write_bytes(b"".join(_json.dumps(record) + b"\n" for record in records))


def is_refused(world: World, action: str) -> bool:
    """Whether apply, with and without a dry run, and undo refuse the journal and leave all files as they are."""
    before = tree(world.folder)
    refusals = []
    for run in (
        lambda: apply(world, action, dry_run=True),
        lambda: apply(world, action),
        lambda: list(executor.undo(world.journal)),
    ):
        try:
            run()
        except PlanError as error:
            refusals.append(str(error))
    assert len(set(refusals)) == bool(refusals)
    if not refusals:
        return False
    assert len(refusals) == 3
    assert refusals[0].startswith(world.journal)
    assert "\n" not in refusals[0]
    assert tree(world.folder) == before
    return True


ANYWHERE: dict[str, Callable[[World], object]] = {
    "another file": lambda world: str(victim(world)),
    "an empty file": lambda world: str(empty(world)),
    "a kept photo": lambda world: str(world.photos / "a" / "keeper.jpg"),
    "relative": lambda _: "victim.jpg",
    "upwards": lambda world: f"{world.photos}/a/../../victim.jpg",
    "NUL": lambda world: f"{world.photos}/a\0b",
    "half a pair": lambda _: "/\ud800",
    "number": lambda _: 5,
    "list": lambda _: ["/a"],
    "digits": lambda _: 10**30,
}
PRIVATE: dict[str, Callable[[World], object]] = {
    "private elsewhere": lambda world: f"{world.folder}/.phash-0123456789abcdef",
    "private below": lambda world: f"{world.photos}/a/b/.phash-0123456789abcdef",
    "short": lambda world: f"{world.photos}/a/.phash-0123456789abcde",
    "long": lambda world: f"{world.photos}/a/.phash-0123456789abcdef0",
    "no hex": lambda world: f"{world.photos}/a/.phash-0123456789abcdeg",
    "line": lambda world: f"{world.photos}/a/.phash-0123456789abcdef\n",
    "upwards, private": lambda world: f"{world.photos}/a/../.phash-0123456789abcdef",
}
MOVED: dict[str, Callable[[World], object]] = {
    "another folder of the same name": lambda world: f"{world.folder}/moved/b/victim.jpg",
    "another name": lambda world: f"{world.folder}/moved/a/copy (x).jpg",
    "into the photos": lambda world: f"{world.photos}/copy.jpg",
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("undone", [False, True], ids=["applying", "undoing"])
@pytest.mark.parametrize("action", ["trash", "move", "hardlink", "symlink", "delete"])
def test_a_journal_names_no_other_files(
    world: World, action: str, undone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if action == "delete" and undone:
        pytest.skip("what is deleted is not brought back")
    records = journalled(world, action, undone=undone, monkeypatch=monkeypatch)
    step = records[-1]
    edits = [
        (name, kind) for name in ("path", "to", "aside", "new", "source", "keeper", "trashed") for kind in ANYWHERE
    ]
    edits += [(name, kind) for name in ("aside", "new") for kind in PRIVATE]
    edits += [("to", kind) for kind in MOVED] if action == "move" and not undone else []
    values = ANYWHERE | PRIVATE | MOVED
    for name, kind in edits:
        value = values[kind](world)
        if step.get(name) == value or (kind == "a kept photo" and name in {"keeper", "source"}):
            continue
        try:
            rewrite(world, [*records[:-1], step | {name: value}])
        except UnicodeEncodeError:
            text = json.dumps(step | {name: value})
            rewrite(world, records[:-1])
            with open(world.journal, "a", encoding="utf-8") as file:
                file.write(text + "\n")
        assert is_refused(world, action), (name, kind)
    rewrite(world, records)
    assert not is_refused(world, action)


@pytest.mark.parametrize(
    "edit",
    [
        {"way": "shred"},
        {"way": "copy"},
        {"way": "return"},
        {"undoes": "move"},
        {"digest": "0" * 64},
        {"keeper_digest": "0" * 64},
        {"mtime_ns": "soon"},
        {"mode": 0o777},
    ],
)
def test_a_journal_has_no_other_steps(world: World, edit: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    records = journalled(world, "move", undone=False, monkeypatch=monkeypatch)
    rewrite(world, [*records[:-1], records[-1] | edit])
    assert is_refused(world, "move")


def test_nothing_comes_back_that_did_not_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    records = journalled(world, "move", undone=True, monkeypatch=monkeypatch)
    rewrite(world, [records[0], records[-1]])
    assert is_refused(world, "move")


def test_a_journal_names_the_catalogue_of_its_plan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    records = journalled(world, "move", undone=False, monkeypatch=monkeypatch)
    for rest in (records[1:], []):
        rewrite(world, [records[0] | {"catalogue": str(world.folder / "other.db")}, *rest])
        assert is_refused(world, "move")


def test_undo_needs_the_plan(world: World) -> None:
    apply(world, "move")
    moved = tree(world.folder)
    aside = world.plan.rename(world.folder / "aside.json")
    with pytest.raises(PlanError, match=r"cannot be followed without its plan: .*plan\.json: no such file"):
        list(executor.undo(world.journal))
    aside.rename(world.plan)
    assert tree(world.folder) == moved
    other = Path(world.journal).rename(world.folder / "journal")
    with pytest.raises(PlanError, match=r"is not a journal .*: those are called PLAN\.journal\.jsonl"):
        list(executor.undo(str(other)))
    other.rename(world.journal)
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before


def test_a_journal_is_a_file_of_its_own(world: World) -> None:
    other = world.folder / "notes"
    other.write_bytes(b"")
    Path(world.journal).symlink_to(other)
    with pytest.raises(PlanError, match="is a symbolic link"):
        apply(world, "move")
    assert other.read_bytes() == b""
    Path(world.journal).unlink()
    os.mkfifo(world.journal)
    for dry_run in (False, True):
        with pytest.raises(PlanError, match="is not a regular file"):
            apply(world, "move", dry_run=dry_run)
    with pytest.raises(PlanError, match="is not a regular file"):
        list(executor.undo(world.journal))
    Path(world.journal).unlink()
    assert tree(world.photos) == world.before


@pytest.mark.parametrize("change", ["../elsewhere/x.jpg", "./x.jpg", "a//x.jpg", "x\\u0000.jpg", "\\ud800.jpg", ""])
def test_paths_of_a_plan_are_in_normal_form(world: World, change: str) -> None:
    text = world.plan.read_text()
    for name in ("a/copy.jpg", "c/other.jpg", "b/near.xmp"):
        world.plan.write_text(text.replace(f"{world.photos}/{name}", f"{world.photos}/{change}" if change else ""))
        with pytest.raises(PlanError, match=r"invalid plan: .*: line \d+ column \d+ \(\$\.groups"):
            apply(world, "move")
    assert tree(world.photos) == world.before


@given(st.data())
@settings(max_examples=60)
def test_whatever_a_journal_says_no_other_file_is_touched(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    world = World(tmp_path_factory.mktemp("fuzz") / "world")
    victim(world).write_bytes(b"keeper")
    empty(world).write_bytes(b"")
    action = data.draw(st.sampled_from(["move", "hardlink", "symlink"]))
    apply(world, action)
    records = [_json.loads(line) for line in Path(world.journal).read_bytes().splitlines()]
    intents = [number for number, record in enumerate(records) if record["event"] == "intent"]
    records = records[: data.draw(st.sampled_from(intents)) + data.draw(st.integers(1, 2))]
    record = next(record for record in reversed(records) if record["event"] == "intent")
    texts = ["path", "to", "aside", "new", "source", "keeper"]
    places = [str(victim(world)), str(empty(world)), str(world.photos / "a" / "keeper.jpg"), ""]
    for name in data.draw(st.sets(st.sampled_from(texts), min_size=1, max_size=2)):
        record[name] = data.draw(st.sampled_from(places))
    for name, value in data.draw(st.sets(st.sampled_from([("way", "return"), ("way", "copy"), ("undoes", "move")]))):
        record[name] = value
    rewrite(world, records)
    for run in (lambda: list(executor.undo(world.journal)), lambda: apply(world, action)):
        with contextlib.suppress(PlanError):
            run()
    assert victim(world).read_bytes() == b"keeper"
    assert empty(world).exists()
    assert (world.photos / "a" / "keeper.jpg").read_bytes() == b"keeper"
    assert {Path(path).parts[len(world.folder.parts)] for path in tree(world.folder)} <= {
        "photos",
        "moved",
        "victim.jpg",
        "empty",
        "plan.json",
        "plan.json.journal.jsonl",
    }
