"""The journal of a plan: each step before it is taken, and whether it was done.

An append-only file of JSON Lines, made durable before and after every step, so that after a crash at most one step is
known to be half done::

    {"event": "begin", "phash_journal": 1, "plan": "…", "catalogue": "…"}      one for each run
    {"event": "intent", "path": "…", "way": "move", "to": "…", …}     "way" is the action
    {"event": "done", "path": "…"}                                              or "cancelled"

Bringing a file back is a step too, after which the file counts as never touched.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from typing import Any, BinaryIO, Self

import msgspec
from filelock import lock_descriptor

from phash_engine import _files, _json
from phash_engine._files import reason_of, sync_parent
from phash_engine.errors import PlanError

FORMAT = 1
SUFFIX = ".journal.jsonl"
_ACTION_KEY = "way"
_EVENTS = frozenset({"begin", "intent", "done", "cancelled"})


class _Begin(msgspec.Struct, forbid_unknown_fields=True):
    event: str
    phash_journal: int
    plan: str
    catalogue: str


class _End(msgspec.Struct, forbid_unknown_fields=True):
    event: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is done to one file, with all that is needed to recover the step after a crash, and to undo it.

    Attributes
    ----------
    path
        The file, as in the plan.
    action
        trash, move, delete, hardlink, symlink or reflink; to undo, return (move back) or copy (in place of a link).
    digest, mtime_ns
        Of the file; the digest in hex.
    keeper, keeper_digest
        The photo to keep.
    to, trashed
        The new path of a file that is moved, or that in the trash; empty for a trash that cannot be read.
    aside, new
        Private paths, used during the step: of the file itself, and of what replaces it or of its copy.
    undoes, source
        To undo: the action that is undone, and the present path of the file.
    """

    path: str
    action: str
    digest: str
    mtime_ns: int
    keeper: str
    keeper_digest: str
    to: str = ""
    aside: str = ""
    new: str = ""
    undoes: str = ""
    source: str = ""
    trashed: str = ""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Step:
        """Return the step of an intent; ValueError if it has other keys or types."""
        found = {"action" if name == _ACTION_KEY else name: value for name, value in record.items() if name != "event"}
        for name in found.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"unknown key {name!r:.100}")
        return _json.convert(found, cls)

    def as_record(self) -> dict[str, Any]:
        """Return the intent of this step, without what is empty."""
        found = {_ACTION_KEY if name == "action" else name: value for name, value in asdict(self).items()}
        return {"event": "intent", **{name: value for name, value in found.items() if value}}


class JournalReader:
    """The steps of a journal.

    Parameters
    ----------
    path
        The file; it need not exist.
    plan, catalogue
        The plan's digest in hex, and its catalogue or an empty string; those of the journal if not given.
    check
        Called when all is read, before anything is written; raises ValueError for a journal not to be followed.

    Attributes
    ----------
    steps
        All steps ever intended, with the number of the line.
    applied
        Steps that were done and not undone, by path, in the order they were done.
    unfinished
        Steps of which only the intent is known, by path.

    Raises
    ------
    PlanError
        The journal cannot be read, is of another plan or corrupt, or ``check`` refuses it.
    """

    def __init__(
        self, path: str, plan: str = "", catalogue: str = "", check: Callable[[JournalReader], None] | None = None
    ) -> None:
        self.path = path
        self.plan, self.catalogue = plan, catalogue
        self.steps: list[tuple[int, Step]] = []
        self.applied: dict[str, Step] = {}
        self.unfinished: dict[str, Step] = {}
        with _files.reading(path, PlanError):
            for number, record in _records(self._data(), path):
                with _files.reading(f"{path}: corrupt journal: line {number}", PlanError):
                    self._replay(number, record)
            if check is not None:
                check(self)

    def _data(self) -> bytes:
        return _files.read_document(self.path) if os.path.lexists(self.path) else b""

    def _replay(self, number: int, record: Mapping[str, Any]) -> None:
        if record["event"] == "begin":
            self._replay_begin(_json.convert(record, _Begin))
        elif record["event"] == "intent":
            step = Step.from_record(record)
            self.steps.append((number, step))
            self.unfinished[step.path] = step
        else:
            end = _json.convert(record, _End)
            if end.path not in self.unfinished:
                raise ValueError(f"no step of {end.path!r} has begun")
            if end.event == "done":
                self._finish(end.path)
            else:
                del self.unfinished[end.path]

    def _replay_begin(self, begin: _Begin) -> None:
        if begin.phash_journal != FORMAT:
            raise PlanError(f"{self.path} was written by another version of phash_engine")
        if self.plan not in {"", begin.plan}:
            raise PlanError(
                f"{self.path} is the journal of another plan of this name: undo that one, or rename the new plan"
            )
        self.plan, self.catalogue = begin.plan, begin.catalogue

    def _finish(self, path: str) -> None:
        step = self.unfinished.pop(path)
        if step.undoes:
            self.applied.pop(path, None)
        else:
            self.applied[path] = step


