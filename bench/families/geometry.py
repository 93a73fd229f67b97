"""Other framings: crops, borders, stretching, turning."""

from __future__ import annotations

from PIL import Image, ImageOps

from bench.families.base import Make, Random, family, plainly

_CUTS = (2, 5, 10, 20)


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Cut shares of the width and of the height off the four sides."""
    box = left * image.width, top * image.height, (1 - right) * image.width, (1 - bottom) * image.height
    return image.crop((round(box[0]), round(box[1]), round(box[2]), round(box[3])))


def _crop_side(share: float) -> Make:
    def make(image: Image.Image, random: Random) -> Image.Image:
        cuts = [0.0] * 4
        cuts[random.integers(4)] = share
        return cropped(image, *cuts)

    return make


def _crop_centre(share: float) -> Make:
    return plainly(lambda image: cropped(image, *[share / 2] * 4))


def padded(image: Image.Image, across: float, down: float, colour: str | tuple[int, int, int]) -> Image.Image:
    """Add shares of the width on both sides and of the height above and below."""
    x, y = round(across * image.width), round(down * image.height)
    return ImageOps.expand(image, (x, y, x, y), colour)


def _pad(across: float, down: float, colour: str) -> Make:
    return plainly(lambda image: padded(image, across, down, colour))


def _frame(image: Image.Image, random: Random) -> Image.Image:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return padded(image, 0.06, 0.06 * image.width / image.height, (red, green, blue))


def _stretch(across: float, down: float) -> Make:
    return plainly(lambda image: image.resize((round(across * image.width), round(down * image.height))))


def rotated(image: Image.Image, degrees: float) -> Image.Image:
    """Rotate within the frame; what comes in at the corners is black."""
    return image.rotate(degrees, Image.Resampling.BICUBIC)


def _rotate(degrees: float) -> Make:
    def make(image: Image.Image, random: Random) -> Image.Image:
        return rotated(image, degrees * random.choice([-1, 1]))

    return make


def _turn(method: Image.Transpose) -> Make:
    return plainly(lambda image: image.transpose(method))


TRANSFORMS = (
    *family("crop-side", {f"{percent} %": _crop_side(percent / 100) for percent in _CUTS}),
    *family("crop-centre", {f"{percent} %": _crop_centre(percent / 100) for percent in _CUTS}),
    *family(
        "pad",
        {
            "white": _pad(0.1, 0.1, "white"),
            "black": _pad(0.2, 0.2, "black"),
            "letterbox": _pad(0, 0.15, "black"),
            "pillarbox": _pad(0.2, 0, "black"),
            "frame": _frame,
        },
    ),
    *family("aspect", {"wide": _stretch(1.33, 1), "narrow": _stretch(0.75, 1), "square-ish": _stretch(1, 1.2)}),
    *family("rotate", {f"{degrees} degrees": _rotate(degrees) for degrees in (1, 3, 5, 10)}),
    *family(
        "quarter-turn",
        {
            "90": _turn(Image.Transpose.ROTATE_90),
            "180": _turn(Image.Transpose.ROTATE_180),
            "270": _turn(Image.Transpose.ROTATE_270),
        },
    ),
    *family("mirror", {"left-right": _turn(Image.Transpose.FLIP_LEFT_RIGHT)}),
)
