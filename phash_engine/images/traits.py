"""The traits of a picture: what its file says of its origin and of itself, and what its pixels measure.

A file may say anything: what is missing, damaged or out of range is unknown, and nothing that it says is an error.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from PIL import Image

from phash_engine.images import embedded, exif, makernotes, metadata
from phash_engine.images.exif import Exif, attempt

_NOT_A_CAPTION: Final = re.compile(r".*\b(DIGITAL CAMERA|DSC|DCIM|IMAGE|UNTITLED)\s*", re.IGNORECASE)
"""Descriptions that cameras and programs write by themselves."""
_CAMERA_FILE: Final = re.compile(r"(?:^|[/\\])[A-Z0-9_]{4}(\d{4})(?!\d)[^/\\]*$", re.IGNORECASE | re.ASCII)
"""Names of cameras (JEITA CP-3461, DCF): four free characters, four digits; also of their edits, as IMG_0433-edit."""


class Traits(NamedTuple):
    """What a file says of itself; None where it does not say it, or says nonsense.

    Attributes
    ----------
    frames
        How many frames or pages it has.
    encoder_quality, quality_basis
        The quality setting of its encoder, 0..100 as libjpeg counts, and what that rests on: ``tables`` of a JPEG, or a
        ``guess`` by the format.
    taken_us, zone_minutes
        When it was taken by the camera's clock: microseconds since 1970 as if in UTC; and the minutes by which it
        was ahead of UTC.
    camera, lens, software
        Names.
    orientation
        EXIF's, 1..8, as the file has it.
    exposure_bias
        In EV.
    drive, burst_id
        ``single``, ``burst`` or ``bracket``; what shots of one burst share.
    image_number
        The camera's number of the shot, or that in the name of the file.
    live_id
        The content identifier by which a live photo and its video find each other.
    has_video
        Whether a video is stored behind the picture (motion photo).
    has_gps, has_caption, has_rating, has_keywords
        Whether somebody or something added these, by EXIF, IPTC or XMP.
    icc
        The name of the colour profile.
    sharpness, entropy
        ``quality.mean_gradient`` and ``quality.entropy`` of the luma, at the scale to which a JPEG is decoded.
    content_class
        What kind of picture it is: ``photo``, ``document``, ``drawing`` or ``screenshot``.
    """

    frames: int | None = None
    encoder_quality: int | None = None
    quality_basis: str | None = None
    taken_us: int | None = None
    zone_minutes: int | None = None
    camera: str | None = None
    lens: str | None = None
    software: str | None = None
    orientation: int | None = None
    exposure_bias: float | None = None
    drive: str | None = None
    burst_id: str | None = None
    image_number: int | None = None
    live_id: str | None = None
    has_video: bool = False
    has_gps: bool = False
    has_caption: bool = False
    has_rating: bool = False
    has_keywords: bool = False
    icc: str | None = None
    sharpness: float | None = None
    entropy: float | None = None
    content_class: str | None = None


def of_image(image: Image.Image, data: bytes, name: str) -> Traits:
    """Return what the file of an image says; frames, sharpness, entropy and class are left unknown.

    Parameters
    ----------
    image
        As opened, of a camera RAW the preview.
    data, name
        The bytes of the file and its path.
    """
    found = Exif.of_image(image, data)
    properties = attempt(embedded.xmp_of, image) or {}
    added = attempt(embedded.iptc_of, image) or frozenset()
    traits = Traits(
        encoder_quality=attempt(metadata.encoder_quality, image),
        quality_basis="tables" if metadata.has_tables(image) else "guess",
        orientation=_orientation(image, found),
        image_number=_number_in(name),
        has_video=embedded.has_video(data, properties),
        icc=attempt(embedded.profile_name, image.info.get("icc_profile") or b""),
    )
    # Most files of the web have no metadata.
    return _with_metadata(traits, found, properties, added) if any((*found, properties, added)) else traits


def _with_metadata(traits: Traits, found: Exif, properties: dict[str, str], added: frozenset[int]) -> Traits:
    note = found.maker_note()
    burst_id = note.burst_id or properties.get("GCamera:BurstID")
    return traits._replace(
        taken_us=found.taken_us,
        zone_minutes=found.zone_minutes,
        camera=found.camera,
        lens=exif.text(found.shot.get(exif.LENS)),
        software=exif.text(found.main.get(exif.SOFTWARE)),
        exposure_bias=exif.number(found.shot.get(exif.EXPOSURE_BIAS)),
        drive=makernotes.BRACKET if found.is_bracket else note.drive or (makernotes.BURST if burst_id else None),
        burst_id=burst_id,
        image_number=note.image_number or traits.image_number,
        live_id=note.live_id,
        has_gps=found.has_place or "exif:GPSLatitude" in properties,
        has_caption=_has_caption(found, properties) or not added.isdisjoint(embedded.IPTC_CAPTIONS),
        has_rating=_has_rating(found, properties),
        has_keywords=bool(exif.wide_text(found.main.get(exif.KEYWORDS)))
        or embedded.IPTC_KEYWORD in added
        or not properties.keys().isdisjoint({"dc:subject", "lr:hierarchicalSubject"}),
    )


def _orientation(image: Image.Image, found: Exif) -> int | None:
    number = image.info.get("original_orientation") or found.main.get(metadata.ORIENTATION_TAG)
    return number if isinstance(number, int) and 1 <= number <= 8 else None


def _has_caption(found: Exif, properties: dict[str, str]) -> bool:
    texts = [exif.text(found.main.get(exif.DESCRIPTION)), exif.text(found.shot.get(exif.COMMENT))]
    texts += [exif.wide_text(found.main.get(tag)) for tag in (exif.TITLE, exif.WINDOWS_COMMENT, exif.SUBJECT)]
    texts += [exif.text(properties.get(key)) for key in ("dc:description", "dc:title", "photoshop:Headline")]
    return any(text and not _NOT_A_CAPTION.fullmatch(text) for text in texts)


def _has_rating(found: Exif, properties: dict[str, str]) -> bool:
    ratings = [found.main.get(exif.RATING), properties.get("xmp:Rating"), properties.get("MicrosoftPhoto:Rating")]
    return any(exif.number(rating) for rating in ratings)


def _number_in(name: str) -> int | None:
    found = _CAMERA_FILE.search(name)
    return int(found[1]) if found else None
