"""The trash of the desktop: put files there, and on Linux find them again.

Where a file lies in the trash, and where it came from, is told by its ``.trashinfo`` (freedesktop.org, Trash
specification 1.0). The trashes of other systems are written to by send2trash alone; people take files out themselves.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Collection

from phash_engine.actions import file_state

_INFO = ".trashinfo"
_BEGUN = "begun"
"""Origin of a record without a line, as a death leaves it between its making and its writing; no path is relative."""


def put(path: str) -> None:
    """Move a file to the trash.

    Raises
    ------
    OSError
        There is no trash for this file, or the system says no.
    """
    import send2trash

    send2trash.send2trash(path)


def find(path: str, digest: bytes) -> str | None:
    """Return the file in the trash that came from a path and has these bytes; None where there is none."""
    trashed = (file for trash in _trashes(path) for file in _from(path, trash, (path,)))
    return next((file for file in trashed if file_state.shows(file, digest)), None)


def drop_record(file: str) -> None:
    """Remove the record of a file that was taken out of the trash."""
    info = _info(os.path.dirname(os.path.dirname(file)), os.path.basename(file))
    if os.path.lexists(info):
        os.unlink(info)


def drop_orphans(path: str) -> None:
    """Remove the records that were written, or begun, of a file before it did not go."""
    for trash in _trashes(path):
        for file in _from(path, trash, (path, _BEGUN)):
            if not os.path.lexists(file):
                drop_record(file)


def _from(path: str, trash: str, origins: Collection[str]) -> list[str]:
    """Return the files of a path's name that came to a trash from some origins, or were about to.

    Names in the trash are those of the files, with a number where that name was taken, so few records are read.
    """
    stem, _ = os.path.splitext(os.path.basename(path))
    try:
        records = sorted(name for name in os.listdir(os.path.join(trash, "info")) if name.startswith(stem))
    except OSError:
        return []
    names = [name.removesuffix(_INFO) for name in records if name.endswith(_INFO)]
    return [os.path.join(trash, "files", name) for name in names if _origin(_info(trash, name), trash) in origins]


def _info(trash: str, name: str) -> str:
    return os.path.join(trash, "info", name + _INFO)


def _origin(info: str, trash: str) -> str | None:
    """Return the path that a record tells of, or that it was just begun; relative paths begin where the trash is."""
    try:
        with open(info, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    if not lines:
        return _BEGUN
    quoted = next((line.removeprefix(b"Path=") for line in lines if line.startswith(b"Path=")), None)
    if quoted is None:
        return None
    above = os.path.dirname(trash)
    top = os.path.dirname(above) if os.path.basename(above) == ".Trash" else above
    return os.path.normpath(os.path.join(top, os.fsdecode(urllib.parse.unquote_to_bytes(quoted))))


def _trashes(path: str) -> list[str]:
    """Return the trashes a file may have gone to: the user's, and those of the file's own drive."""
    if os.name == "nt":
        return []
    home = os.path.expanduser(os.environ.get("XDG_DATA_HOME", "~/.local/share"))
    folder = os.path.realpath(os.path.dirname(path))
    while not os.path.ismount(folder):
        folder = os.path.dirname(folder)
    user = str(os.getuid())
    return [os.path.join(home, "Trash"), os.path.join(folder, ".Trash", user), os.path.join(folder, f".Trash-{user}")]
