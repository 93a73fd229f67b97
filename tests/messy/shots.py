"""Shots in a row, and files of one shot: RAW, videos and sidecars."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from tests.dng_writer import Preview, dng
from tests.messy import camera_files as files
from tests.messy import edits, videos
from tests.messy.library import Fate, Library, Scene

# ── series ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def brackets(library: Library, count: int) -> None:
    """Three exposures 1 s apart; the first has a copy."""
    for number in range(count):
        scene = library.scene()
        for shot, bias in enumerate((0.0, -0.7, 0.7) if number % 2 else (0.0, -1.0, 1.0)):
            taken = scene.taken + timedelta(seconds=shot)
            data = files.jpeg(edits.exposed(scene.image, bias), files.exif(taken, bias=bias))
            path = library.add(f"bracket/DSC_{scene.number}{shot}.JPG", data, "shot", Fate.KEEP, written=taken)
            if shot == 0:
                copy = files.jpeg(scene.image, files.exif(taken), 80)
                library.add(f"bracket/sent/{scene.number}.jpg", copy, "copy", Fate.DUPLICATE, path)


def bursts(library: Library, count: int) -> None:
    """Bursts of seven shots, a tenth of a second apart, by names of cameras and phones; one shot of each has a copy."""
    for number in range(max(count // 2, 1)):
        scene, marks = library.scene(), library.random
        burst = str(uuid.UUID(int=marks.getrandbits(128), version=4)).upper()
        for shot in range(7):
            taken = scene.taken + timedelta(milliseconds=110 * shot)
            picture = edits.moved(scene.image, *_step(marks), marks.getrandbits(32))
            tags = files.exif(taken, maker_note=videos.apple_maker_note(burst=burst) if number % 3 == 0 else b"")
            name = (
                f"IMG_{scene.number}{shot}.JPG",
                f"{taken:%Y%m%d_%H%M%S}_BURST{shot + 1:03}.jpg",
                f"DSC0{scene.number}{shot}.JPG",
            )[number % 3]
            path = library.add(f"burst/{name}", files.jpeg(picture, tags), "shot", Fate.KEEP, written=taken)
            if shot == 3:
                sent = files.jpeg(edits.resized(picture, 0.8), tags, 80)
                library.add(f"burst/sent/{name}", sent, "copy", Fate.DUPLICATE, path)


def _step(drawn: random.Random) -> tuple[float, float, float]:
    return drawn.uniform(-0.012, 0.012), drawn.uniform(-0.012, 0.012), drawn.uniform(0, 0.015)


# ── files of one shot ────────────────────────────────────────────────────────────────────────────────────────────────


def raw(library: Library, count: int) -> None:
    """RAW and JPEG side by side, in sister folders, or as Pixel phones name them; and a bare copy of the JPEG."""
    for number in range(count):
        scene = library.scene()
        even = scene.image.crop((0, 0, scene.image.width // 2 * 2, scene.image.height // 2 * 2))
        data = files.jpeg(even, scene.exif)
        name = f"IMG_{scene.number}"
        photo, raw = (
            (f"{name}.JPG", f"{name}.DNG"),
            (f"JPEG/{name}.JPG", f"RAW/{name}.DNG"),
            (f"PXL_{scene.number}.RAW-01.COVER.jpg", f"PXL_{scene.number}.RAW-02.ORIGINAL.dng"),
        )[number % 3]
        sensor = dng(np.asarray(even), preview=Preview(data, *even.size))
        first = library.original(f"raw-jpeg/camera/{photo}", data, scene)
        library.add(f"raw-jpeg/camera/{raw}", sensor, "sidecar", Fate.KEEP, first, scene.taken)
        library.add(f"raw-jpeg/{scene.number}.JPG", data, "copy", Fate.DUPLICATE, first, scene.taken)


def live_photos(library: Library, count: int) -> None:
    """HEIC or JPEG with the MOV of its content identifier; the photo has a copy without it, by a shorter path."""
    for number in range(count):
        scene = library.scene()
        identifier = str(uuid.UUID(int=library.random.getrandbits(128), version=4)).upper()
        tags = files.exif(scene.taken, maker_note=videos.apple_maker_note(identifier))
        data = files.jpeg(scene.image, tags) if number % 2 else files.heic(scene.image, tags)
        suffix = "JPG" if number % 2 else "HEIC"
        film = videos.mov(files.jpeg(scene.image, quality=70), scene.image.size, scene.taken, 2.8, identifier)
        first = library.original(f"live-photo/phone/IMG_{scene.number}.{suffix}", data, scene)
        library.add(f"live-photo/phone/IMG_{scene.number}.MOV", film, "sidecar", Fate.KEEP, first, scene.taken)
        library.add(f"live-photo/{scene.number}.{suffix}", data, "copy", Fate.DUPLICATE, first, scene.taken)


def motion_photos(library: Library, count: int) -> None:
    """A JPEG with an MP4 behind it, and the still without it, also exported at a higher quality."""
    for number in range(count):
        scene = library.scene()
        film = videos.mp4(files.jpeg(scene.image, quality=70), scene.image.size, scene.taken, 1.5)
        data = files.jpeg(scene.image, scene.exif, xmp=videos.motion_photo_xmp(len(film))) + film
        first = library.original(f"motion-photo/phone/PXL_{scene.number}.MP.jpg", data, scene)
        still = files.jpeg(scene.image, scene.exif, (93, 97)[number % 2])
        library.add(f"motion-photo/{scene.number}.jpg", still, "copy", Fate.DUPLICATE, first, scene.taken)


SIDECARS: Mapping[str, str] = {
    "IMG_{}.xmp": '<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- {} --></x:xmpmeta>',
    "IMG_{}.JPG.xmp": '<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- {} --></x:xmpmeta>',
    "IMG_{}_01.JPG.xmp": '<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- {} --></x:xmpmeta>',
    "IMG_{}.AAE": '<?xml version="1.0"?><plist version="1.0"><string>{}</string></plist>',
    "IMG_{}.JPG.pp3": "[Version]\nAppVersion=5.9\n[Exposure]\nCompensation=0.{}\n",
    "IMG_{}.JPG.dop": "Sidecar = {{ Software = 'DxO', Item = {} }}\n",
    "IMG_{}.cos": "<SessionSettings Number='{}'/>",
    "IMG_{}.on1": '{{"photo": {}}}',
    "IMG_{}.JPG.json": '{{"title": "IMG_{}.JPG", "description": "lake"}}',
    "IMG_{}.JPG.supplemental-metadata.json": '{{"title": "IMG_{}.JPG", "description": "lake"}}',
    "IMG_{}.JPG.supplemental-me.json": '{{"title": "IMG_{}.JPG", "description": "lake"}}',
    "IMG_{}.thm": "",
    "IMG_{}.wav": "RIFF spoken note {}",
    "IMG_{}.lrv": "",
    "IMG_{}.MP4": "",
    "IMG_{}.txt": "Note {}\n",
    "IMG_{}.gpx": '<gpx version="1.1"><!-- {} --></gpx>',
}
"""Names of sidecars and their texts; those without a text hold a picture or a video."""


def sidecars(library: Library, count: int) -> None:
    """Photos with one sidecar each, and bare copies of equal bytes that are older and have shorter paths."""
    for name in list(SIDECARS)[: 2 * count]:
        scene = library.scene()
        first = library.original(f"sidecar/developed/IMG_{scene.number}.JPG", scene.data, scene)
        content = SIDECARS[name].format(scene.number).encode() or _small_companion(name, scene)
        sidecar = f"sidecar/developed/{name.format(scene.number)}"
        library.add(sidecar, content, "sidecar", Fate.KEEP, first, scene.taken + timedelta(days=1))
        older = scene.taken - timedelta(hours=1)
        library.add(f"sidecar/{scene.number}.JPG", scene.data, "copy", Fate.DUPLICATE, first, older)


def _small_companion(name: str, scene: Scene) -> bytes:
    small = edits.resized(scene.image, 0.3)
    data = files.jpeg(small, quality=75)
    return data if name.endswith(".thm") else videos.mp4(data, small.size, scene.taken, 3)


def unrelated_videos(library: Library, count: int) -> None:
    """A camera's video that has the counter of a photo, taken hours later; the photo has a copy."""
    for _ in range(count):
        scene, other = library.scene(), library.scene()
        first = library.add(
            f"unrelated-video/c/IMG_{scene.number}.JPG", scene.data, "photo", Fate.EITHER, written=scene.taken
        )
        film = videos.mov(files.jpeg(other.image), other.image.size, other.taken, 48)
        library.add(f"unrelated-video/c/IMG_{scene.number}.MOV", film, "video", Fate.KEEP, written=other.taken)
        library.add(f"unrelated-video/{scene.number}.JPG", scene.data, "copy", Fate.EITHER, first, scene.taken)
