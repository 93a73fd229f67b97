"""Walk folders: which roots to walk, whether one was reached, which regular files there are, and what is skipped."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from phash_engine import _files
from phash_engine._files import File, Unreadable, reason_of


@dataclass
class Walk:
    """What a walk found below one root.

    ``files`` are the regular files by path, ``unreadable`` the folders and entries without access; ``hidden``,
    ``excluded`` and ``links`` count what was skipped, ``entries`` everything.
    """

    files: list[File] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    hidden: int = 0
    excluded: int = 0
    links: int = 0
    entries: int = 0


def walk(root: str, exclude: Sequence[str] = ()) -> Walk:
    """List the regular files below a folder, in the order of their paths.

    Hidden files and folders (a leading dot) and symbolic links are counted and skipped: a link is not a second copy,
    and following links to folders may never end. Folders that cannot be read are listed and do not stop the walk.

    Parameters
    ----------
    root
        Absolute path of a folder; it may itself be hidden or a link.
    exclude
        Shell patterns; a file or folder is skipped if one matches its name or its path relative to ``root``.
    """
    result = Walk()
    patterns = _patterns(exclude)
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            result.unreadable.append(Unreadable(folder, reason_of(error)))
            continue
        pending += reversed([entry.path for entry in ordered if _visit(entry, root, patterns, result)])
    result.files.sort()
    return result


def walk_root(root: str, exclude: Sequence[str] = (), *, had_photos: bool = False) -> Walk | Unreadable:
    """Walk a root as :func:`walk` does; return the reason if the result cannot be relied on.

    Parameters
    ----------
    root, exclude
        As for :func:`walk`.
    had_photos
        Whether photos are known below the root: an empty one is then taken for the mount point of a drive that is away.

    Returns
    -------
    Walk or Unreadable
        Unreadable if the root cannot be read, is replaced during the walk, or is empty though it had photos.
    """
    before = _files.file_id(root)
    result = walk(root, exclude)
    if result.unreadable and result.unreadable[0].path == root:
        return result.unreadable[0]
    if had_photos and not result.entries:
        return Unreadable(root, "empty, but held photos before: is its drive away?")
    if _files.file_id(root) != before:
        return Unreadable(root, "went away while it was walked")
    return result


def distinct_roots(folders: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the absolute paths of folders, sorted, without those that the walk of another one includes."""
    roots: list[str] = []
    for folder in sorted({_files.absolute(folder) for folder in _files.listed(folders, "folders")}):
        if not any(_walk_includes(root, folder) for root in roots):
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


def _walk_includes(root: str, folder: str) -> bool:
    """Whether a folder lies below a root, and no folder between them is hidden or a link."""
    if not _files.contains(root, folder):
        return False
    parent = Path(folder)
    while parent != Path(root):
        if parent.name.startswith(".") or parent.is_symlink():
            return False
        parent = parent.parent
    return True


def _visit(entry: os.DirEntry[str], root: str, patterns: Sequence[str], result: Walk) -> bool:
    """Count one entry; return whether it is a folder to walk."""
    result.entries += 1
    if entry.name.startswith("."):
        result.hidden += 1
        return False
    if patterns and _matches(entry.name, entry.path[len(root.rstrip(os.sep)) + 1 :], patterns):
        result.excluded += 1
        return False
    try:
        if entry.is_symlink():
            result.links += 1
        elif entry.is_dir(follow_symlinks=False):
            return True
        else:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                result.files.append(File.from_stat(entry.path, status))
    except OSError as error:
        result.unreadable.append(Unreadable(entry.path, reason_of(error)))
    return False


def _patterns(exclude: Sequence[str]) -> list[str]:
    """Return the patterns without trailing slashes, as people write them after folders."""
    return [pattern.rstrip(os.sep) for pattern in exclude]


def _matches(name: str, relative: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(relative, pattern) for pattern in patterns)
