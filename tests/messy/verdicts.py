"""What a plan made of a library, compared with the truth, kind by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.messy.library import Fate, File


class Verdict(NamedTuple):
    """Of one kind: its files, those that are in the plan and must not be, and those that were not grouped."""

    files: int
    taken: tuple[str, ...]
    missed: tuple[str, ...]


def judge(truth: Iterable[File], planned: set[str], group_of: Mapping[str, int]) -> dict[str, Verdict]:
    """Compare the truth with a plan, kind by kind.

    Parameters
    ----------
    truth
        The files of a library.
    planned
        Paths that the plan would remove, sidecars among them.
    group_of
        The group of each path that has one, whether it is in the plan or not.
    """
    by_kind: dict[str, list[File]] = {}
    for file in truth:
        by_kind.setdefault(file.kind, []).append(file)
    return {kind: _judged(members, planned, group_of) for kind, members in by_kind.items()}


def _judged(members: list[File], planned: set[str], group_of: Mapping[str, int]) -> Verdict:
    def missed(file: File) -> bool:
        grouped = group_of.get(file.path, -1) == group_of.get(file.original, -2)
        return file.fate in (Fate.DUPLICATE, Fate.REVIEW) and not grouped

    taken = (file.path for file in members if file.fate in (Fate.KEEP, Fate.REVIEW) and file.path in planned)
    return Verdict(len(members), tuple(taken), tuple(file.path for file in members if missed(file)))


def wrong_keepers(truth: Iterable[File], keeper_of: Mapping[str, str]) -> dict[str, list[str]]:
    """Return, by kind, the originals that are not the keeper of their group; ``keeper_of`` has all grouped paths."""
    wrong: dict[str, list[str]] = {}
    for file in truth:
        if file.what == "original":
            mistaken = keeper_of.get(file.path, file.path) != file.path
            wrong.setdefault(file.kind, []).extend([file.path] if mistaken else [])
    return wrong


def table(verdicts: Mapping[str, Verdict]) -> str:
    """Return the verdicts as lines of text."""
    rows = (f"{kind:<18}{v.files:>6}{len(v.taken):>7}{len(v.missed):>8}" for kind, v in verdicts.items())
    return "\n".join((f"{'kind':<18}{'files':>6}{'taken':>7}{'missed':>8}", *rows))
