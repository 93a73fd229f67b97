"""``phash find-hash``."""

from __future__ import annotations

import re
from pathlib import Path

import click
import numpy as np

from phash_engine import _files
from phash_engine.catalogue.imported_hashes import HASHER
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, option
from phash_engine.cli.find import record
from phash_engine.errors import ImageError
from phash_engine.hashing import codes
from phash_engine.hashing.codes import BITS
from phash_engine.matching.imagehash_search import IMAGEHASH_RADIUS, ImportedCollection

_HEX = re.compile(f"[0-9a-fA-F]{{{BITS // 4}}}")


@click.command("find-hash", cls=Explained, short_help=COMMANDS["find-hash"])
@click.argument("queries", nargs=-1, required=True, metavar="HEX|IMAGE...")
@options.nearest
@option(
    "-r",
    "--radius",
    type=click.IntRange(0, BITS),
    metavar="BITS",
    help=f"Largest accepted distance, of {BITS} bits.  [default: {IMAGEHASH_RADIUS}]",
)
@options.imagehash_hasher
@options.inside
@options.catalogue
@options.as_json
def command(
    queries: tuple[str, ...],
    k: int | None,
    radius: int | None,
    hasher: str | None,
    folders: tuple[str, ...],
    catalogue_path: Path | None,
    as_json: bool,
) -> int:
    """Print the photos whose imported hashes are near: distance, match type, path.

    The hashes are those of the imagehash library that 'phash import' has added to the catalogue. A query is one of them
    in hex, 16 digits, or an image whose hash is computed as the library computes it. Exits with 1 if nothing was found.
    """
    found = 0
    with options.open_existing(catalogue_path) as catalogue, output.Failures() as failures:
        inside = [_files.absolute(folder) for folder in folders] or None
        collection = ImportedCollection(catalogue, hasher or HASHER, inside)
        for query in queries:
            try:
                matches = collection.find(_parsed(query), k, radius)
            except ImageError as error:
                failures.add(query, error.reason)
                continue
            found += len(matches)
            for match in matches:
                if as_json:
                    output.record(record(match))
                else:
                    asked = [query] if len(queries) > 1 else []
                    output.fields(*asked, str(match.distance), str(match.match_type), match.path)
    if not (found or as_json or failures.number):
        output.message("nothing found")
    return output.exit_code(failures.number, len(queries), strict=False) or int(not found)


def _parsed(query: str) -> str | np.uint64:
    return codes.from_hex(query) if _HEX.fullmatch(query) else _files.absolute(query)
