"""``phash compare``."""

from __future__ import annotations

import click

from phash_engine import codes, files
from phash_engine.cli import COMMANDS, options, output
from phash_engine.hashers import CODE_NAMES
from phash_engine.rules import RADIUS
from phash_engine.search import compare


@click.command("compare", short_help=COMMANDS["compare"])
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@options.radius
@options.rotations
@options.trust_all
@options.as_json
def command(a: str, b: str, radius: int | None, rotations: bool, trust_all: bool, as_json: bool) -> int:
    """Print the distances of two pictures; exit with 0 if they match, with 1 if not.

    The distance that decides is that over dct, horizontal and vertical together, of the whole pictures or of what is
    inside a uniform border.
    """
    radius = RADIUS if radius is None else radius
    a, b = files.absolute(a), files.absolute(b)
    comparison = compare(a, b, rotations=rotations, trust_all=trust_all)
    match = comparison.rule == "digest" or (comparison.rule != "flat" and comparison.distance <= radius)
    by_code = {name: codes.distance(x, y) for name, x, y in zip(CODE_NAMES, *comparison.fingerprints, strict=True)}
    if as_json:
        output.record(
            {"a": a, "b": b, "distance": comparison.distance, "rule": comparison.rule, "match": match, "codes": by_code}
        )
        return int(not match)
    for name, distance in by_code.items():
        output.text(f"{name:<11}{distance:>4}")
    verdict = _VERDICTS.get(comparison.rule, f"radius {radius}")
    output.text(f"{'distance':<11}{comparison.distance:>4}  {'match' if match else 'no match'} ({verdict})")
    return int(not match)


_VERDICTS = {
    "digest": "the same bytes",
    "flat": "too little structure to tell by: see --trust-all",
    "rotation": "when turned or mirrored",
    "trimmed": "without the border",
}
