"""Walk folders: which roots to walk, whether one was reached, which regular files there are, and what is skipped."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

from phash_engine import _files
from phash_engine._files import File, Unreadable, reason_of
from phash_engine.scanning import managed_folders
from phash_engine.scanning.managed_folders import Database, ManagedFolder, ManagedFolders


@dataclass
class Walk:
    """What a walk found below one root.

    ``files`` are the regular files by path, ``unreadable`` the folders and entries without access, ``managed`` the
    managed folders that were passed over, ``databases`` those of applications; ``hidden``, ``excluded``, ``links`` and
    ``special`` (pipes, sockets, devices) count what was skipped, ``entries`` everything. A hidden folder that is
    managed is in both counts.
    """

    files: list[File] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    managed: list[ManagedFolder] = field(default_factory=list)
    databases: list[Database] = field(default_factory=list)
    hidden: int = 0
    excluded: int = 0
    links: int = 0
    special: int = 0
    entries: int = 0


def walk(
    root: str, exclude: Sequence[str] = (), managed: ManagedFolders | None = None, *, include_managed: bool = False
) -> Walk:
    """List the regular files below a folder, in the order of their paths.

    Hidden files and folders (a leading dot) and symbolic links are counted and skipped: a link is not a second copy,
    and following links to folders may never end. Managed folders, hidden or not, are listed and skipped. Folders that
    cannot be read are listed and do not stop the walk.

    Parameters
    ----------
    root
        Absolute path of a folder; it may itself be hidden or a link.
    exclude
        Shell patterns; a file or folder is skipped if one matches its name or its path relative to ``root``.
    managed
        What recognises managed folders; None for one without quarantines.
    include_managed
        Whether managed folders are walked like all others, also those that are hidden.
    """
    walker = _Walker(root, _patterns(exclude), managed or ManagedFolders(), include_managed, Walk())
    pending = [root]
    while pending:
        pending += reversed(walker.folders_in(pending.pop()))
    walker.found.files.sort()
    return walker.found


def walk_root(
    root: str,
    exclude: Sequence[str] = (),
    managed: ManagedFolders | None = None,
    *,
    include_managed: bool = False,
    had_photos: bool = False,
) -> Walk | Unreadable:
    """Walk a root as :func:`walk` does; return the reason if the result cannot be relied on.

    Parameters
    ----------
    root, exclude, managed, include_managed
        As for :func:`walk`.
    had_photos
        Whether photos are known below the root: an empty one is then taken for the mount point of a drive that is away.

    Returns
    -------
    Walk or Unreadable
        Unreadable if the root cannot be read, is replaced during the walk, or is empty though it had photos.
    """
    before = _files.file_id(root)
    result = walk(root, exclude, managed, include_managed=include_managed)
    if result.unreadable and result.unreadable[0].path == root:
        return result.unreadable[0]
    if had_photos and not result.entries:
        return Unreadable(root, "empty, but held photos before: is its drive away?")
    if _files.file_id(root) != before:
        return Unreadable(root, "went away while it was walked")
    return result


def distinct_roots(
    folders: Iterable[str | os.PathLike[str]], managed: ManagedFolders | None = None, *, include_managed: bool = False
) -> list[str]:
    """Return the absolute paths of folders, sorted, without those that the walk of another one includes."""
    managed = managed or ManagedFolders()
    roots: list[str] = []
    for folder in sorted({_files.absolute(folder) for folder in _files.listed(folders, "folders")}):
        if not any(_walk_includes(root, folder, managed, include_managed=include_managed) for root in roots):
            roots.append(folder)
    return roots


def is_excluded(path: str, root: str, exclude: Sequence[str]) -> bool:
    """Whether a walk from a root skips a path, since a pattern matches it or a folder above it."""
    relative = PurePath(path).relative_to(root)
    patterns = _patterns(exclude)
    return any(_matches(part.name, str(part), patterns) for part in (relative, *relative.parents[:-1]))


def is_gone(path: str) -> bool:
    """Whether a path is certainly no regular file any more; False where there is no access."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def _walk_includes(root: str, folder: str, managed: ManagedFolders, *, include_managed: bool) -> bool:
    """Whether a folder lies below a root, and no folder between them is passed over or a link."""
    if not _files.contains(root, folder):
        return False
    parent = Path(folder)
    while parent != Path(root):
        is_passed_over = not include_managed if managed.at(str(parent)) else parent.name.startswith(".")
        if is_passed_over or parent.is_symlink():
            return False
        parent = parent.parent
    return True


class _Walker(NamedTuple):
    """What :func:`walk` was given, and what it has found so far."""

    root: str
    patterns: Sequence[str]
    managed: ManagedFolders
    include_managed: bool
    found: Walk

    def folders_in(self, folder: str) -> list[str]:
        """Count the entries of a folder, and return the folders among them to walk, by name."""
        try:
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.found.unreadable.append(Unreadable(folder, reason_of(error)))
            return []
        return [entry.path for entry in ordered if self._visit(entry)]

    def _visit(self, entry: os.DirEntry[str]) -> bool:
        """Count one entry; return whether it is a folder to walk."""
        self.found.entries += 1
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
            managed = self.managed.at(entry.path) if is_folder else None
            is_hidden = entry.name.startswith(".")
            if managed and not self.include_managed and not self._is_excluded(entry):
                self.found.managed.append(managed)
                self.found.hidden += is_hidden
            elif is_hidden and not managed:
                self.found.hidden += 1
            elif self._is_excluded(entry):
                self.found.excluded += 1
            elif is_folder:
                return True
            elif entry.is_symlink():
                self.found.links += 1
            else:
                self._add_file(entry)
        except OSError as error:
            self.found.unreadable.append(Unreadable(entry.path, reason_of(error)))
        return False

    def _is_excluded(self, entry: os.DirEntry[str]) -> bool:
        relative = entry.path[len(self.root.rstrip(os.sep)) + 1 :]
        return bool(self.patterns) and _matches(entry.name, relative, self.patterns)

    def _add_file(self, entry: os.DirEntry[str]) -> None:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            self.found.special += 1
            return
        self.found.files.append(File.from_stat(entry.path, status))
        if database := managed_folders.database_at(entry.path):
            self.found.databases.append(database)


def _patterns(exclude: Sequence[str]) -> list[str]:
    """Return the patterns without trailing slashes, as people write them after folders."""
    return [pattern.rstrip(os.sep) for pattern in exclude]


def _matches(name: str, relative: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(relative, pattern) for pattern in patterns)
