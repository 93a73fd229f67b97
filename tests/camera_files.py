"""Files as cameras and editors write them: pictures in several formats, with the EXIF of a shot."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont
from PIL.TiffImagePlugin import IFDRational

from tests.pictures import EXIF, FRACTION, MAKE, MODEL, TAKEN

_GPS = 0x8825
_CAPTION, _RATING, _KEYWORDS = 0x010E, 0x4746, 0x9C9E
_SOFTWARE, _CHANGED = 0x0131, 0x0132
_EXPOSURE, _BIAS, _MAKER_NOTE = 0x829A, 0x9204, 0x927C


def exif(
    taken: datetime, *, bias: float = 0, maker_note: bytes = b"", described: bool = False, edited: bool = False
) -> Image.Exif:
    """Return the EXIF of a shot, to the hundredth of a second.

    Described it has place, caption, rating and keywords; edited, the name of an editor and a later time of change.
    """
    tags = Image.Exif()
    tags[MAKE], tags[MODEL] = ("Apple", "iPhone 13") if maker_note else ("Maker", "Camera")
    tags[_SOFTWARE] = "Photo Editor 7.2" if edited else "Firmware 1.04"
    tags[_CHANGED] = f"{taken + timedelta(days=2 * edited):%Y:%m:%d %H:%M:%S}"
    shot: dict[int, Any] = {TAKEN: f"{taken:%Y:%m:%d %H:%M:%S}", FRACTION: f"{taken.microsecond // 10000:02}"}
    shot |= {_EXPOSURE: IFDRational(round(1000 * 2**bias), 60_000), _BIAS: IFDRational(round(10 * bias), 10)}
    tags.get_ifd(EXIF).update(shot | ({_MAKER_NOTE: maker_note} if maker_note else {}))
    if described:
        degrees = (IFDRational(48), IFDRational(8), IFDRational(taken.minute))
        tags.get_ifd(_GPS).update({1: "N", 2: degrees, 3: "E", 4: degrees})
        tags[_CAPTION], tags[_RATING], tags[_KEYWORDS] = "At the lake", 5, "lake;summer\0".encode("utf-16-le")
    return tags


def jpeg(image: Image.Image, tags: Image.Exif | None = None, quality: int = 93, **options: Any) -> bytes:
    return saved(image, "JPEG", tags, quality=quality, **options)


def heic(image: Image.Image, tags: Image.Exif | None = None, quality: int = 85) -> bytes:
    """Encode as HEIC; needs pillow-heif."""
    import pillow_heif

    file = io.BytesIO()
    encoder = pillow_heif.from_pillow(image)
    encoder.save(file, quality=quality, exif=tags.tobytes() if tags else None, enc_params={"preset": "ultrafast"})
    return file.getvalue()


def opened_heic(data: bytes) -> Image.Image:
    import pillow_heif

    image: Image.Image = pillow_heif.open_heif(data).to_pillow()
    image.info.clear()
    return image


def saved(image: Image.Image, kind: str, tags: Image.Exif | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    if tags:
        options["exif"] = tags.tobytes()
    image.save(file, kind, **options)
    return file.getvalue()


def without_exif(data: bytes) -> bytes:
    """Remove the EXIF of a JPEG, and nothing else."""
    start = data.index(b"\xff\xe1")
    return data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :]


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


# ── edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def resized(image: Image.Image, scale: float) -> Image.Image:
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Cut a share of the width or height off each side."""
    width, height = image.size
    return image.crop(
        (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    )


def poster(image: Image.Image) -> Image.Image:
    """Cut out the middle and enlarge it beyond the size of the picture."""
    return resized(cropped(image, 0.05, 0.2, 0.05, 0.2), 1.6)


def framed(image: Image.Image, share: float, tone: str) -> Image.Image:
    border = round(share * max(image.size))
    frame = Image.new("RGB", (image.width + 2 * border, image.height + 2 * border), tone)
    frame.paste(image, (border, border))
    return frame


def stamped(image: Image.Image, text: str) -> Image.Image:
    """Draw a date into the lower right corner, as cameras did."""
    return _written(image, text, (0.97, 0.95), "rs", "#ff8c00", 0.055)


def captioned(image: Image.Image, text: str, top: str = "") -> Image.Image:
    """Write a large white line at the bottom, and another one at the top."""
    below = _written(image, text, (0.5, 0.95), "ms", "white", 0.09)
    return _written(below, top, (0.5, 0.13), "ms", "white", 0.09) if top else below


def _written(
    image: Image.Image, text: str, place: tuple[float, float], anchor: str, fill: str, share: float
) -> Image.Image:
    made = image.copy()
    font = ImageFont.load_default(share * max(image.size))
    at = (place[0] * image.width, place[1] * image.height)
    ImageDraw.Draw(made).text(at, text, fill, font, anchor, stroke_width=2, stroke_fill="black")
    return made


def warmed(image: Image.Image) -> Image.Image:
    red, green, blue = image.split()
    tone = (red.point(lambda v: min(255, v * 1.15 + 8)), green, blue.point(lambda v: v * 0.8))
    return ImageEnhance.Contrast(Image.merge("RGB", tone)).enhance(1.1)


def exposed(image: Image.Image, stops: float) -> Image.Image:
    """Take the picture anew with more or less light."""
    light = (np.asarray(image) / 255) ** 2.2 * 2**stops
    return Image.fromarray(np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8))


def moved(image: Image.Image, right: float, down: float, zoom: float, seed: int) -> Image.Image:
    """Take the picture anew from a place near by, with other noise: shares of its size, which it keeps."""
    margin = 0.06 + zoom
    part = cropped(image, margin + right, margin + down, margin - right, margin - down)
    pixels = np.asarray(part.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float64)
    noisy = pixels + 2.5 * np.random.default_rng(seed).standard_normal(pixels.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def cut_out(image: Image.Image) -> Image.Image:
    """Make all but an ellipse transparent."""
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse((0.1 * image.width, 0.1 * image.height, 0.9 * image.width, 0.9 * image.height), 255)
    made = image.copy()
    made.putalpha(mask)
    return made


def flattened(image: Image.Image) -> Image.Image:
    made = Image.new("RGB", image.size, "white")
    made.paste(image, mask=image.getchannel("A"))
    return made


# ── damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_zeros(data: bytes, share: float = 0.9) -> bytes:
    """Replace all behind a share of the bytes by zeros, as after an interrupted download."""
    kept = round(share * len(data))
    return data[:kept] + bytes(len(data) - kept)


def cut_off(data: bytes, share: float = 0.9) -> bytes:
    return data[: round(share * len(data))]


def resaved(image: Image.Image) -> Image.Image:
    """Lose what a JPEG of quality 25 loses."""
    return opened(jpeg(image, quality=25))
