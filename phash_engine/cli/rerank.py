"""``phash rerank``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from phash_engine import _files
from phash_engine.cli import COMMANDS, options, output
from phash_engine.errors import ImageError
from phash_engine.matching.policy import CANDIDATE_RADIUS
from phash_engine.matching.search import Collection
from phash_engine.retrieval.rerank import EXPANSIONS, Ranked, Reranker

within: options.Decorator = click.option(
    "--within",
    type=click.IntRange(0, 192),
    default=CANDIDATE_RADIUS,
    metavar="BITS",
    help=f"Compare photos within this distance of their codes, of 192 bits.  [default: {CANDIDATE_RADIUS}]",
)


@click.command("rerank", short_help=COMMANDS["rerank"])
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE...")
@options.embedding
@click.option("--top", type=click.IntRange(1), default=10, metavar="N", help="Print the N best.  [default: 10]")
@within
@click.option(
    "--expand",
    type=click.Choice(EXPANSIONS),
    default="none",
    show_default=True,
    help="Whether the best matches help to rank the others.",
)
@click.option(
    "--code-weight",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Share of the codes in the score.  [default: 0]",
)
@options.rotations
@options.trust_all
@options.catalogue
@options.as_json
@options.strict
def command(
    paths: tuple[str, ...],
    models: tuple[str, ...],
    weights: tuple[float, ...],
    pool: str,
    ten_crop: bool,
    half: bool,
    top: int,
    within: int,
    expand: str,
    code_weight: float,
    rotations: bool,
    trust_all: bool,
    catalogue_path: Path | None,
    as_json: bool,
    strict: bool,
) -> int:
    """Print the catalogued photos that are most like each IMAGE by an ONNX model: score, distance, match type, path.

    The codes select the photos, the model's vectors rank them; 1 is the highest cosine. Vectors are stored with the
    catalogue, so each photo is embedded once. Photos with the bytes of IMAGE are left out. Exits with 1 if nothing was
    found.
    """
    embedder = options.open_embedder(models, weights, pool, ten_crop=ten_crop, half=half)
    if embedder is None:
        raise click.UsageError("name an ONNX model with --model")
    found = unread = 0
    with options.open_existing(catalogue_path) as catalogue:
        reranker = Reranker(
            Collection(catalogue, rotations=rotations, trust_all=trust_all),
            embedder,
            expand=expand,
            code_weight=code_weight,
        )
        for path in map(_files.absolute, paths):
            try:
                with output.progress_bar("embedding") as progress:
                    ranked, failures = reranker.find(path, top, within, progress)
            except ImageError as error:
                output.message(str(error))
                unread += 1
                continue
            for failure in failures:
                output.message(str(failure))
            found += len(ranked)
            _print(ranked, as_json=as_json, several=len(paths) > 1)
    if not (found or as_json or unread == len(paths)):
        output.message("nothing found")
    return output.exit_code(unread, len(paths), strict=strict) or int(not found)


def _print(ranked: Sequence[Ranked], *, as_json: bool, several: bool) -> None:
    for match in ranked:
        if as_json:
            fields = {"query": match.query, "path": match.photo.path, "score": match.score}
            output.record({**fields, "distance": match.distance, "match_type": str(match.match_type)})
        else:
            query = f"{match.query}\t" if several else ""
            output.text(f"{query}{match.score:.4f}\t{match.distance}\t{match.match_type}\t{match.photo.path}")
