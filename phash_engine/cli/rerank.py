"""``phash rerank``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, further, option
from phash_engine.errors import ImageError
from phash_engine.matching.search import Collection
from phash_engine.retrieval.rerank import EXPANSIONS, Ranked, Reranker


@click.command("rerank", cls=Explained, short_help=COMMANDS["rerank"])
@options.image_arguments()
@options.embedding
@option("-k", "k", type=click.IntRange(1), default=10, metavar="K", help="Print the K best.  [default: 10]")
@options.candidates
@further(
    "--expand",
    type=click.Choice(EXPANSIONS),
    default="none",
    show_default=True,
    help="Whether the best matches help to rank the others.",
)
@further(
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
    k: int,
    candidate_radius: int,
    expand: str,
    code_weight: float,
    rotations: bool,
    trust_all: bool,
    catalogue_path: Path | None,
    as_json: bool,
    strict: bool,
) -> int:
    """Print the photos of the catalogue that are most like each IMAGE (or -) by an ONNX model.

    A line has score, distance, match type and path. The codes select photos (--candidates), the model's vectors rank
    them; 1 is the highest cosine. Vectors are stored with the catalogue, so each photo is embedded once. Photos with
    the bytes of IMAGE are left out. Exits with 1 if nothing was found.
    """
    embedder = options.open_embedder(models, weights, pool, ten_crop=ten_crop, half=half)
    if embedder is None:
        raise click.UsageError("name an ONNX model with --model")
    found = 0
    with options.open_existing(catalogue_path) as catalogue, output.Failures() as unread:
        reranker = Reranker(
            Collection(catalogue, rotations=rotations, trust_all=trust_all),
            embedder,
            expand=expand,
            code_weight=code_weight,
        )
        for path in paths:
            try:
                with output.progress_bar("embedding") as progress:
                    ranked, failures = reranker.find(options.image(path), k, candidate_radius, progress)
            except ImageError as error:
                unread.add(path, error.reason)
                continue
            output.report_failures(failures)
            if path == options.STDIN:
                ranked = [match._replace(query=path) for match in ranked]
            found += len(ranked)
            _print(ranked, as_json=as_json, several=len(paths) > 1)
    if not (found or as_json or unread.number == len(paths)):
        output.message("nothing found")
    return output.exit_code(unread.number, len(paths), strict=strict) or int(not found)


def _print(ranked: Sequence[Ranked], *, as_json: bool, several: bool) -> None:
    for match in ranked:
        if as_json:
            fields = {"query": match.query, "path": match.photo.path, "score": match.score}
            output.record({**fields, "distance": match.distance, "match_type": str(match.match_type)})
        else:
            asked = [match.query] if several else []
            output.fields(*asked, f"{match.score:.4f}", str(match.distance), str(match.match_type), match.photo.path)
