"""Walk folders, tell pictures from other files, read a file and its digest."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from phash_engine.errors import ImageError

IMAGE_EXTENSIONS = frozenset(
    """.jpg .jpeg .jpe .jfif .mpo .png .apng .gif .bmp .dib .webp .tif .tiff .avif .heic .heif .hif .jp2 .j2k .jpx .jxl
    .ico .icns .tga .pcx .ppm .pgm .pbm .pnm .pfm .psd .qoi .sgi .dds""".split()
)
RAW_EXTENSIONS = frozenset(
    """.3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 .sr2 .srf
    .x3f""".split()
)
"""Camera RAW: many begin like a TIFF, but what stands there is a thumbnail."""

MAX_BYTES = 1 << 31

_MAGIC = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",  # TIFF
    b"MM\x00*",
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
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
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            result.unreadable.append(Unreadable(folder, _reason(error)))
            continue
        pending += reversed([entry.path for entry in ordered if _take(entry, root, exclude, result)])
    result.files.sort()
    return result


def looks_like_image(path: str) -> bool:
    """Whether the extension is a picture's or, failing that, the first bytes are; unreadable files are no pictures."""
    extension = os.path.splitext(path)[1].lower()
    if extension in IMAGE_EXTENSIONS:
        return True
    if extension in RAW_EXTENSIONS:
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            start = file.read(16)
    except OSError:
        return False
    if start[4:8] == b"ftyp":
        return start[8:12] in _BRANDS
    return start.startswith(_MAGIC) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def read(path: str) -> tuple[File, bytes]:
    """Read a file whole, with its size and time of change as of that reading.

    Raises
    ------
    ImageError
        It cannot be read, or is larger than :data:`MAX_BYTES`.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > MAX_BYTES:
                raise ImageError(path, f"{status.st_size} bytes are more than the {MAX_BYTES} that are read")
            return File(path, status.st_size, status.st_mtime_ns), file.read()
    except OSError as error:
        raise ImageError(path, _reason(error)) from error


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of a file's bytes, 32 bytes."""
    return hashlib.sha256(data).digest()


def contains(folder: str, path: str) -> bool:
    """Whether an absolute path is a folder itself or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _take(entry: os.DirEntry[str], root: str, exclude: Sequence[str], result: Walk) -> bool:
    """Count one entry; whether it is a folder to go into."""
    result.entries += 1
    if entry.name.startswith("."):
        result.hidden += 1
    elif _excluded(entry, root, exclude):
        result.excluded += 1
    elif entry.is_symlink():
        result.links += 1
    elif entry.is_dir(follow_symlinks=False):
        return True
    else:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            result.unreadable.append(Unreadable(entry.path, _reason(error)))
            return False
        if stat.S_ISREG(status.st_mode):
            result.files.append(File(entry.path, status.st_size, status.st_mtime_ns))
    return False


def _excluded(entry: os.DirEntry[str], root: str, exclude: Sequence[str]) -> bool:
    relative = os.path.relpath(entry.path, root) if exclude else ""
    return any(fnmatch.fnmatch(entry.name, glob) or fnmatch.fnmatch(relative, glob) for glob in exclude)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
