"""``phash find``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

import click

from phash_engine import _files
from phash_engine.catalogue import Store
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, further, option
from phash_engine.errors import ImageError, UsageError
from phash_engine.matching import fields
from phash_engine.matching.analyzed import AnalyzedImage
from phash_engine.matching.fields import Value
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.search import Collection, Match
from phash_engine.matching.where import Order, Where


@click.command("find", cls=Explained, short_help=COMMANDS["find"])
@options.image_arguments(required=False)
@options.nearest
@options.radius
@options.inside
@options.where
@option("--sort", "order", metavar="FIELD", help="Highest first, as 'size'; or '-size', 'ppi~96'.")
@options.diagonal
@options.rotations
@options.trust_all
@options.verify
@options.index_kind
@options.explain
@option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code is the answer.")
@option("-0", "--null", is_flag=True, help="End records with NUL instead of a line feed.")
@option("--files-from", type=click.File("rb"), metavar="FILE", help="Take paths from a file, one a line.")
@further("--files0-from", type=click.File("rb"), metavar="FILE", help="Take paths from a file, each ended by NUL.")
@options.catalogue
@options.as_json
@options.strict
def command(
    paths: tuple[str, ...],
    k: int | None,
    radius: int | None,
    folders: tuple[str, ...],
    conditions: tuple[str, ...],
    order: str | None,
    diagonal: float,
    rotations: bool,
    trust_all: bool,
    verify: bool,
    kind: str,
    explain: bool,
    quiet: bool,
    null: bool,
    files_from: IO[bytes] | None,
    files0_from: IO[bytes] | None,
    catalogue_path: Path | None,
    as_json: bool,
    strict: bool,
) -> int:
    """Print the photos of the catalogue that look like each IMAGE, nearest first; - is standard input.

    A line has the distance, the match type and the path; with several pictures it begins with the IMAGE. The match type
    is identical (equal bytes), similar, rotated (nearer when rotated or mirrored), trimmed (nearer without a uniform
    border), frame or crop (nearer to one of these, see 'phash scan'), or with --verify verified (beyond the radius,
    accepted by verification; the evidence is printed before the path). Scan photos first by 'phash scan'.

    --where takes conditions with commas between them: a field, one of >= <= > < = !=, and a value. --sort takes a field
    for its highest value first, -FIELD for the lowest, FIELD~VALUE for the nearest; the value is printed before the
    path. Fields are pixels (1.5MP), width, height, aspect (width over height), ppi, size (200kB, 3MB), format (jpeg),
    modified and taken (2020, 2020-05 or 2020-05-17; taken is the time in EXIF), entropy (of the luma, in bits) and
    gradient (sharpness: luma steps per 512th of the longer side). The last three and taken are what the scan read.
    """
    where = Where.parse(",".join(conditions), diagonal)
    sort = Order.parse(order) if order else None
    queries = [*paths, *_listed(files_from, b"\n"), *_listed(files0_from, b"\0")]
    if not queries:
        raise click.UsageError("name at least one picture to look up")
    if explain and k is not None and radius is None:
        raise click.UsageError("--explain needs a radius: give -r with -k")
    found = 0
    with (
        options.open_existing(catalogue_path) as catalogue,
        options.verifier(catalogue, wanted=verify) as verifier,
        output.Failures() as failures,
    ):
        inside = [_files.absolute(folder) for folder in folders] or None
        if inside and next(catalogue.photos(inside), None) is None:
            raise UsageError(f"the catalogue has no photo below {' or '.join(inside)}: 'phash scan' them first")
        collection = Collection(
            catalogue, inside, rotations=rotations, trust_all=trust_all, kind=kind, verifier=verifier
        )
        if explain:
            output.message(str(collection.explain(DEFAULT_RADIUS if radius is None else radius)))
        for query in queries:
            try:
                matches = _find(collection, radius, query, k, where)
            except ImageError as error:
                failures.add(query, error.reason)
                continue
            rows = _sorted(matches, catalogue, sort, diagonal) if sort else [(match, None) for match in matches]
            found += len(rows)
            if not quiet:
                end, several = "\0" if null else "\n", len(queries) > 1
                _print(rows, sort, as_json=as_json, end=end, several=several, verify=verify)
    if not (found or quiet or as_json or failures.number == len(queries)):
        output.message("nothing found")
    return output.exit_code(failures.number, len(queries), strict=strict) or int(not found)


def _find(collection: Collection, radius: int | None, query: str, k: int | None, where: Where) -> list[Match]:
    """Return the ``k`` nearest matches that meet the conditions, or all of them."""
    source, asked = AnalyzedImage(options.image(query)), k
    while True:
        matches = collection.find(source, asked, radius)
        kept = {photo.id for photo in where.select([match.photo for match in matches], collection.store)}
        chosen = [match for match in matches if match.photo.id in kept][:k]
        if k is None or asked is None or len(chosen) == k or len(matches) < asked:
            return [match._replace(query=query) for match in chosen] if query == options.STDIN else chosen
        asked *= 4


def _sorted(matches: Sequence[Match], store: Store, order: Order, diagonal: float) -> list[tuple[Match, Value]]:
    rows = fields.values([match.photo for match in matches], {order.field}, store, diagonal=diagonal)
    values = [row[order.field] for row in rows]
    return [(matches[row], values[row]) for row in order.rows(values)]


def _print(
    rows: Iterable[tuple[Match, Value]], order: Order | None, *, as_json: bool, end: str, several: bool, verify: bool
) -> None:
    for match, value in rows:
        if as_json:
            plain = value.isoformat() if isinstance(value, datetime) else value
            output.record(record(match) | ({"fields": {order.field: plain}} if order else {}), end)
        else:
            asked = [match.query] if several else []
            evidence = [output.evidence_text(match.evidence)] if verify else []
            sorted_by = [_text(value)] if order else []
            output.fields(
                *asked, str(match.distance), str(match.match_type), *evidence, *sorted_by, match.path, end=end
            )


def _text(value: Value) -> str:
    return "-" if value is None else f"{value:.10g}" if isinstance(value, float | int) else str(value)


def record(match: Match) -> dict[str, object]:
    """Return a match as a JSON record."""
    fields = {name: value for name, value in match._asdict().items() if name != "photo"}
    is_decoded = None if match.photo.is_decoded else False
    return output.match_record({"query": match.query, "path": match.path, "is_decoded": is_decoded} | fields)


def _listed(file: IO[bytes] | None, end: bytes) -> list[str]:
    if file is None:
        return []
    with _files.reading(file.name, UsageError):
        data = _files.read_bounded(file)
    return [os.fsdecode(path) for path in data.split(end) if path]
