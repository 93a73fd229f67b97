"""A messy photo library, made from real photos at test time, and the truth about each of its files.

Every kind of copy, edit, series and sidecar has a folder of its own and pictures of its own. What a plan may do with a
file is its fate. The same seed makes the same library.
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests import camera_files as files
from tests import videos
from tests.dng_writer import Preview, dng

FULL, SMALL = 10, 2
"""Originals of each kind."""
_START = datetime(2023, 1, 1, 9)


class Fate(StrEnum):
    """What a default plan may do with a file.

    DUPLICATE: it is grouped with its original, in the plan or under review. REVIEW: grouped, and not in the plan. KEEP:
    not in the plan. EITHER: anything, as long as its original stays.
    """

    DUPLICATE = "duplicate"
    REVIEW = "review"
    KEEP = "keep"
    EITHER = "either"


class File(NamedTuple):
    """A file of the library: its path below the root, what it is, and the path of its original, or its own."""

    path: str
    kind: str
    what: str
    original: str
    fate: Fate


class Scene(NamedTuple):
    """A picture that no other scene resembles: the JPEG of a camera, its pixels, its number, and when it was taken."""

    data: bytes
    image: Image.Image
    number: int
    taken: datetime

    @property
    def exif(self) -> Image.Exif:
        return files.exif(self.taken)

    @property
    def edited_exif(self) -> Image.Exif:
        return files.exif(self.taken, edited=True)


class Library:
    """Writes files below a folder, and lists the truth about them."""

    def __init__(self, root: Path, photos: Path, seed: int = 1) -> None:
        self.root = root
        self.truth: list[File] = []
        self.random = random.Random(seed)
        paths = sorted((photos / "web").glob("*.jpg"))
        self._scenes = enumerate(self.random.sample(paths, len(paths)), 1001)

    def scene(self) -> Scene:
        """Return the next scene; it is scaled down, so that nothing is left of an earlier JPEG encoding."""
        number, path = next(self._scenes)
        with Image.open(path) as image:
            picture = files.resized(image.convert("RGB"), 0.9)
        picture.info.clear()
        taken = _START + timedelta(days=number, seconds=number * 97 % 30_000)
        data = files.jpeg(picture, files.exif(taken))
        return Scene(data, files.opened(data), number, taken)

    def add(
        self, path: str, data: bytes, what: str, fate: Fate, original: str = "", written: datetime | None = None
    ) -> str:
        """Write a file and return its path, whose first folder is its kind; without an original it is its own."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        stamp = (written or _START + timedelta(days=2000)).timestamp()
        os.utime(target, (stamp, stamp))
        self.truth.append(File(path, path.split("/")[0], what, original or path, fate))
        return path

    def original(self, path: str, data: bytes, scene: Scene) -> str:
        return self.add(path, data, "original", Fate.KEEP, written=scene.taken)


Maker: TypeAlias = Callable[[Library, int], None]


def make(root: Path, photos: Path, count: int = FULL, kinds: Iterable[str] | None = None) -> list[File]:
    """Make the library with ``count`` originals of each kind, or of some kinds; all are about 900 files.

    Kinds that need Chromium are in ``messy_pages``.
    """
    library = Library(root, photos)
    for kind in KINDS if kinds is None else kinds:
        KINDS[kind](library, count)
    return library.truth


# ── copies and edits of one original each ────────────────────────────────────────────────────────────────────────────


class Recipe(NamedTuple):
    """How a file is made of a scene: its name, from the number of the scene, and its fate."""

    encode: Callable[[Scene], bytes]
    name: str
    fate: Fate = Fate.DUPLICATE
    what: str = "copy"


