"""``phash redundancy``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phash_engine import _files
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained
from phash_engine.errors import UsageError
from phash_engine.matching.policy import DEFAULT_RADIUS

if TYPE_CHECKING:
    from phash_engine.retrieval.redundancy import Contradiction, Redundancy
    from phash_engine.retrieval.statistics import Histogram


@click.command("redundancy", cls=Explained, short_help=COMMANDS["redundancy"])
@options.inside
@options.labels
@options.radius
@options.rotations
@options.trust_all
@options.embedding
@options.chart
@options.catalogue
@options.as_json
def command(
    folders: tuple[str, ...],
    labels_path: str | None,
    radius: int | None,
    rotations: bool,
    trust_all: bool,
    models: tuple[str, ...],
    weights: tuple[float, ...],
    pool: str,
    ten_crop: bool,
    half: bool,
    chart: Path | None,
    catalogue_path: Path | None,
    as_json: bool,
) -> None:
    """Print how many contents of the catalogue have a near-copy, and how far the nearest other of each is.

    A near-copy is another content within the radius. With --model the table is of cosines instead of distances. To
    find copies across two folders: phash dedupe TRAIN --reference TEST --exit-code.

    The last line is the number of independent bits of a code. With --labels near-copies with different labels are
    listed: CSV has the columns path and label, or is the word folder for the names of folders.
    """
    if chart:
        from phash_engine.reports import charts

        charts.check(chart)
    from phash_engine.retrieval import statistics
    from phash_engine.retrieval.redundancy import measure_redundancy, nearest_cosines

    embedder = options.open_embedder(models, weights, pool, ten_crop=ten_crop, half=half)
    inside = [_files.absolute(folder) for folder in folders] or None
    with options.open_existing(catalogue_path) as catalogue:
        known = options.known_labels(catalogue, labels_path, folders) if labels_path else None
        with output.progress_bar("comparing") as progress:
            found = measure_redundancy(
                catalogue,
                inside,
                known,
                DEFAULT_RADIUS if radius is None else radius,
                rotations=rotations,
                trust_all=trust_all,
                progress=progress,
            )
        if not found.nearest.size:
            raise UsageError("there are no two contents to compare by code: 'phash scan' more photos")
        histogram = statistics.histogram_of_distances(found.nearest)
        if embedder:
            with output.progress_bar("embedding") as progress:
                cosines, failures = nearest_cosines(catalogue, embedder, inside, progress)
            output.report_failures(failures)
            if not cosines.size:
                raise UsageError("there are no two contents whose files can be read to compare their vectors")
            histogram = statistics.histogram_of_cosines(cosines)
    if chart:
        charts.bars(chart, histogram.bins, histogram.percent, histogram.quantity)
    _print(found, histogram, as_json=as_json)


def _print(found: Redundancy, histogram: Histogram, *, as_json: bool) -> None:
    if as_json:
        output.record(_fields(found, histogram))
        return
    repeated = found.photos - found.contents
    share = found.copies / max(found.contents, 1)
    output.text(f"{output.count(found.photos, 'photo')}, {repeated} of them with the bytes of another")
    output.text(f"{found.copies} of {found.contents} contents have a near-copy ({share:.1%}), in {found.pairs} pairs")
    for contradiction in found.contradictions:
        left, right, *labelled = _plain(contradiction).values()
        output.fields("different labels:", *map(str, labelled), left, right)
    output.text("")
    output.text(f"{histogram.quantity}: percent")
    for name, percent in zip(histogram.bins, histogram.percent, strict=True):
        output.text(f"{name:>12} {percent:>6.1f}  {'█' * round(percent / 2 if percent > 0 else 0)}".rstrip())
    for name, mean in histogram.mean_of_nearest.items():
        output.text(f"mean of the nearest {name}: {mean:.3g}")
    bits, constant, correlation, effective = found.bits
    output.text("")
    output.text(
        f"{bits} bits of a code, {constant} of them constant, correlate by {correlation:.3f} on average: "
        f"worth {effective:.0f} independent ones"
    )


def _fields(found: Redundancy, histogram: Histogram) -> dict[str, Any]:
    fields = {name: value for name, value in found._asdict().items() if name != "nearest"}
    parts = {
        "bits": _without_nan(found.bits._asdict()),
        "contradictions": [_plain(contradiction) for contradiction in found.contradictions],
        "nearest": histogram._asdict() | {"mean_of_nearest": _without_nan(histogram.mean_of_nearest)},
    }
    return fields | parts


def _plain(contradiction: Contradiction) -> dict[str, Any]:
    return contradiction._asdict() | {"left": contradiction.left.path, "right": contradiction.right.path}


def _without_nan(fields: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in fields.items()}
