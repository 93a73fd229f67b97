"""Near-duplicate image search: perceptual codes, exact Hamming search, safe grouping.

The way of a picture through the package::

    files ──► block ──► codes ──► catalogue ──► index ──► matches / pairs ──► groups

pure (arrays in, arrays out)
    ``errors``, ``codes``, ``block``, ``hashers``, ``orientation``, ``quality``, ``border``, ``plane``, ``views``,
    ``progressive``, ``rules``, ``hamming``, ``index``, ``grouping``, ``confidence``, ``fusion``, ``adaptive``,
    ``criterion``, ``alignment``, ``likeness``, ``evaluation``, ``error_rates``, ``tails``, ``prefilter``,
    ``pooling``, ``vectors``, ``expansion``, ``labels``, ``redundancy``
edges (each owns one part of the world)
    ``images``, ``extras``, ``raw``, ``imagehash_scheme``, ``files``, ``companions``, ``database``, ``code_table``,
    ``decisions``, ``catalogue``, ``generations``, ``code_files``, ``index_files``, ``foreign_codes``,
    ``code_lists``, ``records``, ``features``, ``verify``, ``vector_files``, ``embeddings``, ``submissions``,
    ``label_files``, ``charts``
conduct (join pure and edges)
    ``scan``, ``budget``, ``salvage``, ``search``, ``foreign``, ``content_pairs``, ``content_distances``,
    ``backgrounds``, ``judge``, ``keepers``, ``match_graph``, ``duplicates``, ``explanation``, ``negatives``,
    ``calibrate``, ``golden``, ``actions``, ``candidates``, ``rerank``, ``retrieval_task``, ``retrieval``,
    ``near_copies``, ``labelling``, ``ranking``
front ends
    ``cli``, ``reports``

The names below are loaded when first used, so that importing the package costs nothing.

>>> import phash_engine as ph
>>> ph.distance(ph.fingerprint("a.jpg"), ph.fingerprint("b.jpg"))  # doctest: +SKIP
3
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phash_engine.catalogue import Catalogue as Catalogue
    from phash_engine.duplicates import find_groups as find_groups
    from phash_engine.errors import ImageError as ImageError
    from phash_engine.errors import PhashError as PhashError
    from phash_engine.hashers import distance as distance
    from phash_engine.images import read_fingerprint as fingerprint
    from phash_engine.index import build_index as build_index
    from phash_engine.search import find as find

__version__ = "0.1.0"

_PUBLIC = {
    "Catalogue": ("catalogue", "Catalogue"),
    "ImageError": ("errors", "ImageError"),
    "PhashError": ("errors", "PhashError"),
    "build_index": ("index", "build_index"),
    "distance": ("hashers", "distance"),
    "find": ("search", "find"),
    "find_groups": ("duplicates", "find_groups"),
    "fingerprint": ("images", "read_fingerprint"),
}

__all__ = ["Catalogue", "ImageError", "PhashError", "build_index", "distance", "find", "find_groups", "fingerprint"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
