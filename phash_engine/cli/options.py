"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phash_engine.catalogue import Catalogue
from phash_engine.cli import output
from phash_engine.index import KINDS
from phash_engine.rules import RADIUS

if TYPE_CHECKING:
    from phash_engine.verify import Verifier

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


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
    help=f"Largest accepted distance, of 192 bits.  [default: {RADIUS}]",
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
folders: Decorator = click.argument("folders", nargs=-1, required=True, metavar="DIR...")
folders_or_all: Decorator = click.argument("folders", nargs=-1, metavar="[DIR...]")


@contextmanager
def verifier(catalogue: Catalogue, *, wanted: bool, bar: bool = False) -> Iterator[Verifier | None]:
    """Yield what takes a second look, and say afterwards what it could not look at; None if it is not wanted."""
    if not wanted:
        yield None
        return
    from phash_engine.verify import Verifier

    note_missing_opencv()
    with output.progress_bar("looking") if bar else nullcontext() as progress:
        verifier = Verifier(catalogue, progress)
        yield verifier
    if verifier.unseen:
        pairs = output.count(verifier.unseen, "pair")
        output.message(f"{pairs} not looked at: a file is gone, has changed or cannot be read; the distance decides")


def note_missing_opencv() -> None:
    """Say what the second look lacks, if it does."""
    from phash_engine import extras, features

    if not features.available():
        output.message(extras.NEEDS["cv2"])


def open_existing(path: Path | None) -> Catalogue:
    """Open the named or default catalogue, which must be there."""
    return Catalogue(path or default_catalogue(), create=False)


def open_or_create(path: Path | None) -> Catalogue:
    """Open the named or default catalogue, made where there is none."""
    return Catalogue(path or default_catalogue())
