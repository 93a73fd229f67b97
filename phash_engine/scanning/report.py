"""What a scan did, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from phash_engine._files import Unreadable
from phash_engine.scanning.managed_folders import Database, ManagedFolder
from phash_engine.scanning.walk import Walk


class Misnamed(NamedTuple):
    """A picture whose extension is that of another format than its bytes, and the format of the bytes."""

    path: str
    format: str


@dataclass
class ScanReport:
    """What a scan did; ``failures``, ``unreadable`` and ``unreachable`` are values, not exceptions.

    Attributes
    ----------
    photos
        Pictures found that are in the catalogue now.
    unchanged, decoded, recognised
        Of these: not opened; decoded; read but known by digest (moved or copied).
    failures
        Files that could not be read as pictures in this scan.
    misnamed
        Pictures read in this scan whose extension is that of another format; they are photos like all others.
    known_failures
        Files whose bytes were not an image in an earlier scan and have not changed since.
    sidecars
        Files of the same shot as a photo, which were not read.
    skipped, hidden, excluded, links, special
        Entries skipped: not an image; leading dot; matched by an exclude pattern; symbolic links; pipes, sockets and
        devices.
    managed
        Managed folders that were passed over.
    managed_roots
        Managed folders that were scanned since they, or folders below them, are roots.
    databases
        Databases of applications that were found among the photos.
    missing
        Photos newly marked missing.
    unreadable
        Folders and entries without access.
    unreachable
        Roots that do not exist, went away during the walk, or are empty but had photos: nothing below them was marked
        missing.
    seconds
        Wall-clock time.
    """

    photos: int = 0
    unchanged: int = 0
    decoded: int = 0
    recognised: int = 0
    failures: list[Unreadable] = field(default_factory=list)
    misnamed: list[Misnamed] = field(default_factory=list)
    known_failures: int = 0
    sidecars: int = 0
    skipped: int = 0
    hidden: int = 0
    excluded: int = 0
    links: int = 0
    special: int = 0
    managed: list[ManagedFolder] = field(default_factory=list)
    managed_roots: list[ManagedFolder] = field(default_factory=list)
    databases: list[Database] = field(default_factory=list)
    missing: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    unreachable: list[Unreadable] = field(default_factory=list)
    seconds: float = 0.0

    def add_walk(self, walk: Walk) -> None:
        """Count what a walk skipped, and what it had no access to."""
        self.unreadable += walk.unreadable
        self.managed += walk.managed
        self.databases += walk.databases
        self.hidden += walk.hidden
        self.excluded += walk.excluded
        self.links += walk.links
        self.special += walk.special
