"""``phash evaluate``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import click

from phash_engine import _files
from phash_engine.catalogue.store import Store
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli import scan as scan_command
from phash_engine.cli.command import Explained, option
from phash_engine.errors import PhashError, UsageError
from phash_engine.evaluation import evaluate, rankings, submissions
from phash_engine.evaluation.evaluate import Measures
from phash_engine.evaluation.rankings import Ranking
from phash_engine.evaluation.tasks import Task, make_task, read_side

_TITLES = {"map_100": "mAP@100", "gap": "GAP", "top_1": "top 1", "top_3": "top 3", "top_10": "top 10"}


@click.command("evaluate", cls=Explained, short_help=COMMANDS["evaluate"])
@option("--truth", "truth_path", required=True, metavar="CSV", help="What is right: columns id,images or id,landmarks.")
@option("--queries", metavar="DIR", help="Folder of the photos to search for.")
@option("--gallery", metavar="DIR", help="Folder of the photos to search among.")
@options.labels
@options.embedding
@option("--pca", type=click.IntRange(1), metavar="N", help="Reduce vectors to N whitened principal components.")
@option("--write", "written", metavar="FILE", help="Write a ranking in the format of the truth (.csv, .csv.gz).")
@option("--ranking", metavar="NAME", help="The row to write.  [default: sum, or rerank]")
@option("--score", "scored", metavar="FILE", help="Measure a ranking of this file instead.")
@option("--cache", metavar="FILE", help="A catalogue to keep codes and vectors in.")
@options.workers
@options.as_json
def command(
    truth_path: str,
    queries: str | None,
    gallery: str | None,
    labels_path: str | None,
    models: tuple[str, ...],
    weights: tuple[float, ...],
    pool: str,
    ten_crop: bool,
    half: bool,
    pca: int | None,
    written: str | None,
    ranking: str | None,
    scored: str | None,
    cache: str | None,
    workers: int | None,
    as_json: bool,
) -> int:
    """Search a gallery for queries whose answers are known, and print mAP@100, GAP and top-1, 3 and 10 accuracy.

    A row each for single codes, for their sum, and with --model for re-ranking and for the vectors alone.

    The truth has a line for each query: the ids of the photos that show the same (id,images), or its label
    (id,landmarks); --labels then has those of the gallery (id,landmark_id). The id of a photo is its name without the
    extension. A query without an answer is a distractor: it does not count in mAP, and any result of it is an error in
    GAP, which takes the first result of each query.

    The rows are named average, dct, wavelet, horizontal and vertical; sum, the one that decides; arithmetic,
    geometric, harmonic and square-roots, means over average, dct and wavelet; and with --model those that begin with
    rerank, the results of the sum ranked by vectors, and vectors.
    """
    truth = submissions.read(truth_path)
    if scored is not None:
        if queries or gallery or written or models:
            raise click.UsageError("--score measures a file alone: leave out --queries, --gallery, --model and --write")
        _print({"submission": evaluate.score(truth, submissions.read(scored))}, as_json=as_json)
        return 0
    if queries is None or gallery is None:
        raise click.UsageError("name both folders, with --queries and --gallery, or a file with --score")
    labels = submissions.read(labels_path) if labels_path else None
    embedder = options.open_embedder(models, weights, pool, ten_crop=ten_crop, half=half)
    folders = (_files.absolute(queries), _files.absolute(gallery))
    with Store(cache, notify=output.message) as catalogue:
        report = scan_command.run(folders, catalogue, exclude=(), workers=workers, pairs="separate")
        if report.unreachable:
            return PhashError.exit_code
        task = make_task(read_side(catalogue, folders[0]), read_side(catalogue, folders[1]), truth, labels)
        ranked = rankings.rank_by_codes(task, workers=workers)
        if embedder:
            with output.progress_bar("embedding") as progress:
                vectors = rankings.embed_sides(catalogue, task, embedder, components=pca, progress=progress)
            output.report_failures(error for side in vectors for error in side.failures.values())
            ranked |= rankings.rank_by_vectors(task, *vectors, ranked["sum"], workers=workers)
    if written is not None:
        _write(written, task, ranked, ranking or ("rerank" if embedder else "sum"), truth.kind)
    _print({name: evaluate.measure(task, of_queries) for name, of_queries in ranked.items()}, as_json=as_json)
    return 0


def _write(path: str, task: Task, ranked: dict[str, list[Ranking]], name: str, kind: str) -> None:
    if name not in ranked:
        raise UsageError(f"unknown ranking {name!r}; rankings are {', '.join(ranked)}")
    submissions.write(path, kind, evaluate.submission(task, ranked[name], kind))


def _print(measured: dict[str, Measures], *, as_json: bool) -> None:
    if as_json:
        for name, measures in measured.items():
            values = {field: None if math.isnan(value) else value for field, value in measures._asdict().items()}
            output.record({"ranking": name, **values})
        return
    output.text(_line("ranking", list(_TITLES.values())))
    for name, measures in measured.items():
        output.text(_line(name, ["–" if math.isnan(value) else f"{value:.4f}" for value in measures]))


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:<18}" + "".join(f"{cell:>9}" for cell in cells)