class Journal(JournalReader):
    """A journal open for appending: a context manager that locks it against other processes.

    Parameters are those of :class:`JournalReader`; without a plan the file must exist, else it is created.

    Raises
    ------
    PlanError
        As for :class:`JournalReader`; or there is no journal, it is in use, or it cannot be written.
    """

    def __init__(
        self, path: str, plan: str = "", catalogue: str = "", check: Callable[[JournalReader], None] | None = None
    ) -> None:
        is_new = not os.path.lexists(path)
        if is_new and not plan:
            raise PlanError(f"no journal at {path}")
        self._descriptor = _open(path)
        try:
            super().__init__(path, plan, catalogue, check)
            if not self.plan:
                raise PlanError(f"{path} is not a journal of 'phash apply'")
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
        """Close the file and release the lock."""
        os.close(self._descriptor)

    def record_intent(self, step: Step) -> None:
        """Record a step that is about to be taken."""
        self._append(step.as_record())
        self.unfinished[step.path] = step

    def record_done(self, path: str) -> None:
        """Record that the unfinished step of a path is done."""
        self._append({"event": "done", "path": path})
        self._finish(path)

    def record_cancelled(self, path: str) -> None:
        """Record that the unfinished step of a path was not done, and left nothing behind."""
        self._append({"event": "cancelled", "path": path})
        del self.unfinished[path]

    def _data(self) -> bytes:
        """Read by the descriptor that has locked the file: on Windows no other can read it."""
        with self._reader() as file:
            return _files.read_bounded(file)

    def _reader(self) -> BinaryIO:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return open(self._descriptor, "rb", closefd=False)

    def _begin(self) -> None:
        with self._reader() as file:
            is_in_mid_line = _ends_in_mid_line(file)
        if is_in_mid_line:
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
                f"{self.path}: cannot write the journal: {reason_of(error)}; the same command continues it"
            ) from error


def _records(data: bytes, path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the records of a journal by number of the line; only the last line of a run may be incomplete."""
    has_to_begin = True
    for number, line in enumerate(BytesIO(data), start=1):
        record = _parsed(line)
        if record is None:
            has_to_begin = True
            continue
        if has_to_begin and record["event"] != "begin":
            raise PlanError(f"{path}: line {max(1, number - 1)} is corrupt, or this is not a journal")
        has_to_begin = False
        yield number, record


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = _json.loads(line)
    except ValueError:
        return None
    event = record.get("event") if isinstance(record, dict) else None
    return record if isinstance(event, str) and event in _EVENTS else None


def _ends_in_mid_line(file: BinaryIO) -> bool:
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _open(path: str) -> int:
    # Not through a link: what lies next to a plan may have come with it, and nothing else is to be written to.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    for name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW"):
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError as error:
        reason = "is a symbolic link" if error.errno == errno.ELOOP else reason_of(error)
        raise PlanError(f"{path}: cannot write the journal: {reason}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PlanError(f"{path}: is not a regular file")
        if _lock(descriptor):
            return descriptor
        raise PlanError(f"{path}: another 'phash apply' or 'phash undo' is using this plan")
    except BaseException:
        os.close(descriptor)
        raise


def _lock(descriptor: int) -> bool:
    """Lock the file against other processes until it is closed; return whether no other has locked it.

    Where the system or the file system has no locks, there is nothing to wait for.
    """
    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}:
            raise
        return True
