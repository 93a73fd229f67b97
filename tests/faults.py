"""Kill a process at every point where it changes something, and check what is left: ``python -m tests.faults``.

A process that has loaded everything forks a child for each point; the child counts the system calls that change files
and dies at the n-th, by SIGKILL, before it or in the middle of it. So hundreds of deaths take seconds.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from phash_engine.actions import executor, plan, renaming
from phash_engine.actions.executor import Outcome
from phash_engine.actions.journal import SUFFIX, JournalReader
from phash_engine.actions.plan import Plan, PlannedFile, PlannedGroup, PlannedPhoto
from phash_engine.catalogue.database import Database
from phash_engine.catalogue.store import Store
from phash_engine.scanning.scan import scan

CALLS = ("write", "fsync", "replace", "rename", "link", "symlink", "unlink", "mkdir", "sendfile", "utime")
RENAME = "_by_system_call"
"""The call of ``renaming`` that is not one of ``os``."""
ELSEWHERE = Path("/dev/shm")
"""A folder on another file system, where there is one."""

Tree = dict[str, str]


class Deaths:
    """Forks children that die at chosen points, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def at(self, point: int, work: Callable[[], object], *, half: bool = False) -> bool:
        """Run some work in a child that dies at its n-th change; return whether it got that far."""
        return self._run(work, lambda: arm(point, half=half))

    def after(self, seconds: float, work: Callable[[], object]) -> bool:
        """Run some work in a child that dies after a time; return whether it was still running."""
        return self._run(work, lambda: signal.setitimer(signal.ITIMER_REAL, seconds))

    def _run(self, work: Callable[[], object], prepare: Callable[[], object]) -> bool:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, lambda *_: die())
            code = 1
            try:
                prepare()
                work()
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, "the work failed where it should have died or ended well"
            return False
        assert os.WTERMSIG(status) == signal.SIGKILL
        self.count += 1
        return True


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: int, *, half: bool) -> None:
    """Let this process die at its n-th change of a file."""
    left = [point]

    def counted(call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return call(*arguments, **options)
            left[0] -= 1
            if left[0] < 0:
                if half and name == "write":
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                die()
            return call(*arguments, **options)

        return wrapped

    for name in (*CALLS, "open"):
        setattr(os, name, counted(getattr(os, name), name))
    setattr(renaming, RENAME, counted(getattr(renaming, RENAME), RENAME))
    for name in ("execute", "executemany"):
        setattr(Database, name, counted(getattr(Database, name), name))


# ── apply and undo ───────────────────────────────────────────────────────────────────────────────────────────────────


class World:
    """A few photos with copies, near copies and sidecars, a plan for them, and a trash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.photos = folder / "photos"
        self.plan = folder / "plan.json"
        self.journal = str(self.plan) + SUFFIX
        self.photos.mkdir(parents=True)
        groups = (
            self._group("a/keeper.jpg", {"a/copy.jpg": b"keeper", "b/copy.jpg": b"keeper", "b/near.jpg": b"near"}),
            self._group("c/other.jpg", {"c/other (2).jpg": b"another", "a/caf\udce9.jpg": b"odd"}),
        )
        plan.write(Plan(groups, str(self.photos)), str(self.plan))
        self.before = tree(self.photos)

    def _group(self, keeper: str, duplicates: dict[str, bytes]) -> PlannedGroup:
        kept = self._photo(keeper, Path(keeper).stem.encode())
        return PlannedGroup(kept, tuple(self._photo(name, data) for name, data in duplicates.items()))

    def _photo(self, name: str, data: bytes) -> PlannedPhoto:
        file = self._file(name, data)
        sidecars = (self._file("b/near.xmp", b"edits"),) if name == "b/near.jpg" else ()
        digest = hashlib.sha256(data).hexdigest()
        return PlannedPhoto(**msgspec.structs.asdict(file), digest=digest, sidecars=sidecars)

    def _file(self, name: str, data: bytes) -> PlannedFile:
        path = self.photos / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(10**18, 10**18))
        return PlannedFile(path=str(path), size=len(data), mtime_ns=10**18)


def tree(*folders: Path) -> Tree:
    """The content of each path: the digest of a file's bytes, or the target of a link."""
    found = {}
    for path in (path for folder in folders for path in folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"-> {path.readlink()}"
        elif path.is_file():
            found[str(path)] = digest_of(path)
    return found


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_journal(world: World) -> None:
    """The journal is true: what it has as done is done, and what is not in it was not touched."""
    journal = JournalReader(world.journal)
    now = tree(world.photos)
    for path, digest in world.before.items():
        if path in journal.unfinished:
            continue
        if path not in journal.applied:
            assert now.get(path) == digest, f"{path} was touched, and is not in the journal"
        elif journal.applied[path].action in {"trash", "move", "delete"}:
            assert path not in now, f"{path} is there, and the journal has it as gone"
        elif journal.applied[path].action == "symlink":
            assert now[path].startswith("-> ")


class Trial:
    """Apply and undo one action, killed at every change, and what must hold after each death."""

    def __init__(self, folder: Path, action: str, deaths: Deaths) -> None:
        self.folder, self.deaths = folder, deaths
        self.chance = random.Random(action)
        self.action, _, elsewhere = action.partition(" ")
        self.trash = Path(os.environ["XDG_DATA_HOME"])
        self.target = ELSEWHERE / f"phash-{os.getpid()}" if elsewhere else folder / "moved"
        self.fresh()
        self.ended = [outcome.result for outcome in self.apply()]
        self.applied, self.kept = tree(self.world.photos, self.target), digests(self.everywhere)

    def fresh(self) -> None:
        """Begin again with a world in which nothing was done."""
        for path in (self.folder / "world", self.target, self.trash):
            shutil.rmtree(path, ignore_errors=True)
        self.world = World(self.folder / "world")
        self.everywhere = (self.world.photos, self.target, self.trash)

    def apply(self) -> list[Outcome]:
        move_to = str(self.target) if self.action == "move" else None
        return list(executor.apply(str(self.world.plan), self.action, move_to=move_to))

    def undo(self) -> list[Outcome]:
        return list(executor.undo(self.world.journal))

    def kill_apply(self) -> None:
        """Kill apply at every change and at some moments; sometimes the run that continues it too."""
        point, killed = 0, True
        while killed:
            self.fresh()
            killed = self.deaths.at(point, self.apply, half=bool(point % 2))
            if self.chance.random() < 0.3:
                self.check_contents()
                self.deaths.at(self.chance.randrange(12), self.apply, half=True)
            if self.chance.random() < 0.5:
                self.go_back()
            self.go_on()
            point += 1
        for _ in range(6):
            self.fresh()
            self.deaths.after(self.chance.uniform(0.0001, 0.02), self.apply)
            self.go_on()
            self.go_back()

    def kill_undo(self) -> None:
        """Kill undo at every change."""
        point, killed = 0, True
        while killed:
            self.fresh()
            self.apply()
            killed = self.deaths.at(point, self.undo, half=bool(point % 2))
            self.check_contents()
            self.go_back()
            point += 1

    def go_on(self) -> None:
        """After a death all is there and the journal is true, and applying again gives the same result."""
        self.check_contents()
        check_journal(self.world)
        again = [outcome.result.replace("earlier", "done") for outcome in self.apply()]
        assert again == self.ended
        assert tree(self.world.photos, self.target) == self.applied
        assert digests(self.everywhere) == self.kept
        check_journal(self.world)
        assert not leftovers(self.everywhere)

    def go_back(self) -> None:
        """Undoing brings everything back."""
        if JournalReader(self.world.journal).plan:  # else apply died before it had begun
            self.undo()
        assert not leftovers(self.everywhere)
        if self.action != "delete":
            assert tree(self.world.photos) == self.world.before
            assert all(path.stat().st_mtime_ns == 10**18 for path in self.world.photos.rglob("*.jpg"))

    def check_contents(self) -> None:
        """Every content is somewhere; where duplicates are deleted, that of keepers and sidecars is."""
        kept = {
            digest
            for path, digest in self.world.before.items()
            if self.action != "delete" or path.endswith(("er.jpg", ".xmp"))
        }
        assert kept <= set(tree(*self.everywhere).values())


def digests(folders: tuple[Path, ...]) -> list[str]:
    return sorted(digest for path, digest in tree(*folders).items() if not path.endswith(".trashinfo"))


def leftovers(folders: tuple[Path, ...]) -> list[str]:
    """Temporary files, and info files of files that are not in the trash."""
    found = tree(*folders)
    records = [path for path in found if path.endswith(".trashinfo")]
    orphans = [path for path in records if path.replace("/info/", "/files/").removesuffix(".trashinfo") not in found]
    return [path for path in found if ".phash-" in path] + orphans


# ── scan ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def draw(path: Path, seed: int) -> None:
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    Image.fromarray(((x * (seed + 2) // 3 + y * (seed % 5 + 1) // 2) % 256).astype(np.uint8)).save(path)


def contents(path: Path) -> dict[str, tuple[bytes | None, bool]]:
    with Store(path) as catalogue:
        assert catalogue._database.value("PRAGMA integrity_check") == "ok"
        hashed = set(catalogue.code_columns(trust_all=True).contents.tolist())
        return {photo.path: (photo.digest, photo.content_id in hashed) for photo in catalogue.photos()}


def kill_scan(folder: Path, deaths: Deaths) -> None:
    """Kill the first scan of a folder, and one after changes, at every statement and every change of a file."""
    photos = folder / "photos"
    photos.mkdir()
    for number in range(4):
        draw(photos / f"{number}.png", number)
    kill_scans(photos, None, deaths)
    scan_into(folder / "before.db", photos)
    (photos / "0.png").unlink()
    (photos / "1.png").rename(photos / "moved.png")
    draw(photos / "2.png", 9)
    draw(photos / "new.png", 12)
    kill_scans(photos, folder / "before.db", deaths)


def kill_scans(photos: Path, before: Path | None, deaths: Deaths) -> None:
    """After each death the catalogue opens, has what it had, and the next scan gives the same result."""
    known = contents(before) if before else {}
    path = copied(before, photos.with_name("killed.db"))
    scan_into(path, photos)
    whole = contents(path)
    stays = {photo: row for photo, row in known.items() if whole.get(photo) == row}
    assert len(whole) == 4
    point, killed = 0, True
    while killed:
        copied(before, path)
        killed = deaths.at(point, lambda: scan_into(path, photos))
        assert stays.items() <= contents(path).items()
        scan_into(path, photos)
        assert contents(path) == whole
        point += 1


def scan_into(path: Path, photos: Path) -> None:
    with Store(path) as catalogue:
        scan([photos], catalogue, workers=1)


def copied(catalogue: Path | None, to: Path) -> Path:
    """Copy a catalogue to a path; with None, leave nothing there."""
    for path in to.parent.glob(f"{to.name}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if catalogue:
        shutil.copy(catalogue, to)
    return to


def kill_actions(folder: Path, action: str, deaths: Deaths) -> None:
    trial = Trial(folder, action, deaths)
    trial.kill_apply()
    trial.kill_undo()
    shutil.rmtree(trial.target, ignore_errors=True)


def no_power_is_lost() -> None:
    """So nothing need be waited for."""
    setattr(os, "fsync", lambda _: None)  # noqa: B010 - the type is not quite that


def main(folder: Path, what: str) -> None:
    deaths = Deaths()
    no_power_is_lost()
    kill_scan(folder, deaths) if what == "scan" else kill_actions(folder, what, deaths)
    sys.stdout.write(str(deaths.count))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
