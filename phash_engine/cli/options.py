"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phash_engine.catalogue.imported_hashes import HASHERS
from phash_engine.catalogue.store import Store
from phash_engine.cli import output
from phash_engine.hashing.rules import RADIUS
from phash_engine.index import KINDS

if TYPE_CHECKING:
    from phash_engine.matching.verification.verify import Verifier
    from phash_engine.retrieval.models import Model

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

IMAGEHASH = "imagehash"
HASHER_HELP = "One code of the scheme alone; of imagehash it is average, phash, whash or dhash."


def default_catalogue() -> Path:
    """Return where the catalogue is kept unless told otherwise."""
    import platformdirs

    return Path(platformdirs.user_data_dir("phash_engine", appauthor=False)) / "photos.db"


catalogue: Decorator = click.option(
    "--catalogue",
    "catalogue_path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="PHASH_CATALOGUE",
    help="The catalogue file (or set PHASH_CATALOGUE); by default one for each user.",
)
as_json: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one record each.")
strict: Decorator = click.option("--strict", is_flag=True, help="Exit with 3 if some files could not be read.")
radius: Decorator = click.option(
    "-r",
    "--radius",
    type=click.IntRange(0, 192),
    metavar="BITS",
    help=f"Largest accepted distance, of 192 bits.  [default: {RADIUS}; dedupe judges 200 photos or more by scores]",
)
rotations: Decorator = click.option(
    "--rotations/--no-rotations", default=True, help="Whether turned and mirrored pictures match.  [default: they do]"
)
trust_all: Decorator = click.option(
    "--trust-all",
    is_flag=True,
    help="Let pictures with too little structure (blank sheets, skies, ramps) match by code too, not by bytes alone.",
)
index_kind: Decorator = click.option(
    "--index",
    "kind",
    type=click.Choice(list(KINDS)),
    default="auto",
    help="The kind of index that searches; all find the same.  [default: auto, the fastest]",
)
scheme: Decorator = click.option(
    "--scheme", type=click.Choice(["native", IMAGEHASH]), default="native", help="Whose codes.  [default: native]"
)
imagehash_hasher: Decorator = click.option("--hasher", type=click.Choice(HASHERS), help=HASHER_HELP)
verify: Decorator = click.option(
    "--verify",
    is_flag=True,
    help="Take a second look at the pictures: drop matches drawn into or recoloured, add copies beyond the radius.",
)
explain: Decorator = click.option(
    "--explain",
    is_flag=True,
    help="Tell also what decides: find, the index that searches and what it takes; compare, the settings that match.",
)
exclude: Decorator = click.option(
    "--exclude",
    multiple=True,
    metavar="GLOB",
    help="Pass over files and folders whose name or relative path fits; repeatable.",
)
workers: Decorator = click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Threads that read and decode.  [default: one a core]"
)
pairs: Decorator = click.option(
    "--pairs",
    type=click.Choice(["together", "separate"]),
    default="together",
    show_default=True,
    help="Whether files of one shot (RAW beside JPEG, .mov of a live photo, .xmp, .aae) are scanned as one photo.",
)
models: Decorator = click.option(
    "--model",
    "models",
    multiple=True,
    metavar="FILE",
    help="An ONNX image model; several are joined.",
)
weights: Decorator = click.option(
    "--weight", "weights", type=float, multiple=True, metavar="W", help="One for each --model.  [default: all the same]"
)
pool: Decorator = click.option(
    "--pool",
    type=click.Choice(["gem", "mac", "spoc", "rmac"]),
    default="gem",
    show_default=True,
    help="What makes a vector of feature maps.",
)
ten_crop: Decorator = click.option(
    "--ten-crop", is_flag=True, help="Average over corners, centre and their mirror images: ten times the work."
)
half: Decorator = click.option("--half", is_flag=True, help="Store vectors in half the space, as 16-bit numbers.")


def embedding(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what makes the vectors of pictures, and how these are stored."""
    for decorator in (half, ten_crop, pool, weights, models):
        command = decorator(command)
    return command


labels: Decorator = click.option("--labels", "labels_path", metavar="CSV", help="What photos show, as said above.")
inside: Decorator = click.option(
    "--in", "folders", multiple=True, metavar="DIR", help="Only photos below this folder of the catalogue; repeatable."
)
crops: Decorator = click.option(
    "--crops/--no-crops",
    default=None,
    help="Whether pictures are found by copies cut by up to a sixth on one side or all: 12 crops of each take 13 times "
    "the codes and 1.7 times the time.  [default: as before; at first not]",
)
frames: Decorator = click.option(
    "--frames",
    type=click.IntRange(0),
    metavar="N",
    help="How many frames of an animation, or pages of a TIFF, are found beside the first.  "
    "[default: as before; at first 0]",
)
folders: Decorator = click.argument("folders", nargs=-1, required=True, metavar="DIR...")
folders_or_all: Decorator = click.argument("folders", nargs=-1, metavar="[DIR...]")


@contextmanager
def verifier(
    catalogue: Store, *, wanted: bool, progress: Callable[[int, int], None] | None = None
) -> Iterator[Verifier | None]:
    """Yield what takes a second look, and say afterwards what it could not look at; None if it is not wanted."""
    if not wanted:
        yield None
        return
    from phash_engine.matching.verification.verify import Verifier

    note_missing_opencv()
    verifier = Verifier(catalogue, progress)
    yield verifier
    if verifier.unseen:
        pairs = output.count(verifier.unseen, "pair")
        output.message(f"{pairs} not looked at: a file is gone, has changed or cannot be read; the distance decides")


def note_missing_opencv() -> None:
    """Say what the second look lacks, if it does."""
    from phash_engine import _optional
    from phash_engine.matching.verification import keypoints

    if not keypoints.available():
        output.message(_optional.NEEDS["cv2"])


def report_file(*names: str, help: str) -> Decorator:  # noqa: A002 - as click calls it
    """Return an option that names a file to be written, in a folder that is there."""

    def checked(_: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
        if path and not path.absolute().parent.is_dir():
            raise click.BadParameter(f"there is no folder {path.parent} to write {path.name} to", param=parameter)
        return path

    return click.option(*names, type=click.Path(dir_okay=False, path_type=Path), callback=checked, help=help)


chart: Decorator = report_file("--chart", help="Draw what is measured: .png, .svg or .pdf.")


def open_existing(path: Path | None) -> Store:
    """Open the named or default catalogue, which must be there."""
    return Store(path or default_catalogue(), create=False)


def open_or_create(path: Path | None) -> Store:
    """Open the named or default catalogue, made where there is none."""
    return Store(path or default_catalogue())


def known_labels(catalogue: Store, source: str, folders: Sequence[str]) -> dict[str, str]:
    """Return the labels of photos, below the folders or everywhere."""
    from phash_engine import _files
    from phash_engine.retrieval import label_files

    photos = [photo.path for photo in catalogue.photos()]
    known = label_files.labels_of(source, photos, {failure.path for failure in catalogue.failures.below()})
    inside = [_files.absolute(folder) for folder in folders]
    return {path: label for path, label in known.items() if not inside or _files.is_below(path, inside)}


def open_models(paths: Sequence[str], weights: Sequence[float], pool: str, *, ten_crop: bool) -> list[Model]:
    """Load the models, with as many weights or none."""
    from phash_engine.retrieval.models import OnnxModel

    if weights and (len(weights) != len(paths) or min(weights) <= 0):
        raise click.UsageError(f"give one --weight above 0 for each --model: {len(paths)}, not {list(weights)}")
    return [OnnxModel(path, pool=pool, ten_crop=ten_crop) for path in paths]
