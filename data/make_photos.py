"""Write the sample collection: a photo folder with originals, edited copies and files that are not pictures.

    python data/make_photos.py [FOLDER]

The folder is `data/photos`, which is rewritten, or another one, which must not exist yet. Next to it is `photos.csv`,
the ground truth: `path`, `scene` (empty where the file cannot be read) and `edit`. The same version of Pillow
writes the same bytes.
"""

import csv
import io
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import indoors
import numpy as np
import outdoors
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFont, ImageOps

Change = Callable[[Image.Image], Image.Image]
Edit = Callable[[Image.Image], bytes]
Turn = Image.Transpose
PHOTOS = Path(__file__).resolve().parent / "photos"


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def saved(kind: str, *changes: Change, **options: object) -> Edit:
    """Make an edit: changes of the pixels, then encoding."""

    def edit(image: Image.Image) -> bytes:
        for change in changes:
            image = change(image)
        return encode(image, kind, **options)

    return edit


def jpeg(*changes: Change, quality: int = 78, **options: object) -> Edit:
    """Make an edit that ends as JPEG."""
    return saved("JPEG", *changes, quality=quality, **options)


def scaled(factor: float) -> Change:
    """Change the size."""
    return lambda image: ImageOps.scale(image, factor, Image.Resampling.LANCZOS)


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    """Cut off fractions of the width and height."""

    def crop(image: Image.Image) -> Image.Image:
        width, height = image.size
        return image.crop((round(width * left), round(height * top), round(width * (1 - right)),
                           round(height * (1 - bottom))))  # fmt: skip

    return crop


def framed(width: int, colour: str) -> Change:
    """Add a border."""
    return lambda image: ImageOps.expand(image, width, colour)


def turned(turn: Turn) -> Change:
    """Rotate or mirror the pixels."""
    return lambda image: image.transpose(turn)


def converted(mode: str) -> Change:
    """Change the pixel format."""
    return lambda image: image.convert(mode)


def brightness(factor: float) -> Change:
    """Scale all tones."""
    return lambda image: ImageEnhance.Brightness(image).enhance(factor)


def contrast(factor: float) -> Change:
    """Spread the tones about their mean."""
    return lambda image: ImageEnhance.Contrast(image).enhance(factor)


def few_colours(image: Image.Image) -> Image.Image:
    """Reduce to a palette of 64 colours, undithered so that it packs well."""
    return image.quantize(64, dither=Image.Dither.NONE)


def deep_grey(image: Image.Image) -> Image.Image:
    """Widen grey values to 16 bits."""
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def dated(image: Image.Image) -> Image.Image:
    """Print a date in the corner, as compact cameras did."""
    image = image.copy()
    place = (image.width - 84, image.height - 20)
    ImageDraw.Draw(image).text(place, "12 07 2023", "#ff9020", ImageFont.load_default_imagefont())
    return image


def cut_out(seed: int) -> Change:
    """Make the white ground transparent; the colours hidden there depend on the seed and must not change the codes."""

    def cut(image: Image.Image) -> Image.Image:
        darkest = ImageChops.darker(ImageChops.darker(image.getchannel(0), image.getchannel(1)), image.getchannel(2))
        alpha = darkest.point([255 * (value < 250) for value in range(256)])
        hidden = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8))
        shown = Image.composite(image, hidden.resize(image.size, Image.Resampling.NEAREST), alpha)
        shown.putalpha(alpha)
        return shown

    return cut


_UNDO = {  # EXIF orientation → its inverse on the pixels
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_90,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_270,
}


def oriented(tag: int) -> Edit:
    """Make a JPEG whose pixels are turned and whose EXIF orientation turns them back."""
    exif = Image.Exif()
    exif[0x0112] = tag
    return jpeg(turned(_UNDO[tag]), exif=exif)


def animated(image: Image.Image) -> bytes:
    """Make a GIF whose first frame is the picture and whose second is another one."""
    first = few_colours(scaled(0.4)(image))
    return encode(first, "GIF", save_all=True, append_images=[ImageOps.mirror(first)], duration=500)


