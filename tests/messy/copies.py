"""Copies and edits of one original each, and originals that have several at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from PIL import Image

from tests.messy import camera_files as files
from tests.messy import edits
from tests.messy.library import Fate, Library, Maker, Scene


class Recipe(NamedTuple):
    """How a file is made of a scene: its name, from the number of the scene, and its fate."""

    encode: Callable[[Scene], bytes]
    name: str
    fate: Fate = Fate.DUPLICATE
    what: str = "copy"


RECIPES: Mapping[str, Recipe] = {
    "reencode-q85": Recipe(lambda s: files.jpeg(s.image, s.exif, 85), "again/IMG_{}.JPG"),
    "reencode-q60": Recipe(lambda s: files.jpeg(s.image, s.exif, 60), "sent/IMG_{}.JPG"),
    "export-half": Recipe(lambda s: files.jpeg(edits.resized(s.image, 0.5), quality=85), "web/lake-{}.jpg"),
    "export-small": Recipe(lambda s: files.jpeg(edits.resized(s.image, 0.35), s.exif, 80), "mail/IMG_{}.jpg"),
    "export-large": Recipe(lambda s: files.jpeg(edits.resized(s.image, 1.5), quality=95), "print/IMG_{}.jpg"),
    "format-png": Recipe(lambda s: files.saved(s.image, "PNG", s.exif, compress_level=1), "png/IMG_{}.png"),
    "format-webp": Recipe(lambda s: files.saved(s.image, "WEBP", quality=80, method=0), "webp/IMG_{}.webp"),
    "format-tiff": Recipe(lambda s: files.saved(s.image, "TIFF", s.exif), "tiff/IMG_{}.tif"),
    "format-heic": Recipe(lambda s: files.heic(s.image, s.exif), "heic/IMG_{}.heic"),
    "turned": Recipe(
        lambda s: files.jpeg(s.image.transpose(Image.Transpose.ROTATE_90), s.exif, 90), "turned/IMG_{}.jpg"
    ),
    "crop-slight": Recipe(
        lambda s: files.jpeg(edits.cropped(s.image, 0.01, 0.02, 0.02, 0.01), s.edited_exif),
        "cut/IMG_{}.jpg",
        what="edit",
    ),
    "crop-part": Recipe(
        lambda s: files.jpeg(edits.cropped(s.image, 0.1, 0.15, 0.2, 0.1), s.edited_exif),
        "cut/IMG_{}.jpg",
        Fate.KEEP,
        "edit",
    ),
    "crop-poster": Recipe(
        lambda s: files.jpeg(edits.poster(s.image), s.edited_exif, 95), "poster/IMG_{}.jpg", Fate.KEEP, "edit"
    ),
    "frame-white": Recipe(
        lambda s: files.jpeg(edits.framed(s.image, 0.08, "white"), s.edited_exif, 95), "framed/IMG_{}.jpg", what="edit"
    ),
    "frame-black": Recipe(
        lambda s: files.jpeg(edits.framed(s.image, 0.04, "black"), quality=95), "framed/IMG_{}.jpg", what="edit"
    ),
    "stamp-date": Recipe(
        lambda s: files.jpeg(edits.stamped(s.image, f"{s.taken:%d.%m.%Y %H:%M}"), s.edited_exif, 95),
        "stamped/IMG_{}.jpg",
        Fate.REVIEW,
        "edit",
    ),
    "text": Recipe(
        lambda s: files.jpeg(edits.captioned(s.image, "GREETINGS FROM THE LAKE"), s.edited_exif, 95),
        "cards/IMG_{}.jpg",
        Fate.REVIEW,
        "edit",
    ),
    "filter-warm": Recipe(
        lambda s: files.jpeg(edits.warmed(s.image), s.edited_exif, 95), "warm/IMG_{}.jpg", what="edit"
    ),
    "filter-grey": Recipe(
        lambda s: files.jpeg(s.image.convert("L").convert("RGB"), s.edited_exif, 95), "grey/IMG_{}.jpg", what="edit"
    ),
    "resaved-q99": Recipe(lambda s: files.jpeg(files.resaved(s.image), s.exif, 99), "saved/IMG_{}.JPG"),
    "no-exif": Recipe(lambda s: files.without_exif(s.data), "x/IMG_{}.JPG"),
    "damaged-zeros": Recipe(lambda s: files.with_zeros(s.data), "{}.JPG", Fate.EITHER, "damaged"),
    "damaged-cut": Recipe(lambda s: files.cut_off(s.data), "{}.JPG", Fate.EITHER, "damaged"),
}
"""One copy or edit of an original that a camera saved as JPEG of quality 93, with EXIF."""

_EDITED_NAMES = (
    "IMG_E{}.JPG", "IMG_{}-edited.JPG", "IMG_{}-bearbeitet.JPG", "IMG_{}_edit.JPG", "IMG_{}-modifié.JPG"
)  # fmt: skip


def copied(recipe: Recipe, kind: str) -> Maker:
    def maker(library: Library, count: int) -> None:
        for _ in range(count):
            scene = library.scene()
            first = library.original(f"{kind}/IMG_{scene.number}.JPG", scene.data, scene)
            path = f"{kind}/{recipe.name.format(scene.number)}"
            library.add(path, recipe.encode(scene), recipe.what, recipe.fate, first)

    return maker


_FAMILY = ("resaved-q99", "frame-white", "stamp-date", "export-half", "damaged-zeros", "no-exif")


def families(library: Library, count: int) -> None:
    """Originals that have several copies and edits at once."""
    for _ in range(count):
        scene = library.scene()
        first = library.original(f"family/IMG_{scene.number}.JPG", scene.data, scene)
        for recipe in (RECIPES[kind] for kind in _FAMILY):
            path = f"family/{recipe.name.format(scene.number)}"
            library.add(path, recipe.encode(scene), recipe.what, recipe.fate, first)


def edited_names(library: Library, count: int) -> None:
    """Edits that say so by their names alone, in another folder; of larger files than the originals."""
    for number in range(count):
        scene = library.scene()
        first = library.original(f"edited-name/IMG_{scene.number}.JPG", scene.data, scene)
        name = _EDITED_NAMES[number % len(_EDITED_NAMES)].format(scene.number)
        edit = files.jpeg(edits.warmed(scene.image), scene.edited_exif, 95)
        library.add(f"edited-name/edits/{name}", edit, "edit", Fate.REVIEW, first)


def identical(library: Library, count: int) -> None:
    """Equal bytes under other names, with later dates."""
    for number in range(count):
        scene = library.scene()
        first = library.original(f"identical/IMG_{scene.number}.JPG", scene.data, scene)
        names = (f"IMG_{scene.number} (1).JPG", f"backup/IMG_{scene.number}.JPG", f"phone/WA{number:04}.jpg")
        for day, name in enumerate(names, 1):
            written = scene.taken + timedelta(days=day)
            library.add(f"identical/{name}", scene.data, "copy", Fate.DUPLICATE, first, written)


def described(library: Library, count: int) -> None:
    """Originals with place, caption, rating and keywords; their copies lost these, and are larger by a long comment."""
    for _ in range(count):
        scene = library.scene()
        path = f"described/sorted by hand/IMG_{scene.number}.JPG"
        first = library.original(path, files.jpeg(scene.image, files.exif(scene.taken, described=True)), scene)
        bare = files.jpeg(scene.image, scene.exif, comment=b"sent by mail " * 400)
        library.add(f"described/{scene.number}.JPG", bare, "copy", Fate.DUPLICATE, first, scene.taken)


def exported_heic(library: Library, count: int) -> None:
    """HEIC of a camera, and JPEGs of high quality made from it."""
    for _ in range(count):
        scene = library.scene()
        data = files.heic(scene.image, scene.exif)
        first = library.original(f"heic-exported/IMG_{scene.number}.HEIC", data, scene)
        export = files.jpeg(files.opened_heic(data), scene.exif, 96)
        library.add(f"heic-exported/jpeg/{scene.number}.jpg", export, "copy", Fate.DUPLICATE, first)


def transparent(library: Library, count: int) -> None:
    """PNGs with transparency, and copies flattened on white."""
    for _ in range(count):
        scene = library.scene()
        picture = edits.cut_out(scene.image)
        first = library.original(f"transparent/cut-{scene.number}.png", files.saved(picture, "PNG"), scene)
        flat = files.jpeg(edits.flattened(picture), quality=97)
        library.add(f"transparent/flat/cut-{scene.number}.jpg", flat, "copy", Fate.DUPLICATE, first)
