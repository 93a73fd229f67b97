"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phash_engine import _files, _memory
from phash_engine.catalogue.imported_hashes import HASHERS
from phash_engine.catalogue.store import Store
from phash_engine.cli import output
from phash_engine.cli.command import further, option
from phash_engine.index import KINDS
from phash_engine.matching.fields import DIAGONAL
from phash_engine.matching.policy import CANDIDATE_RADIUS, DEFAULT_RADIUS

if TYPE_CHECKING:
    from phash_engine.matching.verification import Verifier
    from phash_engine.retrieval.embeddings import Embedder

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

IMAGEHASH = "imagehash"
HASHER_HELP = "One code of the scheme alone; of imagehash it is average, phash, whash or dhash."


def default_catalogue() -> Path:
    """Return the path of the catalogue of the user."""
    import platformdirs

    return Path(platformdirs.user_data_dir("phash_engine", appauthor=False)) / "photos.db"


catalogue: Decorator = option(
    "--catalogue",
    "catalogue_path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="PHASH_CATALOGUE",
    help="The catalogue file; or set PHASH_CATALOGUE.",
)
as_json: Decorator = option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
strict: Decorator = further("--strict", is_flag=True, help="Exit with 3 if some files could not be read.")
nearest: Decorator = option(
    "-k", "k", type=click.IntRange(1), metavar="K", help="The K nearest; without -r at any distance."
)
radius: Decorator = option(
    "-r",
    "--radius",
    type=click.IntRange(0, 192),
    metavar="BITS",
    help=f"Largest distance, 0..192 bits.  [default: {DEFAULT_RADIUS}]",
)
rotations: Decorator = further(
    "--rotations/--no-rotations", default=True, help="Also match rotated and mirrored copies.  [default: on]"
)
trust_all: Decorator = further(
    "--trust-all",
    is_flag=True,
    help="Also match pictures with little structure (blank sheets, skies, ramps) by code, not only by equal bytes.",
)
index_kind: Decorator = further(
    "--index",
    "kind",
    type=click.Choice(list(KINDS)),
    default="auto",
    help="The kind of index to search; all find the same matches.  [default: auto, the fastest]",
)
scheme: Decorator = option(
    "--scheme", type=click.Choice(["native", IMAGEHASH]), default="native", help="Which codes.  [default: native]"
)
imagehash_hasher: Decorator = further("--hasher", type=click.Choice(HASHERS), help=HASHER_HELP)
verify: Decorator = option(
    "--verify",
    is_flag=True,
    help="Compare the pictures too, not only their codes.",
)
explain: Decorator = further(
    "--explain",
    is_flag=True,
    help="Also print how: find, the index that is searched and its cost; compare, the settings that match.",
)
exclude: Decorator = further(
    "--exclude",
    multiple=True,
    metavar="GLOB",
    help="Skip files and folders whose name or relative path matches; repeatable.",
)
include_managed: Decorator = further(
    "--include-managed",
    is_flag=True,
    help="Also look into trash, version, thumbnail and quarantine folders and the stores of applications.",
)
memory: Decorator = further(
    "--memory",
    type=_memory.parsed,
    metavar="SIZE",
    help="Memory for decoding, such as 2G; a larger picture is decoded alone.  [default: a quarter of all]",
)
workers: Decorator = further(
    "--workers", type=click.IntRange(1), metavar="N", help="Threads that read and decode.  [default: one per core]"
)
pairs: Decorator = further(
    "--pairs",
    type=click.Choice(["together", "separate"]),
    default="together",
    show_default=True,
    help="Whether files of one shot (JPEG and RAW, .mov of a live photo, .xmp, .aae) are scanned as one photo.",
)
models: Decorator = option(
    "--model",
    "models",
    multiple=True,
    metavar="FILE",
    help="An ONNX image model; several are joined.",
)
weights: Decorator = further(
    "--weight", "weights", type=float, multiple=True, metavar="W", help="One for each --model.  [default: all the same]"
)
pool: Decorator = further(
    "--pool",
    type=click.Choice(["gem", "mac", "spoc", "rmac"]),
    default="gem",
    show_default=True,
    help="How feature maps become a vector.",
)
ten_crop: Decorator = further(
    "--ten-crop", is_flag=True, help="Average over corners, centre and their mirror images; takes ten times as long."
)
half: Decorator = further("--half", is_flag=True, help="Store vectors as 16-bit numbers, in half the space.")


