"""``phash ignore``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from phash_engine import _files
from phash_engine.catalogue import decision_lists
from phash_engine.catalogue.decisions import Decision
from phash_engine.catalogue.store import Store
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, option
from phash_engine.errors import ImageError, UsageError


@click.command("ignore", cls=Explained, short_help=COMMANDS["ignore"])
@click.argument("photos", nargs=-1, metavar="[PHOTO...]")
@option("--keep-both", is_flag=True, help="They are duplicates, and all of them are kept.")
@option("--remove", is_flag=True, help="Forget the decisions between these photos, or all about one photo.")
@option("--list", "listing", is_flag=True, help="List the decisions.")
@option("--export", is_flag=True, help="Print the decisions as JSON Lines.")
@option("--import", "source", metavar="FILE", help="Add what --export printed; - is standard input.")
@options.catalogue
def command(
    photos: tuple[str, ...],
    keep_both: bool,
    remove: bool,
    listing: bool,
    export: bool,
    source: str | None,
    catalogue_path: Path | None,
) -> None:
    """Remember that photos are not duplicates of each other, so that dedupe does not group them again.

    A decision is stored by the digests of the files: it survives moves and renames, and holds for later copies. A photo
    that is close to both of two different pictures is grouped with the nearer one.
    """
    asked = [bool(photos), listing, export, source is not None]
    if asked.count(True) != 1 or ((keep_both or remove) and not photos) or (keep_both and remove):
        raise click.UsageError(
            "name photos (with --keep-both or --remove or neither), or give --list, --export, --import"
        )
    decisions = [] if source is None else _read(source)
    opened = options.open_existing if source is None else options.open_or_create
    with opened(catalogue_path) as catalogue:
        if listing or export:
            for decision in catalogue.decisions.all():
                (_print_record if export else _print_line)(decision, catalogue)
        elif source is not None:
            output.message(f"{output.count(catalogue.decisions.add(decisions), 'decision')} added")
        else:
            _decide(photos, catalogue, keep_both=keep_both, remove=remove)


def _decide(photos: tuple[str, ...], catalogue: Store, *, keep_both: bool, remove: bool) -> None:
    digests = [_digest(photo, catalogue) for photo in photos]
    if remove:
        output.message(f"{output.count(catalogue.decisions.remove(digests), 'decision')} forgotten")
        return
    if len(digests) < 2:
        raise UsageError("name at least two photos that dedupe must not group")
    pairs = output.count(catalogue.decisions.decide(digests, "keep" if keep_both else "different"), "pair")
    output.message(f"{pairs} of photos will {'both be kept' if keep_both else 'not be grouped'}")


def _digest(photo: str, catalogue: Store) -> bytes:
    """Return the digest of a file or, if it is gone, of its photo in the catalogue."""
    path = _files.absolute(photo)
    try:
        return _files.digest(_files.read(path)[1])
    except ImageError as error:
        known = catalogue.digest_of(path)
        if known is None:
            raise UsageError(f"{photo}: {error.reason}, and the catalogue does not know it") from error
        return known


def _print_record(decision: Decision, _: Store) -> None:
    output.record(decision_lists.record(decision))


def _print_line(decision: Decision, catalogue: Store) -> None:
    output.text("different" if decision.kind == "different" else "both kept")
    for digest in decision[:2]:
        paths = [output.name(photo.path) for photo in catalogue.photos_with_digest(digest)]
        output.text("  " + ("  =  ".join(paths) or f"no photo ({digest.hex()})"))


def _read(source: str) -> list[Decision]:
    if source != "-":
        return decision_lists.read(source)
    with _files.reading("<stdin>", UsageError):
        data = _files.read_bounded(sys.stdin.buffer)
    return decision_lists.parse(data, "<stdin>")
