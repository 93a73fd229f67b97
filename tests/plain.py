"""Search and grouping with paths in place of photos and words in place of match types, for tests to compare."""

from __future__ import annotations

from enum import Enum
from typing import Any

from phash_engine.catalogue import Photo
from phash_engine.grouping import groups
from phash_engine.hashing.views import MatchType
from phash_engine.matching import search


class _Path(str):
    """A path that stands in for its photo."""

    __slots__ = ()

    @property
    def path(self) -> str:
        return str(self)


def plain(value: Any) -> Any:
    """Replace, at any depth, photos by their paths and enumerations by their words.

    The ids of a photo depend on the order in which photos came into the catalogue; what is found must not.
    """
    if isinstance(value, Photo):
        return _Path(value.path)
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(plain, value))
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value


def word(name: str) -> MatchType:
    """Return the match type of a word."""
    return MatchType[name.upper()]


def find(*arguments: Any, **options: Any) -> Any:
    """``search.find``."""
    return plain(search.find(*arguments, **options))


def compare(*arguments: Any, **options: Any) -> Any:
    """``search.compare``."""
    return plain(search.compare(*arguments, **options))


def find_groups(*arguments: Any, **options: Any) -> Any:
    """``groups.find_groups``."""
    found = groups.find_groups(*arguments, **options)
    shown = groups.Groups([], found.policy, found.compared)
    shown.extend(map(plain, found))
    return shown
