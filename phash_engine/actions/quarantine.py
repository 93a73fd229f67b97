"""The folder that files are moved to: the catalogue of the plan remembers it, so that scans pass over it."""

from __future__ import annotations

import os
from pathlib import Path

from phash_engine import _files
from phash_engine.actions.plan import Plan
from phash_engine.catalogue.store import Store
from phash_engine.errors import CatalogueError, UsageError
from phash_engine.scanning import managed_folders

SUFFIX = ".quarantine"
"""Suffix of the folder next to a plan that files are moved to where undo could not reach the trash."""


def is_among_photos(plan: Plan, folder: str) -> bool:
    """Whether a folder, an absolute path, lies below the root of a plan."""
    return bool(plan.groups) and _files.contains(plan.root, folder)


def check_folder(path: str) -> None:
    """Raise UsageError unless a path is a folder, or can become one."""
    try:
        _files.check_path(path)
    except ValueError as error:
        raise UsageError(f"cannot move files to {path!r}: {error}") from error
    folder = Path(_files.absolute(path))
    existing = next(above for above in (folder, *folder.parents) if os.path.lexists(above))
    if not existing.is_dir():
        raise UsageError(f"cannot move files to {path}: {existing} is not a folder")


def remember(plan: Plan, folder: str, *, dry_run: bool) -> None:
    """Let the catalogue of a plan know a folder, an absolute path, before files are moved there.

    A dry run only checks whether that is possible. Where the catalogue is gone, or the plan has none, the folder must
    be outside the root of the plan.

    Raises
    ------
    UsageError
        The folder has photos of the collection, or is among them and cannot be remembered.
    """
    try:
        if not plan.catalogue:
            raise CatalogueError("the plan has no catalogue")
        with Store(plan.catalogue, create=False) as catalogue:
            (managed_folders.check_quarantine if dry_run else managed_folders.add_quarantine)(catalogue, folder)
    except CatalogueError as error:
        if is_among_photos(plan, folder):
            raise UsageError(
                f"{folder} is among the photos, and scans would not pass over it ({error}): name another folder"
            ) from error
