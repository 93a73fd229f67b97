"""``phash hash``."""

from __future__ import annotations

import click

from phash_engine import images
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, option
from phash_engine.errors import ImageError
from phash_engine.hashing import codes, hashers
from phash_engine.images import imagehash_compat

SCHEMES = {
    "native": (hashers.CODE_NAMES, images.hash_image),
    "imagehash": (imagehash_compat.CODE_NAMES, imagehash_compat.read_fingerprint),
}
"""Names of the codes of each scheme, and the function that reads them from a file."""
HASHERS = tuple(dict.fromkeys(name for names, _ in SCHEMES.values() for name in names))


@click.command("hash", cls=Explained, short_help=COMMANDS["hash"])
@options.image_arguments()
@options.scheme
@option("--hasher", type=click.Choice(HASHERS), help=options.HASHER_HELP)
@options.as_json
@options.strict
def command(paths: tuple[str, ...], scheme: str, hasher: str | None, as_json: bool, strict: bool) -> int:
    """Print the 64-bit codes of pictures as hex digits; - is a picture on standard input.

    Each line has the codes average, dct, wavelet, horizontal and vertical, then the path. With --scheme imagehash it
    has average, phash, whash and dhash, in the digits of the imagehash library. --json states the SPEC of the codes:
    those of another number are not comparable.
    """
    names, read = SCHEMES[scheme]
    if hasher is not None and hasher not in names:
        raise click.UsageError(f"expected a hasher of the scheme {scheme} ({', '.join(names)}), got {hasher}")
    with output.Failures() as failures:
        for given in paths:
            path = options.image_name(given)
            try:
                fingerprint = read(options.image(given))
            except ImageError as error:
                failures.add(path, error.reason)
                continue
            digits = {name: codes.to_hex(getattr(fingerprint, name)) for name in ([hasher] if hasher else names)}
            if as_json:
                spec = {"spec": hashers.SPEC} if scheme == "native" else {}
                output.record({"path": path, **spec, "codes": digits})
            else:
                output.text(f"{' '.join(digits.values())}  {output.name(path)}")
    return output.exit_code(failures.number, len(paths), strict=strict)
