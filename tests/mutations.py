"""Damaged picture files: small originals of every format, and random changes that break them."""

from __future__ import annotations

import io
import random
import struct
import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, features

WIDTH, HEIGHT = 47, 41
SIZES = (0, 1, 2, 255, 256, 4095, 15999, 16383, 16384, 32767, 65500, 65535, 1 << 20, (1 << 31) - 1, (1 << 32) - 1)
"""Sizes for a wrong header: small, just allowed, just too large, and at the limits of integers."""


def mutate(data: bytes, other: bytes, seed: str) -> bytes:
    """Return the file with one to three changes; a PNG often gets right checksums, else it is refused at once."""
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 3)):
        change = draw.choice((flipped, flipped, truncated, spliced, repeated, resized, resized))
        data = change(data, other, draw) or b"\0"
    return with_checksums(data) if data.startswith(b"\x89PNG") and draw.random() < 0.8 else data


def flipped(data: bytes, _: bytes, draw: random.Random) -> bytes:
    """Change a few bytes, half of the time in the headers at the start, where changes do most harm."""
    changed = bytearray(data)
    end = len(data) if draw.random() < 0.5 else min(len(data), 160)
    for place in draw.choices(range(end), k=draw.choice((1, 2, 8, 64))):
        one_bit = changed[place] ^ 1 << draw.randrange(8)
        changed[place] = draw.choice((0, 1, 127, 128, 255, draw.randrange(256), one_bit))
    return bytes(changed)


def truncated(data: bytes, _: bytes, draw: random.Random) -> bytes:
    """Truncate the file."""
    return data[: draw.randrange(len(data))]


def spliced(data: bytes, other: bytes, draw: random.Random) -> bytes:
    """Replace a piece by one of another file."""
    place, start, length = draw.randrange(len(data)), draw.randrange(len(other)), draw.choice((4, 40, 400))
    return data[:place] + other[start : start + length] + data[place + length :]


def repeated(data: bytes, _: bytes, draw: random.Random) -> bytes:
    """Repeat a piece, or leave it out."""
    start, length = draw.randrange(len(data)), draw.choice((1, 12, 200))
    return data[:start] + data[start : start + length] * draw.choice((0, 2, 50)) + data[start + length :]


def resized(data: bytes, _: bytes, draw: random.Random) -> bytes:
    """Find width or height as an integer of two to four bytes, and replace it."""
    number = draw.choice((WIDTH, HEIGHT))
    forms = ((number, ">H"), (number, "<H"), (number, ">I"), (number, "<I"), (number - 1, "<H"))  # WebP counts from 0
    found, form = draw.choice([each for each in forms if struct.pack(each[1], each[0]) in data] or [(0, "<H")])
    old = struct.pack(form, found)
    new = struct.pack(form, draw.choice(SIZES) & (1 << 8 * len(old)) - 1)
    return data.replace(old, new, draw.choice((1, 2)))


def with_checksums(data: bytes) -> bytes:
    """Give each chunk of a PNG its right checksum."""
    mended, place = [data[:8]], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + length]
        mended += [data[place : place + 4], body, struct.pack(">I", zlib.crc32(body))]
        place += 12 + length
    return b"".join([*mended, data[place:]])


@cache
def originals(sample: Path) -> dict[str, bytes]:
    """Return whole files by name: every format that is written here, and the smaller ones of the sample collection."""
    files = {name: encoded(image, *options) for name, (image, *options) in pictures().items()}
    real = sorted(path for path in (sample / "exports").rglob("*") if path.is_file() and path.stat().st_size < 24_000)
    return files | {path.name: path.read_bytes() for path in real}


def encoded(image: Image.Image, kind: str, options: dict[str, Any] | None = None) -> bytes:
    """Return the bytes of the file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **(options or {}))
    return buffer.getvalue()


def picture(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Return coloured waves with some noise."""
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 7) + np.cos(y / 5), np.cos(x / 3), np.sin(y / 9)], axis=-1) * 50 + 128
    noise = np.random.default_rng(7).integers(0, 20, waves.shape)
    return Image.fromarray((waves + noise).astype(np.uint8))


def pictures() -> dict[str, tuple[Any, ...]]:
    """Return picture, format and options of each original."""
    colour = picture()
    grey, large = colour.convert("L"), picture(521, 517)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [colour.rotate(90), colour.rotate(180)]}
    wide = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    made: dict[str, tuple[Any, ...]] = {
        "jpeg": (colour, "JPEG", {"exif": exif}),
        "jpeg grey": (grey, "JPEG"),
        "jpeg cmyk": (colour.convert("CMYK"), "JPEG"),
        "jpeg progressive": (colour, "JPEG", {"progressive": True}),
        "jpeg large": (large, "JPEG", {"quality": 30}),
        "jpeg progressive large": (large, "JPEG", {"progressive": True, "quality": 30}),
        "mpo": (colour, "MPO", {"save_all": True, "append_images": [colour.rotate(180)]}),
        "png": (colour, "PNG", {"exif": exif}),
        "png alpha": (colour.convert("RGBA"), "PNG"),
        "png palette": (colour.quantize(16), "PNG", {"transparency": 3}),
        "png 1 bit": (colour.convert("1"), "PNG"),
        "png 16 bits": (wide, "PNG"),
        "apng": (colour, "PNG", frames),
        "gif": (colour, "GIF"),
        "gif animated": (colour, "GIF", frames),
        "bmp": (colour, "BMP"),
        "bmp palette": (colour.quantize(16), "BMP"),
        "dib": (colour, "DIB"),
        "tiff": (colour, "TIFF", {"exif": exif}),
        "tiff 16 bits": (wide, "TIFF"),
        "tiff float": (Image.fromarray(np.asarray(grey).astype(np.float32)), "TIFF"),
        "tiff cmyk": (colour.convert("CMYK"), "TIFF"),
        "tiff pages": (colour, "TIFF", frames),
        "tiff fax": (colour.convert("1"), "TIFF", {"compression": "group4"}),
        "webp": (colour, "WEBP", {"exif": exif}),
        "webp lossless": (colour.convert("RGBA"), "WEBP", {"lossless": True}),
        "webp animated": (colour, "WEBP", frames),
        "jpeg 2000": (colour, "JPEG2000"),
        "jpeg 2000 bare": (colour, "JPEG2000", {"no_jp2": True}),
        "ico": (colour, "ICO"),
        "icns": (colour.resize((32, 32)), "ICNS"),
        "ppm": (colour, "PPM"),
        "tga": (colour, "TGA"),
        "tga packed": (colour, "TGA", {"compression": "tga_rle"}),
        "pcx": (colour, "PCX"),
        "sgi": (colour, "SGI"),
        "dds": (colour, "DDS"),
    }
    made |= {
        f"tiff {name}": (colour, "TIFF", {"compression": name})
        for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    }
    if features.check("avif"):
        made["avif"] = (colour, "AVIF", {"speed": 10})
        made["avif animated"] = (colour, "AVIF", {"speed": 10, **frames})
    if find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener()
        made["heic"] = (colour, "HEIF")
    return made
