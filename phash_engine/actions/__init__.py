"""Plans of what to do with duplicates: made, saved, carried out file by file with a journal, and undone."""

from phash_engine.actions.executor import Outcome, apply, undo
from phash_engine.actions.plan import Plan

__all__ = ["Outcome", "Plan", "apply", "undo"]