def embedding(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for how vectors of pictures are computed and stored."""
    for decorator in (half, ten_crop, pool, weights, models):
        command = decorator(command)
    return command


STDIN = "-"
"""The name of standard input where an image is expected."""


def _images(context: click.Context, parameter: click.Parameter, paths: tuple[str, ...]) -> tuple[str, ...]:
    if paths.count(STDIN) > 1:
        raise click.BadParameter("standard input holds one picture: give - once", context, parameter)
    return paths


def image_arguments(*, required: bool = True) -> Decorator:
    """Return the argument for several images."""
    return click.argument(
        "paths", nargs=-1, required=required, metavar="IMAGE..." if required else "[IMAGE...]", callback=_images
    )


def image(path: str) -> str | bytes:
    """Return the absolute path of an image, or what standard input holds for ``-``."""
    return sys.stdin.buffer.read() if path == STDIN else _files.absolute(path)


def image_name(path: str) -> str:
    """Return how an image is called in results: its absolute path, or ``-``."""
    return path if path == STDIN else _files.absolute(path)


where: Decorator = option(
    "--where",
    "conditions",
    multiple=True,
    metavar="CONDITIONS",
    help="Only photos such as 'pixels>=1MP, taken>=2020'.",
)
diagonal: Decorator = further(
    "--diagonal",
    type=click.FloatRange(0, min_open=True),
    default=DIAGONAL,
    metavar="INCHES",
    help=f"Of the screen that a picture fills, for the field ppi.  [default: {DIAGONAL}]",
)
labels: Decorator = option("--labels", "labels_path", metavar="CSV", help="Labels of photos: a CSV file.")
candidates: Decorator = option(
    "--candidates",
    "candidate_radius",
    type=click.IntRange(0, 192),
    default=CANDIDATE_RADIUS,
    metavar="BITS",
    help=f"Largest distance of what the codes pass on.  [default: {CANDIDATE_RADIUS}]",
)
inside: Decorator = option(
    "--in", "folders", multiple=True, metavar="DIR", help="Only photos below this folder; repeatable."
)
crops: Decorator = option(
    "--crops/--no-crops",
    default=None,
    help="Also find pictures by copies cropped by up to a sixth on one side or all: 12 crops of each take 13 times "
    "the codes and 1.7 times the time.  [default: as before; at first not]",
)
frames: Decorator = further(
    "--frames",
    type=click.IntRange(0),
    metavar="N",
    help="Find this number of frames of an animation, or pages of a TIFF, after the first.  "
    "[default: as before; at first 0]",
)
folders: Decorator = click.argument("folders", nargs=-1, required=True, metavar="DIR...")
folders_or_all: Decorator = click.argument("folders", nargs=-1, metavar="[DIR...]")


@contextmanager
def verifier(
    catalogue: Store, *, wanted: bool, progress: Callable[[int, int], None] | None = None
) -> Iterator[Verifier | None]:
    """Yield a verifier, and report afterwards what it could not verify; None if not ``wanted``."""
    if not wanted:
        yield None
        return
    from phash_engine.matching.verification import Verifier

    note_missing_opencv()
    verifier = Verifier(catalogue, progress)
    yield verifier
    if verifier.unread:
        pairs = output.count(verifier.unread, "pair")
        output.message(f"{pairs} not verified: a file is gone, has changed or cannot be read; the distance decides")


def note_missing_opencv() -> None:
    """Report a package that verification lacks."""
    from phash_engine import _optional
    from phash_engine.matching.verification import keypoints

    if not keypoints.has_opencv():
        output.message(_optional.NEEDS["cv2"])


def report_file(*names: str, help: str) -> Decorator:  # noqa: A002 - as click calls it
    """Return an option for a file to be written, whose folder must exist."""

    def checked(_: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
        if path and not path.absolute().parent.is_dir():
            raise click.BadParameter(f"there is no folder {path.parent} to write {path.name} to", param=parameter)
        return path

    return option(*names, type=click.Path(dir_okay=False, path_type=Path), callback=checked, help=help)


chart: Decorator = report_file("--chart", help="Draw the measurements: .png, .svg or .pdf.")


def open_existing(path: Path | None) -> Store:
    """Open the given or default catalogue, which must exist."""
    return Store(path or default_catalogue(), create=False, notify=output.message)


def open_or_create(path: Path | None) -> Store:
    """Open the given or default catalogue, and create it if needed."""
    return Store(path or default_catalogue(), notify=output.message)


def known_labels(catalogue: Store, source: str, folders: Sequence[str]) -> dict[str, str]:
    """Return the labels of photos, below the folders or everywhere."""
    from phash_engine.retrieval import labels

    photos = [photo.path for photo in catalogue.photos()]
    known = labels.labels_of(source, photos, {failure.path for failure in catalogue.failures.below()})
    inside = [_files.absolute(folder) for folder in folders]
    return {path: label for path, label in known.items() if not inside or _files.is_below(path, inside)}


def open_embedder(
    paths: Sequence[str], weights: Sequence[float], pool: str, *, ten_crop: bool, half: bool
) -> Embedder | None:
    """Load the models, with a weight for each or none; None without models."""
    if weights and (len(weights) != len(paths) or min(weights) <= 0):
        raise click.UsageError(f"give one --weight above 0 for each --model: {len(paths)}, not {list(weights)}")
    if not paths:
        return None
    from phash_engine.retrieval.embeddings import Embedder
    from phash_engine.retrieval.models import OnnxModel

    models = [OnnxModel(path, pool=pool, ten_crop=ten_crop) for path in paths]
    return Embedder(models, weights or None, "float16" if half else "float32")
