"""Timing in interleaved rounds: every round runs each contender once, so that noise affects all of them."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple


class Contender(NamedTuple):
    """Something to time.

    Attributes
    ----------
    name
        What the row is called.
    call
        Does the work; its result is dropped.
    items
        Queries, files, ... of one call; times are per item. A slow peer may get fewer, even a fraction: a call of 0.001
        items extrapolates a long job.
    """

    name: str
    call: Callable[[], object]
    items: float = 1


class Row(NamedTuple):
    """Seconds per item of one contender over all rounds; ``fastest`` and ``slowest`` are the spread."""

    name: str
    median: float
    fastest: float
    slowest: float


def measure(contenders: Sequence[Contender], rounds: int = 5, *, warm_up: bool = True) -> list[Row]:
    """Time all contenders in interleaved rounds.

    Parameters
    ----------
    contenders
        What to time, in the order of the rows returned.
    rounds
        Timed runs of each, at least one.
    warm_up
        Run each once untimed first, to compile kernels and fill caches.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
    if warm_up:
        for contender in contenders:
            contender.call()
    seconds = [[_seconds_per_item(contender) for contender in contenders] for _ in range(rounds)]
    columns = zip(*seconds, strict=True)
    return [
        Row(contender.name, median(column), min(column), max(column))
        for contender, column in zip(contenders, columns, strict=True)
    ]


def report(rows: Sequence[Row], baseline: str, *, as_json: bool = False, **setting: object) -> None:
    """Print the rows with ratios against the row named ``baseline``.

    Parameters
    ----------
    rows
        From :func:`measure`.
    baseline
        Name of one row; a ratio of 5 means five times as fast as this one.
    as_json
        JSON Lines, one object per row, times in seconds, instead of a table.
    **setting
        What was measured (n, radius, ...): title of the table, fields of each JSON object.
    """
    print(json_lines(rows, baseline, **setting) if as_json else table(rows, baseline, **setting), flush=True)


def table(rows: Sequence[Row], baseline: str, **setting: object) -> str:
    """Return the rows as an aligned table under a line that names the setting."""
    width = max(len(row.name) for row in rows)
    lines = ["  ".join(f"{key}={value}" for key, value in setting.items())] if setting else []
    lines.append(f"{'':{width}}  {'median':>9}  {'min':>9}  {'max':>9}  times as fast as {baseline}")
    for row, ratio in zip(rows, ratios(rows, baseline), strict=True):
        times = "  ".join(f"{_readable(seconds):>9}" for seconds in row[1:])
        lines.append(f"{row.name:{width}}  {times}  {ratio:.3g}")
    return "\n".join([*lines, ""])


def json_lines(rows: Sequence[Row], baseline: str, **setting: object) -> str:
    """Return the rows as JSON Lines, the setting repeated in each."""
    pairs = zip(rows, ratios(rows, baseline), strict=True)
    return "\n".join(
        json.dumps({**setting, **row._asdict(), "baseline": baseline, "ratio": ratio}) for row, ratio in pairs
    )


def ratios(rows: Sequence[Row], baseline: str) -> list[float]:
    """Return how many times as fast as the baseline each row is, by medians."""
    base = {row.name: row.median for row in rows}[baseline]
    return [base / row.median for row in rows]


def options(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options every benchmark has: ``--rounds`` and ``--json``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each contender (default 5)")
    parser.add_argument("--json", action="store_true", help="JSON Lines instead of tables, times in seconds")
    return parser


def _seconds_per_item(contender: Contender) -> float:
    start = time.perf_counter()
    contender.call()
    return (time.perf_counter() - start) / contender.items


def _readable(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