EDITS: dict[str, Edit] = {
    "original": jpeg(),
    "same-bytes": jpeg(),
    "jpeg-30": jpeg(quality=30),
    "jpeg-50": jpeg(quality=50),
    "progressive": jpeg(progressive=True),
    "cmyk": jpeg(converted("CMYK"), quality=60),
    "half": jpeg(scaled(0.5)),
    "seventy-percent": jpeg(scaled(0.7)),
    "larger": jpeg(scaled(1.4), quality=60),
    "grey": jpeg(converted("L")),
    "brighter": jpeg(brightness(1.15)),
    "darker": jpeg(brightness(0.8)),
    "more-contrast": jpeg(contrast(1.2)),
    "less-contrast": jpeg(contrast(0.75)),
    "dated": jpeg(dated),
    "crop": jpeg(cropped(0.01, 0.015, 0.01, 0.01)),
    "crop-one-side": jpeg(cropped(0.025, 0, 0, 0)),
    "frame-white": jpeg(framed(4, "#ffffff")),
    "frame-black": jpeg(framed(3, "#000000")),
    **{f"exif-{tag}": oriented(tag) for tag in _UNDO},
    "mirrored": jpeg(turned(Turn.FLIP_LEFT_RIGHT)),
    "upside-down": jpeg(turned(Turn.FLIP_TOP_BOTTOM)),
    "turned-90": jpeg(turned(Turn.ROTATE_90)),
    "turned-180": jpeg(turned(Turn.ROTATE_180)),
    "turned-270": jpeg(turned(Turn.ROTATE_270)),
    "png": saved("PNG", scaled(0.35)),
    "png-named-jpg": saved("PNG", scaled(0.35)),
    "png-palette": saved("PNG", few_colours, scaled(0.5)),
    "png-16-bit-grey": saved("PNG", scaled(0.4), deep_grey),
    "transparent": saved("PNG", cut_out(1), scaled(0.5)),
    "transparent-other-hidden": saved("PNG", scaled(0.5), cut_out(2)),
    "webp": saved("WEBP", quality=70),
    "webp-lossless": saved("WEBP", scaled(0.35), lossless=True),
    "avif": saved("AVIF", quality=60, max_threads=1),
    "gif": saved("GIF", scaled(0.4), few_colours),
    "gif-animated": animated,
    "bmp": saved("BMP", scaled(0.25)),
    "tiff": saved("TIFF", scaled(0.35), compression="tiff_lzw"),
    "truncated": lambda image: jpeg()(image)[:9000],
    "text": lambda image: b"Sorry, this photo is no longer shared with you.\n",
    "empty": lambda image: b"",
}
UNREADABLE = ("truncated", "text", "empty")

