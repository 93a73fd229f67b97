"""Files of several frames, and pictures that only look alike: memes of one template, icons, black frames."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.messy import camera_files as files
from tests.messy import edits
from tests.messy.library import START, Fate, Library, Scene

# ── several frames ───────────────────────────────────────────────────────────────────────────────────────────────────


def animation(scene: Scene, kind: str) -> bytes:
    """Return a GIF or WebP that pans over a scene."""
    frames = [edits.resized(edits.moved(scene.image, 0.01 * step - 0.04, 0, 0, step), 0.6) for step in range(0, 9, 2)]
    return files.saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=120, loop=0)


def animations(library: Library, count: int) -> None:
    """Animations, and larger stills of their first frames."""
    for number in range(count):
        scene, kind = library.scene(), ("GIF", "WEBP")[number % 2]
        data = animation(scene, kind)
        first = library.original(f"animation/anim-{scene.number}.{kind.lower()}", data, scene)
        still = files.saved(edits.resized(files.opened(data), 1.3), "PNG", compress_level=1)
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


def documents(library: Library, count: int) -> None:
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
        page = files.saved(edits.resized(cover, 1.5), "PNG")
        library.add(f"multipage/pages/contract-{number}.png", page, "still", Fate.EITHER, paths[0])


# ── pictures that only look alike ────────────────────────────────────────────────────────────────────────────────────

_CAPTIONS = (
    "ME ON MONDAY", "WHEN THE CODE RUNS", "NOBODY: ...", "ONE DOES NOT SIMPLY", "MY CAT AT 3 AM", "SEND HELP",
    "IT WORKS HERE", "FRIDAY AT LAST", "WHO ATE MY LUNCH", "SUCH WOW",
)  # fmt: skip


def memes(library: Library, count: int) -> None:
    """Three pictures with ten captions each, and a smaller copy of one of each ten."""
    for _ in range(3):
        scene = library.scene()
        for number, text in enumerate(_CAPTIONS[:count]):
            top = _CAPTIONS[-1 - number] if number % 2 else ""
            data = files.jpeg(edits.captioned(scene.image, text, top), quality=85)
            path = library.add(f"meme/{scene.number}-{number}.jpg", data, "page", Fate.KEEP)
            if number == 0:
                sent = files.jpeg(edits.resized(files.opened(data), 0.8), quality=75)
                library.add(f"meme-sent/{scene.number}.jpg", sent, "copy", Fate.DUPLICATE, path)


def icons(library: Library, count: int) -> None:
    """Letters on a rounded square, all of one set."""
    for number, letter in enumerate("ABCDEFGHKMNPRSTUVWXYZ"[: 2 * count]):
        icon = Image.new("RGBA", (96, 96))
        pen = ImageDraw.Draw(icon)
        pen.rounded_rectangle((4, 4, 91, 91), 18, ("#3366cc", "#cc6633")[number % 2])
        pen.text((48, 48), letter, "white", ImageFont.load_default(56), "mm")
        library.add(f"icon/app-{letter}.png", files.saved(icon, "PNG"), "page", Fate.KEEP)


def black_frames(library: Library, count: int) -> None:
    """Shots into a pocket: darkness with noise."""
    for number in range(count):
        dark = np.abs(np.random.default_rng(number).normal(1, 1.5, (300, 400, 3))).astype(np.uint8)
        taken = START + timedelta(days=number)
        data = files.jpeg(Image.fromarray(dark), files.exif(taken))
        library.add(f"black/IMG_{number:04}.JPG", data, "shot", Fate.KEEP, written=taken)
