"""``phash status``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine.cli import COMMANDS, options, output


@click.command("status", short_help=COMMANDS["status"])
@options.catalogue
@options.as_json
def command(catalogue_path: Path | None, as_json: bool) -> None:
    """Say where the catalogue is and what it holds."""
    with options.open_existing(catalogue_path) as catalogue:
        counts = catalogue.counts()
        path = str(catalogue.path)
    if as_json:
        output.record({"catalogue": path, **counts})
        return
    output.text(path)
    for name, number in counts.items():
        output.text(f"  {number:>9}  {_MEANING[name]}")


_MEANING = {
    "photos": "photos",
    "missing": "photos whose files are missing",
    "contents": "contents (photos with equal bytes are one)",
    "untrusted": "of them with too little structure to be compared by code",
    "codes": "fingerprints",
    "trimmed": "of them of what is inside a border",
    "frames": "of frames of animations beside the first (--frames)",
    "crops": "of crops (--crops)",
    "foreign": "codes of the imagehash scheme, brought along",
    "failures": "files that could not be read",
}
