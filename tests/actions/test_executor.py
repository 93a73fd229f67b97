"""Apply and undo: what goes, what stays and why, and that nothing is ever lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from phash_engine.actions import executor, links, plan, preconditions, renaming, steps
from phash_engine.actions.executor import Outcome
from phash_engine.actions.file_state import FileState
from phash_engine.actions.journal import Journal, JournalReader
from phash_engine.errors import PlanError, UsageError
from tests.faults import World, digest_of, leftovers, tree

COPIES = ["a/copy.jpg", "b/copy.jpg"]
NEAR = ["b/near.jpg", "b/near.xmp", "c/other (2).jpg", "a/caf\udce9.jpg"]
GOES = {
    "trash": [*COPIES, *NEAR],
    "move": [*COPIES, *NEAR],
    "delete": [*COPIES, *NEAR],
    "hardlink": COPIES,
    "symlink": COPIES,
    "reflink": COPIES,
}


@pytest.fixture(autouse=True)
def own_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trash of this test alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "Trash"


@pytest.fixture(autouse=True)
def no_power_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """So nothing need be waited for."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(autouse=True)
def reflinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clones of files, on file systems that have none too: copies, which have the same bytes."""

    def clone(source: str, new: str) -> None:
        Path(new).write_bytes(Path(source).read_bytes())

    monkeypatch.setitem(links.MAKERS, "reflink", clone)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


def apply(world: World, action: str = "trash", **options: Any) -> dict[str, Outcome]:
    """The outcomes by name below the photos."""
    move_to = str(world.folder / "moved") if action == "move" else None
    outcomes = executor.apply(str(world.plan), action, **{"move_to": move_to, **options})
    return {os.path.relpath(outcome.path, world.photos): outcome for outcome in outcomes}


def undo(world: World) -> dict[str, Outcome]:
    return {os.path.relpath(outcome.path, world.photos): outcome for outcome in executor.undo(world.journal)}


def done(outcomes: dict[str, Outcome]) -> list[str]:
    return [name for name, outcome in outcomes.items() if outcome.result == "done"]


# ── what goes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("action", steps.ACTIONS)
def test_a_dry_run_returns_what_is_done_and_changes_nothing(world: World, action: str) -> None:
    would = apply(world, action, dry_run=True)
    assert tree(world.folder) == {**world.before, str(world.plan): digest_of(world.plan)}
    assert [name for name, outcome in would.items() if outcome.result == "would"] == GOES[action]
    did = apply(world, action)
    assert done(did) == GOES[action]
    assert list(would.values()) == [
        outcome._replace(result=outcome.result.replace("done", "would")) for outcome in did.values()
    ]
    afterwards = apply(world, action, dry_run=True)
    assert [name for name, outcome in afterwards.items() if outcome.result == "earlier"] == GOES[action]
    assert [outcome._replace(result="done") for outcome in afterwards.values() if outcome.result == "earlier"] == [
        did[name] for name in GOES[action]
    ]


@pytest.mark.parametrize("action", [action for action in steps.ACTIONS if action != "delete"])
def test_undo_brings_back_every_byte_and_time(world: World, action: str) -> None:
    apply(world, action)
    assert sorted(done(undo(world))) == sorted(GOES[action])
    assert tree(world.photos) == world.before
    assert {path.stat().st_mtime_ns for path in world.photos.rglob("*.*")} == {10**18}
    assert not leftovers((world.folder,))
    assert undo(world) == {}


def test_files_go_to_the_trash_and_leave_no_info_file_when_they_are_back(world: World, own_trash: Path) -> None:
    apply(world)
    assert len(list((own_trash / "info").iterdir())) == len(GOES["trash"])
    undo(world)
    assert not list((own_trash / "info").iterdir())
    assert not list((own_trash / "files").iterdir())


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    "target",
    ["", "a\0b", "\ud800", "plan.json", "plan.json/", "plan.json/below/it", "broken", "broken/below", os.devnull],
)
def test_files_are_not_moved_to_what_is_no_folder(
    world: World, target: str, dry_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.folder / "broken").symlink_to("nowhere")
    monkeypatch.chdir(world.folder)
    with pytest.raises(UsageError, match="cannot move files to"):
        list(executor.apply(str(world.plan), "move", move_to=target, dry_run=dry_run))
    assert tree(world.photos) == world.before


def test_moved_files_keep_their_folders_and_overwrite_nothing(world: World) -> None:
    taken = world.folder / "moved" / "b" / "near.jpg"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"of another program")
    outcomes = apply(world, "move")
    assert outcomes["b/near.jpg"].to == str(taken.with_name("near (2).jpg"))
    assert outcomes["a/copy.jpg"].to == str(world.folder / "moved" / "a" / "copy.jpg")
    assert taken.read_bytes() == b"of another program"
    assert taken.with_name("near (2).jpg").read_bytes() == b"near"


def test_links_lead_to_the_keeper(world: World) -> None:
    keeper, copy = world.photos / "a" / "keeper.jpg", world.photos / "b" / "copy.jpg"
    apply(world, "hardlink")
    assert copy.samefile(keeper)
    assert not copy.is_symlink()
    undo(world)
    assert not copy.samefile(keeper)
    apply(world, "symlink")
    assert copy.readlink() == keeper


def test_a_near_copy_is_not_replaced_by_a_link(world: World) -> None:
    outcomes = apply(world, "symlink")
    assert outcomes["b/near.jpg"].reason == "has other bytes than the keeper: a link in its place would lose them"
    assert "b/near.xmp" not in outcomes


def test_deleted_photos_are_gone_and_their_sidecars_in_the_trash(world: World, own_trash: Path) -> None:
    outcomes = apply(world, "delete")
    assert outcomes["b/near.xmp"].action == "trash"
    assert [path.name for path in (own_trash / "files").iterdir()] == ["near.xmp"]
    back = undo(world)
    assert done(back) == ["b/near.xmp"]
    assert back["a/copy.jpg"].reason == "was deleted for good"


def test_no_reflinks_where_the_file_system_has_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setitem(links.MAKERS, "reflink", refuse)
    assert apply(world, "reflink")["a/copy.jpg"].reason == "operation not supported"
    assert tree(world.photos) == world.before
    assert not JournalReader(world.journal).unfinished


def test_a_real_reflink_where_the_file_system_can(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(links.MAKERS, "reflink", links._clone)
    outcome = apply(world, "reflink")["a/copy.jpg"]
    if outcome.result == "skipped":
        pytest.skip(f"no file system that can: {outcome.reason}")
    assert (world.photos / "a/copy.jpg").read_bytes() == b"keeper"


def test_an_unknown_action_is_an_error(world: World) -> None:
    for action, move_to in (("shred", None), ("move", None), ("trash", "somewhere")):
        with pytest.raises(UsageError):
            list(executor.apply(str(world.plan), action, move_to=move_to))


def test_a_copy_to_another_drive_that_breaks_off_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = renaming.rename

    def other_drive(source: str, to: str) -> None:
        if to.startswith(str(world.folder / "moved")):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, to)

    def break_off(_: str, new: str, **__: object) -> None:
        Path(new).write_bytes(b"ha")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(renaming, "rename", other_drive)
        patch.setattr(shutil, "copyfile", break_off)
        outcomes = apply(world, "move")
    assert {outcome.reason for outcome in outcomes.values()} == {"no space left on device"}
    assert tree(world.photos) == world.before
    assert tree(world.folder / "moved") == {}
    assert not JournalReader(world.journal).unfinished


# ── what stays ───────────────────────────────────────────────────────────────────────────────────────────────────────


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


def rewrite(path: Path) -> None:
    """Other bytes, of the same number and time."""
    path.write_bytes(bytes(len(path.read_bytes())))
    os.utime(path, ns=(10**18, 10**18))


def remove(path: Path) -> None:
    path.unlink()


def link_to_other(path: Path) -> None:
    other = path.with_name("elsewhere.jpg")
    path.rename(other)
    path.symlink_to(other)


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def move_folder_behind_link(path: Path) -> None:
    real = path.parent.with_name("real")
    path.parent.rename(real)
    path.parent.symlink_to(real)


CHANGES: dict[Callable[[Path], None], str] = {
    grow: "has changed since the plan was made",
    rewrite: "has changed since the plan was made",
    remove: "is gone",
    link_to_other: "is a symbolic link now",
    become_folder: "is not a regular file",
    become_pipe: "is not a regular file",
    move_folder_behind_link: "is not where it was: a link leads to another folder now",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("action", steps.ACTIONS)
def test_a_file_that_changed_stays_and_the_rest_goes(world: World, change: Callable[[Path], None], action: str) -> None:
    change(world.photos / "b/copy.jpg")
    before = tree(world.photos)
    outcomes = apply(world, action)
    assert outcomes["b/copy.jpg"].reason == CHANGES[change]
    expected = {name for name in GOES[action] if name != "b/copy.jpg"}
    if change is move_folder_behind_link:
        expected = {name for name in expected if not name.startswith("b/")}
    assert set(done(outcomes)) == expected
    assert before.items() >= {path: shown for path, shown in tree(world.photos).items() if "/b/copy" in path}.items()


@pytest.mark.parametrize("change", [change for change in CHANGES if change is not move_folder_behind_link])
@pytest.mark.parametrize("action", steps.ACTIONS)
def test_nothing_of_a_group_goes_without_its_keeper(world: World, change: Callable[[Path], None], action: str) -> None:
    change(world.photos / "a/keeper.jpg")
    outcomes = apply(world, action)
    for name in ("a/copy.jpg", "b/copy.jpg", "b/near.jpg"):
        assert outcomes[name].reason == f"the keeper {CHANGES[change]}"
    assert set(done(outcomes)) == set(GOES[action]) & {"c/other (2).jpg", "a/caf\udce9.jpg"}


@pytest.mark.parametrize("action", steps.ACTIONS)
def test_a_hard_link_to_the_keeper_is_no_copy(world: World, action: str) -> None:
    copy = world.photos / "b/copy.jpg"
    copy.unlink()
    copy.hardlink_to(world.photos / "a/keeper.jpg")
    assert apply(world, action)["b/copy.jpg"].reason == "is the same file as a photo that is kept"
    assert copy.samefile(world.photos / "a/keeper.jpg")


def test_a_hard_link_to_the_keeper_of_another_group_stays(world: World) -> None:
    near = world.photos / "b/near.jpg"
    (world.photos / "c/other.jpg").write_bytes(b"near")
    near.unlink()
    near.hardlink_to(world.photos / "c/other.jpg")
    assert apply(world)["b/near.jpg"].reason == "is the same file as a photo that is kept"


@pytest.mark.parametrize("action", steps.ACTIONS)
def test_reference_files_stay(world: World, action: str) -> None:
    edited = world.plan.read_text().replace('"path": "' + str(world.photos / "b/copy.jpg"), '"reference": true, \\0')
    edited = edited.replace("\\0", '"path": "' + str(world.photos / "b/copy.jpg"))
    world.plan.write_text(edited)
    (world.photos / "b/near.jpg").unlink()
    (world.photos / "b/near.jpg").hardlink_to(world.photos / "b/copy.jpg")
    outcomes = apply(world, action)
    assert outcomes["b/copy.jpg"].reason == "is a reference file"
    assert outcomes["b/near.jpg"].result == "skipped"
    assert digest_of(world.photos / "b/copy.jpg") == world.before[str(world.photos / "b/copy.jpg")]


def test_a_photo_stays_with_its_changed_sidecar(world: World) -> None:
    sidecar = world.photos / "b/near.xmp"
    sidecar.write_bytes(b"newer edits")
    outcomes = apply(world)
    assert outcomes["b/near.jpg"].reason == f"its sidecar {sidecar} has changed since the plan was made"
    assert sidecar.exists()


def test_a_photo_goes_without_a_sidecar_that_is_gone(world: World) -> None:
    (world.photos / "b/near.xmp").unlink()
    assert done(apply(world)) == [name for name in GOES["trash"] if name != "b/near.xmp"]


@pytest.mark.parametrize("name", ["b/copy.jpg", "a/keeper.jpg"])
@pytest.mark.parametrize("action", steps.ACTIONS)
def test_a_file_written_to_just_before_its_step_stays(
    world: World, action: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform = steps.perform
    changed = world.photos / name

    def late(step: Any, state: FileState, check_kept: Callable[[str], None]) -> None:
        if step.path.endswith("b/copy.jpg"):
            changed.write_bytes(b"written just now")
        perform(step, state, check_kept)

    monkeypatch.setattr(steps, "perform", late)
    outcomes = apply(world, action)
    assert outcomes["b/copy.jpg"].result == "skipped"
    assert changed.read_bytes() == b"written just now"
    shown = tree(world.folder, world.folder.parent / "data").values()
    assert world.before[str(world.photos / "b/copy.jpg")] in shown or name == "b/copy.jpg"
    assert not leftovers((world.folder,))


# ── one file under two names that its inode does not show ────────────────────────────────────────────────────────────


@pytest.fixture
def alias(world: World) -> Iterator[Path]:
    """The folder of the keeper under a second name."""
    second = world.photos / "alias"
    second.mkdir()
    mounted = subprocess.run(
        ["mount", "--bind", str(world.photos / "a"), str(second)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a folder a second time")
    yield second
    subprocess.run(["umount", str(second)], check=True)


@pytest.mark.parametrize(
    ("action", "is_seen"),
    [(action, is_seen) for action in steps.ACTIONS for is_seen in (True, False) if is_seen or action != "hardlink"],
)
def test_the_keeper_under_another_name_is_kept(
    world: World, alias: Path, action: str, is_seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = world.plan.read_text().replace(str(world.photos / "b/copy.jpg"), str(alias / "keeper.jpg"))
    world.plan.write_text(text)
    if not is_seen:  # as on network drives, where one file may have two inodes
        monkeypatch.setattr(preconditions, "check", lambda *_: None)
    outcome = apply(world, action)["alias/keeper.jpg"]
    assert (world.photos / "a/keeper.jpg").read_bytes() == b"keeper"
    assert not (world.photos / "a/keeper.jpg").is_symlink()
    if is_seen:
        assert outcome.reason == "is the same file as a photo that is kept"
    else:
        assert outcome.result == "skipped" or action == "reflink"
    assert not leftovers((world.photos,))


def test_other_kept_photos_are_known_in_all_their_names(world: World) -> None:
    planned = plan.read(str(world.plan))
    first, second = planned.groups
    copy, *duplicates = first.duplicates
    with_kept = plan.PlannedGroup(first.keeper, tuple(duplicates), (copy,))
    plan.write(plan.Plan((with_kept, second), planned.root), str(world.plan))
    (world.photos / "b/copy.jpg").unlink()
    (world.photos / "b/copy.jpg").hardlink_to(copy.path)
    outcomes = apply(world, "delete")
    assert outcomes["b/copy.jpg"].reason == "is the same file as a photo that is kept"
    assert "a/copy.jpg" not in outcomes
    assert (world.photos / "a/copy.jpg").read_bytes() == b"keeper"


# ── undo among other files ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("action", ["trash", "move"])
def test_undo_overwrites_nothing(world: World, action: str) -> None:
    apply(world, action)
    (world.photos / "b/copy.jpg").write_bytes(b"of another program")
    assert undo(world)["b/copy.jpg"].to == str(world.photos / "b/copy (2).jpg")
    assert (world.photos / "b/copy.jpg").read_bytes() == b"of another program"
    assert (world.photos / "b/copy (2).jpg").read_bytes() == b"keeper"


@pytest.mark.parametrize("action", ["trash", "move"])
def test_undo_accepts_what_was_taken_back_by_hand(world: World, own_trash: Path, action: str) -> None:
    apply(world, action)
    place = own_trash / "files" if action == "trash" else world.folder / "moved" / "b"
    (place / "near.jpg").rename(world.photos / "b/near.jpg")
    assert undo(world)["b/near.jpg"] == Outcome(str(world.photos / "b/near.jpg"), action, "done")
    assert tree(world.photos) == world.before
    assert done(apply(world, action)) == GOES[action]


def test_undo_makes_folders_again(world: World) -> None:
    apply(world)
    (world.photos / "b").rmdir()
    undo(world)
    assert tree(world.photos) == world.before


def test_undo_names_what_cannot_come_back(world: World, own_trash: Path) -> None:
    apply(world)
    for path in (own_trash / "files").glob("near.jpg"):
        path.unlink()
    back = undo(world)
    assert back["b/near.jpg"].reason == "is gone from the trash, or was changed there"
    assert len(done(back)) == len(GOES["trash"]) - 1
    shutil.copy(world.photos / "b/copy.jpg", world.photos / "x.jpg")
    apply(world, "move")
    (world.folder / "moved/b/copy.jpg").write_bytes(b"edited")
    assert "was changed there" in undo(world)["b/copy.jpg"].reason


@pytest.mark.parametrize("action", ["hardlink", "symlink", "reflink"])
def test_undo_leaves_what_is_no_longer_the_link(world: World, action: str) -> None:
    apply(world, action)
    copy = world.photos / "b/copy.jpg"
    copy.unlink()
    copy.write_bytes(b"of another program")
    back = undo(world)["b/copy.jpg"]
    assert back.result == "skipped"
    assert copy.read_bytes() == b"of another program"
    assert not leftovers((world.photos,))


def test_undo_of_a_link_to_a_keeper_that_is_gone_says_so(world: World) -> None:
    apply(world, "symlink")
    (world.photos / "a/keeper.jpg").unlink()
    assert undo(world)["b/copy.jpg"].result == "skipped"


def test_after_undo_a_plan_can_be_applied_again(world: World) -> None:
    apply(world)
    undo(world)
    assert done(apply(world, "move")) == GOES["move"]
    undo(world)
    assert tree(world.photos) == world.before


def test_what_was_left_alone_goes_when_the_reason_is_gone(world: World) -> None:
    copy = world.photos / "b/copy.jpg"
    copy.rename(world.folder / "for a while.jpg")
    assert apply(world)["b/copy.jpg"].result == "skipped"
    (world.folder / "for a while.jpg").rename(copy)
    outcomes = apply(world)
    assert done(outcomes) == ["b/copy.jpg"]
    assert outcomes["a/copy.jpg"].result == "earlier"


# ── whatever happens between plan and apply, and between apply and undo ──────────────────────────────────────────────


NAMES = ["a/keeper.jpg", "a/copy.jpg", "b/copy.jpg", "b/near.jpg", "b/near.xmp", "c/other.jpg", "c/other (2).jpg"]
DISTURBANCES = st.lists(
    st.tuples(
        st.sampled_from(["write", "remove", "swap", "hard link", "symbolic link"]), *[st.sampled_from(NAMES)] * 2
    ),
    max_size=4,
)


def disturb(photos: Path, what: str, first: str, second: str) -> None:
    one, two = photos / first, photos / second
    if one == two or not (os.path.lexists(one) and os.path.lexists(two)):
        return
    if what == "write":
        one.write_bytes(b"written " + first.encode()) if one.exists() else None
    elif what == "swap":
        one.rename(photos / "between")
        two.rename(one)
        (photos / "between").rename(two)
    else:
        one.unlink()
        if what == "hard link" and two.exists():
            os.link(two, one)
        elif what == "symbolic link":
            one.symlink_to(two)


@settings(max_examples=60)
@given(action=st.sampled_from(steps.ACTIONS), disturbances=DISTURBANCES)
def test_nothing_is_ever_lost(action: str, disturbances: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", folder)
        world = World(Path(folder) / "world")
        for disturbance in disturbances:
            disturb(world.photos, *disturbance)
        before = tree(world.photos)
        outcomes = apply(world, action)
        lost = set(before.values()) - set(tree(Path(folder)).values())
        gone = {before[outcome.path] for outcome in outcomes.values() if outcome.action == outcome.result == "delete"}
        gone |= {before[o.path] for o in outcomes.values() if (o.action, o.result) == ("delete", "done")}
        assert lost <= gone
        for keeper in (world.photos / "a/keeper.jpg", world.photos / "c/other.jpg"):
            assert tree(world.photos).get(str(keeper)) == before.get(str(keeper))
        undo(world)
        assert action == "delete" or tree(world.photos) == before
        assert not leftovers((Path(folder),))


# ── the journal and the plan ─────────────────────────────────────────────────────────────────────────────────────────


def test_only_one_process_can_use_a_plan(world: World) -> None:
    outcomes = executor.apply(str(world.plan))
    next(outcomes)
    with pytest.raises(PlanError, match="another 'phash apply' or 'phash undo' is using this plan"):
        apply(world)
    assert done({outcome.path: outcome for outcome in outcomes})


def test_a_journal_belongs_to_one_plan(world: World) -> None:
    apply(world)
    world.plan.write_text(world.plan.read_text() + "\n")
    with pytest.raises(PlanError, match="is the journal of another plan of this name"):
        apply(world)
    undo(world)
    assert tree(world.photos) == world.before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data.replace(b'"event": "done"', b'"event": "d\x00ne"', 1), "corrupt, or this is not a"),
        (lambda data: data.replace(b'"event": "intent"', b'"event": "done"', 1), "corrupt journal: "),
        (lambda data: data.replace(b'"phash_journal": 1', b'"phash_journal": 2'), "by another version"),
        (lambda data: data.replace(b'"keeper": ', b'"kept": '), "corrupt journal: "),
        (lambda data: b"\xff\xd8\xff" + bytes(100), "is not a journal of 'phash apply'"),
        (lambda data: b"", "is not a journal of 'phash apply'"),
    ],
)
def test_a_corrupt_journal_is_an_error(world: World, damage: Callable[[bytes], bytes], message: str) -> None:
    apply(world)
    Path(world.journal).write_bytes(damage(Path(world.journal).read_bytes()))
    with pytest.raises(PlanError, match=message):
        undo(world)


def test_the_journal_keeps_the_keys_of_its_format(world: World) -> None:
    apply(world, "move")
    begin, intent, done, *_ = map(json.loads, Path(world.journal).read_bytes().splitlines())
    assert begin.keys() == {"event", "phash_journal", "plan", "catalogue"}
    keys = {"event", "path", "way", "digest", "mtime_ns", "keeper", "keeper_digest", "to", "aside", "new"}
    assert intent.keys() == keys
    assert (intent["way"], done) == ("move", {"event": "done", "path": intent["path"]})


def test_an_incomplete_last_line_is_not_corrupt(world: World) -> None:
    apply(world)
    data = Path(world.journal).read_bytes()
    for cut in range(1, len(data.splitlines(keepends=True)[-1]) + 1):
        Path(world.journal).write_bytes(data[:-cut])
        with Journal(world.journal) as journal:
            assert len(journal.applied) + len(journal.unfinished) == len(GOES["trash"])
        assert len(JournalReader(world.journal).applied) >= len(GOES["trash"]) - 1
    undo(world)
    assert tree(world.photos) == world.before


def test_no_journal_is_an_error_and_stays_none(world: World) -> None:
    with pytest.raises(PlanError, match="no journal at"):
        undo(world)
    assert not os.path.lexists(world.journal)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: "no plan", "is not a plan"),
        (lambda text: "[]", "is not a plan"),
        (lambda text: text.replace('"phash_plan": 1', '"phash_plan": 9'), "is a plan of version 9"),
        (lambda text: text.replace("b/copy.jpg", "a/keeper.jpg"), "is both kept and a duplicate"),
        (lambda text: text.replace("b/copy.jpg", "a/copy.jpg"), "is a duplicate twice"),
        (lambda text: text.replace('"digest": "', '"digest": "x'), "has no digest"),
        (lambda text: text.replace('"size"', '"bytes"'), "invalid plan"),
        (lambda text: text.replace('"root": "', '"root": "./'), "is not an absolute path"),
        (lambda text: text.replace('"keeper"', '"best"'), "invalid plan"),
        (lambda text: text.replace('"size"', '"kept": 1, "size"'), "invalid plan"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(world: World, edit: Callable[[str], str], message: str) -> None:
    world.plan.write_text(edit(world.plan.read_text()))
    with pytest.raises(PlanError, match=message):
        apply(world)
    assert tree(world.photos) == world.before


def test_a_plan_replaces_only_plans_that_were_not_applied(world: World) -> None:
    planned = plan.read(str(world.plan))
    plan.write(planned, str(world.plan))
    photo = world.photos / "a/keeper.jpg"
    with pytest.raises(PlanError, match="exists and is not a plan"):
        plan.write(planned, str(photo))
    assert photo.read_bytes() == b"keeper"
    apply(world)
    with pytest.raises(PlanError, match="was applied, its journal is"):
        plan.write(planned, str(world.plan))


def test_a_plan_is_read_as_it_was_written(world: World) -> None:
    planned = plan.read(str(world.plan))
    plan.write(planned, str(world.folder / "again.json"))
    assert (world.folder / "again.json").read_bytes() == world.plan.read_bytes()
    assert plan.read(str(world.folder / "again.json")).groups == planned.groups
    assert planned.groups[1].duplicates[1].path == str(world.photos / "a/caf\udce9.jpg")
