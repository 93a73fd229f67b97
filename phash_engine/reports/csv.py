"""Groups as CSV: a row for each photo that could go."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from phash_engine.grouping.groups import Group

COLUMNS = (
    "group",
    "keeper",
    "duplicate",
    "matched",
    "distance",
    "score",
    "match_type",
    "confidence",
    "reason",
    "is_series",
)


def write(groups: Iterable[Group], path: Path) -> None:
    """Write a CSV file with the columns :data:`COLUMNS`; names that are not UTF-8 come out as the bytes they are.

    ``group`` counts from 1; ``matched`` is the photo that distance, score, match type and confidence refer to, the
    keeper except in groups that a chain joins; ``reason`` is the rule that chose the keeper.
    """
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for number, group in enumerate(groups, 1):
            joining = group.joining()
            for duplicate in group.duplicates:
                pair = joining[duplicate.path]
                matched = pair.left if pair.right.path == duplicate.path else pair.right
                paths = (group.keeper.path, duplicate.path, matched.path)
                evidence = (pair.distance, pair.score, str(pair.match_type), round(pair.confidence, 6))
                rows.writerow((number, *paths, *evidence, group.reason.rule, int(group.is_series)))
