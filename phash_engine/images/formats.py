"""The formats of pictures: their extensions, and the first bytes by which files are told apart."""

from __future__ import annotations

import os

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


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()
