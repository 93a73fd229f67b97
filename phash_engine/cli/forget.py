"""``phash forget``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, option


@click.command("forget", cls=Explained, short_help=COMMANDS["forget"])
@options.folders
@option("--missing", is_flag=True, help="Forget only the photos whose files are missing.")
@options.catalogue
@options.as_json
def command(folders: tuple[str, ...], missing: bool, catalogue_path: Path | None, as_json: bool) -> int:
    """Remove the photos below folders from the catalogue. No file is touched; a scan brings them back.

    Decisions of 'phash ignore' stay. Exits with 1 if the catalogue has no photo below the folders.
    """
    with options.open_existing(catalogue_path) as catalogue:
        forgotten = sum(catalogue.forget(folder, missing_only=missing) for folder in folders)
    if as_json:
        output.record({"forgotten": forgotten})
    else:
        output.message(f"{output.count(forgotten, 'photo')} forgotten")
    return int(not forgotten)
