"""Codes first, a network on the candidates: how much of the network's quality stays, at which share of its work.

The gallery holds photos of 22 classes with copies of each, and impostors; the queries are other copies. The network is
one of convolutions with fixed random filters, unless ``--model`` names an ONNX file. Four parts: mAP@100 of each
search, its share of the comparisons, and of the true results that it keeps, which bounds any network; the time of each
stage; the share of true results among the nearest 1, 0.1 and 0.01 % of a large gallery; the time of one query in
galleries of made codes and vectors.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import codes, timing
from bench.retrieval_task import Rows, Task, Views, distances, hashed, make_task, random_filters, upright
from bench.timing import Contender, Row
from phash_engine.evaluation import ranking_metrics
from phash_engine.hashing import orientation
from phash_engine.index import Matches
from phash_engine.retrieval.embeddings import embed
from phash_engine.retrieval.models import Model, OnnxModel
from phash_engine.retrieval.prefilter import Prefilter
from phash_engine.retrieval.vectors import Vectors, unit

_TOP = 100
_RADII = (16, 24, 32, 44, 56)
_RADIUS = 24
_SHARES = (0.01, 0.001, 0.0001)

Ranking = list[tuple[Rows, NDArray[Any]]]
"""Of each query, rows of the gallery and their scores, the nearest the lowest."""


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    options = _options(argv)
    model = OnnxModel(options.model) if options.model else random_filters()
    task = make_task(options.gallery, options.queries, model)
    rows: list[dict[str, object]] = [*quality(task), *passed_on(task, options.impostors)]
    for row in rows:
        print(json.dumps(row) if options.json else "  ".join(f"{name}={value}" for name, value in row.items()))
    times = stages(task, model, options.rounds)
    timing.report(times, times[-1].name, as_json=options.json, what="stages of one query", n=len(task.gallery))
    for n in options.n:
        times = scale(n, options.dimension, options.rounds)
        timing.report(times, times[0].name, as_json=options.json, what="one query", n=n, dimension=options.dimension)


def quality(task: Task) -> Iterator[dict[str, object]]:
    """Yield mAP@100 of each search, and the share of the pairs whose vectors it compares."""
    everything = np.arange(len(task.gallery))
    apart = distances(task.query_views, upright(task.gallery_views))
    yield _row("codes alone", task, [(everything, bits) for bits in apart], 0)
    whole = _row("vectors alone", task, brute_force(task), 1)
    yield whole
    reach = np.sort(apart, axis=1)[:, [max(1, len(everything) // 100) - 1]]
    passes = {f"within {radius} bits": apart <= radius for radius in _RADII} | {"nearest 1 %": apart <= reach}
    for name, passed in passes.items():
        chosen = zip(map(np.flatnonzero, passed), task.queries, strict=True)
        found = [(rows, -(task.gallery[rows] @ query)) for rows, query in chosen]
        row = _row(f"codes {name}, then vectors", task, found, float(passed.mean()))
        kept = {"true_kept": round(float(passed[tuple(task.truth.T)].mean()), 4)}
        yield row | kept | {"of_vectors_alone": round(row["map_100"] / whole["map_100"], 3)}


def passed_on(task: Task, impostors: int) -> Iterator[dict[str, object]]:
    """Yield the share of true results among the nearest 1, 0.1 and 0.01 % by codes, with made impostors added."""
    made = codes.codes("decision" if codes.PHOTOS.is_dir() else "correlated", impostors, 3)
    known = upright(task.gallery_views)
    starts = np.append(known.starts, len(known.codes) + np.arange(len(made)))
    apart = distances(task.query_views, Views(np.concatenate([known.codes, made]), starts))
    query, row = task.truth.T
    for share in _SHARES:
        kept = max(1, round(share * apart.shape[1]))
        reach = np.partition(apart, kept - 1, axis=1)[:, kept - 1]
        recall = float((apart[query, row] <= reach[query]).mean())
        yield {"what": "passed on", "of": apart.shape[1], "share": share, "true_kept": round(recall, 4)}


def brute_force(task: Task) -> Ranking:
    """Compare all vectors with all, by faiss where it is installed."""
    if find_spec("faiss") is None:
        print("faiss is not installed: vectors are compared by numpy", file=sys.stderr)
        return [(np.arange(len(task.gallery)), -(task.gallery @ query)) for query in task.queries]
    cosines, rows = _flat(task.gallery).search(task.queries, min(_TOP, len(task.gallery)))
    return list(zip(rows.astype(np.int64), -cosines, strict=True))


def stages(task: Task, model: Model, rounds: int) -> list[Row]:
    """Time the stages of one query, with one thread each; the codes save the last."""
    gallery = upright(task.gallery_views).codes
    prefilter = Prefilter(radius=_RADIUS, n_jobs=1).fit(gallery)
    turned = np.concatenate(list(orientation.turned(task.query_views.codes)))
    passed = [np.flatnonzero(bits <= _RADIUS) for bits in distances(task.query_views, upright(task.gallery_views))]

    def some() -> None:
        for query, rows in zip(task.queries, passed, strict=True):
            np.argsort(-(task.gallery[rows] @ query))

    def everything() -> None:
        for query in task.queries:
            np.argsort(-(task.gallery @ query))

    calls: dict[str, Callable[[], object]] = {
        "decode and hash": partial(hashed, task.files, threads=1),
        "candidates by codes": partial(prefilter.candidates, turned),
        "vector of the query": partial(embed, task.files, model, threads=1),
        "rank the candidates": some,
        "rank everything": everything,
    }
    return timing.measure([Contender(name, call, len(task.files)) for name, call in calls.items()], rounds)


def scale(n: int, dimension: int, rounds: int) -> list[Row]:
    """Time one query in a gallery of ``n``, with one thread: all vectors compared, or only those near by code."""
    rng = np.random.default_rng(0)
    made = codes.collection("correlated", n, 2 * rounds + 2, 3)
    gallery = unit(rng.standard_normal((n, dimension), dtype=np.float32))
    queries = unit(rng.standard_normal((len(made.queries), dimension), dtype=np.float32))
    prefilter = Prefilter(radius=_RADIUS, n_jobs=1).fit(made.codes)
    turns = {"filter": iter(range(len(queries))), "all": iter(range(len(queries)))}

    def filtered() -> Rows:
        row = next(turns["filter"])
        ids = prefilter.candidates(made.queries[row : row + 1]).ids
        best: Rows = ids[np.argsort(-(gallery[ids] @ queries[row]))[:_TOP]]
        return best

    whole = _whole(gallery, queries, turns["all"])
    return timing.measure([Contender(*whole), Contender(f"codes within {_RADIUS}, then vectors", filtered)], rounds)


def _whole(gallery: Vectors, queries: Vectors, turns: Iterator[int]) -> tuple[str, Callable[[], object]]:
    if find_spec("faiss") is None:
        return "all vectors by numpy", lambda: np.argpartition(
            -(gallery @ queries[next(turns)]), min(_TOP, len(gallery) - 1)
        )
    index = _flat(gallery)
    return "all vectors by faiss IndexFlatIP", lambda: index.search(queries[next(turns)][np.newaxis], _TOP)


def _flat(vectors: Vectors) -> Any:
    faiss = import_module("faiss")
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def _row(name: str, task: Task, ranking: Ranking, compared: float) -> dict[str, Any]:
    columns = [np.concatenate(column) for column in zip(*(found[:2] for found in ranking), strict=True)]
    queries = np.repeat(np.arange(len(ranking)), [len(rows) for rows, _ in ranking])
    judged = ranking_metrics.judge(Matches(queries, columns[0], columns[1]), task.truth, len(ranking))
    score = ranking_metrics.mean_average_precision(judged, _TOP)
    return {"what": "quality", "search": name, "map_100": round(score, 4), "compared": round(compared, 5)}


def _options(argv: list[str]) -> argparse.Namespace:
    parser = timing.options(__doc__ or "")
    parser.add_argument("--gallery", type=int, default=600, help="photos and copies in the gallery (default 600)")
    parser.add_argument("--queries", type=int, default=100, help="queries (default 100)")
    parser.add_argument("--model", help="an ONNX image model instead of random filters")
    parser.add_argument("--impostors", type=int, default=100_000, help="made codes in the gallery (default 100,000)")
    parser.add_argument("--n", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="sizes to time")
    parser.add_argument("--dimension", type=int, default=128, help="numbers of a made vector (default 128)")
    return parser.parse_args(argv)
