"""What joins the packages for a user of the library: a catalogue that scans, finds and groups; plans carried out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from phash_engine import _files, images
from phash_engine.actions import executor
from phash_engine.actions.executor import Outcome
from phash_engine.actions.journal import SUFFIX
from phash_engine.catalogue.store import Store
from phash_engine.errors import CatalogueError
from phash_engine.grouping import groups, keep_rules
from phash_engine.grouping.groups import Groups
from phash_engine.matching import calibration, policy
from phash_engine.matching.calibration import Report
from phash_engine.matching.search import Collection, Match
from phash_engine.matching.verification import Verifier
from phash_engine.matching.where import Where
from phash_engine.scanning import scan
from phash_engine.scanning.report import ScanReport

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""One path or several; ``~`` is the home of the user."""
Progress = Callable[[int, int], None]


class Catalogue(Store):
    """An open catalogue: one SQLite file; a context manager. Parameters and errors are those of ``Store``.

    Examples
    --------
    >>> with Catalogue(None) as catalogue:  # None keeps everything in memory
    ...     catalogue
    Catalogue(0 photos, in memory)
    """

    def __repr__(self) -> str:
        return f"Catalogue({self.counts()['photos']} photos, {self.path or 'in memory'})"

    def scan(
        self,
        paths: Paths,
        *,
        exclude: str | Sequence[str] = (),
        include_managed: bool = False,
        workers: int | None = None,
        memory: int | None = None,
        pairing: bool = True,
        crops: bool | None = None,
        frames: int | None = None,
        refresh: bool = False,
        progress: Progress | None = None,
    ) -> ScanReport:
        """Bring the catalogue up to date with one folder or several, and all below them.

        Parameters, result and errors are those of ``scanning.scan.scan``.
        """
        return scan.scan(
            _expanded(paths, "paths"),
            self,
            exclude=exclude,
            include_managed=include_managed,
            workers=workers,
            memory=memory,
            pairing=pairing,
            crops=crops,
            frames=frames,
            refresh=refresh,
            progress=progress,
        )

    def find(
        self,
        source: images.Source,
        k: int | None = None,
        radius: int | None = None,
        *,
        folders: Paths | None = None,
        rotations: bool = True,
        trust_all: bool = False,
        verify: bool = False,
    ) -> list[Match]:
        """Find the photos that match a picture, nearest first: see ``search.find``.

        To look up many pictures make a ``Collection`` once.
        """
        verifier = Verifier(self) if verify else None
        inside = None if folders is None else _expanded(folders, "folders")
        collection = Collection(self, inside, rotations=rotations, trust_all=trust_all, verifier=verifier)
        return collection.find(source, k, radius)

    def find_duplicates(
        self,
        folders: Paths | None = None,
        *,
        radius: int | None = None,
        references: Paths = (),
        exclude: str | Sequence[str] = (),
        where: str | Sequence[str] = (),
        include_managed: bool = False,
        rotations: bool = True,
        trust_all: bool = False,
        mode: str = "star",
        keep: Sequence[str] = keep_rules.DEFAULT,
        span: str = "anywhere",
        burst: float | None = None,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> Groups:
        """Group the photos that show the same picture, below some folders or everywhere.

        Parameters, result and errors are those of ``groups.find_groups``. ``where`` takes conditions that the photos
        must meet, as "pixels>=1MP, taken>=2020": see ``where.Where.parse``. ``verify`` compares the pictures too.
        """
        return groups.find_groups(
            self,
            radius,
            folders=None if folders is None else _expanded(folders, "folders"),
            references=_expanded(references, "references"),
            exclude=exclude,
            where=Where.parse(",".join([where] if isinstance(where, str) else where)),
            include_managed=include_managed,
            rotations=rotations,
            trust_all=trust_all,
            mode=mode,
            keep=keep,
            span=span,
            burst=burst,
            verifier=Verifier(self) if verify else None,
            progress=progress,
        )

    def calibrate(
        self, rate: float | None = None, *, folders: Paths | None = None, progress: Progress | None = None
    ) -> Report:
        """Measure what finds no false pairs among these photos, and decide by it from now on.

        Parameters, result and errors are those of ``calibration.calibrate``.
        """
        inside = None if folders is None else _expanded(folders, "folders")
        report = calibration.calibrate(self, inside, rate=rate, progress=progress)
        policy.set_calibration(self, report.calibration)
        return report


def apply(
    path: str | os.PathLike[str],
    action: str | None = None,
    *,
    move_to: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
) -> list[Outcome]:
    """Take an action on the duplicates of a plan and their sidecars, and return what became of each file.

    The catalogue of the plan is updated as ``phash apply`` does: photos that went are missing, and scans pass over the
    folder that files were moved to. Parameters and errors are those of ``executor.apply``.
    """
    plan = _absolute(path)
    target = None if move_to is None else _absolute(move_to)
    return _carry_out(executor.apply(plan, action, move_to=target, dry_run=dry_run), plan + SUFFIX)


def undo(path: str | os.PathLike[str]) -> list[Outcome]:
    """Bring back the files of a journal, and return what became of each: see ``executor.undo``."""
    journal = _absolute(path)
    return _carry_out(executor.undo(journal), journal, undone=True)


def _carry_out(steps: Iterable[Outcome], journal: str, *, undone: bool = False) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(steps)
    finally:
        with contextlib.suppress(CatalogueError):  # the next scan finds the same
            executor.update_catalogue(journal, outcomes, undone=undone)
    return outcomes


def _absolute(path: str | os.PathLike[str]) -> str:
    return _files.absolute(*_expanded(path, "path"))


def _expanded(paths: Paths, name: str) -> list[str]:
    return [str(Path(path).expanduser()) if path.startswith("~") else path for path in _files.listed(paths, name)]