RECIPES: Mapping[str, Recipe] = {
    "reencode-q85": Recipe(lambda s: files.jpeg(s.image, s.exif, 85), "again/IMG_{}.JPG"),
    "reencode-q60": Recipe(lambda s: files.jpeg(s.image, s.exif, 60), "sent/IMG_{}.JPG"),
    "export-half": Recipe(lambda s: files.jpeg(files.resized(s.image, 0.5), quality=85), "web/lake-{}.jpg"),
    "export-small": Recipe(lambda s: files.jpeg(files.resized(s.image, 0.35), s.exif, 80), "mail/IMG_{}.jpg"),
    "export-large": Recipe(lambda s: files.jpeg(files.resized(s.image, 1.5), quality=95), "print/IMG_{}.jpg"),
    "format-png": Recipe(lambda s: files.saved(s.image, "PNG", s.exif, compress_level=1), "png/IMG_{}.png"),
    "format-webp": Recipe(lambda s: files.saved(s.image, "WEBP", quality=80, method=0), "webp/IMG_{}.webp"),
    "format-tiff": Recipe(lambda s: files.saved(s.image, "TIFF", s.exif), "tiff/IMG_{}.tif"),
    "format-heic": Recipe(lambda s: files.heic(s.image, s.exif), "heic/IMG_{}.heic"),
    "turned": Recipe(
        lambda s: files.jpeg(s.image.transpose(Image.Transpose.ROTATE_90), s.exif, 90), "turned/IMG_{}.jpg"
    ),
    "crop-slight": Recipe(
        lambda s: files.jpeg(files.cropped(s.image, 0.01, 0.02, 0.02, 0.01), s.edited_exif),
        "cut/IMG_{}.jpg",
        what="edit",
    ),
    "crop-part": Recipe(
        lambda s: files.jpeg(files.cropped(s.image, 0.1, 0.15, 0.2, 0.1), s.edited_exif),
        "cut/IMG_{}.jpg",
        Fate.KEEP,
        "edit",
    ),
    "crop-poster": Recipe(
        lambda s: files.jpeg(files.poster(s.image), s.edited_exif, 95), "poster/IMG_{}.jpg", Fate.KEEP, "edit"
    ),
    "frame-white": Recipe(
        lambda s: files.jpeg(files.framed(s.image, 0.08, "white"), s.edited_exif, 95), "framed/IMG_{}.jpg", what="edit"
    ),
    "frame-black": Recipe(
        lambda s: files.jpeg(files.framed(s.image, 0.04, "black"), quality=95), "framed/IMG_{}.jpg", what="edit"
    ),
    "stamp-date": Recipe(
        lambda s: files.jpeg(files.stamped(s.image, f"{s.taken:%d.%m.%Y %H:%M}"), s.edited_exif, 95),
        "stamped/IMG_{}.jpg",
        Fate.REVIEW,
        "edit",
    ),
    "text": Recipe(
        lambda s: files.jpeg(files.captioned(s.image, "GREETINGS FROM THE LAKE"), s.edited_exif, 95),
        "cards/IMG_{}.jpg",
        Fate.REVIEW,
        "edit",
    ),
    "filter-warm": Recipe(
        lambda s: files.jpeg(files.warmed(s.image), s.edited_exif, 95), "warm/IMG_{}.jpg", what="edit"
    ),
    "filter-grey": Recipe(
        lambda s: files.jpeg(s.image.convert("L").convert("RGB"), s.edited_exif, 95), "grey/IMG_{}.jpg", what="edit"
    ),
    "resaved-q99": Recipe(lambda s: files.jpeg(files.resaved(s.image), s.exif, 99), "saved/IMG_{}.JPG"),
    "no-exif": Recipe(lambda s: files.without_exif(s.data), "x/IMG_{}.JPG"),
    "damaged-zeros": Recipe(lambda s: files.with_zeros(s.data), "disk/IMG_{}.JPG", Fate.EITHER, "damaged"),
    "damaged-cut": Recipe(lambda s: files.cut_off(s.data), "disk/IMG_{}.JPG", Fate.EITHER, "damaged"),
}
"""One copy or edit of an original that a camera saved as JPEG of quality 93, with EXIF."""

EDITED_NAMES = (
    "IMG_E{}.JPG", "IMG_{}-edited.JPG", "IMG_{}-bearbeitet.JPG", "IMG_{}_edit.JPG", "IMG_{}-modifié.JPG"
)  # fmt: skip


def _copied(recipe: Recipe, kind: str) -> Maker:
    def maker(library: Library, count: int) -> None:
        for _ in range(count):
            scene = library.scene()
            first = library.original(f"{kind}/IMG_{scene.number}.JPG", scene.data, scene)
            path = f"{kind}/{recipe.name.format(scene.number)}"
            library.add(path, recipe.encode(scene), recipe.what, recipe.fate, first)

    return maker


FAMILY = ("resaved-q99", "frame-white", "stamp-date", "export-half", "damaged-zeros", "no-exif")


def _families(library: Library, count: int) -> None:
    """Originals that have several copies and edits at once."""
    for _ in range(count):
        scene = library.scene()
        first = library.original(f"family/IMG_{scene.number}.JPG", scene.data, scene)
        for recipe in (RECIPES[kind] for kind in FAMILY):
            path = f"family/{recipe.name.format(scene.number)}"
            library.add(path, recipe.encode(scene), recipe.what, recipe.fate, first)


