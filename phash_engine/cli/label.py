"""``phash label``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained, further, option
from phash_engine.errors import UsageError
from phash_engine.evaluation import classification
from phash_engine.evaluation.classification import Curve
from phash_engine.reports import charts
from phash_engine.retrieval import labels
from phash_engine.retrieval.labeller import NEIGHBOURS, VOTES, Labelled, Labeller
from phash_engine.retrieval.voting import NONE, Column, Predictions, Shares

ACCURACY = 0.95
_SHOWN = 11
"""Points of the curve that are printed."""
_RATES = {"sensitivity": "recall", "specificity": "specificity", "fall_out": "fall_out"}
"""Measures of a ``Confusion`` by the names that they have for classes."""


@click.command("label", cls=Explained, short_help=COMMANDS["label"])
@options.image_arguments(required=False)
@options.labels
@options.inside
@option(
    "-k",
    "neighbours",
    type=click.IntRange(1),
    default=NEIGHBOURS,
    metavar="K",
    help=f"How many photos vote.  [default: {NEIGHBOURS}]",
)
@option(
    "--vote",
    type=click.Choice(VOTES),
    default="neighbours",
    show_default=True,
    help="Who votes: photos, or means of classes.",
)
@option(
    "--least",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="CONFIDENCE",
    help="Give no label of less confidence.  [default: 0]",
)
@further("--most-entropy", type=click.FloatRange(0), metavar="BITS", help="Give no label above this entropy.")
@option("--calibrate", is_flag=True, help="Measure how often labels would be right.")
@option(
    "--accuracy",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help=f"What --calibrate aims at.  [default: {ACCURACY}]",
)
@options.chart
@options.embedding
@options.candidates
@options.rotations
@options.trust_all
@options.catalogue
@options.as_json
@options.strict
def command(
    paths: tuple[str, ...],
    labels_path: str | None,
    folders: tuple[str, ...],
    neighbours: int,
    vote: str,
    least: float,
    most_entropy: float | None,
    calibrate: bool,
    accuracy: float | None,
    chart: Path | None,
    models: tuple[str, ...],
    weights: tuple[float, ...],
    pool: str,
    ten_crop: bool,
    half: bool,
    candidate_radius: int,
    rotations: bool,
    trust_all: bool,
    catalogue_path: Path | None,
    as_json: bool,
    strict: bool,
) -> int:
    """Label each IMAGE (or -) by the labels of the most similar photos.

    A line has the label, its confidence 0..1, the entropy of the votes in bits, and the path. The catalogued photos
    that are most like IMAGE vote (-k, --candidates), by their codes, or with --model by the model's vectors. Their
    labels are the names of their folders, or come from a CSV with the columns path and label (--labels). Photos with
    the bytes of IMAGE are no neighbours. Where the votes are too few or too divided the label is "-"; a high entropy is
    a sign of no known label. Exits with 1 if no IMAGE was given a label.

    With --calibrate every labelled photo is labelled by the others. Printed are accuracy, kappa and share declined for
    each least confidence, the lowest that reaches --accuracy, the rates of each class without and with it, and the
    confusion matrix.
    """
    if calibrate == bool(paths):
        raise click.UsageError("name the pictures to label, or --calibrate, not both")
    if not calibrate and (chart or accuracy is not None):
        raise click.UsageError("--accuracy and --chart go with --calibrate")
    if calibrate and (least or most_entropy is not None):
        raise click.UsageError("--least and --most-entropy are for pictures to label, not for --calibrate")
    if chart:
        charts.check(chart)
    embedder = options.open_embedder(models, weights, pool, ten_crop=ten_crop, half=half)
    with options.open_existing(catalogue_path) as catalogue:
        labeller = Labeller(
            catalogue,
            options.known_labels(catalogue, labels_path or labels.FOLDER, folders),
            embedder,
            neighbours=neighbours,
            vote=vote,
            radius=candidate_radius,
            rotations=rotations,
            trust_all=trust_all,
        )
        if calibrate:
            return report(labeller, ACCURACY if accuracy is None else accuracy, chart, as_json=as_json)
        with output.progress_bar("embedding") as progress:
            found = labeller.label([options.image(path) for path in paths], progress)
    output.report_failures(found.unread)
    predictions = found.predictions.declined(least, math.inf if most_entropy is None else most_entropy)
    _print([options.image_name(path) for path in paths], found, predictions, labeller.names, as_json=as_json)
    return output.exit_code(len(found.failures), len(paths), strict=strict) or int(predictions.classes.max() < 0)


def report(labeller: Labeller, accuracy: float, chart: Path | None, *, as_json: bool) -> int:
    """Print how often the labels of photos are predicted by the others, and the least confidence for an accuracy."""
    with output.progress_bar("embedding") as progress:
        truth, predictions, unread = labeller.leave_one_out(progress)
    output.report_failures(unread)
    curve = classification.decline_curve(truth, predictions)
    row = curve.lowest(accuracy)
    if row is None:
        raise UsageError(f"no confidence gets {accuracy:.1%} of the labels right; use a lower --accuracy")
    least = math.floor(curve.thresholds[row] * 1e6) / 1e6
    kept = predictions.declined(least).classes
    matrices = [
        classification.confusion_matrix(truth, given, len(labeller.names)) for given in (predictions.classes, kept)
    ]
    if chart:
        charts.confusion(chart, labeller.names, matrices[1])
    if as_json:
        columns = {name: _numbers(column) for name, column in curve._asdict().items()}
        chosen = {name: columns[name][row] for name in ("accuracy", "kappa", "declined")}
        rates = {name: _fields(matrix) for name, matrix in zip(("all", "kept"), matrices, strict=True)}
        output.record({"least": least, **chosen, "labels": labeller.names, **rates, "curve": columns})
        return 0
    _print_curve(curve)
    _, accurate, kappa, declined = (float(column[row]) for column in curve)
    text = f"{accurate:.1%} of the labels right, kappa {kappa:.3f}, {declined:.1%} declined"
    output.text("")
    output.text(f"--least {least:.6f}: {text}")
    _print_rates(labeller.names, matrices)
    _print_matrix(labeller.names, matrices[1])
    return 0


def _print(
    paths: Sequence[str], found: Labelled, predictions: Predictions, names: Sequence[str], *, as_json: bool
) -> None:
    with output.Failures() as unread:
        for row, error in found.failures.items():
            unread.add(paths[row], error.reason)
    columns = (column.tolist() for column in predictions)
    for row, (path, number, confidence, entropy) in enumerate(zip(paths, *columns, strict=True)):
        label = None if number == NONE else names[number]
        if row in found.failures:
            continue
        if as_json:
            output.record({"path": path, "label": label, "confidence": confidence, "entropy": entropy})
        else:
            output.fields("-" if label is None else label, f"{confidence:.4f}", f"{entropy:.2f}", path)


# ── tables of --calibrate ───────────────────────────────────────────────────────────────────────────────────────────


def _print_curve(curve: Curve) -> None:
    output.text("confidence  accuracy   kappa  declined")
    for row in np.unique(np.linspace(0, len(curve.thresholds) - 1, _SHOWN).round().astype(int)).tolist():
        output.text("{:>10.4f}{:>10.3f}{:>8.3f}{:>10.3f}".format(*(column[row] for column in curve)))


def _print_rates(names: Sequence[str], matrices: Sequence[Column]) -> None:
    """Print a line for each class: its rates without and with the least confidence."""
    names = [output.name(name) for name in names]
    width = max(map(len, names))
    heads = "".join(f"{name.replace('_', '-'):>17}" for name in _RATES)
    output.text("")
    output.text(f"{'class':<{width}}  no.  photos{heads}")
    before, after = (np.transpose([_rate(matrix, name) for name in _RATES]) for matrix in matrices)
    for number, name in enumerate(names):
        changes = zip(before[number].tolist(), after[number].tolist(), strict=True)
        cells = "".join(f"{old:>9.3f} → {new:.3f}" for old, new in changes)
        output.text(f"{name:<{width}} {number:>4} {matrices[0][number].sum():>7}{cells}")


def _print_matrix(names: Sequence[str], matrix: Column) -> None:
    names = [output.name(name) for name in names]
    width, digits = max(map(len, names)), len(str(max(matrix.max(), len(names)))) + 2
    heads = "".join(f"{number:>{digits}}" for number in range(len(names)))
    output.text("")
    output.text(f"{'taken for no.':<{width + 5}}{heads}  declined")
    for number, (name, line) in enumerate(zip(names, matrix.tolist(), strict=True)):
        cells = "".join(f"{count or '.':>{digits}}" for count in line[:-1])
        output.text(f"{name:<{width}} {number:>4}{cells}{line[-1] or '.':>10}")


def _fields(matrix: Column) -> dict[str, Any]:
    return {"matrix": matrix.tolist()} | {name: _numbers(_rate(matrix, name)) for name in _RATES}


def _rate(matrix: Column, name: str) -> Shares:
    rate: Shares = getattr(classification.by_class(matrix), _RATES[name])
    return rate


def _numbers(column: Shares) -> list[float | None]:
    return [None if math.isnan(number) else number for number in column.tolist()]
