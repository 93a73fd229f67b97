"""Sidecars: files of the same shot as a photo, which travel with it.

Files of one folder and one stem, whatever the case of their extensions, are one shot: camera RAW and its JPEG or HEIC,
the ``.mov`` of a live photo, ``.xmp`` and ``.aae`` with the edits of a picture. The photo of a shot is the first of:
HEIC, JPEG, camera RAW, any other picture; of equals, by name. Its sidecars are the edits and, if it is a JPEG or HEIC,
RAW files and the ``.mov``; every other picture is a photo too.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Mapping

from phash_engine import _files
from phash_engine._files import File
from phash_engine.catalogue.store import Store
from phash_engine.images import Movie, formats, movie
from phash_engine.scanning.walk import is_gone

_EDITS = frozenset({".xmp", ".aae"})
_LIVE_PHOTO = ".mov"
_RANKS = {"HEIF": 0, "JPEG": 1, "RAW": 2}
_OTHER_PICTURE = 3
_NOT_A_PICTURE = 4


def pair(paths: Collection[str], not_photos: Container[str] = ()) -> dict[str, str]:
    """Return the path of each sidecar's photo, by the path of the sidecar.

    Parameters
    ----------
    paths
        Files of any folders and of any kind, which their names decide.
    not_photos
        Those of them that cannot be the photo of a shot, such as damaged ones.
    """
    # Most collections are large and have few sidecars: only shots that may have some are collected.
    shots: dict[str, list[str]] = {_stem(path): [] for path in paths if _may_be_sidecar(path)}
    if not shots:
        return {}
    known = set(paths)
    for path in paths:
        if (stem := _stem(path)) in shots:
            shots[stem].append(path)
    photo_of: dict[str, str] = {}
    for stem, members in shots.items():
        # Some editors keep the whole name: the photo of IMG_1.JPG.xmp is its stem.
        pictures = [path for path in (*members, stem) if path in known and _rank(path) < _NOT_A_PICTURE]
        ranked = sorted((_rank(path), path) for path in pictures if path not in not_photos)
        if ranked:
            _, photo = ranked[0]
            photo_of |= {path: photo for path in members if path != photo and _is_sidecar(path, photo)}
    return {path: photo_of.get(photo, photo) for path, photo in photo_of.items()}


def update(root: str, photo_of: Mapping[str, str], found: Mapping[str, File], catalogue: Store) -> None:
    """Bring the sidecars of the catalogue up to date with a walk, and read the movies among them that are new.

    Parameters
    ----------
    root
        Sidecars below this folder are updated.
    photo_of
        What :func:`pair` returned.
    found
        The files that were found, by path; a known sidecar that was only skipped, and still exists, stays.
    catalogue
        Where sidecars are stored.
    """
    known = catalogue.sidecars.below(root)
    separated = [path for path in known if path not in photo_of and (path in found or is_gone(path))]
    below = ((path, photo) for path, photo in photo_of.items() if _files.contains(root, path))
    new = {path: photo for path, photo in below if known.get(path) != photo}
    movies = _new_movies(root, photo_of, found, catalogue)
    if new or separated or movies:
        catalogue.pair(new, separated, movies)


def _new_movies(
    root: str, photo_of: Mapping[str, str], found: Mapping[str, File], catalogue: Store
) -> dict[File, Movie]:
    """Read the headers of the movies below a root that are new or changed; those that cannot be read are left out."""
    files = {found[path] for path in photo_of if _extension(path) == _LIVE_PHOTO and _files.contains(root, path)}
    if not files:
        return {}
    read = {file: movie.read(file.path) for file in sorted(files - catalogue.sidecars.read_movies(root))}
    return {file: header for file, header in read.items() if header is not None}


def _stem(path: str) -> str:
    return os.path.splitext(path)[0]


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _may_be_sidecar(path: str) -> bool:
    extension = _extension(path)
    return extension == _LIVE_PHOTO or extension in _EDITS or formats.is_raw_name(path)


def _rank(path: str) -> int:
    """Return the place of a file in the order in which the photo of a shot is chosen."""
    return min((_RANKS.get(kind, _OTHER_PICTURE) for kind in formats.names_of(path)), default=_NOT_A_PICTURE)


def _is_sidecar(path: str, photo: str) -> bool:
    """Whether a file is a sidecar of the photo of its shot."""
    has_edits = _extension(path) in _EDITS
    return has_edits or (_may_be_sidecar(path) and _rank(photo) <= _RANKS["JPEG"])
