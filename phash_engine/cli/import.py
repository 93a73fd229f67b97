"""``phash import``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine.catalogue import hash_lists
from phash_engine.catalogue.imported_hashes import HASHER
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, option


@click.command("import", cls=Explained, short_help=COMMANDS["import"])
@click.argument("lists", nargs=-1, required=True, metavar="FILE...", type=click.Path(dir_okay=False, path_type=Path))
@options.imagehash_hasher
@option("--base", default="", metavar="DIR", help="Where relative paths start.  [default: the current folder]")
@options.catalogue
@options.as_json
def command(lists: tuple[Path, ...], hasher: str | None, base: str, catalogue_path: Path | None, as_json: bool) -> None:
    """Import 64-bit codes of the imagehash library into the catalogue; 'phash find-hash' searches them.

    FILE is a CSV file with the columns path, hex and optionally hasher (average, phash, whash or dhash), or a .json
    file that maps paths to hex digits, as imagededup saves them. --hasher is the hasher where FILE names none, by
    default phash. No picture is read. If an entry is wrong it is reported, and nothing is imported.
    """
    imported = [code for path in lists for code in hash_lists.read(path, hasher or HASHER, base)]
    with options.open_or_create(catalogue_path) as catalogue:
        catalogue.imported_hashes.add(imported)
    if as_json:
        output.record({"codes": len(imported)})
    else:
        output.message(f"{output.count(len(imported), 'code')} imported")
