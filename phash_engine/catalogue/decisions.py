"""Decisions of the user about pairs of contents, which grouping respects.

Decisions are stored by digest: they survive moves and renames, and hold for copies that come later.
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
"""The two are not duplicates; or they are, and both are kept."""


class Decision(NamedTuple):
    """A decision about two contents, the lower digest first; about one and itself: that all its copies are kept."""

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
        """Store the same decision about all pairs of some contents, and return how many pairs.

        Raises
        ------
        UsageError
            A content is to be different from itself.
        """
        now = int(time.time())
        return self.add(Decision(*pair, kind, now) for pair in _pairs(digests))

    def add(self, decisions: Iterable[Decision]) -> int:
        """Store decisions, which replace earlier ones about the same pairs; return how many."""
        rows = [checked(decision) for decision in decisions]
        with self._database.transaction():
            self._database.executemany("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?)", rows)
        return len(rows)

    def remove(self, digests: Collection[bytes]) -> int:
        """Delete the decisions about pairs of some contents, or about one content and any other; return how many."""
        with self._database.transaction():
            if len(digests) == 1:
                (digest,) = digests
                return self._database.execute("DELETE FROM decisions WHERE ? IN (left, right)", (digest,))
            return self._database.executemany(
                "DELETE FROM decisions WHERE left = ? AND right = ?", list(_pairs(digests))
            )

    def all(self) -> list[Decision]:
        """Return all decisions, by digests."""
        return [Decision(*row) for row in self._database.select("SELECT * FROM decisions ORDER BY left, right", ())]


def checked(decision: Decision) -> Decision:
    """Return a decision with the lower digest first.

    Raises
    ------
    UsageError
        Of an unknown kind, or a content is to be different from itself.
    """
    if decision.kind not in KINDS:
        raise UsageError(f"a decision is one of {', '.join(KINDS)}, not {decision.kind}")
    if decision.left == decision.right and decision.kind == "different":
        raise UsageError("files of equal bytes cannot be different pictures; to keep all such copies: --keep-both")
    left, right = sorted(decision[:2])
    return decision._replace(left=left, right=right)


def partners(decisions: Iterable[Decision]) -> dict[bytes | None, set[bytes]]:
    """Return, for each content of some decisions, the contents it is paired with."""
    found: defaultdict[bytes | None, set[bytes]] = defaultdict(set)
    for left, right, _, _ in decisions:
        found[left].add(right)
        found[right].add(left)
    return dict(found)


def _pairs(digests: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """Return the pairs of contents, the lower digest first; a digest given twice is paired with itself."""
    return sorted(set(combinations(sorted(digests), 2)))
