"""Other programs, and other plans, at each point between the last look at a file and the end of its step.

Nothing is left to chance: what the others do is done at marked points of the real code.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from phash_engine import _files
from phash_engine.actions import executor, links, move, plan, preconditions, renaming, steps, trash
from phash_engine.actions.executor import Outcome
from phash_engine.actions.journal import Journal, JournalReader, Step
from phash_engine.actions.plan import Plan, PlannedGroup
from phash_engine.catalogue.store import Store
from tests.faults import ELSEWHERE, World, digest_of, leftovers, tree

COPY = "b/copy.jpg"
TARGETS = ["trash", "move", "move elsewhere"]
Point = tuple[Any, str]
BEFORE: Point = (Journal, "record_intent")
"""After the last look at the file."""
TAKEN: Point = (preconditions, "check_kept")
"""When the file has its private name."""


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trash of this test alone; no power is lost; clones of files on file systems that have none too."""

    def clone(source: str, new: str) -> None:
        Path(new).write_bytes(Path(source).read_bytes())

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setitem(links.MAKERS, "reflink", clone)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    if not ELSEWHERE.is_dir() or ELSEWHERE.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at hand")
    folder = ELSEWHERE / f"phash-{os.getpid()}"
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.fixture(params=[*steps.ACTIONS, "move elsewhere"])
def action(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target(action: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path | None:
    if "elsewhere" in action:
        return Path(request.getfixturevalue("elsewhere"))
    return tmp_path / "moved" if action == "move" else None


def apply(world: World, action: str, target: Path | None) -> dict[str, Outcome]:
    outcomes = executor.apply(str(world.plan), action.split()[0], move_to=str(target) if target else None)
    return {os.path.relpath(outcome.path, world.photos): outcome for outcome in outcomes}


def once_at(monkeypatch: pytest.MonkeyPatch, point: Point, happen: Callable[[], object], name: str = COPY) -> None:
    """Let something happen the first time a point is reached for a file."""
    place, function = point
    original = getattr(place, function)
    waiting = [happen]

    def reached(*arguments: Any, **options: Any) -> Any:
        if waiting and (not name or any(isinstance(one, Step) and one.path.endswith(name) for one in arguments)):
            waiting.pop()()
        return original(*arguments, **options)

    monkeypatch.setattr(place, function, reached)


def contents(*folders: Path | None) -> Counter[str]:
    """The digests of all files, links not followed, info files of the trash aside."""
    found = tree(*(folder for folder in folders if folder))
    return Counter(digest for path, digest in found.items() if not path.endswith(".trashinfo"))


# ── between the last look and the act ────────────────────────────────────────────────────────────────────────────────


def save(path: Path) -> None:
    path.write_bytes(b"edited")


def save_with_the_same_size_and_time(path: Path) -> None:
    path.write_bytes(b"edited")
    os.utime(path, ns=(10**18, 10**18))


def save_by_a_rename(path: Path) -> None:
    new = path.with_name("saving")
    new.write_bytes(b"edited")
    new.replace(path)


def swap_for_a_link(path: Path) -> None:
    other = path.with_name("edited.jpg")
    other.write_bytes(b"edited")
    path.unlink()
    path.symlink_to(other)


def swap_for_a_copy(path: Path) -> None:
    path.rename(path.with_name("first.jpg"))
    path.write_bytes(b"keeper")


def swap_for_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside.jpg").write_bytes(b"edited")


@pytest.mark.parametrize(
    "change",
    [save, save_with_the_same_size_and_time, save_by_a_rename, swap_for_a_link, swap_for_a_copy, swap_for_a_folder],
)
def test_what_changes_just_before_the_act_stays_as_it_is(
    world: World, action: str, target: Path | None, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world.photos / COPY
    shown: dict[str, str] = {}

    def happen() -> None:
        change(path)
        shown.update(tree(world.photos / "b"))

    once_at(monkeypatch, BEFORE, happen)
    outcomes = apply(world, action, target)
    assert (outcomes[COPY].result, outcomes[COPY].reason) == ("skipped", "changed just now")
    now = tree(world.photos / "b")
    assert {name: what for name, what in now.items() if "near" not in name} == {
        name: what for name, what in shown.items() if "near" not in name
    }
    assert not JournalReader(world.journal).unfinished
    assert not leftovers((world.folder,))


def test_a_file_that_goes_just_before_the_act_is_gone_and_nothing_is_unfinished(
    world: World, action: str, target: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    once_at(monkeypatch, BEFORE, (world.photos / COPY).unlink)
    assert apply(world, action, target)[COPY].reason == "is gone"
    assert not JournalReader(world.journal).unfinished


@pytest.mark.parametrize("is_saved_anew", [False, True])
def test_an_edit_of_a_file_that_was_taken_aside_is_kept(
    world: World, action: str, target: Path | None, is_saved_anew: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a program that has it open, or that knows the path only."""
    path = world.photos / COPY
    with path.open("r+b") as file:

        def edit() -> None:
            if is_saved_anew:
                path.write_bytes(b"edited")
            else:
                file.write(b"edited")
                file.flush()

        once_at(monkeypatch, TAKEN, partial(edit), "")
        world.plan.write_text(world.plan.read_text().replace("a/copy.jpg", "b/absent.jpg"))
        outcome = apply(world, action, target)[COPY]
    assert path.read_bytes() == b"edited"
    if is_saved_anew:
        moved = action in {"trash", "move", "move elsewhere", "delete"}
        assert outcome.result == ("done" if moved else "skipped")
        assert moved or path.with_name("copy (2).jpg").read_bytes() == b"keeper"
    else:
        assert outcome.reason == "changed just now"
    assert not leftovers((world.folder,))


@pytest.mark.parametrize("what", [*TARGETS, "move into its own folder"])
def test_an_edit_that_follows_a_file_to_its_new_place_brings_it_back(
    world: World, what: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sync = world.photos / COPY, _files.sync_parent

    targets = {"trash": None, "move": world.folder / "moved", "move elsewhere": elsewhere}

    def late(name: str) -> None:
        if "/copy" in name and name != str(path) and Path(name).exists() and not path.exists():
            Path(name).write_bytes(b"edited")
        sync(name)

    world.plan.write_text(world.plan.read_text().replace("a/copy.jpg", "b/absent.jpg"))
    if what not in TARGETS:  # a folder among the photos has to be remembered
        with Store(world.folder / "photos.db") as catalogue:
            world.plan.write_text(world.plan.read_text().replace('"catalogue": ""', f'"catalogue": "{catalogue.path}"'))
    with monkeypatch.context() as patch:
        patch.setattr(move, "sync_parent", late)
        outcome = apply(world, what, targets.get(what, world.photos))[COPY]
    assert outcome.reason == "changed just now"
    assert path.read_bytes() == b"edited"
    assert not leftovers((world.folder, elsewhere))


# ── two plans ────────────────────────────────────────────────────────────────────────────────────────────────────────


def second_plan(world: World) -> World:
    """Another plan, with files of the same names and bytes in the same folders below another root."""
    return World(world.folder.with_name("second"))


@pytest.mark.parametrize(
    ("what", "point"),
    [*itertools.product(TARGETS, [BEFORE, TAKEN, (move, "place")]), ("trash", (trash, "reserve"))],
)
def test_two_plans_that_choose_one_name_keep_both_files(
    world: World, what: str, point: Point, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second runs as a whole when the first has chosen the name of its first file."""
    second = second_plan(world)
    target = {"trash": None, "move": world.folder / "moved"}.get(what, elsewhere)
    everywhere = (world.photos, second.photos, world.folder.with_name("data"), target)
    before = contents(*everywhere)
    once_at(monkeypatch, point, lambda: apply(second, what, target), "")
    assert {outcome.result for outcome in apply(world, what, target).values()} == {"done"}
    assert contents(*everywhere) == before
    assert not leftovers((world.folder, elsewhere))
    for one in (world, second):
        assert {outcome.result for outcome in executor.undo(one.journal)} == {"done"}
        assert tree(one.photos) == one.before
    assert not contents(world.folder.with_name("data"), target)


class Death(BaseException):
    pass


@pytest.mark.parametrize(
    ("what", "point"),
    [
        *itertools.product(TARGETS, [(steps, "perform"), TAKEN, (move, "place"), (renaming, "rename")]),
        ("trash", (trash, "reserve")),
    ],
)
def test_a_dead_plan_does_not_take_the_file_of_another_for_its_own(
    world: World, what: str, point: Point, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first dies when it has chosen a name; the second moves equal bytes to that name."""
    second = second_plan(world)
    target = {"trash": None, "move": world.folder / "moved"}.get(what, elsewhere)
    everywhere = (world.photos, second.photos, world.folder.with_name("data"), target)
    before = contents(*everywhere)

    def die() -> None:
        raise Death

    with monkeypatch.context() as patch:
        once_at(patch, point, die, "")
        with pytest.raises(Death):
            apply(world, what, target)
    assert {outcome.result for outcome in apply(second, what, target).values()} == {"done"}
    assert {outcome.result for outcome in apply(world, what, target).values()} <= {"done", "earlier"}
    assert contents(*everywhere) == before
    for one in (world, second):
        list(executor.undo(one.journal))
        assert tree(one.photos) == one.before


@pytest.mark.parametrize("what", TARGETS)
def test_undo_leaves_the_file_of_another_plan_that_has_the_place_of_one_taken_back_by_hand(
    world: World, what: str, elsewhere: Path
) -> None:
    target = {"trash": None, "move": world.folder / "moved"}.get(what, elsewhere)
    apply(world, what, target)
    step = JournalReader(world.journal).applied[str(world.photos / COPY)]
    subprocess.run(["mv", step.to or step.trashed, step.path], check=True)
    trash.remove_info(step.trashed or step.to)
    second = second_plan(world)
    apply(second, what, target)
    for one in (world, second):
        assert {outcome.result for outcome in executor.undo(one.journal)} == {"done"}
        assert tree(one.photos) == one.before


@pytest.mark.parametrize("what", TARGETS)
def test_a_name_taken_by_another_program_is_left_to_it(
    world: World, what: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = {"trash": None, "move": world.folder / "moved"}.get(what, elsewhere)
    place = move.place
    taken: list[Path] = []

    def late(route: move.Route, *arguments: Any) -> None:
        if not taken:
            taken.append(Path(route.to))
            taken[0].parent.mkdir(parents=True, exist_ok=True)
            taken[0].write_bytes(b"of another program")
        place(route, *arguments)

    monkeypatch.setattr(move, "place", late)
    assert {outcome.result for outcome in apply(world, what, target).values()} == {"done"}
    assert taken[0].read_bytes() == b"of another program"
    list(executor.undo(world.journal))
    assert tree(world.photos) == world.before
    assert taken[0].read_bytes() == b"of another program"


# ── undo ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("link", ["hardlink", "symlink", "reflink"])
@pytest.mark.parametrize("change", [save_by_a_rename, swap_for_a_link])
def test_undo_keeps_what_takes_the_place_of_a_link(
    world: World, link: str, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(world, link, None)
    copy = move.copy_file

    def late(source: str, digest: str, to: str) -> None:
        copy(source, digest, to)
        if Path(to).parent.name == "b":
            change(world.photos / COPY)

    monkeypatch.setattr(move, "copy_file", late)
    outcomes = {outcome.path: outcome for outcome in executor.undo(world.journal)}
    assert outcomes[str(world.photos / COPY)].reason == "is no longer the link that was made"
    assert (world.photos / COPY).read_bytes() == b"edited"
    assert not leftovers((world.folder,))


@pytest.mark.parametrize("what", TARGETS)
def test_undo_overwrites_nothing_that_appears_just_before(
    world: World, what: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(world, what, {"trash": None, "move": world.folder / "moved"}.get(what, elsewhere))
    path = world.photos / COPY
    once_at(monkeypatch, BEFORE, lambda: path.write_bytes(b"edited"))
    outcomes = {outcome.path: outcome for outcome in executor.undo(world.journal)}
    assert outcomes[str(path)].to == str(path.with_name("copy (2).jpg"))
    assert path.read_bytes() == b"edited"
    assert path.with_name("copy (2).jpg").read_bytes() == b"keeper"
    assert not leftovers((world.folder, elsewhere))


# ── one file under two names ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def overlay(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder, and the same folder seen through a file system laid over it, where files have other inodes."""
    lower, upper, work, merged = (tmp_path / "overlay" / name for name in ("lower", "upper", "work", "merged"))
    for folder in (lower, upper, work, merged):
        folder.mkdir(parents=True)
    (lower / "k.jpg").write_bytes(b"keeper")
    (lower / "other.jpg").write_bytes(b"of another photo")
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    command = ["mount", "-t", "overlay", "overlay", "-o", options, str(merged)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not lay one file system over another")
    yield lower, merged
    subprocess.run(["umount", str(merged)], check=True)


def planned(path: Path) -> plan.PlannedPhoto:
    status = path.stat()
    return plan.PlannedPhoto(path=str(path), size=status.st_size, mtime_ns=status.st_mtime_ns, digest=digest_of(path))


@pytest.mark.parametrize("is_read_before", [False, True])
def test_the_last_copy_is_kept_where_one_file_system_is_laid_over_another(
    tmp_path: Path, overlay: tuple[Path, Path], action: str, target: Path | None, is_read_before: bool
) -> None:
    lower, merged = overlay
    if is_read_before:
        (merged / "k.jpg").read_bytes()
    path = tmp_path / "plan.json"
    group = PlannedGroup(planned(merged / "k.jpg"), (planned(lower / "k.jpg"),))
    plan.write(Plan((group,), str(lower)), str(path))
    run = executor.apply(str(path), action.split()[0], move_to=str(target) if target else None)
    (outcome,) = run
    assert outcome.result == "skipped"
    assert outcome.reason.endswith(
        f"is in the folder of {merged}/k.jpg by another name, and may be that file, which is kept"
    )
    assert (lower / "k.jpg").read_bytes() == (merged / "k.jpg").read_bytes() == b"keeper"
    assert not leftovers((lower,))


def test_another_photo_that_is_kept_is_known_by_its_name_in_another_file_system(
    tmp_path: Path, overlay: tuple[Path, Path]
) -> None:
    """The keeper is elsewhere and has other bytes; the file is one that is kept beside it."""
    lower, merged = overlay
    keeper = tmp_path / "near.jpg"
    keeper.write_bytes(b"nearly the keeper")
    group = PlannedGroup(planned(keeper), (planned(lower / "k.jpg"),), (planned(merged / "k.jpg"),))
    plan.write(Plan((group,), str(lower)), str(tmp_path / "plan.json"))
    (outcome,) = executor.apply(str(tmp_path / "plan.json"), "delete")
    assert outcome.result == "skipped"
    assert (lower / "k.jpg").read_bytes() == b"keeper"


@pytest.mark.parametrize("is_shown_for_a_while", [True, False])
def test_a_keeper_that_goes_with_its_copy_brings_it_back(
    world: World, action: str, target: Path | None, is_shown_for_a_while: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network drive that is mounted twice, where names and inodes tell nothing: b/ is a/ as well."""
    keeper, rename = world.photos / "a/keeper.jpg", os.rename

    def both(source: str, to: str) -> None:
        rename(source, to)
        if source == str(world.photos / COPY):
            keeper.with_name(Path(to).name).write_bytes(keeper.read_bytes())
            if not is_shown_for_a_while:
                keeper.unlink()

    before = digest_of(keeper)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", both)
        outcome = apply(world, action, target)[COPY]
    assert outcome.result == "skipped"
    assert outcome.reason.startswith(f"is in the folder of {keeper} by another name")
    assert digest_of(world.photos / COPY) == before


def test_a_keeper_that_changes_just_then_keeps_its_copy(
    world: World, action: str, target: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time and size as before: only its bytes tell."""
    keeper = world.photos / "a/keeper.jpg"
    once_at(monkeypatch, BEFORE, lambda: save_with_the_same_size_and_time(keeper))
    outcome = apply(world, action, target)[COPY]
    assert outcome.reason == "is the keeper itself under another name, or the keeper changed just now"
    assert (world.photos / COPY).read_bytes() == b"keeper"
    assert not leftovers((world.folder,))
