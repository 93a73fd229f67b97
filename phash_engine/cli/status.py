"""``phash status``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained


@click.command("status", cls=Explained, short_help=COMMANDS["status"])
@options.catalogue
@options.as_json
def command(catalogue_path: Path | None, as_json: bool) -> None:
    """Print the path of the catalogue, and its numbers of photos, contents, fingerprints and failures.

    Without --catalogue it is the catalogue of the user. No file of the photos is opened.
    """
    with options.open_existing(catalogue_path) as catalogue:
        counts = catalogue.counts()
        if as_json:
            output.record({"catalogue": str(catalogue.path), **counts})
            return
        output.text(output.name(str(catalogue.path)))
        for name, number in counts.items():
            output.text(f"  {number:>9}  {_MEANING[name]}")


_MEANING = {
    "photos": "photos",
    "missing": "photos whose files are missing",
    "damaged": "damaged files, read or not (phash failures --damaged)",
    "contents": "contents (photos with equal bytes are one)",
    "untrusted": "of them with too little structure to be compared by code",
    "codes": "fingerprints",
    "trimmed": "of them of pictures inside a border",
    "frames": "of further frames of animations (--frames)",
    "crops": "of crops (--crops)",
    "imported_hashes": "imported hashes of the imagehash scheme",
    "failures": "files that could not be read",
}
