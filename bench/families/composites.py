"""Pictures among others: collages, picture-in-picture, screenshots of a phone and of a browser."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont, ImageOps

from bench.families.base import Make, Random, family
from bench.families.overlays import phrase


def _collage(columns: int, rows: int) -> Make:
    """Put the picture into a random tile, guests into the others, each cut to the shape of the first."""

    def make(image: Image.Image, random: Random, *guests: Image.Image) -> Image.Image:
        tile = image.width // 2, image.height // 2
        sheet = Image.new("RGB", (columns * tile[0], rows * tile[1]))
        tiles = [image, *guests]
        for place, number in enumerate(random.permutation(len(tiles)).tolist()):
            fitted = ImageOps.fit(tiles[number], tile)
            sheet.paste(fitted, (place % columns * tile[0], place // columns * tile[1]))
        return sheet

    return make


def _inset(side: float, *, host: bool) -> Make:
    """Put one picture, of a share of the sides of the other, into a corner of it; the source is host or guest."""

    def make(image: Image.Image, random: Random, guest: Image.Image) -> Image.Image:
        large, small = (image, guest) if host else (guest, image)
        picture = large.copy()
        small = ImageOps.contain(small, (round(side * large.width), round(side * large.height)))
        x, y = random.integers(0, 2, 2) * [large.width - small.width, large.height - small.height]
        picture.paste(small, (int(x), int(y)))
        return picture

    return make


def _phone(image: Image.Image, random: Random) -> Image.Image:
    """Show the picture in a viewer: status bar above, buttons below, on black or white."""
    ground, ink = ("black", "white") if random.integers(2) else ("white", "black")
    screen = Image.new("RGB", (540, 1170), ground)
    draw = ImageDraw.Draw(screen)
    small, large = ImageFont.load_default(20), ImageFont.load_default(26)
    draw.text((30, 16), f"{random.integers(1, 24)}:{random.integers(10, 60)}", ink, small)
    draw.rectangle((470, 18, 510, 36), None, ink, 2)
    draw.text((270, 90), phrase(random, 2), ink, large, "mm")
    shown = ImageOps.contain(image, (540, 860))
    screen.paste(shown, ((540 - shown.width) // 2, 140 + (860 - shown.height) // 2))
    for x in (90, 210, 330, 450):
        draw.ellipse((x - 18, 1080, x + 18, 1116), None, ink, 3)
    return screen


def _browser(image: Image.Image, random: Random) -> Image.Image:
    """Show the picture on a page: tabs and address above, lines of text to the right and below."""
    page = Image.new("RGB", (1280, 800), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 1280, 44), (222, 225, 230))
    draw.rounded_rectangle((12, 8, 260, 44), 8, "white")
    draw.rounded_rectangle((90, 54, 1180, 84), 14, (240, 241, 243))
    font = ImageFont.load_default(18)
    draw.text((30, 18), phrase(random, 3), "black", font)
    draw.text((110, 60), "https://www.example.org/" + phrase(random, 1), (90, 90, 90), font)
    shown = ImageOps.contain(image, (760, 560))
    page.paste(shown, (60, 130))
    for line in range(20):
        draw.text((860, 130 + 30 * line), phrase(random, 6), (60, 60, 60), font)
    draw.text((60, 150 + shown.height), phrase(random, 12), (60, 60, 60), font)
    return page


TRANSFORMS = (
    *family("collage", {"2 x 1": _collage(2, 1)}, guests=1),
    *family("collage", {"2 x 2": _collage(2, 2)}, guests=3),
    *family("picture-in-picture", {"host": _inset(0.3, host=True), "inset": _inset(0.5, host=False)}, guests=1),
    *family("screenshot", {"phone": _phone, "browser": _browser}),
)
