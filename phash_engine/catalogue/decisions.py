"""What the owner of the photos decided about pairs of contents, so that nobody is asked twice.

Decisions are kept by digest: they survive moves and renames, and hold for copies that come later.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import combinations
from typing import NamedTuple

from phash_engine.catalogue.database import Database
from phash_engine.errors import UsageError

KINDS = ("different", "keep")
"""Two pictures that are no duplicates; duplicates that both stay."""


class Decision(NamedTuple):
    """What was decided about two contents, the lower digest first; of equal ones: that all copies stay."""

    left: bytes
    right: bytes
    kind: str
    decided: int
    """Seconds since 1970."""


class Decisions:
    """The decisions of an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(self, digests: Collection[bytes], kind: str) -> int:
        """Decide about all pairs of some contents, in place of what was decided before; return how many pairs.

        Raises
        ------
        UsageError
            Equal contents were called different.
        """
        now = int(time.time())
        return self.add(Decision(*link, kind, now) for link in _links(digests))

    def add(self, decisions: Iterable[Decision]) -> int:
        """Take decisions as they are, in place of those about the same pairs; return how many."""
        checked = [_checked(decision) for decision in decisions]
        with self._database.transaction():
            self._database.executemany("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?)", checked)
        return len(checked)

    def remove(self, digests: Collection[bytes]) -> int:
        """Forget what was decided about pairs of some contents, or of one content with any; return how many."""
        with self._database.transaction():
            if len(digests) == 1:
                (digest,) = digests
                return self._database.execute("DELETE FROM decisions WHERE ? IN (left, right)", (digest,))
            return self._database.executemany(
                "DELETE FROM decisions WHERE left = ? AND right = ?", list(_links(digests))
            )

    def all(self) -> list[Decision]:
        """Return all decisions, by digests."""
        return [Decision(*row) for row in self._database.select("SELECT * FROM decisions ORDER BY left, right", ())]


def partners(decisions: Iterable[Decision]) -> dict[bytes | None, set[bytes]]:
    """Return, of each content, those that some decisions pair it with."""
    found: defaultdict[bytes | None, set[bytes]] = defaultdict(set)
    for left, right, _, _ in decisions:
        found[left].add(right)
        found[right].add(left)
    return dict(found)


def _links(digests: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """Return the pairs of contents, the lower digest first; equal ones are a pair where a digest is given twice."""
    return sorted(set(combinations(sorted(digests), 2)))


def _checked(decision: Decision) -> Decision:
    if decision.kind not in KINDS:
        raise UsageError(f"a decision is one of {', '.join(KINDS)}, not {decision.kind}")
    if decision.left == decision.right and decision.kind == "different":
        raise UsageError("files of equal bytes cannot be different pictures; to keep all such copies: --keep-both")
    left, right = sorted(decision[:2])
    return decision._replace(left=left, right=right)
