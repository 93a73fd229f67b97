"""``phash import``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine.catalogue import hash_lists
from phash_engine.catalogue.imported_hashes import HASHER
from phash_engine.cli import COMMANDS, options, output


@click.command("import", short_help=COMMANDS["import"])
@click.argument("lists", nargs=-1, required=True, metavar="FILE...", type=click.Path(dir_okay=False, path_type=Path))
@options.imagehash_hasher
@click.option("--base", default="", metavar="DIR", help="Where relative paths start.  [default: the current folder]")
@options.catalogue
@options.as_json
def command(lists: tuple[Path, ...], hasher: str | None, base: str, catalogue_path: Path | None, as_json: bool) -> None:
    """Bring 64-bit codes of the imagehash library along, for 'phash find --scheme imagehash'.

    FILE is a CSV file whose first line names the columns path and hex, and perhaps hasher (average, phash, whash or
    dhash); or a .json file that maps paths to hex digits, as imagededup saves them. --hasher tells what the codes are
    where FILE does not; they are phash codes unless told otherwise. The pictures are not looked at. A wrong entry is
    named, and then nothing is brought along.
    """
    brought = [code for path in lists for code in hash_lists.read(path, hasher or HASHER, base)]
    with options.open_or_create(catalogue_path) as catalogue:
        catalogue.imported_hashes.add(brought)
    if as_json:
        output.record({"codes": len(brought)})
    else:
        output.message(f"{output.count(len(brought), 'code')} brought along")
