"""The journal of a plan: what is about to be done to each file, and that it was done.

An append-only file of JSON Lines, made durable before and after every step, so that whoever comes after a crash knows
which one step may be half done::

    {"event": "begin", "phash_journal": 1, "plan": "…", "catalogue": "…"}      one for each run
    {"event": "intent", "path": "…", "way": "move", "to": "…", …}
    {"event": "done", "path": "…"}                                              or "cancelled"

Bringing a file back is a step of the same kind, after which the file counts as never touched.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from phash_engine import _json
from phash_engine._files import reason_of, sync_parent
from phash_engine.errors import PlanError

FORMAT = 1
SUFFIX = ".journal.jsonl"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is done to one file, with all that is needed to find out later whether it happened, and to undo it.

    Attributes
    ----------
    path
        The file as the plan has it.
    way
        trash, move, delete, hardlink, symlink or reflink; to undo, return (carry back) or copy (in place of a link).
    digest, mtime_ns
        Of the file; the digest in hex.
    keeper, keeper_digest
        The photo that stays.
    to
        Where the file is carried.
    aside, new
        Free names used while the step lasts: for the file itself, and for what takes its or another place.
    undoes, source
        To undo: the way that is undone, and where the file is now.
    """

    path: str
    way: str
    digest: str
    mtime_ns: int
    keeper: str
    keeper_digest: str
    to: str = ""
    aside: str = ""
    new: str = ""
    undoes: str = ""
    source: str = ""


class Log:
    """What a journal tells.

    Parameters
    ----------
    path
        The file; it need not be there.
    plan, catalogue
        The plan's digest in hex, and its catalogue or an empty string; those of the file if not given.

    Attributes
    ----------
    applied
        Steps that were done and not undone, by path, in the order they were done.
    unfinished
        Steps of which only the intent is known, by path.

    Raises
    ------
    PlanError
        The journal is of another plan, or damaged.
    """

    def __init__(self, path: str, plan: str = "", catalogue: str = "") -> None:
        self.path = path
        self.plan, self.catalogue = plan, catalogue
        self.applied: dict[str, Step] = {}
        self.unfinished: dict[str, Step] = {}
        try:
            for record in _records(path):
                self._take_in(record)
        except (KeyError, TypeError) as error:
            raise PlanError(f"{path}: damaged: {error}") from error

    def _take_in(self, record: Mapping[str, Any]) -> None:
        event = record["event"]
        if event == "begin":
            self._continue(record)
        elif event == "intent":
            step = Step(**{name: value for name, value in record.items() if name != "event"})
            self.unfinished[step.path] = step
        elif event == "done":
            self._finish(record["path"])
        else:
            del self.unfinished[record["path"]]

    def _continue(self, record: Mapping[str, Any]) -> None:
        if record["phash_journal"] != FORMAT:
            raise PlanError(f"{self.path} was written by another version of phash_engine")
        if self.plan not in {"", record["plan"]}:
            raise PlanError(
                f"{self.path} tells of another plan under this name: undo that one, or give the new one another name"
            )
        self.plan, self.catalogue = record["plan"], record["catalogue"]

    def _finish(self, path: str) -> None:
        step = self.unfinished.pop(path)
        if step.undoes:
            self.applied.pop(path, None)
        else:
            self.applied[path] = step


class Journal(Log):
    """An open journal, with room for more: a context manager that only one process can be in.

    Parameters are those of :class:`Log`; without a plan the file must be there, else it is made.

    Raises
    ------
    PlanError
        As for :class:`Log`; or there is no journal, it is in use, or it cannot be written.
    """

    def __init__(self, path: str, plan: str = "", catalogue: str = "") -> None:
        is_new = not os.path.lexists(path)
        if is_new and not plan:
            raise PlanError(f"no journal at {path}")
        self._descriptor = _open(path)
        try:
            super().__init__(path, plan, catalogue)
            if not self.plan:
                raise PlanError(f"{path} is no journal of 'phash apply'")
            self._begin()
            if is_new:
                sync_parent(path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and let others in."""
        os.close(self._descriptor)

    def intend(self, step: Step) -> None:
        """Say what is about to be done."""
        filled = {name: value for name, value in asdict(step).items() if value}
        self._append({"event": "intent", **filled})
        self.unfinished[step.path] = step

    def done(self, path: str) -> None:
        """Say that the step intended for a path was done."""
        self._append({"event": "done", "path": path})
        self._finish(path)

    def cancelled(self, path: str) -> None:
        """Say that the step intended for a path was not done, and left nothing behind."""
        self._append({"event": "cancelled", "path": path})
        del self.unfinished[path]

    def _begin(self) -> None:
        if _is_torn(self.path):
            self._write(b"\n")  # what a crash left of the last line stays a line of its own
        self._append({"event": "begin", "phash_journal": FORMAT, "plan": self.plan, "catalogue": self.catalogue})

    def _append(self, record: Mapping[str, Any]) -> None:
        self._write(_json.dumps(dict(record)) + b"\n")

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise PlanError(
                f"{self.path}: cannot write the journal: {reason_of(error)}; the same command goes on"
            ) from error


def _records(path: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a journal, if there is one; only the last line of a run may be torn."""
    if not os.path.lexists(path):
        return
    with open(path, "rb") as file:
        torn = False
        for number, line in enumerate(file, start=1):
            record = _parsed(line)
            if record is None:
                torn = True
                continue
            if torn and record["event"] != "begin":
                raise PlanError(f"{path}: line {number - 1} is damaged, or this is no journal")
            torn = False
            yield record


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = _json.loads(line)
    except ValueError:
        return None
    known = isinstance(record, dict) and record.get("event") in {"begin", "intent", "done", "cancelled"}
    return record if known else None


def _is_torn(path: str) -> bool:
    with open(path, "rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _open(path: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    except OSError as error:
        raise PlanError(f"{path}: cannot write the journal: {reason_of(error)}") from error
    try:
        _lock(descriptor)
    except BlockingIOError as error:
        os.close(descriptor)
        raise PlanError(f"{path}: another 'phash apply' or 'phash undo' is at work on this plan") from error
    return descriptor


def _lock(descriptor: int) -> None:
    """Keep other processes out until the file is closed, where the system and the file system can."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP}:
            raise
