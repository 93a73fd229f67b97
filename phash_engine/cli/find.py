"""``phash find``."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
import numpy as np

from phash_engine import _files
from phash_engine.catalogue.imported_hashes import HASHER
from phash_engine.cli import COMMANDS, options, output
from phash_engine.errors import ImageError, UsageError
from phash_engine.hashing import codes
from phash_engine.hashing.codes import BITS
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.ranking import DIAGONAL, MEASURES, SEEN, Cut, Rated, chosen, ordered, rated
from phash_engine.matching.search import Collection, Match

if TYPE_CHECKING:
    from phash_engine.matching.imagehash_search import ImportedCollection

STDIN = "-"
Query = str | np.uint64
"""A path, or a code of imagehash."""
_BOUND = click.Tuple([click.Choice(MEASURES), float])


@click.command("find", short_help=COMMANDS["find"])
@click.argument("paths", nargs=-1, metavar="[IMAGE...]")
@click.option("-k", "k", type=click.IntRange(1), metavar="K", help="At most the K nearest; alone, at any distance.")
@options.radius
@options.inside
@options.rotations
@options.trust_all
@options.verify
@options.index_kind
@options.scheme
@options.imagehash_hasher
@click.option("--hex", "digits", multiple=True, metavar="HEX", help="Look up this code of imagehash; repeatable.")
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
    "--min", "least", type=_BOUND, multiple=True, metavar="MEASURE NUMBER", help="Leave out what has less; repeatable."
)
@click.option(
    "--max", "most", type=_BOUND, multiple=True, metavar="MEASURE NUMBER", help="Leave out what has more; repeatable."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code tells.")
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
    scheme: str,
    hasher: str | None,
    digits: tuple[str, ...],
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
    """Print the catalogued photos that look like each IMAGE: distance, rule, path.

    IMAGE may be - for the bytes of a picture on standard input. The rule is digest (equal bytes), code, rotation
    (closer when turned or mirrored), trimmed (closer without a uniform border), frame or crop (closer to one of these,
    see 'phash scan'), or with --verify verified (beyond the radius, but a second look says so), and what was seen
    stands before the path. With several pictures each line begins with the one it answers. The catalogue knows what
    'phash scan' has read. Exits with 1 if nothing was found.

    Of the photos found, those that are good enough (--min, --max: "--min pixels 1e6") are printed, the nearest first or
    the best (--order, --near-ppi), and then the measure stands before the path. Entropy and gradient take a look at
    each file; the gradient is in luma steps per 512th of the longer side.

    With --scheme imagehash, one code of the IMAGE, of 64 bits, is looked up among the codes that 'phash import' brought
    along, and so are those given with --hex. They are phash codes unless --hasher names others, and the radius is 8.
    """
    if order and near_ppi is not None:
        raise click.UsageError("--order and --near-ppi each say what comes first: give one of them")
    cuts = [Cut(name, least=bound) for name, bound in least] + [Cut(name, most=bound) for name, bound in most]
    measure = order if near_ppi is None else "ppi"
    measures = {cut.measure for cut in cuts} | ({measure} if measure else set())
    queries: list[Query] = [*paths, *_listed(files_from, b"\n"), *_listed(files0_from, b"\0"), *map(_code, digits)]
    if not queries:
        raise click.UsageError("name at least one picture to look up")
    if explain and k is not None and radius is None:
        raise click.UsageError("--explain tells about a radius: give one with -r beside -k")
    if scheme == options.IMAGEHASH:
        _check_imagehash(
            radius, others=bool(not rotations or trust_all or verify or explain or kind != "auto" or measures)
        )
    elif hasher or digits:
        raise click.UsageError("--hasher and --hex are for codes of imagehash: give --scheme imagehash beside them")
    found = unread = 0
    with (
        options.open_existing(catalogue_path) as catalogue,
        options.verifier(catalogue, wanted=verify) as verifier,
    ):
        inside = [_files.absolute(folder) for folder in folders] or None
        collection: Collection | ImportedCollection
        if scheme == options.IMAGEHASH:
            from phash_engine.matching.imagehash_search import ImportedCollection

            collection = ImportedCollection(catalogue, hasher or HASHER, inside)
        elif inside and next(catalogue.photos(inside), None) is None:
            raise UsageError(f"the catalogue has no photo below {' or '.join(inside)}: 'phash scan' them first")
        else:
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
            answers = [Rated(match, {}) for match in matches]
            if measures:
                answers = chosen(rated(matches, catalogue, diagonal=diagonal, look=not measures.isdisjoint(SEEN)), cuts)
            if measure:
                answers = ordered(answers, measure, math.inf if near_ppi is None else near_ppi)
            found += len(answers)
            if not quiet:
                end, several = "\0" if null else "\n", len(queries) > 1
                _print(answers, measure, as_json=as_json, end=end, several=several, verify=verify)
    if not (found or quiet or as_json or unread == len(queries)):
        output.message("nothing found")
    return output.exit_code(unread, len(queries), strict=strict) or int(not found)


def _check_imagehash(radius: int | None, *, others: bool) -> None:
    if others:
        raise click.UsageError(
            "--no-rotations, --trust-all, --verify, --index, --explain and measures are not for codes of imagehash"
        )
    if radius is not None and radius > BITS:
        raise click.UsageError(f"a radius of {radius} bits is too large: codes of imagehash have {BITS}")


def _find(search: Callable[..., list[Match]], query: Query) -> list[Match]:
    if query == STDIN:
        return [match._replace(query=STDIN) for match in search(sys.stdin.buffer.read())]
    return search(_files.absolute(query) if isinstance(query, str) else query)


def _code(digits: str) -> np.uint64:
    try:
        return codes.from_hex(digits)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _print(
    answers: Sequence[Rated], measure: str | None, *, as_json: bool, end: str, several: bool, verify: bool
) -> None:
    for match, measures in answers:
        if as_json:
            known = {name: None if math.isnan(value) else value for name, value in measures.items()}
            fields = _record(match)
            output.record(fields | ({"measures": known} if known else {}), end)
        else:
            asked = f"{match.query}\t" if several else ""
            seen = f"{output.evidence_text(match.evidence)}\t" if verify else ""
            marked = f"{measures[measure]:.10g}\t" if measure else ""
            output.text(f"{asked}{match.distance}\t{match.match_type}\t{seen}{marked}{match.path}", end)


def _record(match: Match) -> dict[str, object]:
    fields = {name: value for name, value in match._asdict().items() if name != "photo"}
    return output.match_record({"query": match.query, "path": match.path} | fields)


def _listed(file: IO[bytes] | None, end: bytes) -> list[str]:
    return [os.fsdecode(path) for path in file.read().split(end) if path] if file else []
