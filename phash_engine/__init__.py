"""Near-duplicate image search: perceptual codes, exact Hamming search, safe grouping.

The way of a picture through the package::

    files ──► block ──► codes ──► catalogue ──► index ──► matches / pairs ──► groups

Each package imports only from those before it::

    errors       every exception raised on purpose
    _threads     worker threads, and the memory they share
    _columns     rows of sorted columns
    _files       files and paths: read, digest, write atomically
    _json        records as JSON, paths of any bytes
    _arrays      memory-mapped arrays in generations
    _optional    packages that are not always installed
    hashing      blocks, codes, hashers, views: arrays in, arrays out
    images       files to blocks; alone imports Pillow
    index        exact search over codes; its kernels alone import numba
    catalogue    the SQLite file: photos, contents, codes, decisions
    scanning     folders into the catalogue
    matching     which pictures match, and why
    grouping     matches to groups, each with the photo to keep
    actions      plans carried out and undone
    retrieval    candidates, vectors, re-ranking, labels
    evaluation   how good rankings and labels are
    reports      groups as HTML, CSV and charts
    cli          the command line

The names below are loaded when first used, so that importing the package costs nothing.

>>> import phash_engine as ph
>>> ph.distance(ph.fingerprint("a.jpg"), ph.fingerprint("b.jpg"))  # doctest: +SKIP
3
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phash_engine.catalogue.store import Store as Catalogue
    from phash_engine.errors import ImageError as ImageError
    from phash_engine.errors import PhashError as PhashError
    from phash_engine.grouping.groups import find_groups as find_groups
    from phash_engine.hashing.hashers import distance as distance
    from phash_engine.images import read_fingerprint as fingerprint
    from phash_engine.index import Index as Index
    from phash_engine.matching.search import find as find

__version__ = "0.1.0"

_PUBLIC = {
    "Catalogue": ("catalogue.store", "Store"),
    "ImageError": ("errors", "ImageError"),
    "PhashError": ("errors", "PhashError"),
    "Index": ("index", "Index"),
    "distance": ("hashing.hashers", "distance"),
    "find": ("matching.search", "find"),
    "find_groups": ("grouping.groups", "find_groups"),
    "fingerprint": ("images", "read_fingerprint"),
}

__all__ = ["Catalogue", "ImageError", "Index", "PhashError", "distance", "find", "find_groups", "fingerprint"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
