"""The trash of the desktop: put files there, and on Linux find them again.

Each file in the trash has an info file, ``.trashinfo``, with the path it came from (freedesktop.org, Trash
specification 1.0). On other systems files are only put into the trash, by send2trash; people take them out themselves.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Collection

from phash_engine.actions import file_state

_INFO = ".trashinfo"
_UNWRITTEN = "unwritten"
"""Origin in an info file that is empty, as a crash just after its creation leaves it; other origins are absolute."""


def put(path: str) -> None:
    """Move a file to the trash.

    Raises
    ------
    OSError
        There is no trash for this file, or the system refuses.
    """
    import send2trash

    send2trash.send2trash(path)


def find(path: str, digest: str) -> str | None:
    """Return the file in the trash that came from a path and has a digest, in hex; None if there is none."""
    trashed = (file for trash in _trashes(path) for file in _from(path, trash, (path,)))
    return next((file for file in trashed if file_state.has_digest(file, digest)), None)


def remove_info(file: str) -> None:
    """Remove the info file of a file that was taken out of the trash."""
    info = _info(os.path.dirname(os.path.dirname(file)), os.path.basename(file))
    if os.path.lexists(info):
        os.unlink(info)


def remove_orphaned_info(path: str) -> None:
    """Remove the info files of a path whose file did not arrive in the trash."""
    for trash in _trashes(path):
        for file in _from(path, trash, (path, _UNWRITTEN)):
            if not os.path.lexists(file):
                remove_info(file)


def _from(path: str, trash: str, origins: Collection[str]) -> list[str]:
    """Return the paths in a trash, existing or not, that info files give one of some origins.

    Names in the trash are those of the files, with a number if the name was used, so few info files are read.
    """
    stem, _ = os.path.splitext(os.path.basename(path))
    try:
        infos = sorted(name for name in os.listdir(os.path.join(trash, "info")) if name.startswith(stem))
    except OSError:
        return []
    names = [name.removesuffix(_INFO) for name in infos if name.endswith(_INFO)]
    return [os.path.join(trash, "files", name) for name in names if _origin(_info(trash, name), trash) in origins]


def _info(trash: str, name: str) -> str:
    return os.path.join(trash, "info", name + _INFO)


def _origin(info: str, trash: str) -> str | None:
    """Return the origin in an info file, or that it is unwritten; relative paths are below the folder of the trash."""
    try:
        with open(info, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    if not lines:
        return _UNWRITTEN
    quoted = next((line.removeprefix(b"Path=") for line in lines if line.startswith(b"Path=")), None)
    if quoted is None:
        return None
    above = os.path.dirname(trash)
    top = os.path.dirname(above) if os.path.basename(above) == ".Trash" else above
    return os.path.normpath(os.path.join(top, os.fsdecode(urllib.parse.unquote_to_bytes(quoted))))


def _trashes(path: str) -> list[str]:
    """Return the trashes a file may be put into: the user's, and those of the file's own drive."""
    if os.name == "nt":
        return []
    home = os.path.expanduser(os.environ.get("XDG_DATA_HOME", "~/.local/share"))
    folder = os.path.realpath(os.path.dirname(path))
    while not os.path.ismount(folder):
        folder = os.path.dirname(folder)
    user = str(os.getuid())
    return [os.path.join(home, "Trash"), os.path.join(folder, ".Trash", user), os.path.join(folder, f".Trash-{user}")]
