"""``python -m bench kills``: files lost when apply and undo are killed, and when several plans run at once.

Kills: a process dies by SIGKILL at every change of a file of each action and of its undoing, until there were enough
deaths; after each all digests must be there, the journal must be true, and the same command must end the same.
Plans: several plans, each with files of the same names and bytes in folders of its own, are applied at the same time,
to the trash and to one folder, and then undone at the same time.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import perf_counter

from phash_engine.actions import executor, plan
from phash_engine.actions.executor import Outcome
from phash_engine.actions.journal import SUFFIX
from phash_engine.actions.plan import Plan, PlannedGroup, PlannedPhoto
from tests import faults

ACTIONS = ("trash", "move", "move elsewhere", "hardlink", "symlink", "delete")
_IN_FOLDER = 4
"""Files in each folder: IMG_0001.jpg and on, the same in all folders."""


def main(argv: list[str]) -> None:
    """Report deaths and losses."""
    parser = ArgumentParser("kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="deaths in all, at least (default 1000)")
    parser.add_argument("--files", type=int, default=10_000, help="files of all plans (default 10000)")
    parser.add_argument("--plans", type=int, default=4, help="plans applied at once (default 4)")
    parser.add_argument("--json", action="store_true", help="JSON Lines")
    options = parser.parse_args(argv)
    faults.no_power_is_lost()
    with tempfile.TemporaryDirectory(prefix="phash-kills-") as folder:
        os.environ["XDG_DATA_HOME"] = str(Path(folder) / "data")
        for action in ACTIONS:
            wanted = options.kills // len(ACTIONS) + 1
            seconds, deaths = _timed(partial(kill, Path(folder), action, wanted))
            _report({"what": "kills", "action": action, "deaths": deaths, "lost": 0, "seconds": seconds}, options.json)
        for action in ("trash", "move"):
            seconds, lost = _timed(partial(at_once, Path(folder) / action, action, options.plans, options.files))
            found = {"what": "plans", "action": action, "plans": options.plans, "files": options.files, "lost": lost}
            _report({**found, "seconds": seconds}, options.json)
            if lost:
                sys.exit(1)


def kill(folder: Path, action: str, deaths: int) -> int:
    """Kill an action and its undoing at every point, as often as needed; return the number of deaths.

    Raises
    ------
    AssertionError
        Something is lost, the journal is not true, or the command that goes on ends otherwise.
    """
    counted = faults.Deaths()
    while counted.count < deaths:
        faults.kill_actions(folder / "kills", action, counted)
    return counted.count


def at_once(root: Path, action: str, plans: int, files: int) -> int:
    """Apply some plans at the same time, and undo them; return how many files are lost, or not where they were."""
    os.environ["XDG_DATA_HOME"] = str(root / "data")
    paths = [_plan(root / f"{number}", files // plans) for number in range(plans)]
    before = faults.tree(root)
    target = str(root / "moved") if action == "move" else None
    _in_processes([partial(_apply, path, action, target) for path in paths])
    lost = (_photos(before) - _photos(faults.tree(root))).total()
    _in_processes([partial(_undo, path) for path in paths])
    now = faults.tree(root)
    lost += sum(now.get(path) != digest for path, digest in before.items())
    shutil.rmtree(root)
    return lost


def _photos(found: faults.Tree) -> Counter[str]:
    return Counter(digest for path, digest in found.items() if path.endswith(".jpg"))


def _apply(path: str, action: str, target: str | None) -> None:
    _check_done(executor.apply(path, action, move_to=target))


def _undo(path: str) -> None:
    _check_done(executor.undo(path + SUFFIX))


def _check_done(outcomes: Iterator[Outcome]) -> None:
    others = [outcome for outcome in outcomes if outcome.result != "done"]
    assert not others, others[:3]


def _plan(folder: Path, files: int) -> str:
    """Make folders of files with the same names and, every second time, the same bytes; return the path of a plan."""
    keeper = _photo(folder / "keeper.jpg", b"keeper")
    duplicates = [
        _photo(folder / f"{number // _IN_FOLDER:05}" / f"IMG_{number % _IN_FOLDER:04}.jpg", b"%d" % (number // 2))
        for number in range(files)
    ]
    path = str(folder.with_suffix(".json"))
    plan.write(Plan((PlannedGroup(keeper, tuple(duplicates)),), str(folder)), path)
    return path


def _photo(path: Path, data: bytes) -> PlannedPhoto:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    status = path.stat()
    digest = sha256(data).hexdigest()
    return PlannedPhoto(path=str(path), size=status.st_size, mtime_ns=status.st_mtime_ns, digest=digest)


def _in_processes(works: Sequence[Callable[[], object]]) -> None:
    """Run each work in a process of its own, all at once."""
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert not any(codes), codes


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    begin = perf_counter()
    found = work()
    return round(perf_counter() - begin, 1), found


def _report(found: dict[str, object], as_json: bool) -> None:
    print(json.dumps(found) if as_json else "  ".join(f"{name} {value}" for name, value in found.items()), flush=True)
