"""The formats of images: one table of their names, extensions, first bytes, and what it takes to decode them."""

from __future__ import annotations

import os
from typing import NamedTuple

from phash_engine import _files


class Format(NamedTuple):
    """One format.

    Attributes
    ----------
    names
        What Pillow calls it; RAW where LibRaw decodes it.
    extensions
        In lower case, with the dot.
    signatures
        First bytes by which a file without an extension is recognised.
    brands
        The same for ISO base media files (ISO/IEC 14496-12): the four bytes after ``ftyp``.
    weak_signatures, weak_brands
        Those that only select the decoder of a file: too short, or too rare to recognise a file by.
    module
        The optional package that decodes it; empty where Pillow does alone.
    openers
        What Pillow opens it as, where that differs from ``names``.
    typical_quality
        What files without quantisation tables are commonly encoded with, 0..100 as libjpeg counts; 100 is lossless.
    has_frames
        Whether files may have further frames or pages that are pictures of their own. The further images of an MPO are
        previews and depth maps, the layers of a PSD are no pictures.
    from_cameras
        Whether cameras and scanners write it, so that a file may be an original.
    """

    names: tuple[str, ...]
    extensions: tuple[str, ...]
    signatures: tuple[bytes, ...] = ()
    brands: tuple[bytes, ...] = ()
    weak_signatures: tuple[bytes, ...] = ()
    weak_brands: tuple[bytes, ...] = ()
    module: str = ""
    openers: tuple[str, ...] | None = None
    typical_quality: int = 100
    has_frames: bool = False
    from_cameras: bool = False


TIFF_SIGNATURES = (b"II*\0", b"MM\0*")
RAW = Format(
    ("RAW",),
    tuple(
        """.3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 .sr2 .srf .srw
        .x3f""".split()
    ),
    weak_brands=(b"crx ",),
    weak_signatures=(
        b"FUJIFILMCCD-RAW",
        b"FOVb",  # Sigma
        b"\0MRM",  # Minolta
        b"IIU\0",  # Panasonic
        b"IIRO",  # Olympus
        b"IIRS",
        b"MMOR",
        b"II\x1a\0\0\0HEAPCCDR",  # Canon before CR2
    ),
    module="rawpy",
    openers=(),
    from_cameras=True,
)
HEIF = Format(
    ("HEIF",),
    (".heic", ".heif", ".hif"),
    brands=(b"heic", b"heix", b"mif1", b"msf1"),
    weak_brands=(b"hevc", b"hevx", b"heim", b"heis"),
    module="pillow_heif",
    typical_quality=92,
    from_cameras=True,
)
JXL = Format(
    ("JXL",),
    (".jxl",),
    (b"\0\0\0\x0cJXL ",),
    weak_signatures=(b"\xff\x0a",),
    module="pillow_jxl",
    typical_quality=90,
)

TABLE = (
    Format(
        ("JPEG", "MPO"),
        (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        (b"\xff\xd8\xff",),
        openers=("JPEG",),
        from_cameras=True,
    ),
    Format(("PNG",), (".png", ".apng"), (b"\x89PNG\r\n\x1a\n",), has_frames=True),
    Format(("GIF",), (".gif",), (b"GIF87a", b"GIF89a"), typical_quality=50, has_frames=True),
    Format(("BMP", "DIB"), (".bmp", ".dib")),
    Format(("PPM",), (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"), openers=("PPM", "PFM")),
    Format(("WEBP",), (".webp",), typical_quality=75, has_frames=True),  # recognised by RIFF....WEBP
    Format(("TIFF",), (".tif", ".tiff"), TIFF_SIGNATURES, has_frames=True, from_cameras=True),
    Format(("AVIF",), (".avif",), brands=(b"avif", b"avis"), typical_quality=75, has_frames=True),
    HEIF,
    Format(("JPEG2000",), (".jp2", ".j2k", ".jpx"), (b"\0\0\0\x0cjP  ",), typical_quality=90),
    Format(("ICO",), (".ico",)),
    Format(("TGA",), (".tga",)),
    Format(("PCX",), (".pcx",)),
    Format(("SGI",), (".sgi",)),
    Format(("ICNS",), (".icns",)),
    Format(("QOI",), (".qoi",), (b"qoif",)),
    Format(("DDS",), (".dds",)),
    Format(("PSD",), (".psd",), (b"8BPS",)),
    JXL,
    RAW,
)
"""All formats that are decoded inside this process. EPS, for one, would start another program."""

OPENERS = tuple(name for form in TABLE for name in (form.names if form.openers is None else form.openers))
"""Names under which Pillow may open files."""
TYPICAL_QUALITY = {name: form.typical_quality for form in TABLE for name in form.names}
WITH_FRAMES = frozenset(name for form in TABLE for name in form.names if form.has_frames)
FROM_CAMERAS = frozenset(name for form in TABLE for name in form.names if form.from_cameras)

_BY_EXTENSION = {extension: form for form in TABLE for extension in form.extensions}
_SIGNATURES = tuple(signature for form in TABLE for signature in form.signatures)
_BRANDS = frozenset(brand for form in TABLE for brand in form.brands)
_START = 16
"""Bytes in which signatures are searched."""


def is_image(path: str) -> bool:
    """Whether a file has the extension of an image or else its signature; an unreadable file without one is none."""
    if _extension(path) in _BY_EXTENSION:
        return True
    try:
        with open(path, "rb", buffering=0, opener=_files.open_regular) as file:
            start = file.read(_START)
    except OSError:
        return False
    is_webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    return is_webp or _brand(start) in _BRANDS or start.startswith(_SIGNATURES)


def needed_module(start: bytes) -> str:
    """Return the optional package that Pillow needs for a file with these first 16 bytes; empty for none."""
    return next((form.module for form in (HEIF, JXL) if _is_decoded_as(form, start)), "")


def has_raw_signature(start: bytes) -> bool:
    """Whether the first 16 bytes are those of a camera RAW that is not laid out as a TIFF."""
    return _is_decoded_as(RAW, start)


def names_of(path: str) -> frozenset[str]:
    """Return the names of the format of an extension; none if it is not an image's."""
    form = _BY_EXTENSION.get(_extension(path))
    return frozenset(form.names if form else ())


def is_raw_name(path: str) -> bool:
    """Whether the extension is one of camera RAW."""
    return _BY_EXTENSION.get(_extension(path)) is RAW


def is_misnamed(path: str, name: str) -> bool:
    """Whether the extension is that of another image format than the file has."""
    return name not in (names_of(path) or {name})


def _is_decoded_as(form: Format, start: bytes) -> bool:
    has_signature = start.startswith((*form.signatures, *form.weak_signatures))
    return has_signature or _brand(start) in {*form.brands, *form.weak_brands}


def _brand(start: bytes) -> bytes:
    return start[8:12] if start[4:8] == b"ftyp" else b""


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()
