"""The videos are read by others, and bear the identifiers that join them with their photos."""

from __future__ import annotations

import io
import re
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from tests.messy import camera_files, videos
from tests.pictures import EXIF, scene

TAKEN = datetime(2023, 5, 6, 7, 8, 9)
IDENTIFIER = "5F1B7A60-0F5D-4C59-9A0E-1B2C3D4E5F60"
MAKER_NOTE = 0x927C


def frame() -> bytes:
    return camera_files.jpeg(scene(1))


@pytest.mark.parametrize("name", ["a.mov", "a.mp4"])
def test_a_video_shows_its_picture_for_its_length(tmp_path: Path, name: str) -> None:
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / name
    make = videos.mov if name == "a.mov" else videos.mp4
    path.write_bytes(make(frame(), (96, 96), TAKEN, 2.5))
    video = cv2.VideoCapture(str(path))
    is_read, picture = video.read()
    assert is_read
    assert picture.shape == (96, 96, 3)
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(1 / 2.5)


def test_photo_and_video_of_a_live_photo_have_one_identifier() -> None:
    tags = camera_files.exif(TAKEN, maker_note=videos.apple_maker_note(IDENTIFIER, burst="of another"))
    with Image.open(io.BytesIO(camera_files.jpeg(scene(1), tags))) as image:
        note = image.getexif().get_ifd(EXIF)[MAKER_NOTE]
    entry = note.index(b"\x00\x11\x00\x02")
    length, place = (int.from_bytes(note[entry + at : entry + at + 4], "big") for at in (4, 8))
    assert note[place : place + length] == IDENTIFIER.encode() + b"\0"
    film = videos.mov(frame(), (96, 96), TAKEN, 2.5, IDENTIFIER)
    assert film.index(videos.CONTENT_IDENTIFIER.encode()) < film.index(IDENTIFIER.encode())
    assert videos.CONTENT_IDENTIFIER.encode() not in videos.mov(frame(), (96, 96), TAKEN, 2.5)


def test_xmp_of_a_motion_photo_has_the_length_of_its_video() -> None:
    film = videos.mp4(frame(), (96, 96), TAKEN, 1.5)
    data = camera_files.jpeg(scene(1), xmp=videos.motion_photo_xmp(len(film))) + film
    with Image.open(io.BytesIO(data)) as image:
        (length,) = re.findall(rb'MotionPhoto" Item:Length="(\d+)"', image.info["xmp"])
    assert data[-int(length) :] == film