ALBUM: dict[Callable[[], Image.Image], dict[str, str]] = {  # scene → edit → path
    outdoors.lake: {
        "original": "2023-lake/IMG_0412.jpg",
        "same-bytes": "backup/lake/IMG_0412 (1).jpg",
        "jpeg-30": "exports/whatsapp/lake-sunset.jpg",
        "half": "exports/web/lake-sunset.jpg",
        "mirrored": "exports/lake-sunset-mirrored.jpg",
        "avif": "exports/web/lake-sunset.avif",
        "truncated": "broken/IMG_0412.jpg",
    },
    outdoors.mountains: {
        "original": "2023-lake/IMG_0415.jpg",
        "exif-3": "phone/PXL_20230712_101502.jpg",
        "webp": "exports/web/peaks.webp",
        "crop": "exports/peaks-print.jpg",
        "grey": "exports/peaks-bw.jpg",
    },
    outdoors.sailing: {
        "original": "2023-lake/IMG_0421.jpg",
        "seventy-percent": "exports/web/regatta.jpg",
        "dated": "2023-lake/IMG_0421 dated.jpg",
        "turned-180": "phone/PXL_20230713_150011.jpg",
    },
    outdoors.pier: {"original": "2023-lake/IMG_0430.jpg", "exif-6": "phone/PXL_20230714_064530.jpg"},
    outdoors.farm: {
        "original": "2023-lake/IMG_0433.jpg",
        "brighter": "2023-lake/IMG_0433-edit.jpg",
        "bmp": "exports/icons/farm.bmp",
    },
    outdoors.forest: {
        "original": "2023-lake/IMG_0437.jpg",
        "exif-8": "phone/PXL_20230715_112233.jpg",
        "jpeg-50": "exports/whatsapp/forêt.jpg",
        "frame-white": "exports/forest-framed.jpg",
    },
    outdoors.balloons: {
        "original": "2023-lake/IMG_0446.jpg",
        "larger": "exports/balloons-poster.jpg",
        "gif-animated": "exports/web/balloons.gif",
        "more-contrast": "2023-lake/IMG_0446-edit.jpg",
    },
    outdoors.skyline: {
        "original": "2024-city/DSC_0031.JPG",
        "darker": "2024-city/DSC_0031-edit.jpg",
        "png": "exports/icons/skyline.png",
        "exif-5": "phone/PXL_20240302_221907.jpg",
    },
    outdoors.harbour: {
        "original": "2024-city/DSC_0038.JPG",
        "turned-90": "2024-city/DSC_0038 turned.jpg",
        "same-bytes": "backup/city/DSC_0038.JPG",
        "progressive": "exports/web/canal.jpg",
        "crop-one-side": "exports/canal-cut.jpg",
    },
    outdoors.bridge: {"original": "2024-city/DSC_0044.JPG"},
    outdoors.tram: {
        "original": "2024-city/DSC_0047.JPG",
        "png-palette": "exports/web/tram.png",
        "upside-down": "phone/PXL_20240303_090100.jpg",
    },
    outdoors.alley: {
        "original": "2024-city/DSC_0052.JPG",
        "cmyk": "exports/print/alley-cmyk.jpg",
        "exif-7": "phone/PXL_20240303_113020.jpg",
    },
    outdoors.umbrella: {
        "original": "2024-city/DSC_0059.JPG",
        "grey": "exports/rain-bw.jpg",
        "png-named-jpg": "phone/saved/rain.jpg",
        "less-contrast": "2024-city/DSC_0059-edit.jpg",
    },
    outdoors.bicycle: {
        "original": "2024-city/DSC_0063.JPG",
        "tiff": "exports/print/bicycle.tif",
        "frame-black": "exports/bicycle-framed.jpg",
    },
    outdoors.market: {"original": "2024-city/DSC_0070.JPG", "jpeg-30": "exports/whatsapp/market.jpg"},
    outdoors.lighthouse: {
        "original": "phone/été à la mer.jpg",
        "half": "exports/web/ete.jpg",
        "exif-2": "phone/PXL_20240801_203311.jpg",
        "same-bytes": "backup/phone/été à la mer.jpg",
    },
    outdoors.desert: {"original": "phone/PXL_20240911_163000.jpg"},
    outdoors.aurora: {"original": "phone/PXL_20241204_231245.jpg"},
    indoors.portrait: {
        "original": "phone/PXL_20240622_140502.jpg",
        "exif-4": "phone/PXL_20240622_140510.jpg",
        "webp-lossless": "exports/icons/anna.webp",
        "jpeg-50": "exports/whatsapp/anna.jpg",
    },
    indoors.cat: {
        "original": "phone/PXL_20240110_170044.jpg",
        "gif": "exports/web/cat.gif",
        "turned-270": "phone/saved/cat-turned.jpg",
    },
    indoors.fish: {"original": "phone/saved/aquarium.jpg"},
    indoors.coffee: {"original": "phone/PXL_20240505_083015.jpg", "seventy-percent": "exports/web/breakfast.jpg"},
    indoors.sunflower: {"original": "2022-garden/P1010007.jpg", "half": "exports/web/sunflower.jpg"},
    indoors.vase: {"original": "2022-garden/P1010012.jpg"},
    indoors.still_life: {"original": "2022-garden/P1010019.jpg"},
    indoors.chess: {"original": "2022-garden/P1010023.jpg", "png-16-bit-grey": "exports/print/chess-16.png"},
    indoors.bookshelf: {"original": "scans/shelf.jpg"},
    indoors.old_map: {"original": "scans/map-1721.jpg"},
    indoors.page: {"original": "scans/page-12.jpg", "brighter": "scans/page-12-bright.jpg"},
    outdoors.planet: {"original": "exports/wallpaper.jpg"},
    indoors.abstract: {"original": "scans/composition-IV.jpg", "text": "broken/shared-photo.jpg"},
    indoors.sticker: {
        "original": "exports/leaf-on-white.jpg",
        "transparent": "exports/leaf.png",
        "transparent-other-hidden": "exports/web/leaf.png",
        "empty": "broken/IMG_0999.jpg",
    },
}
NOTES = "Lake 2023: print 0412 and 0421 for grandma.\nCity 2024: sort out the doubles!\n"


def photos() -> Iterator[tuple[str, str, str, bytes]]:
    """Yield path, scene, edit and bytes of every file."""
    for scene, copies in ALBUM.items():
        image = scene()
        for edit, path in copies.items():
            yield path, "" if edit in UNREADABLE else scene.__name__, edit, EDITS[edit](image)
    yield "notes.txt", "", "text", NOTES.encode()


def main(folder: Path) -> None:
    """Write the folder and the ground truth next to it; only the repository's own may exist already."""
    truth = folder.with_name(f"{folder.name}.csv")
    if folder.resolve() == PHOTOS:
        shutil.rmtree(folder, ignore_errors=True)
        truth.unlink(missing_ok=True)
    folder.mkdir(parents=True)
    rows = []
    for path, scene, edit, content in photos():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        rows.append((path, scene, edit))
    with truth.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("path", "scene", "edit"), *sorted(rows)])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS)
