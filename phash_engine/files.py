"""Walk folders, tell pictures from other files, read a file and its digest."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

from phash_engine.errors import ImageError

_EXTENSIONS = {
    "JPEG MPO": ".jpg .jpeg .jpe .jfif .mpo",
    "PNG": ".png .apng",
    "GIF": ".gif",
    "BMP DIB": ".bmp .dib",
    "WEBP": ".webp",
    "TIFF": ".tif .tiff",
    "AVIF": ".avif",
    "HEIF": ".heic .heif .hif",
    "JPEG2000": ".jp2 .j2k .jpx",
    "JXL": ".jxl",
    "ICO": ".ico",
    "ICNS": ".icns",
    "TGA": ".tga",
    "PCX": ".pcx",
    "PPM": ".ppm .pgm .pbm .pnm .pfm",
    "PSD": ".psd",
    "QOI": ".qoi",
    "SGI": ".sgi",
    "DDS": ".dds",
    "RAW": """.3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 .sr2 .srf
        .srw .x3f""",
}
_FORMATS = {
    extension: frozenset(formats.split())
    for formats, extensions in _EXTENSIONS.items()
    for extension in extensions.split()
}
"""By extension, the formats such a file may have."""

MAX_BYTES = 1 << 31
_LAST_NS = (1 << 63) - 1

_MAGIC = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",  # TIFF
    b"MM\x00*",
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
    b"\x00\x00\x00\x0cJXL ",
    b"8BPS",  # PSD
    b"qoif",
)
_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"})


class File(NamedTuple):
    """A regular file: absolute path, size in bytes, time of last change in nanoseconds."""

    path: str
    size: int
    mtime_ns: int


class Unreadable(NamedTuple):
    """A file or folder that could not be read, and why."""

    path: str
    reason: str


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
            result.unreadable.append(Unreadable(folder, _reason(error)))
            continue
        pending += reversed([entry.path for entry in ordered if _take(entry, root, patterns, result)])
    result.files.sort()
    return result


def looks_like_image(path: str) -> bool:
    """Whether the extension is a picture's or, failing that, the first bytes are; unreadable files are no pictures."""
    if _extension(path) in _FORMATS:
        return True
    try:
        with open(path, "rb", buffering=0) as file:
            start = file.read(16)
    except OSError:
        return False
    if start[4:8] == b"ftyp":
        return start[8:12] in _BRANDS
    return start.startswith(_MAGIC) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def formats_of_name(path: str) -> frozenset[str]:
    """Return the formats that files of this extension may have; none if it is no picture's."""
    return _FORMATS.get(_extension(path), frozenset())


def is_raw_name(path: str) -> bool:
    """Whether the extension is one of camera RAW."""
    return "RAW" in formats_of_name(path)


def is_misnamed(path: str, kind: str) -> bool:
    """Whether the extension is that of another format than the file has; one that is no picture's says nothing."""
    return kind not in (formats_of_name(path) or {kind})


def is_excluded(path: str, root: str, exclude: Sequence[str]) -> bool:
    """Whether a walk from a root passes over a path for one of the patterns that fits it or a folder on the way."""
    relative = PurePath(path).relative_to(root)
    patterns = _patterns(exclude)
    return any(_fits(step.name, str(step), patterns) for step in (relative, *relative.parents[:-1]))


def read(path: str) -> tuple[File, bytes]:
    """Read a file whole, with its size and time of change as of that reading.

    Raises
    ------
    ImageError
        It cannot be read, or is larger than :data:`MAX_BYTES`.
    """
    try:
        # Each call lets go of the interpreter lock, and taking it back costs more than the call: the fewer the better.
        with open(path, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if status.st_size > MAX_BYTES:
                raise ImageError(path, f"{status.st_size} bytes are more than the {MAX_BYTES} that are read")
            data = file.read(status.st_size + 1)
            return _file(path, status), data if len(data) == status.st_size else data + file.read()
    except OSError as error:
        raise ImageError(path, _reason(error)) from error


def identity(path: str) -> tuple[int, int] | None:
    """Return device and number of a file or folder, the same under all its names; None where it cannot be seen."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of a file's bytes, 32 bytes."""
    return hashlib.sha256(data).digest()


def absolute(path: str | os.PathLike[str]) -> str:
    """Return the one name a path is kept under: absolute, without ``..`` and doubled slashes, links not resolved."""
    name = os.path.abspath(path)
    # POSIX leaves two leading slashes to the system, and so does Python; //a would be another photo than /a.
    return name[1:] if os.sep == "/" and name.startswith("//") else name


def contains(folder: str, path: str) -> bool:
    """Whether an absolute path is a folder itself or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether one of some folders contains an absolute path."""
    return any(contains(folder, path) for folder in folders)


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()


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
                result.files.append(_file(entry.path, status))
    except OSError as error:
        result.unreadable.append(Unreadable(entry.path, _reason(error)))
    return False


def _patterns(exclude: Sequence[str]) -> list[str]:
    """Return the patterns without the slash that people end folders with."""
    return [pattern.rstrip(os.sep) for pattern in exclude]


def _fits(name: str, relative: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(relative, pattern) for pattern in patterns)


def _file(path: str, status: os.stat_result) -> File:
    # Years after 2262, which damaged file systems have, are more nanoseconds than the catalogue's 64 bits.
    return File(path, status.st_size, min(status.st_mtime_ns, _LAST_NS))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
