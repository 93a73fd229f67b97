"""Movies of live photos: identifier, time and length by their header boxes."""

from __future__ import annotations

import io
import os
import random
import struct
from pathlib import Path

import pytest

from phash_engine.images import movie as reader
from phash_engine.images.movie import Movie
from tests.movies import KEY, LIVE_ID, box, header, metadata, movie

CREATED = 2_082_844_800 + 1_577_934_245
TAKEN = 1_577_934_245_000_000
HEADER = header(CREATED, 600, 1500)
IDENTIFIER = {f"{KEY}make": "Apple", f"{KEY}content.identifier": LIVE_ID}
WHOLE = movie(HEADER, box(b"trak", bytes(300)), metadata(IDENTIFIER))


def of(data: bytes) -> Movie:
    return reader.of_file(io.BytesIO(data))


def test_a_live_photo_says_identifier_time_and_length() -> None:
    assert of(WHOLE) == Movie(LIVE_ID, TAKEN, 2.5)


def test_the_header_may_be_long_and_come_first() -> None:
    moov = box(b"moov", header(CREATED, 600, 1500, version=1) + metadata(IDENTIFIER), is_long=True)
    assert of(moov + struct.pack(">I4s", 0, b"mdat") + bytes(99)) == Movie(LIVE_ID, TAKEN, 2.5)


@pytest.mark.parametrize("place", ["in moov", "in user data"])
def test_an_mp4_has_versions_in_its_metadata(place: str) -> None:
    found = metadata(IDENTIFIER, is_mp4=True)
    assert of(movie(HEADER, found if place == "in moov" else box(b"udta", found))).live_id == LIVE_ID


def test_the_clock_of_the_camera_comes_before_utc() -> None:
    dates = {"2020-01-02T12:34:56+0900": 56, "2020-01-02T12:34:56Z": 56, "2020-01-02T12:34:57": 57}
    for date, second in dates.items():
        found = of(movie(HEADER, metadata({f"{KEY}creationdate": date})))
        assert found.taken_us == (1_577_968_440 + second) * 10**6
    assert of(movie(HEADER, metadata({f"{KEY}creationdate": "yesterday"}))).taken_us == TAKEN


@pytest.mark.parametrize("created", [0, 1_577_934_245, 2**64 - 1])
def test_nonsense_is_unknown(created: int) -> None:
    assert of(movie(header(created, 0, 1500, version=1))) == Movie()
    assert of(movie(header(created, 600, 2**64 - 1, version=1))) == Movie()


def test_a_movie_of_terabytes_is_read_by_its_boxes(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    with path.open("wb") as file:
        file.write(struct.pack(">I4sQ", 1, b"mdat", 1 << 40))
        file.seek(1 << 40)
        file.write(box(b"moov", HEADER + metadata(IDENTIFIER)))
    assert reader.read(str(path)) == Movie(LIVE_ID, TAKEN, 2.5)


def test_what_is_no_movie_says_nothing(tmp_path: Path) -> None:
    for data in (b"", b"no movie at all" * 20, box(b"moov"), movie(), struct.pack(">I4s", 0, b"moov")):
        assert of(data) == Movie()
    assert reader.read(str(tmp_path / "none.mov")) is None
    os.mkfifo(tmp_path / "pipe.mov")
    assert reader.read(str(tmp_path / "pipe.mov")) is None


def test_a_cut_or_damaged_movie_is_no_error() -> None:
    for stop in range(len(WHOLE) - 600, len(WHOLE)):
        of(WHOLE[:stop])
    drawn = random.Random(1)
    for _ in range(500):
        data = bytearray(WHOLE)
        for place in drawn.sample(range(5000, len(data)), 4):
            data[place] = drawn.randrange(256)
        of(bytes(data))


def test_many_boxes_are_walked_up_to_a_limit() -> None:
    small = box(b"free") * 1001
    assert of(small + WHOLE) == Movie()
    many = {f"{KEY}{number}": "x" for number in range(3000)} | IDENTIFIER
    assert of(movie(HEADER, metadata(many))) == Movie(None, TAKEN, 2.5)
