"""Which photo of a group is kept: rules in the order of their weight, and the reason in words.

A rule is applied only where those before it leave a tie. No rule opens a file: they go by what the last scan kept.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import PurePath
from typing import Any, NamedTuple

from phash_engine.catalogue import Photo
from phash_engine.errors import UsageError
from phash_engine.images import Traits, formats

DEFAULT = ("pixels", "exif", "quality", "size", "oldest", "shortest-path")
"""Names of the rules that decide by default."""

_ORIGINAL_FORMATS = (frozenset(formats.RAW.names), formats.FROM_CAMERAS)
"""Formats of originals, the best first."""
_NO_TRAITS = Traits()
_COMMON_QUALITY = 75
"""The default of libjpeg, for files that were scanned before their quality was kept."""
_SHARPNESS_STEPS = 20
"""Steps in which sharpness doubles: what differs by less than some 4 % is as sharp."""


class Member:
    """A photo of a group, and what the last scan read of its file; no traits where it was not read."""

    def __init__(
        self, photo: Photo, traits: Traits = _NO_TRAITS, *, is_reference: bool = False, is_managed: bool = False
    ) -> None:
        self.photo = photo
        self.path = photo.path
        self.traits = traits
        self.is_reference = is_reference
        self.is_managed = is_managed

    @property
    def quality(self) -> int:
        """The quality of the encoder, 0..100; that which most programs use where it is unknown."""
        known = self.traits.encoder_quality
        return _COMMON_QUALITY if known is None else known

    @property
    def sharpness(self) -> int:
        """Steps of sharpness; 0 where it is unknown."""
        return round(_SHARPNESS_STEPS * math.log2(1 + (self.traits.sharpness or 0)))

    @property
    def is_from_camera(self) -> bool:
        """Whether the file names a camera or the time of a shot; camera RAW always is."""
        has_exif = bool(self.traits.camera) or self.traits.taken_us is not None
        return has_exif or self.photo.format in formats.RAW.names

    @property
    def moment(self) -> int:
        """When the picture was taken or, where that is not known, changed: whole seconds since 1970.

        The camera's clock is read as UTC. Parts of a second would order copies of one folder by the order in which they
        were copied, which means nothing.
        """
        taken = self.traits.taken_us
        return self.photo.mtime_ns // 10**9 if taken is None else taken // 10**6


class KeepRule(NamedTuple):
    """One rule: the member with the lowest ``value`` is kept; ``show`` says in words what it has."""

    name: str
    value: Callable[[Member], Any]
    show: Callable[[Member], str]


class Reason(NamedTuple):
    """Why a photo is kept: the first rule that decides between it and the next best, and what each of them has."""

    rule: str
    keeper: str
    other: str


def names(listed: str) -> list[str]:
    """Return the names in a list with commas, checked, for :func:`rules`; errors as there."""
    found = [name.strip() for name in listed.split(",") if name.strip()]
    rules(found)
    return found


def rules(names: Iterable[str] = DEFAULT) -> list[KeepRule]:
    """Return the rules of some names, the first to weigh most.

    Photos outside managed folders come before all, then references; the path decides what remains tied.

    Parameters
    ----------
    names
        Names of :data:`RULES`, or ``path:GLOB`` for photos whose path, or that of a folder above them, fits a pattern.

    Raises
    ------
    UsageError
        An unknown name.
    """
    return [_OUTSIDE, _REFERENCE, *map(_named, names), _PATH]


def ordered(members: Iterable[Member], by: Sequence[KeepRule]) -> list[Member]:
    """Return the members, the one to keep first; the same for any order they come in."""
    tied = list(members)
    for weight, rule in enumerate(by):
        if len(tied) < 2:
            break
        values = [rule.value(member) for member in tied]
        if values.count(values[0]) < len(values):
            parts = groupby(sorted(tied, key=rule.value), key=rule.value)
            return [member for _, part in parts for member in ordered(part, by[weight + 1 :])]
    return tied


def reason(keeper: Member, other: Member, by: Sequence[KeepRule]) -> Reason:
    """Return why a member is kept rather than another."""
    decisive = next((rule for rule in by if rule.value(keeper) != rule.value(other)), by[-1])
    return Reason(decisive.name, decisive.show(keeper), decisive.show(other))


def _named(name: str) -> KeepRule:
    if name.startswith("path:"):
        glob = name.removeprefix("path:")
        return KeepRule(name, lambda c: not _fits(c.path, glob), lambda c: c.path)
    if name not in RULES:
        raise UsageError(f"{name!r} is no keeper rule: there are {', '.join(RULES)} and path:GLOB")
    return RULES[name]


def _fits(path: str, glob: str) -> bool:
    steps = PurePath(path)
    return any(fnmatch.fnmatch(str(step), glob.rstrip("/")) for step in (steps, *steps.parents))


def _format_rank(member: Member) -> int:
    ranks = (rank for rank, originals in enumerate(_ORIGINAL_FORMATS) if member.photo.format in originals)
    return next(ranks, len(_ORIGINAL_FORMATS))


def _show_quality(member: Member) -> str:
    return "unknown" if member.traits.encoder_quality is None else str(member.quality)


def _show_moment(member: Member) -> str:
    return str(datetime.fromtimestamp(member.moment, UTC).replace(tzinfo=None))


_OUTSIDE = KeepRule(
    "outside", lambda c: c.is_managed, lambda c: "in a managed folder" if c.is_managed else "outside managed folders"
)
_REFERENCE = KeepRule(
    "reference", lambda c: not c.is_reference, lambda c: "in a reference folder" if c.is_reference else "not"
)
_PATH = KeepRule("path", lambda c: c.path, lambda c: c.path)

RULES = {
    rule.name: rule
    for rule in (
        KeepRule("pixels", lambda c: -c.photo.width * c.photo.height, lambda c: f"{c.photo.width}x{c.photo.height}"),
        KeepRule("quality", lambda c: -c.quality, _show_quality),
        KeepRule("sharpness", lambda c: -c.sharpness, lambda c: str(c.sharpness)),
        KeepRule("format", _format_rank, lambda c: c.photo.format),
        KeepRule("exif", lambda c: not c.is_from_camera, lambda c: "from a camera" if c.is_from_camera else "unknown"),
        KeepRule("size", lambda c: -c.photo.size, lambda c: f"{c.photo.size} bytes"),
        KeepRule("oldest", lambda c: c.moment, _show_moment),
        KeepRule("newest", lambda c: -c.moment, _show_moment),
        KeepRule("shortest-path", lambda c: len(c.path), lambda c: f"{len(c.path)} characters"),
    )
}
"""By name: most pixels; least lost in encoding; sharpest; RAW, then HEIC, JPEG and TIFF, then what is made of them;
EXIF of a camera; most bytes; taken (or, where that is unknown, changed) first; last; shortest path."""
