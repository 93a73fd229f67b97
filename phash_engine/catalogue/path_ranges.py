"""Folders as ranges of encoded paths, which an index of SQLite on paths serves."""

from __future__ import annotations

import os
from collections.abc import Sequence

from phash_engine import _files

Range = tuple[bytes, bytes]
"""The first path, and the path after the last one."""


def below(folder: str) -> Range:
    """Return the range of the paths below a folder."""
    separator = os.fsencode(os.sep)
    prefix = os.fsencode(_files.absolute(folder)).rstrip(separator) + separator
    return prefix, prefix[:-1] + bytes([prefix[-1] + 1])


def of_folders(folders: Sequence[str] | None) -> list[Range]:
    """Return disjoint ranges, in order: of the paths below the folders, or of all paths."""
    if folders is None:
        return [(b"", b"\xff")]
    ranges: list[Range] = []
    for low, high in sorted(map(below, _files.listed(folders, "folders"))):
        if not ranges or low >= ranges[-1][1]:
            ranges.append((low, high))
    return ranges
