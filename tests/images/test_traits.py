"""What a file says of itself: traits by EXIF, XMP, IPTC and ICC, and nothing that is not so from damaged ones."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from phash_engine import images
from phash_engine.images import Traits, embedded, makernotes, xmp
from tests.pictures import scene

MAKE, MODEL, SOFTWARE, DESCRIPTION, ORIENTATION, RATING, KEYWORDS = 271, 272, 305, 270, 274, 0x4746, 0x9C9E
TAKEN, FRACTION, ZONE, BIAS, MODE, LENS, NOTE, COMMENT = (
    *(0x9003, 0x9291, 0x9011, 0x9204, 0xA402, 0xA434, 0x927C, 0x9286),
)


def saved(
    kind: str = "JPEG", *, main: dict[int, Any] | None = None, shot: dict[int, Any] | None = None, **how: Any
) -> bytes:
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(0x8769).update(shot or {})
    exif.get_ifd(0x8825).update(how.pop("gps", {}))
    file = io.BytesIO()
    scene(1).save(file, kind, exif=exif, **{"quality": 90} | how)
    return file.getvalue()


def traits(data: bytes, name: str = "/p/a.jpg") -> Traits:
    return images.read_file(data, name).traits


def packet(inside: str, before: str = "") -> bytes:
    namespaces = " ".join(f'xmlns:{prefix}="{uri}"' for uri, prefix in xmp._PREFIXES.items())
    head = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    return f"{before}{head}<rdf:Description {namespaces} {inside}</rdf:RDF></x:xmpmeta>".encode()


def test_a_shot_of_a_camera() -> None:
    data = saved(
        main={MAKE: "Canon\0", MODEL: "Canon EOS 40D", SOFTWARE: "1.0", ORIENTATION: 6},
        shot={
            TAKEN: "2020:01:02 03:04:05",
            FRACTION: "25",
            ZONE: "+02:30",
            BIAS: TiffImagePlugin.IFDRational(-2, 3),
            MODE: 2,
            LENS: "EF 50mm",
        },
        gps={1: "N", 2: (48.0, 8.0, 0.5), 3: "E", 4: (11.0, 34.0, 0.0)},
    )
    found = traits(data, "/p/IMG_0433-edit.JPG")
    assert found[:9] == (1, 90, "tables", 1_577_934_245_250_000, 150, "Canon EOS 40D", "EF 50mm", "1.0", 6)
    assert found.exposure_bias == pytest.approx(-2 / 3)
    assert found[10:19] == ("bracket", None, 433, None, False, True, False, False, False)


@pytest.mark.parametrize(
    ("kind", "quality", "basis"), [("JPEG", 90, "tables"), ("PNG", 100, "guess"), ("WEBP", 75, "guess")]
)
def test_the_quality_says_what_it_rests_on(kind: str, quality: int, basis: str) -> None:
    found = traits(saved(kind))
    assert (found.encoder_quality, found.quality_basis) == (quality, basis)


@pytest.mark.parametrize("quality", [1, 20, 50, 75, 90, 95, 100])
def test_quality_is_read_from_the_tables(quality: int) -> None:
    estimate = traits(saved(quality=quality)).encoder_quality or 0
    assert estimate == pytest.approx(quality, abs=1) if quality >= 20 else estimate < 20


DAMAGED = {
    "no tags": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0",
    "cut": b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
    "no TIFF": b"Exif\0\0 not a header",
    "loop": b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + bytes(4),
    "beyond the end": b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", TAKEN, 2, 1 << 30, 1 << 31) + bytes(4),
    "another type": b"Exif\0\0II*\0\x08\0\0\0\2\0"
    + struct.pack("<HHII", MODEL, 5, 1, 0)
    + struct.pack("<HHII", ORIENTATION, 12, 1, 0)
    + bytes(4),
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_broken_exif_leaves_all_else_as_it_is(kind: str) -> None:
    file = io.BytesIO()
    scene(1).save(file, "JPEG", quality=90, exif=DAMAGED[kind])
    found = traits(file.getvalue())
    assert found[:5] == (1, 90, "tables", None, None)
    assert found.sharpness
    assert found.entropy


@pytest.mark.parametrize(
    "shot",
    [
        {TAKEN: "0000:00:00 00:00:00"},
        {TAKEN: "2020:13:41 99:00:00"},
        {TAKEN: "    :  :     :  :  "},
        {TAKEN: "2020:01:02 03:04:05", FRACTION: "ab", ZONE: "local"},
        {BIAS: TiffImagePlugin.IFDRational(1, 0)},
    ],
)
def test_nonsense_is_unknown(shot: dict[int, Any]) -> None:
    found = traits(saved(shot=shot, gps={2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}))
    assert (found.exposure_bias, found.zone_minutes, found.has_gps) == (None, None, False)
    assert found.taken_us in {None, 1_577_934_245_000_000}


@pytest.mark.parametrize(
    ("main", "shot", "expected"),
    [
        ({DESCRIPTION: "Grandma's birthday"}, {}, "has_caption"),
        ({}, {COMMENT: b"ASCII\0\0\0At the lake"}, "has_caption"),
        ({}, {COMMENT: b"UNICODE\0" + "Am See".encode("utf-16-le")}, "has_caption"),
        ({0x9C9B: "Am See".encode("utf-16-le") + b"\0\0"}, {}, "has_caption"),
        ({RATING: 4}, {}, "has_rating"),
        ({KEYWORDS: "lake;sail".encode("utf-16-le") + b"\0\0"}, {}, "has_keywords"),
        ({DESCRIPTION: "OLYMPUS DIGITAL CAMERA         "}, {COMMENT: b"ASCII\0\0\0" + b" " * 90}, ""),
        ({DESCRIPTION: "          ", RATING: 0}, {COMMENT: bytes(64)}, ""),
    ],
)
def test_what_people_add_by_exif(main: dict[int, Any], shot: dict[int, Any], expected: str) -> None:
    found = traits(saved(main=main, shot=shot))._asdict()
    assert [name for name in ("has_caption", "has_rating", "has_keywords") if found[name]] == (
        [expected] if expected else []
    )


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ('xmp:Rating="3"/>', {"has_rating": True}),
        ('xmp:Rating="0"/>', {}),
        (
            "><dc:description><rdf:Alt><rdf:li>A sail</rdf:li></rdf:Alt></dc:description></rdf:Description>",
            {"has_caption": True},
        ),
        (
            "><dc:subject><rdf:Bag><rdf:li>lake</rdf:li></rdf:Bag></dc:subject></rdf:Description>",
            {"has_keywords": True},
        ),
        ("><dc:subject><rdf:Bag/></dc:subject></rdf:Description>", {}),
        ('exif:GPSLatitude="48,8.5N" exif:GPSLongitude="11,34E"/>', {"has_gps": True}),
        ('GCamera:MicroVideo="1" GCamera:MicroVideoOffset="1000"/>', {"has_video": True}),
        ('GCamera:MotionPhoto="1"/>', {"has_video": True}),
        ('GCamera:MotionPhoto="0"/>', {}),
        ('GCamera:BurstID="b1" GCamera:BurstPrimary="1"/>', {"drive": "burst", "burst_id": "b1"}),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_what_xmp_says(kind: str, inside: str, expected: dict[str, object]) -> None:
    file = io.BytesIO()
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", packet(inside).decode())
        scene(1).save(file, kind, pnginfo=text)
    elif kind == "TIFF":
        scene(1).save(file, kind, tiffinfo={700: packet(inside)})
    else:
        scene(1).save(file, kind, xmp=packet(inside))
    found = traits(file.getvalue())
    plain = traits(saved())
    said = {
        name: value
        for name, value in found._asdict().items()
        if (name.startswith("has_") or name in {"drive", "burst_id"}) and value != getattr(plain, name)
    }
    assert said == expected


def test_xmp_is_read_with_bounds() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    assert xmp.properties(packet('xmp:Rating="&b;"/>', before=bomb)) == {}
    assert xmp.properties(packet('xmp:Rating="5"/>')[:-15]) == {"xmp:Rating": "5"}
    assert len(xmp.properties(packet(f'dc:title="{"x" * 9999}"/>'))["dc:title"]) <= 200
    assert xmp.properties(b"\xff\xfe<\0") == {}
    assert xmp.properties(b"<a>" * 100_000) == {}


def test_iptc_captions_and_keywords() -> None:
    def record(number: int, text: bytes) -> bytes:
        return b"\x1c\2" + bytes([number]) + len(text).to_bytes(2, "big") + text

    def with_iptc(data: bytes) -> bytes:
        resource = b"Photoshop 3.0\0" + b"8BIM\4\4\0\0" + len(data).to_bytes(4, "big") + data + bytes(len(data) % 2)
        jpeg = saved()
        return jpeg[:2] + b"\xff\xed" + (len(resource) + 2).to_bytes(2, "big") + resource + jpeg[2:]

    found = traits(with_iptc(record(120, b"At the lake") + record(25, b"sail")))
    assert (found.has_caption, found.has_keywords) == (True, True)
    found = traits(with_iptc(record(120, b"   ") + record(25, b"")))
    assert (found.has_caption, found.has_keywords) == (False, False)
    assert not traits(with_iptc(b"\x1c\2\x19\xff\xff")).has_keywords


def test_the_name_of_a_colour_profile() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert traits(saved(icc_profile=profile)).icc == "sRGB built-in"
    old = (
        bytes(128)
        + struct.pack(">I4sII", 1, b"desc", 144, 40)
        + b"desc"
        + bytes(4)
        + struct.pack(">I", 9)
        + b"Old RGB \0"
    )
    assert embedded.profile_name(old + bytes(20)) == "Old RGB"
    assert traits(saved(icc_profile=old[:150])).icc is None
    assert traits(saved(icc_profile=b"no profile")).icc is None


# ── makers' notes ────────────────────────────────────────────────────────────────────────────────────────────────────


def directory(order: str, base: int, *entries: tuple[int, int, bytes]) -> bytes:
    """A TIFF directory whose longer values follow it; offsets are counted from ``base`` bytes before it."""
    sizes = {2: 1, 3: 2, 4: 4}
    table, data = struct.pack(f"{order}H", len(entries)), b""
    first = base + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        place = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(f"{order}I", first + len(data))
        table += struct.pack(f"{order}HHI", tag, kind, len(value) // sizes[kind]) + place
        data += value if len(value) > 4 else b""
    return table + bytes(4) + data


def test_apple_names_live_photos_and_bursts() -> None:
    note = b"Apple iOS\0\0\1MM" + directory(">", 14, (0x0B, 2, b"burst-1\0"), (0x11, 2, b"570F1469-09C7\0"))
    found = traits(saved(main={MAKE: "Apple"}, shot={NOTE: note}))
    assert (found.drive, found.burst_id, found.live_id) == ("burst", "burst-1", "570F1469-09C7")


def test_notes_of_other_makers() -> None:
    nikon = b"Nikon\0\2\x10\0\0II*\0\x08\0\0\0" + directory("<", 8, (0x89, 3, b"\x11\0"), (0xA7, 4, b"\x39\x30\0\0"))
    assert makernotes.read(nikon, b"MM", "NIKON") == ("bracket", None, 12345, None)
    fuji = b"FUJIFILM\x0c\0\0\0" + directory("<", 12, (0x1100, 3, b"\0\0"), (0x1103, 4, b"\2\0\0\0"))
    assert makernotes.read(fuji, b"II", "FUJIFILM").drive == "burst"
    sony = b"SONY DSC \0\0\0" + directory("<", 20, (0xB049, 3, b"\5\0"))
    assert makernotes.read(sony, b"II*\0\x08\0\0\0" + sony, "SONY").drive == "bracket"
    panasonic = b"Panasonic\0\0\0" + directory("<", 20, (0x2A, 3, b"\1\0"))
    assert makernotes.read(panasonic, b"II*\0\x08\0\0\0" + panasonic, "Panasonic").drive == "burst"
    settings = struct.pack("<6H", 12, 0, 0, 0, 0, 1)
    canon = directory("<", 8, (0x01, 3, settings), (0x08, 4, struct.pack("<I", 1002345)))
    assert makernotes.read(canon, b"II*\0\x08\0\0\0" + canon, "Canon") == ("burst", None, 2345, None)
    assert makernotes.read(canon, b"II*\0\x08\0\0\0" + canon, "Another") == (None, None, None, None)


def test_damaged_notes_say_nothing() -> None:
    whole = b"Apple iOS\0\0\1MM" + directory(">", 14, (0x0B, 2, b"burst-1\0"), (0x11, 2, b"570F1469-09C7\0"))
    rng = np.random.default_rng(1)
    for makers_mark in (
        b"Apple iOS\0\0\1MM",
        b"Nikon\0\2\x10\0\0II*\0",
        b"FUJIFILM",
        b"SONY DSC \0\0\0",
        b"Panasonic\0\0\0",
        b"",
    ):
        for length in range(0, 60, 3):
            note = makers_mark + rng.bytes(length)
            found = traits(saved(main={MAKE: "Canon"}, shot={NOTE: note}))
            assert found.encoder_quality == 90
    assert traits(saved(shot={NOTE: whole[:20]})).live_id is None


# ── the rest of the file ─────────────────────────────────────────────────────────────────────────────────────────────

VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x10moov" + bytes(500)


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (VIDEO, True),
        (b"\0\0" + VIDEO, True),
        (b"MotionPhoto_Data" + VIDEO + b"SEFH" + bytes(8) + b"SEFT", True),
        (b"Image_UTC_Data" + bytes(300) + b"SEFT", False),
        (bytes(900), False),
        (b"copy 17", False),
        (b"words about ftyp and moov" * 20, False),
    ],
)
def test_a_video_behind_a_jpeg(behind: bytes, expected: bool) -> None:
    assert traits(saved() + behind).has_video is expected


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("IMG_0433.JPG", 433),
        ("DSC_1234.NEF", 1234),
        ("_MG_1234-2.jpg", 1234),
        ("P1010007.jpg", 7),
        ("IMG_0433 (1).jpg", 433),
        ("IMG_20200101_120000.jpg", None),
        ("PXL_20240110_170044.jpg", None),
        ("lake.jpg", None),
    ],
)
def test_numbers_in_names(name: str, number: int | None) -> None:
    assert traits(saved(), f"/photos/2020 0101/{name}").image_number == number


# ── pixels ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [(64, 64), (500, 375), (1600, 1200), (30, 90), (3, 2), (4000, 70)])
@pytest.mark.parametrize("mode", ["RGB", "L", "I;16", "RGBA"])
def test_the_grey_plane_is_the_picture_in_small(size: tuple[int, int], mode: str) -> None:
    ramp = Image.linear_gradient("L").resize(size)
    wide = Image.fromarray(np.asarray(ramp).astype(np.uint16) * 257)
    picture = wide if mode == "I;16" else ramp.convert(mode)
    file = io.BytesIO()
    picture.save(file, "PNG")
    reading = images.read_file(file.getvalue(), "a.png")
    assert reading.grey.shape == (64, 64)
    assert reading.grey.nbytes <= 4096
    expected = np.asarray(ramp.resize((64, 64), Image.Resampling.BOX)).astype(int)
    assert np.abs(reading.grey - expected).max() <= 4
    cells = reading.grey.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    assert np.abs(cells - reading.picture.blocks["full"] / 256).max() < 6


def test_the_grey_plane_is_upright_and_alike_in_every_format() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    whole = Image.linear_gradient("L").resize((640, 480)).convert("RGB")
    planes = []
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        file = io.BytesIO()
        whole.save(file, kind, quality=95, exif=exif)
        planes.append(images.read_file(file.getvalue(), "a").grey.astype(int))
    assert (np.diff(planes[0].mean(axis=0)) <= 0).all()
    assert max(np.abs(plane - planes[0]).max() for plane in planes) <= 3


def test_sharpness_is_of_one_scale_in_every_format() -> None:
    picture = scene(1).resize((800, 600), Image.Resampling.BICUBIC)
    found = {}
    for kind in ("JPEG", "PNG", "WEBP"):
        file = io.BytesIO()
        picture.save(file, kind, quality=95)
        found[kind] = traits(file.getvalue()).sharpness or 0.0
    assert max(found.values()) < 1.05 * min(found.values())


def pages(kind: str, number: int) -> bytes:
    file = io.BytesIO()
    first, *others = [scene(page) for page in range(number)]
    first.save(file, kind, save_all=True, append_images=others, duration=50)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
@pytest.mark.parametrize("number", [1, 3, 16, 40])
def test_frames_are_counted_and_sampled(kind: str, number: int) -> None:
    reading = images.read_file(pages(kind, number), "a")
    assert reading.traits.frames == number
    expected = {(number - 1) * place // 15 for place in range(16)} if number > 1 else set()
    assert set(reading.frames) == expected
    assert set(reading.picture.blocks) == {"full"}
    for page, block in reading.frames.items():
        plain = io.BytesIO()
        scene(page).save(plain, "PNG")
        assert np.abs(block.astype(int) - images.read_block(plain.getvalue())).max() < 16 * 256


def test_frames_that_are_asked_for_are_views_beside_the_sample() -> None:
    reading = images.read_file(pages("GIF", 20), "a", frames=3)
    assert set(reading.picture.blocks) == {"full", "frame:5", "frame:10", "frame:15"}
    assert len(reading.frames) == 16


def test_a_damaged_frame_ends_the_sample() -> None:
    whole = pages("GIF", 8)
    reading = images.read_file(whole[: len(whole) // 2], "a")
    assert 1 <= len(reading.frames) < 8


# ── real photos ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_real_cameras(photos: Path) -> None:
    def of(name: str) -> Traits:
        return traits((photos / "camera" / name).read_bytes(), name)

    phone = of("heic/IMG_5195.HEIC")
    assert phone.live_id == "570F1469-09C7-4E50-9875-05F21D5BD166"
    assert (phone.camera, phone.zone_minutes, phone.icc, phone.has_gps) == (
        "Apple iPhone 11 Pro Max",
        -300,
        "Display P3",
        True,
    )
    assert of("jpg/tests/32-lens_data.jpeg").drive == "burst"
    assert of("jpg/hdr/canon_hdr_NO.jpg")[9:13] == (1.0, "single", None, 153)
    tagged = of("jpg/xmp/BlueSquare.jpg")
    assert (tagged.has_caption, tagged.has_keywords) == (True, True)
    for path in sorted((photos / "camera" / "jpg" / "invalid").iterdir()):
        assert traits(path.read_bytes(), str(path)).quality_basis == "tables"
