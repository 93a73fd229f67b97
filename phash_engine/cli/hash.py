"""``phash hash``."""

from __future__ import annotations

import os

import click

from phash_engine import codes, images
from phash_engine.cli import COMMANDS, options, output
from phash_engine.errors import ImageError
from phash_engine.hashers import CODE_NAMES


@click.command("hash", short_help=COMMANDS["hash"])
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--hasher", type=click.Choice(CODE_NAMES), help="Print this code alone.")
@options.as_json
@options.strict
def command(paths: tuple[str, ...], hasher: str | None, as_json: bool, strict: bool) -> int:
    """Print the 64-bit codes of pictures as hex digits.

    A line holds the codes average, dct, wavelet, horizontal and vertical, and the path.
    """
    names = CODE_NAMES if hasher is None else (hasher,)
    unread = 0
    for path in map(os.path.abspath, paths):
        try:
            fingerprint = images.read_fingerprint(path)
        except ImageError as error:
            output.message(str(error))
            unread += 1
            continue
        digits = {name: codes.to_hex(getattr(fingerprint, name)) for name in names}
        if as_json:
            output.record({"path": path, "codes": digits})
        else:
            output.text(f"{' '.join(digits.values())}  {path}")
    return output.exit_code(unread, len(paths), strict=strict)
