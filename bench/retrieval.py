"""Codes first, a network on what is left: how much of the network's quality stays, at which share of its work.

The gallery holds photos of 22 classes with copies of each, and strangers; the queries are other copies. The network is
stood in for by convolutions with fixed random filters, unless ``--model`` names an ONNX file. Four parts: mAP@100 of
each way to search, the share of the comparisons it makes, and of the true answers it keeps, which is the most that any
network could reach; the time of each stage; the share of true answers among the nearest 1, 0.1 and 0.01 % of a large
gallery; the time of one query in galleries of made codes and vectors.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import codes, families, photos, timing
from bench.families.base import Transform
from bench.timing import Contender, Row
from bench.trial import Original, originals
from phash_engine import images
from phash_engine._threads import available_threads, in_threads
from phash_engine.evaluation import ranking_metrics
from phash_engine.hashing import hashers, orientation
from phash_engine.index import Matches
from phash_engine.retrieval.embeddings import embed
from phash_engine.retrieval.models import FunctionModel, Model, OnnxModel, Pictures
from phash_engine.retrieval.prefilter import Prefilter
from phash_engine.retrieval.vectors import Vectors, unit

_CLASSES = 22
_COPIES = 4
_TOP = 100
_RADII = (16, 24, 32, 44, 56)
_RADIUS = 24
_SHARES = (0.01, 0.001, 0.0001)
_SEEN, _PATCH, _FILTERS = 224, 8, 128

Codes = NDArray[np.uint64]
Rows = NDArray[np.int64]
Ranking = list[tuple[Rows, NDArray[Any]]]
"""Of each query, rows of the gallery and their scores, the nearest the lowest."""


class Views(NamedTuple):
    """All codes ``(v, 10)`` of pictures, whole and without a border, and the row where each picture begins ``(n,)``."""

    codes: Codes
    starts: Rows


class Task(NamedTuple):
    """Codes and unit vectors of both sides, true pairs ``(t, 2)`` of query and gallery, the files of the queries."""

    gallery_views: Views
    query_views: Views
    gallery: Vectors
    queries: Vectors
    truth: Rows
    files: list[bytes]


def main(argv: list[str]) -> None:
    """Run the three parts."""
    options = _options(argv)
    model = OnnxModel(options.model) if options.model else stand_in()
    task = make_task(options.gallery, options.queries, model)
    rows: list[dict[str, object]] = [*quality(task), *passed_on(task, options.strangers)]
    for row in rows:
        print(json.dumps(row) if options.json else "  ".join(f"{name}={value}" for name, value in row.items()))
    times = stages(task, model, options.rounds)
    timing.report(times, times[-1].name, as_json=options.json, what="stages of one query", n=len(task.gallery))
    for n in options.n:
        times = scale(n, options.dimension, options.rounds)
        timing.report(times, times[0].name, as_json=options.json, what="one query", n=n, dimension=options.dimension)


def make_task(gallery: int, queries: int, model: Model) -> Task:
    """Make copies of the first 22 photos, and describe them and strangers."""
    pictures = originals([photos.FOLDER / "web"], gallery, studio=False) or originals(
        [photos.SAMPLE], gallery, studio=False
    )
    shown = pictures[: min(_CLASSES, len(pictures) // 2)]
    made = list(in_threads(partial(_copies, count=-(-queries // len(shown))), shown, available_threads()))
    strangers = pictures[len(shown) : gallery - len(shown) * _COPIES]
    kept = [(number, file) for number, files in enumerate(made) for file in files[: _COPIES + 1]]
    kept += [(-1, picture.file()) for picture in strangers]
    asked = [(number, file) for number, files in enumerate(made) for file in files[_COPIES + 1 :]][:queries]
    truth = [
        (query, row) for query, (asks, _) in enumerate(asked) for row, (shows, _) in enumerate(kept) if asks == shows
    ]
    gallery_files, query_files = [file for _, file in kept], [file for _, file in asked]
    return Task(
        hashed(gallery_files),
        hashed(query_files),
        embed(gallery_files, model).vectors,
        embed(query_files, model).vectors,
        np.array(truth, dtype=np.int64),
        query_files,
    )


def stand_in() -> FunctionModel:
    """Return convolutions of 8x8 pixels with fixed random filters of mean 0, rectified and pooled."""
    filters = np.random.default_rng(0).standard_normal((_PATCH * _PATCH, 3, _FILTERS)).astype(np.float32)
    filters = (filters - filters.mean(axis=0)).reshape(-1, _FILTERS)

    def describe(pictures: Pictures) -> Vectors:
        side = _SEEN // _PATCH
        cells = pictures.reshape(-1, side, _PATCH, side, _PATCH, 3).transpose(0, 1, 3, 2, 4, 5)
        maps = np.maximum(cells.reshape(len(pictures), side * side, -1).astype(np.float32) @ filters, 0)
        pooled: Vectors = np.cbrt((maps**3).mean(axis=1))
        return pooled

    return FunctionModel(describe, "random filters", _SEEN, _SEEN)


def hashed(files: Sequence[bytes], threads: int | None = None) -> Views:
    """Hash the views of pictures."""
    pictures = list(in_threads(images.read_picture, files, threads or available_threads()))
    blocks = [block for picture in pictures for block in picture.blocks.values()]
    counts = [len(picture.blocks) for picture in pictures]
    return Views(hashers.hash_blocks(np.stack(blocks)), np.cumsum([0, *counts[:-1]]))


def quality(task: Task) -> Iterator[dict[str, object]]:
    """Yield mAP@100 of each way to search, and the share of the pairs whose vectors it compares."""
    everything = np.arange(len(task.gallery))
    apart = distances(task.query_views, _upright(task.gallery_views))
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


def passed_on(task: Task, strangers: int) -> Iterator[dict[str, object]]:
    """Yield the share of true answers among the nearest 1, 0.1 and 0.01 % by codes, with made strangers added."""
    made = codes.codes("decision" if codes.PHOTOS.is_dir() else "correlated", strangers, 3)
    known = _upright(task.gallery_views)
    starts = np.append(known.starts, len(known.codes) + np.arange(len(made)))
    apart = distances(task.query_views, Views(np.concatenate([known.codes, made]), starts))
    query, row = task.truth.T
    for share in _SHARES:
        kept = max(1, round(share * apart.shape[1]))
        reach = np.partition(apart, kept - 1, axis=1)[:, kept - 1]
        recall = float((apart[query, row] <= reach[query]).mean())
        yield {"what": "passed on", "of": apart.shape[1], "share": share, "true_kept": round(recall, 4)}


def distances(queries: Views, gallery: Views) -> NDArray[np.uint8]:
    """Return the distances ``(q, n)`` of pictures, turned in every way, to others of which decision codes are given."""
    apart = np.full((len(queries.codes), len(gallery.codes)), 255, dtype=np.uint8)
    for words in orientation.turned(queries.codes):
        for query, code in enumerate(words):
            bits = np.bitwise_count(gallery.codes ^ code).sum(axis=1, dtype=np.uint8)
            np.minimum(apart[query], bits, out=apart[query])
    nearest: NDArray[np.uint8] = np.minimum.reduceat(apart, queries.starts, axis=0)
    return np.minimum.reduceat(nearest, gallery.starts, axis=1)


def brute_force(task: Task) -> Ranking:
    """Compare all vectors with all, by faiss where it is installed."""
    if find_spec("faiss") is None:
        print("faiss is not installed: vectors are compared by numpy", file=sys.stderr)
        return [(np.arange(len(task.gallery)), -(task.gallery @ query)) for query in task.queries]
    cosines, rows = _flat(task.gallery).search(task.queries, min(_TOP, len(task.gallery)))
    return list(zip(rows.astype(np.int64), -cosines, strict=True))


def stages(task: Task, model: Model, rounds: int) -> list[Row]:
    """Time what one query takes, stage by stage and one thread each; the last is what the codes save."""
    gallery = _upright(task.gallery_views).codes
    prefilter = Prefilter(radius=_RADIUS, n_jobs=1).fit(gallery)
    ways = np.concatenate(list(orientation.turned(task.query_views.codes)))
    passed = [np.flatnonzero(bits <= _RADIUS) for bits in distances(task.query_views, _upright(task.gallery_views))]

    def some() -> None:
        for query, rows in zip(task.queries, passed, strict=True):
            np.argsort(-(task.gallery[rows] @ query))

    def everything() -> None:
        for query in task.queries:
            np.argsort(-(task.gallery @ query))

    calls: dict[str, Callable[[], object]] = {
        "decode and hash": partial(hashed, task.files, threads=1),
        "candidates by codes": partial(prefilter.candidates, ways),
        "vector of the query": partial(embed, task.files, model, threads=1),
        "rank the candidates": some,
        "rank everything": everything,
    }
    return timing.measure([Contender(name, call, len(task.files)) for name, call in calls.items()], rounds)


def scale(n: int, dimension: int, rounds: int) -> list[Row]:
    """Time one query in a gallery of ``n``, one thread each: all vectors compared, or those near by code alone."""
    rng = np.random.default_rng(0)
    made = codes.collection("correlated", n, 2 * rounds + 2, 3)
    gallery = unit(rng.standard_normal((n, dimension), dtype=np.float32))
    asked = unit(rng.standard_normal((len(made.queries), dimension), dtype=np.float32))
    prefilter = Prefilter(radius=_RADIUS, n_jobs=1).fit(made.codes)
    turns = {"filter": iter(range(len(asked))), "all": iter(range(len(asked)))}

    def filtered() -> Rows:
        row = next(turns["filter"])
        ids = prefilter.candidates(made.queries[row : row + 1]).ids
        best: Rows = ids[np.argsort(-(gallery[ids] @ asked[row]))[:_TOP]]
        return best

    whole = _whole(gallery, asked, turns["all"])
    return timing.measure([Contender(*whole), Contender(f"codes within {_RADIUS}, then vectors", filtered)], rounds)


def _whole(gallery: Vectors, asked: Vectors, turns: Iterator[int]) -> tuple[str, Callable[[], object]]:
    if find_spec("faiss") is None:
        return "all vectors by numpy", lambda: np.argpartition(
            -(gallery @ asked[next(turns)]), min(_TOP, len(gallery) - 1)
        )
    index = _flat(gallery)
    return "all vectors by faiss IndexFlatIP", lambda: index.search(asked[next(turns)][np.newaxis], _TOP)


def _upright(views: Views) -> Views:
    return views._replace(codes=orientation.upright(views.codes))


def _flat(vectors: Vectors) -> Any:
    faiss = import_module("faiss")
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def _copies(picture: Original, count: int) -> list[bytes]:
    """Return the picture's file and copies of it by different transforms, each with its own strength."""
    image = picture.image()
    order = np.random.default_rng(sum(picture.name.encode())).permutation(len(_TRANSFORMS)).tolist()
    chosen = [_TRANSFORMS[place] for place in order[: _COPIES + count]]
    return [picture.file(), *(families.make(picture.name, image, transform) for transform in chosen)]