def _edited_names(library: Library, count: int) -> None:
    for number in range(count):
        scene = library.scene()
        first = library.original(f"edited-name/IMG_{scene.number}.JPG", scene.data, scene)
        name = EDITED_NAMES[number % len(EDITED_NAMES)].format(scene.number)
        edit = files.jpeg(files.warmed(scene.image), scene.edited_exif, 95)
        library.add(f"edited-name/edits/{name}", edit, "edit", Fate.REVIEW, first)


def _identical(library: Library, count: int) -> None:
    """Equal bytes under other names, younger and older."""
    for number in range(count):
        scene = library.scene()
        data = scene.data
        first = library.original(f"identical/IMG_{scene.number}.JPG", data, scene)
        days = 30 if number % 2 else 3
        for name in (f"IMG_{scene.number} (1).JPG", f"backup/IMG_{scene.number}.JPG", f"phone/WA{number:04}.jpg"):
            written = scene.taken + timedelta(days=days)
            library.add(f"identical/{name}", data, "copy", Fate.DUPLICATE, first, written)


def _described(library: Library, count: int) -> None:
    """Originals with place, caption, rating and keywords; their copies lost these, and are larger by a long comment."""
    for _ in range(count):
        scene = library.scene()
        path = f"described/sorted by hand/IMG_{scene.number}.JPG"
        first = library.original(path, files.jpeg(scene.image, files.exif(scene.taken, described=True)), scene)
        bare = files.jpeg(scene.image, scene.exif, comment=b"sent by mail " * 400)
        library.add(f"described/{scene.number}.JPG", bare, "copy", Fate.DUPLICATE, first, scene.taken)


def _exported_heic(library: Library, count: int) -> None:
    for _ in range(count):
        scene = library.scene()
        data = files.heic(scene.image, scene.exif)
        first = library.original(f"heic-exported/IMG_{scene.number}.HEIC", data, scene)
        export = files.jpeg(files.opened_heic(data), scene.exif, 96)
        library.add(f"heic-exported/jpeg/{scene.number}.jpg", export, "copy", Fate.DUPLICATE, first)


def _transparent(library: Library, count: int) -> None:
    for _ in range(count):
        scene = library.scene()
        picture = files.cut_out(scene.image)
        first = library.original(f"transparent/cut-{scene.number}.png", files.saved(picture, "PNG"), scene)
        flat = files.jpeg(files.flattened(picture), quality=97)
        library.add(f"transparent/flat/cut-{scene.number}.jpg", flat, "copy", Fate.DUPLICATE, first)


# ── series ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _brackets(library: Library, count: int) -> None:
    """Three exposures 1 s apart; the first has a copy."""
    for number in range(count):
        scene = library.scene()
        for shot, bias in enumerate((0.0, -0.7, 0.7) if number % 2 else (0.0, -1.0, 1.0)):
            taken = scene.taken + timedelta(seconds=shot)
            data = files.jpeg(files.exposed(scene.image, bias), files.exif(taken, bias=bias))
            path = library.add(f"bracket/DSC_{scene.number}{shot}.JPG", data, "shot", Fate.KEEP, written=taken)
            if shot == 0:
                copy = files.jpeg(scene.image, files.exif(taken), 80)
                library.add(f"bracket/sent/{scene.number}.jpg", copy, "copy", Fate.DUPLICATE, path)


