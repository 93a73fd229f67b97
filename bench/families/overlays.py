"""What people put on a picture: text and logos."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from bench.families.base import Make, Random, family

_WORDS = "the best view of the whole summer sale only today look at this".split()


def captioned(image: Image.Image, random: Random, share: float) -> Image.Image:
    """Write words on a band that takes a share of the height, above or below the middle of the picture."""
    picture = image.copy()
    draw = ImageDraw.Draw(picture)
    height = max(8, round(share * image.height))
    top = round(random.uniform(0, 1) * (image.height - height))
    font = ImageFont.load_default(0.8 * height)
    draw.text((image.width // 2, top + height // 2), phrase(random, 6), "white", font, "mm", stroke_width=height // 16,
              stroke_fill="black")  # fmt: skip
    return picture


def phrase(random: Random, words: int) -> str:
    """Return random words."""
    return " ".join(random.choice(_WORDS, words).tolist())


def _text(share: float) -> Make:
    return lambda image, random: captioned(image, random, share)


def _logo(share: float) -> Make:
    """Put a disc with a ring and a letter, of a share of the area, into a corner."""

    def make(image: Image.Image, random: Random) -> Image.Image:
        side = min(image.width, image.height, round((share * image.width * image.height) ** 0.5))
        colour = tuple(random.integers(0, 256, 3).tolist())
        mark = Image.new("L", (side, side))
        ImageDraw.Draw(mark).ellipse((0, 0, side - 1, side - 1), 255)
        logo = Image.new("RGB", (side, side), colour)
        draw = ImageDraw.Draw(logo)
        draw.ellipse((side // 12, side // 12, side - side // 12, side - side // 12), None, "white", side // 20 + 1)
        draw.text((side // 2, side // 2), "P", "white", ImageFont.load_default(0.6 * side), "mm")
        picture = image.copy()
        x, y = random.integers(0, 2, 2) * [image.width - side, image.height - side]
        picture.paste(logo, (int(x), int(y)), mark)
        return picture

    return make


TRANSFORMS = family(
    "overlay",
    {
        "text 5 %": _text(0.05),
        "text 15 %": _text(0.15),
        "logo 5 %": _logo(0.05),
        "logo 15 %": _logo(0.15),
    },
)
