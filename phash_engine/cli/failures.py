"""``phash failures``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, option


@click.command("failures", cls=Explained, short_help=COMMANDS["failures"])
@options.folders_or_all
@option("--damaged", is_flag=True, help="List the files whose bytes are damaged, whether they could be read or not.")
@options.catalogue
@options.as_json
def command(folders: tuple[str, ...], damaged: bool, catalogue_path: Path | None, as_json: bool) -> None:
    """List the files that the last scans could not read, each with the reason; without DIR all of them.

    A line has path and reason, with a tab between them. The next scan reads such a file again if it has changed, or if
    the package it needs was installed.
    """
    with options.open_existing(catalogue_path) as catalogue:
        failures = catalogue.damaged(folders or None) if damaged else catalogue.failures.below(folders or None)
    for failure in failures:
        if as_json:
            output.record(failure._asdict())
        else:
            output.fields(failure.path, failure.reason)
    if not failures and not as_json:
        output.message("no damaged files" if damaged else "no failures")
