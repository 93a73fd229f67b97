"""``phash forget``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, option


@click.command("forget", cls=Explained, short_help=COMMANDS["forget"])
@options.folders
@option("--missing", is_flag=True, help="Only photos whose files are missing.")
@options.catalogue
@options.as_json
def command(folders: tuple[str, ...], missing: bool, catalogue_path: Path | None, as_json: bool) -> int:
    """Remove the photos below folders from the catalogue. The files themselves are not touched.

    Exits with 1 if the catalogue has none below them.
    """
    with options.open_existing(catalogue_path) as catalogue:
        forgotten = sum(catalogue.forget(folder, missing_only=missing) for folder in folders)
    if as_json:
        output.record({"forgotten": forgotten})
    else:
        output.message(f"{output.count(forgotten, 'photo')} forgotten")
    return int(not forgotten)
