"""Exact search over codes: make an :class:`Index`, search it, join it."""

from __future__ import annotations

from phash_engine.index.base import KINDS, Index, index_columns
from phash_engine.index.results import Explanation, Matches, Pairs, QueryCost

__all__ = ["KINDS", "Explanation", "Index", "Matches", "Pairs", "QueryCost", "index_columns"]
