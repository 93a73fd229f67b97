"""The trash of the desktop: on Linux and its like our own, elsewhere that of send2trash.

A trash has two folders, ``files`` and ``info``; each file has an info file there, ``.trashinfo``, with the path it came
from and the date (freedesktop.org, Trash specification 1.0). The info file is created first, exclusively and whole, and
reserves the name. A file stays on its own file system: in the trash of the user, or in one at the top of its mount. On
other systems files are only put into the trash, and people take them out themselves.
"""

from __future__ import annotations

import os
import stat
import sys
import time
import urllib.parse
from collections.abc import Container, Iterator

from phash_engine import _files
from phash_engine.actions import file_state, renaming

IS_OURS = os.name == "posix" and sys.platform != "darwin"
"""Whether the system has the trash of freedesktop.org, which files can be brought back from."""
_INFO = ".trashinfo"


def unused_place(path: str, taken: Container[str] = ()) -> str:
    """Return an unused path in the trash for a file; empty if there is no trash that it can be brought back from.

    Creates nothing.
    """
    trash = next((trash for trash in _trashes(path) if _is_usable(trash)), None) if IS_OURS else None
    if trash is None:
        return ""
    info = _files.unused_path(os.path.join(trash, "info", os.path.basename(path)), _Used(trash, taken))
    return os.path.join(trash, "files", os.path.basename(info))


def reserve(place: str, path: str, private: str) -> None:
    """Create the info file of a path for its place in the trash, and the folders of the trash.

    Parameters
    ----------
    place, path
        Where the file goes to, and where it is.
    private
        A private name, under which the info file is written.

    Raises
    ------
    NameTakenError
        The place has an info file.
    OSError
        The system refuses.
    """
    info = _info(place)
    for folder in (_trash_of(place), os.path.dirname(place), os.path.dirname(info)):
        os.makedirs(folder, 0o700, exist_ok=True)
    unwritten = _files.in_folder_of(info, private)
    with open(unwritten, "xb") as file:
        file.write(_info_of(path, _trash_of(place)))
    renaming.rename(unwritten, info)


def cancel(place: str, path: str, private: str) -> None:
    """Remove the info file that an interrupted :func:`reserve` made, if it made one, and no file followed."""
    info = _info(place)
    unwritten = _files.in_folder_of(info, private)
    renaming.release(unwritten, info)
    if os.path.lexists(unwritten):
        os.unlink(unwritten)
    if not os.path.lexists(place) and _origin(info, _trash_of(place)) == os.path.normpath(_real(path)):
        os.unlink(info)


def remove_info(place: str) -> None:
    """Remove the info file of a file that was taken out of the trash."""
    if os.path.lexists(_info(place)) and not os.path.lexists(place):
        os.unlink(_info(place))


def find(path: str, digest: str) -> str | None:
    """Return the file in the trash that came from a path and has a digest, in hex; None if there is none."""
    trashed = (file for trash in _trashes(path) for file in _from(path, trash)) if IS_OURS else iter(())
    return next((file for file in trashed if file_state.has_digest(file, digest)), None)


def send(path: str) -> None:
    """Put a file into the trash of a system that is not ours to write; OSError if it refuses."""
    import send2trash

    send2trash.send2trash(path)


class _Used:
    """Names in the folder of info files whose files exist."""

    def __init__(self, trash: str, taken: Container[str]) -> None:
        self._files = os.path.join(trash, "files")
        self._taken = taken

    def __contains__(self, name: object) -> bool:
        place = os.path.join(self._files, os.path.basename(str(name)))
        return place in self._taken or os.path.lexists(place) or os.path.lexists(_info(place))


# ── info files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _info(place: str) -> str:
    return os.path.join(_trash_of(place), "info", os.path.basename(place) + _INFO)


def _trash_of(place: str) -> str:
    return os.path.dirname(os.path.dirname(place))


def _info_of(path: str, trash: str) -> bytes:
    top = _top(trash)
    origin = os.path.relpath(_real(path), top) if top else path
    quoted = urllib.parse.quote(os.fsencode(origin))
    return f"[Trash Info]\nPath={quoted}\nDeletionDate={time.strftime('%Y-%m-%dT%H:%M:%S')}\n".encode()


def _origin(info: str, trash: str) -> str | None:
    """Return the path in an info file, links above it resolved; None if there is none."""
    try:
        lines = _files.read_document(info).splitlines()
    except OSError:
        return None
    quoted = next((line.removeprefix(b"Path=") for line in lines if line.startswith(b"Path=")), None)
    if quoted is None:
        return None
    origin = os.fsdecode(urllib.parse.unquote_to_bytes(quoted))
    return os.path.normpath(_real(os.path.join(_top(trash) or os.sep, origin)))


def _from(path: str, trash: str) -> list[str]:
    """Return the places in a trash, with a file or not, whose info files have a path.

    Names in the trash are those of the files, with a number if the name was used, so few info files are read.
    """
    stem, _ = os.path.splitext(os.path.basename(path))
    try:
        infos = sorted(name for name in os.listdir(os.path.join(trash, "info")) if name.startswith(stem))
    except OSError:
        return []
    places = [os.path.join(trash, "files", name.removesuffix(_INFO)) for name in infos if name.endswith(_INFO)]
    return [place for place in places if _origin(_info(place), trash) == os.path.normpath(_real(path))]


# ── trashes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _trashes(path: str) -> Iterator[str]:
    """Yield the trashes for files of a folder, existing or not, in the order of the specification."""
    folder = os.path.realpath(os.path.dirname(path))
    home = _home()
    if _device(home) == _device(folder):
        yield home
    while not os.path.ismount(folder):
        folder = os.path.dirname(folder)
    user, shared = str(os.getuid()), os.path.join(folder, ".Trash")
    if _is_shared(shared):
        yield os.path.join(shared, user)
    yield os.path.join(folder, f".Trash-{user}")


def _home() -> str:
    """Return the user's own trash; a relative XDG_DATA_HOME is to be ignored (XDG Base Directory specification)."""
    data = os.environ.get("XDG_DATA_HOME", "")
    return os.path.join(data if os.path.isabs(data) else os.path.expanduser("~/.local/share"), "Trash")


def _top(trash: str) -> str:
    """Return the folder that the paths in a trash begin at; empty for the user's own, which has absolute paths."""
    above, name = os.path.split(trash)
    if name.startswith(".Trash-"):
        return above
    return os.path.dirname(above) if os.path.basename(above) == ".Trash" else ""


def _is_shared(trash: str) -> bool:
    """Whether a trash may be shared by all users: a folder, no link, and with the sticky bit."""
    try:
        mode = os.lstat(trash).st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)


def _is_usable(trash: str) -> bool:
    """Whether a trash is a folder of this user, or can be made; only the user's own may be behind a link."""
    try:
        status = os.lstat(trash) if _top(trash) else os.stat(trash)
    except FileNotFoundError:
        return not os.path.lexists(trash) and os.access(_existing(trash), os.W_OK | os.X_OK)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and os.access(trash, os.W_OK | os.X_OK)


def _device(path: str) -> int:
    return os.stat(_existing(path)).st_dev


def _existing(path: str) -> str:
    """Return a path, or the nearest folder above it that exists."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def _real(path: str) -> str:
    """Return a path with the links above it resolved."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
