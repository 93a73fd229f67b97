"""Views: trimmed pictures, crops and frames are catalogued with the whole picture, and found."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from phash_engine import _files, images
from phash_engine.catalogue import Content, Sighting, Store, View
from phash_engine.hashing import hashers, orientation
from phash_engine.hashing.views import CROPS, FULL, TRIMMED, VIEWS, Wanted, match_type
from phash_engine.matching import code_set, pairs
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.scanning.scan import scan
from tests import naive
from tests.matching.test_search import Picture, drawn, like, rows
from tests.plain import compare, find, find_groups, word

Blocks = dict[str, NDArray[np.uint16]]
NAMES = [FULL, TRIMMED, "frame:3", "frame:9", "crop:1", "crop:12"]


# ── the slow twin compares all views of one side with all of the other ────────────────────────────────────────────────


def planted(seed: int, count: int = 12) -> dict[str, Blocks]:
    """Photos by path, each with views that are near those of others, turned or not."""
    rng = np.random.default_rng(seed)
    centres = [drawn(rng) for _ in range(6)]
    photos = {}
    for number in range(count):
        names = [FULL, *(name for name in NAMES[1:] if rng.random() < 0.4)]
        photos[f"/{number:02}.jpg"] = {name: images.read_block(like(centres[rng.integers(6)], rng)) for name in names}
    return photos


def record(catalogue: Store, photos: Mapping[str, Blocks]) -> None:
    contents = []
    for path, blocks in photos.items():
        table = hashers.hash_blocks(np.stack(list(blocks.values())))
        views = [View(name, True, row) for name, row in zip(blocks, table, strict=True)]
        contents.append(Content(_files.digest(path.encode()), 32, 32, "PNG", 100, 50.0, views))
    sightings = [Sighting(path, 1, 1, content.digest) for path, content in zip(photos, contents, strict=True)]
    catalogue.record(sightings, contents)


def nearest(a: Blocks, b: Blocks, *, rotations: bool) -> tuple[int, str]:
    """The distance of two pictures, with at least one view full or trimmed, and its plainest match type."""
    found = []
    for name_a, block_a in a.items():
        for name_b, block_b in b.items():
            if {name_a, name_b} & {FULL, TRIMMED}:
                turns = slice(None if rotations else 1)
                distance, match = naive.rotated_distance(naive.turned(block_a)[turns], naive.turned(block_b)[turns])
                found.append((distance, max(word(match), match_type(name_a), match_type(name_b))))
    distance, best = min(found)
    return distance, str(best)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, DEFAULT_RADIUS, 60]), st.booleans())
def test_close_pairs_equal_twin(seed: int, radius: int, rotations: bool) -> None:
    photos = planted(seed, 7)
    blocks = list(photos.values())
    expected = []
    for left in range(len(blocks)):
        for right in range(left + 1, len(blocks)):
            distance, match = nearest(blocks[left], blocks[right], rotations=rotations)
            if distance <= radius:
                expected.append((left, right, distance, word(match)))
    with Store(None) as catalogue:
        record(catalogue, photos)
        contents = [photo.content_id for photo in catalogue.photos()]
        codes = code_set.load(catalogue)
    found = pairs.close_pairs(codes, radius, rotations=rotations, kind="auto")
    rows = zip(*(column.tolist() for column in found), strict=True)
    assert [(contents.index(left), contents.index(right), *row) for left, right, *row in rows] == expected


@settings(max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, 1, 3, 100]),
    st.sampled_from([None, 0, DEFAULT_RADIUS, 60]),
    st.booleans(),
)
def test_find_equals_twin(seed: int, k: int | None, radius: int | None, rotations: bool) -> None:
    """The query has a border or not; however many views a photo has, it counts once among the k nearest."""
    photos = planted(seed)
    rng = np.random.default_rng(seed)
    query = np.kron(like(drawn(rng), rng), np.ones((2, 2))).astype(np.uint8)  # the first centre of the photos
    if seed % 2:
        query = np.pad(query, ((9, 5), (0, 7)), constant_values=128)
    asked = images.read_picture(query).blocks
    found = sorted((*nearest(asked, blocks, rotations=rotations), path) for path, blocks in photos.items())
    limit = DEFAULT_RADIUS if k is None and radius is None else radius
    within = [match for match in found if limit is None or match[0] <= limit]
    expected = sorted(within, key=lambda match: (match[0], word(match[1]), match[2]))[:k]
    with Store(None) as catalogue:
        record(catalogue, photos)
        assert rows(Collection(catalogue, rotations=rotations).find(query, k, radius)) == expected


def test_a_view_matches_within_folders_and_not_when_it_is_missing() -> None:
    rng = np.random.default_rng(4)
    picture = drawn(rng)
    photos = {
        "/a/1.jpg": {FULL: images.read_block(drawn(rng)), TRIMMED: images.read_block(picture)},
        "/b/2.jpg": {FULL: images.read_block(drawn(rng)), "frame:4": images.read_block(picture)},
    }
    with Store(None) as catalogue:
        record(catalogue, photos)
        assert rows(find(picture, catalogue)) == [(0, "trimmed", "/a/1.jpg"), (0, "frame", "/b/2.jpg")]
        assert rows(find(picture, catalogue, folders=["/b"])) == [(0, "frame", "/b/2.jpg")]
        catalogue.mark_missing(["/a/1.jpg"])
        assert rows(find(picture, catalogue, 1)) == [(0, "frame", "/b/2.jpg")]
        catalogue.forget("/b")
        assert find(picture, catalogue) == []
        assert len(catalogue.code_columns().views) == 2


# ── borders ─────────────────────────────────────────────────────────────────────────────────────────────────────────

LAKE = "2023-lake/IMG_0412.jpg"


@pytest.fixture
def lake(sample: Path) -> Image.Image:
    with Image.open(sample / LAKE) as image:
        return image.convert("RGB")


def framed(image: Image.Image, across: int, down: int, tone: object, mode: str = "RGB") -> Image.Image:
    size = image.width + 2 * across, image.height + 2 * down
    frame = Image.new(mode, size, tone)  # type: ignore[arg-type]
    frame.paste(image, (across, down))
    return frame


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def copies(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Letterboxes, frames and square pads, through every decoder."""
    letterbox = framed(image, 0, image.height // 12, "black")
    large = letterbox.resize((letterbox.width * 3, letterbox.height * 3))
    yield "jpeg", saved(letterbox, "JPEG", quality=60)
    yield "eighth", saved(large, "JPEG", quality=80)
    yield "progressive", saved(large, "JPEG", quality=80, progressive=True)
    yield "bands", saved(large.resize((3000, 2000)), "PNG", compress_level=1)
    yield "colour", saved(framed(image, 31, 31, (180, 40, 30)), "JPEG", quality=75)
    yield "one side", saved(image.crop((-60, 0, image.width, image.height)), "JPEG", quality=90)
    yield "palette", saved(framed(image, 20, 20, "white").quantize(), "PNG")
    yield "transparent", saved(framed(image.convert("RGBA"), 25, 40, (0, 0, 0, 0), "RGBA"), "PNG")
    wide = np.asarray(framed(image, 25, 25, "grey").convert("L"), dtype=np.uint16) * 256
    yield "16 bits", saved(Image.fromarray(wide), "PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = framed(image, 25, 0, "white").transpose(Image.Transpose.ROTATE_90)
    yield "turned", saved(turned, "JPEG", quality=80, exif=exif)


def test_padded_copies_are_found_by_their_trimmed_view(lake: Image.Image, sample: Path) -> None:
    original = images.read_picture(sample / LAKE).blocks
    assert list(original) == [FULL]
    fingerprint = hashers.fingerprint(original[FULL])
    for kind, data in copies(lake):
        blocks = images.read_picture(data).blocks
        assert list(blocks) == [FULL, *(["ground"] if kind == "transparent" else []), TRIMMED], kind
        assert hashers.distance(fingerprint, hashers.fingerprint(blocks[TRIMMED])) <= 8, kind
        assert np.array_equal(blocks[FULL], images.read_block(data)), kind


# ── ground ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def faded(image: Image.Image) -> Image.Image:
    """A picture whose lower half fades out."""
    alpha = np.clip(np.linspace(500, -100, image.height), 0, 255).astype(np.uint8)
    cut = image.convert("RGBA")
    cut.putalpha(Image.fromarray(np.repeat(alpha[:, np.newaxis], image.width, axis=1)))
    return cut


def flattened(image: Image.Image, ground: str) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image).convert("RGB")


@pytest.mark.parametrize("ground", ["black", "white"])
def test_flattened_copies_of_a_transparent_picture_match(lake: Image.Image, tmp_path: Path, ground: str) -> None:
    cut = faded(lake)
    for name in ("cut.png", "cut.webp"):
        cut.save(tmp_path / name, lossless=True)
    flattened(cut, ground).save(tmp_path / "flat.jpg", quality=90)
    assert compare(tmp_path / "flat.jpg", tmp_path / "cut.png").match_type == "similar"
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        (group,) = find_groups(catalogue)
        assert len(group.duplicates) == 2
        for query in tmp_path.iterdir():  # either side may be the transparent one
            found = [(match.match_type, match.distance <= 4) for match in find(query, catalogue)]
            assert found == [("identical", True), ("similar", True), ("similar", True)]
        full = code_set.load(catalogue).full()
        path_of = {photo.content_id: Path(photo.path) for photo in catalogue.photos()}
        assert len(full.contents) == 3
        for content, row in zip(full.contents.tolist(), full.codes, strict=True):
            assert hashers.Fingerprint(*row[:5]) == hashers.fingerprint(images.read_block(path_of[content]))


def test_a_ground_that_changes_nothing_is_no_view(lake: Image.Image) -> None:
    opaque = lake.convert("RGBA")
    even = lake.convert("RGBA")
    even.putalpha(200)
    drawing = Image.new("RGBA", (80, 60), (255, 255, 255, 0))
    ImageDraw.Draw(drawing).ellipse((20, 10, 50, 55), fill="white")
    for picture in (opaque, even, drawing):
        assert list(images.read_picture(saved(picture, "PNG")).blocks) in ([FULL], [FULL, TRIMMED])


def test_two_borders_around_one_picture_and_one_turned(lake: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "black.jpg").write_bytes(saved(framed(lake, 0, 40, "black"), "JPEG"))
    (tmp_path / "white.png").write_bytes(saved(framed(lake, 30, 0, "white"), "PNG"))
    upside_down = framed(lake, 50, 50, "grey").transpose(Image.Transpose.ROTATE_180)
    (tmp_path / "turned.png").write_bytes(saved(upside_down, "PNG"))
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        (group,) = find_groups(catalogue)
        assert [pair.match_type for pair in group.pairs] == ["trimmed", "trimmed"]
        assert find_groups(catalogue, rotations=False)[0].duplicates != group.duplicates
        for path in tmp_path.iterdir():
            assert [match.match_type for match in find(path, catalogue)] == ["identical", "trimmed", "trimmed"]
        assert [match.match_type for match in find(saved(lake, "JPEG"), catalogue)] == ["trimmed"] * 3
    assert compare(tmp_path / "black.jpg", tmp_path / "white.png").match_type == "trimmed"
    assert compare(tmp_path / "black.jpg", tmp_path / "turned.png", rotations=False).distance > DEFAULT_RADIUS


def test_an_inside_without_structure_is_no_view(tmp_path: Path) -> None:
    """Framed ramps: the inside has no structure, and the frames are all alike."""
    for number, ramp in enumerate([np.linspace(60, 200, 80), np.linspace(70, 190, 80)]):
        picture = np.pad(np.tile(ramp, (60, 1)), 20, constant_values=255).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        assert catalogue.counts()["trimmed"] == 0
        assert {match.match_type for match in find(tmp_path / "0.png", catalogue, 5)} <= {"identical", "similar"}


# ── crops and frames ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_crops_turn_and_mirror_into_themselves() -> None:
    boxes = set(CROPS.values())
    assert len(boxes) == 12
    assert {(100 - r, t, 100 - l, b) for l, t, r, b in boxes} == boxes  # noqa: E741
    assert {(t, l, b, r) for l, t, r, b in boxes} == boxes  # noqa: E741


def test_crops_are_exact_averages_of_parts(lake: Image.Image) -> None:
    grey = lake.convert("L").resize((400, 300))
    blocks = images.read_picture(grey, crops=True).blocks
    assert list(blocks) == [FULL, *CROPS]
    for name, (left, top, right, bottom) in CROPS.items():
        part = grey.crop((4 * left, 3 * top, 4 * right, 3 * bottom))
        assert np.array_equal(blocks[name], images.read_block(part))


def test_a_cropped_copy_is_found_with_crops_alone(lake: Image.Image, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "whole.jpg").write_bytes((sample / LAKE).read_bytes())
    width, height = lake.size
    cut = saved(lake.crop((width * 14 // 100, 0, width, height)), "JPEG", quality=80)
    with Store(tmp_path / "photos.db") as catalogue:
        scan([tmp_path], catalogue)
        assert find(cut, catalogue) == []
        report = scan([tmp_path], catalogue, crops=True)
        assert report.decoded == 1
        assert catalogue.counts()["crops"] == 12
        assert [match.match_type for match in find(cut, catalogue)] == ["crop"]
        assert scan([tmp_path], catalogue).unchanged == 1  # it remembers
        (tmp_path / "cut.jpg").write_bytes(cut)
        assert scan([tmp_path], catalogue).decoded == 1
        assert [pair.match_type for pair in find_groups(catalogue)[0].pairs] == ["crop"]
        assert scan([tmp_path], catalogue, crops=False).decoded == 2
        assert catalogue.counts()["crops"] == 0
        assert find_groups(catalogue) == []


def animation(pictures: list[Picture], kind: str) -> bytes:
    first, *rest = (Image.fromarray(np.kron(picture, np.ones((3, 3))).astype(np.uint8)) for picture in pictures)
    lossless = {"lossless": True} if kind == "WEBP" else {}
    return saved(first, kind, save_all=True, append_images=rest, duration=50, **lossless)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_frames_are_evenly_spaced_and_found(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    pictures = [drawn(rng) for _ in range(10)]
    data = animation(pictures, kind)
    assert list(images.read_picture(data).blocks) == [FULL]
    blocks = images.read_picture(data, frames=4).blocks
    assert list(blocks) == [FULL, "frame:2", "frame:4", "frame:6", "frame:8"]
    assert list(images.read_picture(data, frames=99).blocks) == [FULL, *(f"frame:{number}" for number in range(1, 10))]
    for name, block in list(blocks.items())[1:]:
        still = images.read_block(pictures[int(name[6:])])
        assert np.array_equal(block, still), name
    (tmp_path / "animated").write_bytes(data)
    with Store(None) as catalogue:
        scan([tmp_path], catalogue, frames=4)
        for number, picture in enumerate(pictures):
            found = [match.match_type for match in find(picture, catalogue)]
            assert found == (["frame"] if number in {2, 4, 6, 8} else ["similar"] if number == 0 else [])


def test_a_changed_number_of_frames_reads_animations_alone(lake: Image.Image, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    (tmp_path / "animated.gif").write_bytes(animation([drawn(rng) for _ in range(4)], "GIF"))
    (tmp_path / "still.jpg").write_bytes(saved(lake, "JPEG"))
    (tmp_path / "still.gif").write_bytes(saved(lake, "GIF"))
    with Store(tmp_path / "photos.db") as catalogue:
        assert scan([tmp_path], catalogue).decoded == 3
        for frames, decoded, count in ((None, 0, 0), (2, 1, 2), (None, 0, 2), (2, 0, 2), (3, 1, 3), (0, 1, 0)):
            assert scan([tmp_path], catalogue, frames=frames).decoded == decoded
            assert catalogue.counts()["frames"] == count
        with pytest.raises(ValueError, match="frames must be at least 0, not -1"):
            scan([tmp_path], catalogue, frames=-1)


def test_a_damaged_animation_has_the_frames_before_the_damage(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    whole = animation([drawn(rng) for _ in range(9)], "GIF")
    views = images.read_picture(whole[: len(whole) * 6 // 10], frames=9).blocks
    assert 3 < len(views) < 9
    assert list(views)[:3] == [FULL, "frame:1", "frame:2"]


def test_a_damaged_second_frame_leaves_the_first() -> None:
    rng = np.random.default_rng(8)
    pictures = [drawn(rng), drawn(rng)]
    whole, still = animation(pictures, "GIF"), animation(pictures[:1], "GIF")
    for cut in range(len(still), len(whole)):
        picture = images.read_picture(whole[:cut], frames=3)
        assert np.array_equal(picture.blocks[FULL], images.read_block(still))


def test_contents_with_views_of_another_definition_are_read_again(lake: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "framed.jpg").write_bytes(saved(framed(lake, 30, 30, "black"), "JPEG"))
    with Store(tmp_path / "photos.db") as catalogue:
        scan([tmp_path], catalogue)
        before = catalogue.code_columns().codes.tolist()
        catalogue._database.execute("UPDATE contents SET views = views - 1")
        catalogue._database.execute("DELETE FROM codes WHERE view = 'trimmed'")
        assert {known.state for known in catalogue.known_files(str(tmp_path)).values()} == {"stale"}
        assert scan([tmp_path], catalogue).decoded == 1
        assert catalogue.code_columns().codes.tolist() == before
        assert scan([tmp_path], catalogue).unchanged == 1
        assert catalogue.settings.requested_views() == Wanted()
        assert catalogue._database.value("SELECT views FROM contents") == VIEWS


def test_turned_codes_of_views_are_those_of_turned_blocks(lake: Image.Image) -> None:
    """An EXIF orientation turns all views alike."""
    picture = framed(lake, 30, 10, "black").resize((300, 200))
    upright = images.read_picture(picture, crops=True).blocks
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = images.read_picture(saved(picture, "PNG", exif=exif), crops=True).blocks
    assert all(np.array_equal(orientation.turn(block, 3), turned[name]) for name, block in upright.items())
