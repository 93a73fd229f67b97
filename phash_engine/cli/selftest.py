"""``phash selftest``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained
from phash_engine.images import golden


@click.command("selftest", cls=Explained, short_help=COMMANDS["selftest"])
@click.argument("photos", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@options.as_json
def command(photos: Path | None, as_json: bool) -> int:
    """Compute the codes of known pictures, and report those that differ from the table of this SPEC.

    The pictures are generated blocks and the installed sample files, or those in DIR (data/photos of the project).
    Exits with 0 if all codes are the same, else with 1.

    The codes of blocks are the same on every machine. Those of a file may differ by a bit or two where another version
    of its decoder rounds differently; the versions are printed.
    """
    certificate = golden.check(photos)
    same = not certificate.differences
    if as_json:
        differences = [each._asdict() for each in certificate.differences]
        output.record({"same": same, **certificate._asdict(), "differences": differences})
        return int(not same)
    recomputed = f"{output.count(certificate.blocks, 'block')} and {output.count(certificate.files, 'file')}"
    output.text(f"{'same codes' if same else 'different codes'} (SPEC {certificate.spec}, {recomputed})")
    for name, bits, reason in certificate.differences:
        output.text(f"  {name}: {reason or ', '.join(f'{code} {number}' for code, number in bits.items())}")
    output.text(", ".join(f"{name} {version}" for name, version in certificate.versions.items()))
    return int(not same)
