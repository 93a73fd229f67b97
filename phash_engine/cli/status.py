"""``phash status``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from phash_engine import _files
from phash_engine.catalogue.store import Store
from phash_engine.cli import COMMANDS, options, output
from phash_engine.errors import UsageError
from phash_engine.matching.policy import DEFAULT_RADIUS

if TYPE_CHECKING:
    from phash_engine.retrieval.near_copies import Redundancy

_BITS = (0, *range(1, 98, 8), 193)
_COSINES = (-1.0, 0.0, *(tenth / 10 for tenth in range(1, 10)), 0.95, 0.99, 1.0)
_PERCENTS = (1, 5, 10)


class _Spread(NamedTuple):
    """How a quantity of the nearest others is distributed: percent by bin, and means of the nearest so many percent."""

    quantity: str
    bins: list[str]
    percent: list[float]
    mean_of_nearest: dict[str, float]


@click.command("status", short_help=COMMANDS["status"])
@click.option("--redundancy", is_flag=True, help="Say how much of it is near-copies, and how near the next photo is.")
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
    redundancy: bool,
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
    """Say where the catalogue is and what it holds.

    With --redundancy, of all photos or those in DIR: how many contents have a near-copy, how far the nearest other one
    is, as a table, and how many independent bits their codes are worth; with --model how near the vectors are instead.
    With --labels, near-copies with different labels are listed: CSV has the columns path and label, or is the word
    folder for the names of folders. Copies across two parts: phash dedupe TRAIN --reference TEST --exit-code.
    """
    if not redundancy:
        if folders or labels_path or models or chart or trust_all or not rotations or radius is not None:
            raise click.UsageError("these options tell what to measure: give --redundancy beside them")
        with options.open_existing(catalogue_path) as catalogue:
            _print_counts(catalogue, as_json=as_json)
        return
    if chart:
        from phash_engine.reports import charts

        charts.check(chart)
    from phash_engine.retrieval import near_copies

    loaded = options.open_models(models, weights, pool, ten_crop=ten_crop)
    inside = [_files.absolute(folder) for folder in folders] or None
    with options.open_existing(catalogue_path) as catalogue:
        known = options.known_labels(catalogue, labels_path, folders) if labels_path else None
        with output.progress_bar("comparing") as progress:
            found = near_copies.measure(
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
        spread = _of_bits(found.nearest.tolist())
        if loaded:
            with output.progress_bar("embedding") as progress:
                cosines, failures = near_copies.nearest_cosines(
                    catalogue,
                    loaded,
                    weights or None,
                    inside,
                    dtype="float16" if half else "float32",
                    progress=progress,
                )
            for failure in failures:
                output.message(str(failure))
            if not cosines.size:
                raise UsageError("there are no two contents whose files can be read to compare their vectors")
            spread = _of_cosines(cosines.tolist())
    if chart:
        charts.bars(chart, spread.bins, spread.percent, spread.quantity)
    _print_redundancy(found, spread, as_json=as_json)


def _of_bits(distances: Sequence[int]) -> _Spread:
    from phash_engine.retrieval.redundancy import mean_of_lowest, percentages

    bins = [f"{low}–{high - 1}" if high > low + 1 else str(low) for low, high in pairwise(_BITS)]
    means = {f"{percent} %": mean_of_lowest(distances, percent) for percent in _PERCENTS}
    return _Spread("bits to the nearest other", bins, percentages(distances, _BITS).tolist(), means)


def _of_cosines(cosines: Sequence[float]) -> _Spread:
    from phash_engine.retrieval.redundancy import mean_of_lowest, percentages

    bins = [f"{low:g} to {high:g}" for low, high in pairwise(_COSINES)]
    apart = [1 - cosine for cosine in cosines]
    means = {f"{percent} %": 1 - mean_of_lowest(apart, percent) for percent in _PERCENTS}
    within = [min(1.0, max(-1.0, cosine)) for cosine in cosines]  # rounding may carry them beyond
    return _Spread("cosine with the nearest other", bins, percentages(within, _COSINES).tolist(), means)


def _print_counts(catalogue: Store, *, as_json: bool) -> None:
    counts = catalogue.counts()
    if as_json:
        counted = {_KEYS.get(name, name): number for name, number in counts.items()}
        output.record({"catalogue": str(catalogue.path), **counted})
        return
    output.text(str(catalogue.path))
    for name, number in counts.items():
        output.text(f"  {number:>9}  {_MEANING[name]}")


def _print_redundancy(found: Redundancy, spread: _Spread, *, as_json: bool) -> None:
    if as_json:
        output.record(_fields(found, spread))
        return
    repeated = found.photos - found.contents
    share = found.copies / max(found.contents, 1)
    output.text(f"{output.count(found.photos, 'photo')}, {repeated} of them with the bytes of another")
    output.text(f"{found.copies} of {found.contents} contents have a near-copy ({share:.1%}), in {found.pairs} pairs")
    for contradiction in found.contradictions:
        left, right, distance, *labels = contradiction
        output.text("different labels:\t{}\t{}\t{}\t{}\t{}".format(distance, *labels, left, right))
    output.text(f"\n{spread.quantity}: percent")
    for name, percent in zip(spread.bins, spread.percent, strict=True):
        output.text(f"{name:>12} {percent:>6.1f}  {'█' * round(percent / 2 if percent > 0 else 0)}".rstrip())
    for name, mean in spread.mean_of_nearest.items():
        output.text(f"mean of the nearest {name}: {mean:.3g}")
    bits, constant, correlation, effective = found.bits
    output.text(
        f"\n{bits} bits of a code, {constant} of them constant, correlate by {correlation:.3f} on average: "
        f"worth {effective:.0f} independent ones"
    )


def _fields(found: Redundancy, spread: _Spread) -> dict[str, Any]:
    fields = {name: value for name, value in found._asdict().items() if name != "nearest"}
    parts = {
        "bits": _without_nan(found.bits._asdict()),
        "contradictions": [contradiction._asdict() for contradiction in found.contradictions],
        "nearest": spread._asdict() | {"mean_of_nearest": _without_nan(spread.mean_of_nearest)},
    }
    return fields | parts


def _without_nan(fields: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in fields.items()}


_KEYS = {"imported_hashes": "foreign"}
"""JSON keys that are not the names of the counts."""
_MEANING = {
    "photos": "photos",
    "missing": "photos whose files are missing",
    "contents": "contents (photos with equal bytes are one)",
    "untrusted": "of them with too little structure to be compared by code",
    "codes": "fingerprints",
    "trimmed": "of them of what is inside a border",
    "frames": "of frames of animations beside the first (--frames)",
    "crops": "of crops (--crops)",
    "imported_hashes": "codes of the imagehash scheme, brought along",
    "failures": "files that could not be read",
}
