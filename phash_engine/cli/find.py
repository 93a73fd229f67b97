"""``phash find``."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import click

from phash_engine import _files
from phash_engine.cli import COMMANDS, options, output
from phash_engine.errors import ImageError, UsageError
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.ranking import (
    DIAGONAL,
    MEASURES,
    OF_PIXELS,
    MeasuredMatch,
    Range,
    measure_matches,
    select_matches,
    sort_matches,
)
from phash_engine.matching.search import Collection, Match

STDIN = "-"
_BOUND = click.Tuple([click.Choice(MEASURES), float])


@click.command("find", short_help=COMMANDS["find"])
@click.argument("paths", nargs=-1, metavar="IMAGE...")
@options.nearest
@options.radius
@options.inside
@options.rotations
@options.trust_all
@options.verify
@options.index_kind
@options.explain
@click.option(
    "--order",
    type=click.Choice(MEASURES),
    help="Print what has most of this first: pixels, aspect (width over height), size (bytes), ppi, entropy (of luma), "
    "gradient (sharpness).",
)
@click.option("--near-ppi", type=float, metavar="X", help="Print those first that have nearly X pixels per inch.")
@click.option(
    "--diagonal",
    type=click.FloatRange(0, min_open=True),
    default=DIAGONAL,
    metavar="INCHES",
    help=f"Of the screen that a picture fills, for pixels per inch.  [default: {DIAGONAL}]",
)
@click.option(
    "--min",
    "least",
    type=_BOUND,
    multiple=True,
    metavar="MEASURE NUMBER",
    help="Only photos that have at least this; repeatable.",
)
@click.option(
    "--max",
    "most",
    type=_BOUND,
    multiple=True,
    metavar="MEASURE NUMBER",
    help="Only photos that have at most this; repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code says whether there are matches.")
@click.option("-0", "--null", is_flag=True, help="End records with NUL instead of a line feed.")
@click.option("--files-from", type=click.File("rb"), metavar="FILE", help="Take paths from a file, one a line.")
@click.option("--files0-from", type=click.File("rb"), metavar="FILE", help="Take paths from a file, each ended by NUL.")
@options.catalogue
@options.as_json
@options.strict
def command(
    paths: tuple[str, ...],
    k: int | None,
    radius: int | None,
    folders: tuple[str, ...],
    rotations: bool,
    trust_all: bool,
    verify: bool,
    kind: str,
    explain: bool,
    order: str | None,
    near_ppi: float | None,
    diagonal: float,
    least: tuple[tuple[str, float], ...],
    most: tuple[tuple[str, float], ...],
    quiet: bool,
    null: bool,
    files_from: IO[bytes] | None,
    files0_from: IO[bytes] | None,
    catalogue_path: Path | None,
    as_json: bool,
    strict: bool,
) -> int:
    """Print the photos of the catalogue that look like each IMAGE: distance, match type, path.

    IMAGE may be - to read a picture from standard input. The match type is identical (equal bytes), similar, rotated
    (nearer when rotated or mirrored), trimmed (nearer without a uniform border), frame or crop (nearer to one of these,
    see 'phash scan'), or with --verify verified (beyond the radius, accepted by verification; the evidence is printed
    before the path). With several pictures each line begins with its IMAGE. Scan photos first by 'phash scan'.

    --min and --max keep the photos that are good enough ("--min pixels 1e6"), --order and --near-ppi print the best
    first, with the measure before the path. Entropy and gradient were measured by the scan, at the scale at which it
    decodes; the gradient is in luma steps per 512th of the longer side.
    """
    if order and near_ppi is not None:
        raise click.UsageError("--order and --near-ppi each say what comes first: give one of them")
    ranges = [Range(name, least=bound) for name, bound in least] + [Range(name, most=bound) for name, bound in most]
    measure = order if near_ppi is None else "ppi"
    measures = {each.measure for each in ranges} | ({measure} if measure else set())
    queries = [*paths, *_listed(files_from, b"\n"), *_listed(files0_from, b"\0")]
    if not queries:
        raise click.UsageError("name at least one picture to look up")
    if explain and k is not None and radius is None:
        raise click.UsageError("--explain needs a radius: give -r with -k")
    found = unread = 0
    with (
        options.open_existing(catalogue_path) as catalogue,
        options.verifier(catalogue, wanted=verify) as verifier,
    ):
        inside = [_files.absolute(folder) for folder in folders] or None
        if inside and next(catalogue.photos(inside), None) is None:
            raise UsageError(f"the catalogue has no photo below {' or '.join(inside)}: 'phash scan' them first")
        collection = Collection(
            catalogue, inside, rotations=rotations, trust_all=trust_all, kind=kind, verifier=verifier
        )
        if explain:
            output.message(str(collection.explain(DEFAULT_RADIUS if radius is None else radius)))
        search = partial(collection.find, k=k, radius=radius)
        for query in queries:
            try:
                matches = _find(search, query)
            except ImageError as error:
                output.message(f"{query}: {error.reason}")
                unread += 1
                continue
            rows = [MeasuredMatch(match, {}) for match in matches]
            if measures:
                rows = measure_matches(
                    matches, None if measures.isdisjoint(OF_PIXELS) else catalogue, diagonal=diagonal
                )
                rows = select_matches(rows, ranges)
            if measure:
                rows = sort_matches(rows, measure, math.inf if near_ppi is None else near_ppi)
            found += len(rows)
            if not quiet:
                end, several = "\0" if null else "\n", len(queries) > 1
                _print(rows, measure, as_json=as_json, end=end, several=several, verify=verify)
    if not (found or quiet or as_json or unread == len(queries)):
        output.message("nothing found")
    return output.exit_code(unread, len(queries), strict=strict) or int(not found)


def _find(search: Callable[..., list[Match]], query: str) -> list[Match]:
    if query == STDIN:
        return [match._replace(query=STDIN) for match in search(sys.stdin.buffer.read())]
    return search(_files.absolute(query))


def _print(
    rows: Sequence[MeasuredMatch], measure: str | None, *, as_json: bool, end: str, several: bool, verify: bool
) -> None:
    for match, measures in rows:
        if as_json:
            known = {name: None if math.isnan(value) else value for name, value in measures.items()}
            fields = record(match)
            output.record(fields | ({"measures": known} if known else {}), end)
        else:
            asked = f"{match.query}\t" if several else ""
            seen = f"{output.evidence_text(match.evidence)}\t" if verify else ""
            marked = f"{measures[measure]:.10g}\t" if measure else ""
            output.text(f"{asked}{match.distance}\t{match.match_type}\t{seen}{marked}{match.path}", end)


def record(match: Match) -> dict[str, object]:
    """Return a match as a JSON record."""
    fields = {name: value for name, value in match._asdict().items() if name != "photo"}
    is_decoded = None if match.photo.is_decoded else False
    return output.match_record({"query": match.query, "path": match.path, "is_decoded": is_decoded} | fields)


def _listed(file: IO[bytes] | None, end: bytes) -> list[str]:
    return [os.fsdecode(path) for path in file.read().split(end) if path] if file else []