def _bursts(library: Library, count: int) -> None:
    """Seven shots, a tenth of a second apart, by names of cameras and phones; half as many bursts as other kinds."""
    for number in range(max(count // 2, 1)):
        scene, marks = library.scene(), library.random
        burst = str(uuid.UUID(int=marks.getrandbits(128), version=4)).upper()
        for shot in range(7):
            taken = scene.taken + timedelta(milliseconds=110 * shot)
            picture = files.moved(scene.image, *_step(marks), marks.getrandbits(32))
            tags = files.exif(taken, maker_note=videos.apple_maker_note(burst=burst) if number % 3 == 0 else b"")
            name = (
                f"IMG_{scene.number}{shot}.JPG",
                f"{taken:%Y%m%d_%H%M%S}_BURST{shot + 1:03}.jpg",
                f"DSC0{scene.number}{shot}.JPG",
            )[number % 3]
            library.add(f"burst/{name}", files.jpeg(picture, tags), "shot", Fate.KEEP, written=taken)


def _step(drawn: random.Random) -> tuple[float, float, float]:
    return drawn.uniform(-0.012, 0.012), drawn.uniform(-0.012, 0.012), drawn.uniform(0, 0.015)


# ── files of one shot ────────────────────────────────────────────────────────────────────────────────────────────────


def _raw(library: Library, count: int) -> None:
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


def _live_photos(library: Library, count: int) -> None:
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


def _motion_photos(library: Library, count: int) -> None:
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
    "IMG_{}.txt": "Note {}\n",
    "IMG_{}.gpx": '<gpx version="1.1"><!-- {} --></gpx>',
}
"""Names of sidecars and their texts; those without a text hold a picture or a video."""


def _sidecars(library: Library, count: int) -> None:
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
    small = files.resized(scene.image, 0.3)
    data = files.jpeg(small, quality=75)
    return data if name.endswith(".thm") else videos.mp4(data, small.size, scene.taken, 8)


def _unrelated_videos(library: Library, count: int) -> None:
    """A camera's video that has the counter of a photo, taken hours later; the photo has a copy."""
    for _ in range(count):
        scene, other = library.scene(), library.scene()
        first = library.add(
            f"unrelated-video/c/IMG_{scene.number}.JPG", scene.data, "photo", Fate.EITHER, written=scene.taken
        )
        film = videos.mov(files.jpeg(other.image), other.image.size, other.taken, 48)
        library.add(f"unrelated-video/c/IMG_{scene.number}.MOV", film, "video", Fate.KEEP, written=other.taken)
        library.add(f"unrelated-video/{scene.number}.JPG", scene.data, "copy", Fate.EITHER, first, scene.taken)


# ── several frames ───────────────────────────────────────────────────────────────────────────────────────────────────


def animation(scene: Scene, kind: str) -> bytes:
    """Return a GIF or WebP that pans over a scene."""
    frames = [files.resized(files.moved(scene.image, 0.01 * step - 0.04, 0, 0, step), 0.6) for step in range(0, 9, 2)]
    return files.saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=120, loop=0)


def _animations(library: Library, count: int) -> None:
    """Animations, and larger stills of their first frames."""
    for number in range(count):
        scene, kind = library.scene(), ("GIF", "WEBP")[number % 2]
        data = animation(scene, kind)
        first = library.original(f"animation/anim-{scene.number}.{kind.lower()}", data, scene)
        still = files.saved(files.resized(files.opened(data), 1.3), "PNG", compress_level=1)
        library.add(f"animation/still/anim-{scene.number}.png", still, "still", Fate.EITHER, first)


