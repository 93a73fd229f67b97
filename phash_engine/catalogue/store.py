"""The catalogue: one SQLite file that holds photos, contents, codes, failures, decisions, evidence and settings.

A *photo* is a path, a *content* is what one digest is; codes belong to the content. A photo with codes computed
elsewhere, whose file was never read, has a content of its own, without a digest. A photo whose file is gone is marked
missing and forgotten only on request. Write-ahead logging lets any number of readers go on while one writer commits.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files
from phash_engine._files import File
from phash_engine.catalogue.code_store import CodeColumns, CodeStore
from phash_engine.catalogue.contents import Content, Contents
from phash_engine.catalogue.database import Database
from phash_engine.catalogue.decisions import Decisions
from phash_engine.catalogue.evidence import EvidenceStore
from phash_engine.catalogue.failures import Failure, Failures
from phash_engine.catalogue.imported_hashes import ImportedHashes
from phash_engine.catalogue.photos import IS_DAMAGED, IS_UNDECODED, KnownFile, Photo, PhotoColumns, Photos, Sighting
from phash_engine.catalogue.settings import Settings
from phash_engine.catalogue.sidecars import Sidecars
from phash_engine.catalogue.traits import TraitsStore
from phash_engine.hashing.hashers import ALL_NAMES, CODE_NAMES, SPEC
from phash_engine.hashing.views import CROP, FRAME, FULL, TRIMMED
from phash_engine.images import Movie

_NO_MOVIES: Final[Mapping[File, Movie]] = {}


class Store:
    """An open catalogue; use it in the thread that opened it.

    Parameters
    ----------
    path
        The SQLite file; None keeps everything in memory.
    create
        Whether to make the file, and the folders above it, where there is none.
    notify
        Called with a line of text about index files that cannot be read or written; answers are the same without them.

    Attributes
    ----------
    contents, traits, sidecars, failures, decisions, evidence, imported_hashes, settings
        The tables that are read, and some of them written, on their own.

    Raises
    ------
    CatalogueError
        No such file, not a catalogue, or written by a newer version.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        *,
        create: bool = True,
        notify: Callable[[str], object] = warnings.warn,
    ) -> None:
        self._database = Database(path, create=create)
        self.path = self._database.path
        self._photos = Photos(self._database)
        self._codes = CodeStore(self._database, notify)
        self.contents = Contents(self._database)
        self.traits = TraitsStore(self._database)
        self.sidecars = Sidecars(self._database)
        self.failures = Failures(self._database)
        self.decisions = Decisions(self._database)
        self.evidence = EvidenceStore(self._database)
        self.imported_hashes = ImportedHashes(self._database)
        self.settings = Settings(self._database)
        if self._database.has_migrated:
            self.refresh_index()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._database.close()

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all that is read inside be of one moment, whatever other processes commit meanwhile."""
        return self._database.snapshot()

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def photos(self, folders: Sequence[str] | None = None) -> Iterator[Photo]:
        """Yield the photos that are decoded and not missing, below the folders or everywhere, by path."""
        return self._photos.below(folders)

    def damaged(self, folders: Sequence[str] | None = None) -> list[Failure]:
        """Return the files whose bytes are damaged, below the folders or everywhere, by path, and what is wrong."""
        return [Failure(photo.path, photo.fault) for photo in self._photos.damaged(folders)]

    def photo(self, path: str) -> Photo | None:
        """Return the photo of a path; None if there is none, or it is missing."""
        return self._photos.at(path)

    def photos_by_id(self, ids: Sequence[int]) -> Iterator[Photo]:
        """Yield the photos of some ids that are not missing."""
        return self._photos.by_id(ids)

    def photos_of_contents(self, contents: Sequence[int]) -> dict[int, list[Photo]]:
        """Return the photos, not missing, of some contents, by path; an empty list for a content that has none."""
        return self._photos.of_contents(contents)

    def photos_with_digest(self, digest: bytes) -> list[Photo]:
        """Return the photos, not missing, that have a digest, by path."""
        return self._photos.with_digest(digest)

    def digest_of(self, path: str) -> bytes | None:
        """Return the digest of a photo as of the last scan, missing or not; None where it is not known."""
        return self._photos.digest_of(path)

    def photo_columns(
        self, folders: Sequence[str] | None = None, is_excluded: Callable[[str], bool] | None = None
    ) -> PhotoColumns:
        """Return the ids and contents of photos, as :meth:`photos.Photos.columns` does."""
        return self._photos.columns(folders, is_excluded)

    def hidden_contents(self) -> NDArray[np.int64]:
        """Return the ids of the contents all of whose photos are missing, int64 ``(n,)``."""
        return self._photos.hidden_contents()

    def code_columns(self, *, trust_all: bool = False) -> CodeColumns:
        """Return the codes of the present SPEC, of the views that can be trusted or of all."""
        return self._codes.columns(trust_all=trust_all)

    def known_files(self, folder: str, *, with_traits: bool = False) -> dict[str, KnownFile]:
        """Return what is known of each file below a folder, photos and failures alike.

        ``with_traits`` lets photos whose traits are not known count as stale, and failures without a digest as changed.
        """
        photos = self._photos.known_files(folder, self.settings.requested_views(), with_traits=with_traits)
        failures = self.failures.known_files(folder)
        if with_traits:
            failures = {
                path: known if path in photos else known._replace(mtime_ns=None) for path, known in failures.items()
            }
        return photos | failures

    def known_digests(self, *, with_traits: bool = False) -> set[bytes]:
        """Return the digests whose codes are of the present SPEC, and whose views are those that are requested.

        ``with_traits`` leaves out those whose traits are not known.
        """
        return self.contents.known_digests(self.settings.requested_views(), with_traits=with_traits)

    def counts(self) -> dict[str, int]:
        """Return how many photos, contents, codes and failures there are, and of which kinds."""
        queries = {
            "photos": f"""SELECT (SELECT count(*) FROM photos WHERE missing_since IS NULL)
                - (SELECT count(*) FROM contents JOIN photos ON content_id = contents.id
                    WHERE {IS_UNDECODED} AND missing_since IS NULL)""",
            "missing": "SELECT count(*) FROM photos WHERE missing_since IS NOT NULL",
            "damaged": f"""SELECT count(*) FROM contents JOIN photos ON content_id = contents.id
                WHERE {IS_DAMAGED} AND missing_since IS NULL""",
            "contents": "SELECT count(*) FROM contents WHERE format IS NOT NULL",
            "untrusted": f"SELECT count(*) FROM codes WHERE view = '{FULL}' AND NOT trusted",
            "codes": "SELECT count(*) FROM codes",
            "trimmed": f"SELECT count(*) FROM codes WHERE view = '{TRIMMED}'",
            "frames": f"SELECT count(*) FROM codes WHERE view LIKE '{FRAME}:%' AND view <> '{FULL}'",
            "crops": f"SELECT count(*) FROM codes WHERE view LIKE '{CROP}:%' AND view <> '{FULL}'",
            "imported_hashes": "SELECT count(*) FROM imported_hashes",
            "failures": "SELECT count(*) FROM failures",
        }
        return {name: self._database.value(query) for name, query in queries.items()}

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def record(self, sightings: Sequence[Sighting], contents: Iterable[Content]) -> None:
        """Commit what a scan found, all of it or, on any error, nothing.

        What a changed file was before stays until :meth:`drop_unreferenced`: a file yet to come may be that content,
        moved.
        """
        failed = [sighting for sighting in sightings if sighting.reason]
        elsewhere = self._photos.with_codes_from_elsewhere([sighting.path for sighting in failed])
        read = [(s, s.digest) for s in sightings if s.digest and s.path not in elsewhere]
        faults = {digest: (sighting.reason, sighting.is_damaged) for sighting, digest in read if sighting.reason}
        by_digest = {content.digest: content for content in contents}  # two threads may decode copies
        with self._database.transaction():
            ids = self._put_contents(by_digest, {digest for _, digest in read})
            self.contents.put_undecoded(faults)
            self._photos.put((os.fsencode(s.path), s.size, s.mtime_ns, ids[digest]) for s, digest in read)
            unread = [sighting.path for sighting in sightings if not sighting.digest]
            self._photos.mark_missing(unread)  # what such a photo showed may be gone
            self.failures.delete(sighting.path for sighting in sightings)
            self.failures.add(failed)

    def mark_missing(self, paths: Iterable[str]) -> int:
        """Mark photos whose files are gone, and forget failures of such files; return how many were not marked yet.

        Photos whose codes were computed elsewhere are never missing: their files were never looked for.
        """
        paths = list(paths)
        with self._database.transaction():
            self.failures.delete(paths)
            return self._photos.mark_missing(paths)

    def mark_found(self, paths: Iterable[str]) -> None:
        """Mark missing photos whose files are back, unchanged."""
        with self._database.transaction():
            self._photos.mark_found(paths)

    def pair(
        self, sidecars: Mapping[str, str], separated: Iterable[str], movies: Mapping[File, Movie] = _NO_MOVIES
    ) -> None:
        """Make files sidecars of photos, and no photos or failures any more; make others sidecars no longer.

        ``movies`` is what some of the sidecars, new or not, say of themselves.
        """
        with self._database.transaction():
            self.sidecars.delete(separated)
            self.sidecars.put(sidecars)
            self.sidecars.put_movies(movies)
            self.failures.delete(sidecars)
            self._photos.delete(sidecars)
            self._drop_unreferenced()

    def add_fingerprints(
        self, paths: Sequence[str | os.PathLike[str]], array: NDArray[np.uint64], spec: int = SPEC
    ) -> None:
        """Add photos by codes that were computed elsewhere; the files are not read.

        Parameters
        ----------
        paths
            ``n`` paths, made absolute; codes of a path that is known already are replaced, of a repeated path the last
            ones count.
        array
            uint64 ``(n, 5)`` in the order of ``hashers.CODE_NAMES``, or ``(n, 10)`` with the mirror codes. Mirror codes
            of 0 are unknown: see ``orientation.turned``.
        spec
            The SPEC of the codes, as ``phash hash --json`` states it.

        Raises
        ------
        TypeError, ValueError
            Another dtype or shape, or another SPEC than that of this version.
        """
        if spec != SPEC:
            raise ValueError(f"codes of SPEC {spec} cannot be compared with those of SPEC {SPEC}: hash the files again")
        codes = _all_codes(len(paths), array)
        rows = {os.fsencode(_files.absolute(path)): row for row, path in enumerate(paths)}
        with self._database.transaction():
            known = self._photos.contents_at(list(rows))
            own = {path: content for path, (content, has_digest) in known.items() if not has_digest}
            new = [path for path in rows if path not in own]
            own |= zip(new, self.contents.add_without_digest(len(new)), strict=True)
            self._photos.put((path, None, None, own[path]) for path in new)
            ids = [own[path] for path in rows]
            self._codes.replace(ids, [(content, FULL, True) for content in ids], codes[list(rows.values())])
            if known.keys() & set(new):
                self._drop_unreferenced()
        self.refresh_index()

    def forget(self, folder: str, *, missing_only: bool = False) -> int:
        """Remove the photos below a folder, failures and imported hashes with them; return how many photos.

        Those of which only imported hashes were known count too.
        """
        with self._database.transaction():
            forgotten = 0 if missing_only else self.imported_hashes.delete_below(folder)
            forgotten += self._photos.delete_below(folder, missing_only=missing_only)
            if not missing_only:
                self.failures.delete_below(folder)
            self.sidecars.drop_unreferenced()
            self._drop_unreferenced()
        self.refresh_index()
        return forgotten

    def drop_unreferenced(self) -> None:
        """Remove the contents that no photo has any more, and their codes and evidence."""
        with self._database.transaction():
            self._drop_unreferenced()

    def refresh_index(self) -> None:
        """Write the index files anew when a tenth or more of what they hold is out of date."""
        self._codes.refresh_index()

    def _put_contents(self, contents: Mapping[bytes, Content], digests: set[bytes]) -> dict[bytes, int]:
        """Add contents with their codes, and others of which only the digest is known; return ids by digest."""
        self.contents.put(contents.values())
        known = self.contents.ids(digests | contents.keys())
        unread = [digest for digest in digests if digest not in known]
        if unread:
            self.contents.add_unread(unread)
            known |= self.contents.ids(unread)
        self.traits.put((known[digest], content.kept) for digest, content in contents.items() if content.kept)
        views = [(known[digest], view) for digest, content in contents.items() for view in content.views]
        if views:
            codes = np.stack([view.codes for _, view in views])
            rows = [(content, view.name, view.trusted) for content, view in views]
            self._codes.replace([known[digest] for digest in contents], rows, codes)
        return known

    def _drop_unreferenced(self) -> None:
        if self.contents.drop_unreferenced():
            self.evidence.drop_unreferenced()


def _all_codes(number: int, array: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Check the codes of some photos, and return them with mirror codes, 0 where they are not given."""
    if array.dtype != np.uint64:
        raise TypeError(f"codes must be uint64, not {array.dtype}")
    if array.shape not in {(number, len(CODE_NAMES)), (number, len(ALL_NAMES))}:
        raise ValueError(f"{number} paths need codes of shape ({number}, 5) or (…, 10), not {array.shape}")
    codes = np.zeros((number, len(ALL_NAMES)), dtype=np.uint64)
    codes[:, : array.shape[1]] = array
    return codes