def _row(name: str, task: Task, ranking: Ranking, compared: float) -> dict[str, Any]:
    columns = [np.concatenate(column) for column in zip(*(found[:2] for found in ranking), strict=True)]
    queries = np.repeat(np.arange(len(ranking)), [len(rows) for rows, _ in ranking])
    judged = ranking_metrics.judge(Matches(queries, columns[0], columns[1]), task.truth, len(ranking))
    score = ranking_metrics.mean_average_precision(judged, _TOP)
    return {"what": "quality", "way": name, "map_100": round(score, 4), "compared": round(compared, 5)}


_TRANSFORMS: list[Transform] = [
    transform
    for transform in families.TRANSFORMS
    if transform.family not in families.UNREALISTIC and not transform.guests
]


def _options(argv: list[str]) -> argparse.Namespace:
    parser = timing.options(__doc__ or "")
    parser.add_argument("--gallery", type=int, default=600, help="photos and copies in the gallery (default 600)")
    parser.add_argument("--queries", type=int, default=100, help="queries (default 100)")
    parser.add_argument("--model", help="an ONNX image model instead of the stand-in")
    parser.add_argument("--strangers", type=int, default=100_000, help="made codes beside the gallery (default 100000)")
    parser.add_argument("--n", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="sizes to time")
    parser.add_argument("--dimension", type=int, default=128, help="numbers of a made vector (default 128)")
    return parser.parse_args(argv)
