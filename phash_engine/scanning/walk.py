"""Walk folders: which regular files there are, and what is passed over."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from phash_engine._files import File, Unreadable, reason_of


@dataclass
class Walk:
    """What a walk met below one root."""

    files: list[File] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    hidden: int = 0
    excluded: int = 0
    links: int = 0
    entries: int = 0


def walk(root: str, exclude: Sequence[str] = ()) -> Walk:
    """List the regular files below a folder, in the order of their paths.

    Hidden files and folders (a leading dot) and symbolic links are counted and passed over: a link is not a second
    copy, and following links to folders may never end. Folders that cannot be read are listed and do not stop the rest.

    Parameters
    ----------
    root
        Absolute path of a folder; it may itself be hidden or a link.
    exclude
        Shell patterns; a file or folder is passed over when one fits its name or its path relative to ``root``.
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
        pending += reversed([entry.path for entry in ordered if _take(entry, root, patterns, result)])
    result.files.sort()
    return result


def is_excluded(path: str, root: str, exclude: Sequence[str]) -> bool:
    """Whether a walk from a root passes over a path for one of the patterns that fits it or a folder on the way."""
    relative = PurePath(path).relative_to(root)
    patterns = _patterns(exclude)
    return any(_fits(step.name, str(step), patterns) for step in (relative, *relative.parents[:-1]))


def _take(entry: os.DirEntry[str], root: str, patterns: Sequence[str], result: Walk) -> bool:
    """Count one entry; whether it is a folder to go into."""
    result.entries += 1
    if entry.name.startswith("."):
        result.hidden += 1
        return False
    if patterns and _fits(entry.name, entry.path[len(root.rstrip(os.sep)) + 1 :], patterns):
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
    """Return the patterns without the slash that people end folders with."""
    return [pattern.rstrip(os.sep) for pattern in exclude]


def _fits(name: str, relative: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(relative, pattern) for pattern in patterns)