def sheet(drawn: random.Random, heading: str) -> Image.Image:
    """Draw a page of text."""
    page = Image.new("L", (420, 594), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    pen.text((40, 30), heading, 0, ImageFont.load_default(26))
    for top in range(90, drawn.randint(300, 560), 20):
        line = " ".join("".join(drawn.choices("aeinorstu", k=drawn.randint(2, 9))) for _ in range(7))
        pen.text((40, top), line[:52], 0, font)
    return page


def _documents(library: Library, count: int) -> None:
    """Pairs of TIFFs of three pages with equal first pages, and a page of one of them as PNG."""
    for number in range(count):
        drawn = random.Random(number)
        cover = sheet(drawn, f"Contract {number}")
        paths = []
        for side in "ab":
            rest = [sheet(drawn, f"Annex {page}") for page in (1, 2)]
            data = files.saved(cover, "TIFF", save_all=True, append_images=rest, compression="tiff_deflate")
            path = f"multipage/contract-{number}{side}.tif"
            paths.append(library.add(path, data, "document", Fate.KEEP))
        page = files.saved(files.resized(cover, 1.5), "PNG")
        library.add(f"multipage/pages/contract-{number}.png", page, "still", Fate.EITHER, paths[0])


# ── pictures that only look alike ────────────────────────────────────────────────────────────────────────────────────

_CAPTIONS = (
    "ME ON MONDAY", "WHEN THE CODE RUNS", "NOBODY: ...", "ONE DOES NOT SIMPLY", "MY CAT AT 3 AM", "SEND HELP",
    "IT WORKS HERE", "FRIDAY AT LAST", "WHO ATE MY LUNCH", "SUCH WOW",
)  # fmt: skip


def _memes(library: Library, count: int) -> None:
    """Three pictures with ten captions each."""
    for _ in range(3):
        scene = library.scene()
        for number, text in enumerate(_CAPTIONS[:count]):
            top = _CAPTIONS[-1 - number] if number % 2 else ""
            data = files.jpeg(files.captioned(scene.image, text, top), quality=85)
            library.add(f"meme/{scene.number}-{number}.jpg", data, "page", Fate.KEEP)


def _icons(library: Library, count: int) -> None:
    """Letters on a rounded square, all of one set."""
    for number, letter in enumerate("ABCDEFGHKMNPRSTUVWXYZ"[: 2 * count]):
        icon = Image.new("RGBA", (96, 96))
        pen = ImageDraw.Draw(icon)
        pen.rounded_rectangle((4, 4, 91, 91), 18, ("#3366cc", "#cc6633")[number % 2])
        pen.text((48, 48), letter, "white", ImageFont.load_default(56), "mm")
        library.add(f"icon/app-{letter}.png", files.saved(icon, "PNG"), "page", Fate.KEEP)


def _black_frames(library: Library, count: int) -> None:
    """Shots into a pocket: darkness with noise."""
    for number in range(count):
        dark = np.abs(np.random.default_rng(number).normal(1, 1.5, (300, 400, 3))).astype(np.uint8)
        taken = _START + timedelta(days=number)
        data = files.jpeg(Image.fromarray(dark), files.exif(taken))
        library.add(f"black/IMG_{number:04}.JPG", data, "shot", Fate.KEEP, written=taken)


KINDS: Mapping[str, Maker] = {
    **{kind: _copied(recipe, kind) for kind, recipe in RECIPES.items()},
    "family": _families,
    "edited-name": _edited_names,
    "identical": _identical,
    "described": _described,
    "heic-exported": _exported_heic,
    "transparent": _transparent,
    "bracket": _brackets,
    "burst": _bursts,
    "raw-jpeg": _raw,
    "live-photo": _live_photos,
    "motion-photo": _motion_photos,
    "sidecar": _sidecars,
    "unrelated-video": _unrelated_videos,
    "animation": _animations,
    "multipage": _documents,
    "meme": _memes,
    "icon": _icons,
    "black": _black_frames,
}

KEEPER_KINDS = (
    "damaged-zeros", "damaged-cut", "animation", "sidecar", "live-photo", "described", "resaved-q99", "frame-white",
    "stamp-date", "export-large", "heic-exported", "family",
)  # fmt: skip
"""Kinds in which one original must be the keeper of its group; of five each they are 65 originals."""


# ── what a plan did ──────────────────────────────────────────────────────────────────────────────────────────────────


class Verdict(NamedTuple):
    """Of one kind: its files, those that are in the plan and must not be, and those that were not grouped."""

    files: int
    taken: tuple[str, ...]
    missed: tuple[str, ...]


def judge(truth: Iterable[File], planned: set[str], group_of: Mapping[str, int]) -> dict[str, Verdict]:
    """Compare the truth with a plan, kind by kind.

    Parameters
    ----------
    truth
        The files of a library.
    planned
        Paths that the plan would remove, sidecars among them.
    group_of
        The group of each path that has one, whether it is in the plan or not.
    """
    by_kind: dict[str, list[File]] = {}
    for file in truth:
        by_kind.setdefault(file.kind, []).append(file)
    return {kind: _judged(members, planned, group_of) for kind, members in by_kind.items()}


def _judged(members: list[File], planned: set[str], group_of: Mapping[str, int]) -> Verdict:
    def missed(file: File) -> bool:
        grouped = group_of.get(file.path, -1) == group_of.get(file.original, -2)
        return file.fate in (Fate.DUPLICATE, Fate.REVIEW) and not grouped

    taken = (file.path for file in members if file.fate in (Fate.KEEP, Fate.REVIEW) and file.path in planned)
    return Verdict(len(members), tuple(taken), tuple(file.path for file in members if missed(file)))


def wrong_keepers(truth: Iterable[File], keeper_of: Mapping[str, str]) -> dict[str, list[str]]:
    """Return, by kind, the originals that are not the keeper of their group; ``keeper_of`` has all grouped paths."""
    wrong: dict[str, list[str]] = {}
    for file in truth:
        if file.what == "original":
            mistaken = keeper_of.get(file.path, file.path) != file.path
            wrong.setdefault(file.kind, []).extend([file.path] if mistaken else [])
    return wrong


def table(verdicts: Mapping[str, Verdict]) -> str:
    """Return the verdicts as lines of text."""
    rows = (f"{kind:<18}{v.files:>6}{len(v.taken):>7}{len(v.missed):>8}" for kind, v in verdicts.items())
    return "\n".join((f"{'kind':<18}{'files':>6}{'taken':>7}{'missed':>8}", *rows))
