"""Groups as CSV: a row for each photo that could go."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from phash_engine.grouping.groups import Group

COLUMNS = ("group", "keeper", "other", "matched", "distance", "score", "rule", "confidence", "reason", "series")


def write(groups: Iterable[Group], path: Path) -> None:
    """Write a CSV file with the columns :data:`COLUMNS`; names that are not UTF-8 come out as the bytes they are.

    ``group`` counts from 1; ``matched`` is the photo that distance, score, rule and confidence are to, which is the
    keeper but in groups that a chain joins; ``reason`` is the rule that chose the keeper.
    """
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for number, group in enumerate(groups, 1):
            joining = group.joining()
            for other in group.others:
                pair = joining[other]
                matched = pair.left if pair.right == other else pair.right
                evidence = (pair.distance, pair.score, pair.rule, round(pair.confidence, 6))
                rows.writerow((number, group.keeper, other, matched, *evidence, group.reason.rule, int(group.series)))
