"""Near-duplicate image search: perceptual codes, exact Hamming search, safe grouping.

The way of a picture through the package::

    files ──► block ──► codes ──► catalogue ──► index ──► matches / pairs ──► groups

Each package imports only from those before it::

    errors       every exception raised on purpose
    _memory      the memory of the machine or of the control group
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
    library      Catalogue: scan, find, find_duplicates; apply, undo
    reports      groups as HTML, CSV and charts
    cli          the command line

The names of ``__all__`` are loaded when they are first used, so that importing the package costs nothing.

>>> import phash_engine as ph
>>> ph.hash_image("a.jpg") - ph.hash_image("b.jpg")  # doctest: +SKIP
3
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phash_engine.actions.executor import Outcome as Outcome
    from phash_engine.actions.plan import Plan as Plan
    from phash_engine.catalogue import Photo as Photo
    from phash_engine.errors import CatalogueError as CatalogueError
    from phash_engine.errors import CorruptError as CorruptError
    from phash_engine.errors import ImageError as ImageError
    from phash_engine.errors import IndexFileError as IndexFileError
    from phash_engine.errors import ModelError as ModelError
    from phash_engine.errors import PhashError as PhashError
    from phash_engine.errors import PlanError as PlanError
    from phash_engine.errors import RefusalError as RefusalError
    from phash_engine.errors import UsageError as UsageError
    from phash_engine.grouping.groups import Group as Group
    from phash_engine.grouping.groups import Groups as Groups
    from phash_engine.hashing.hashers import Fingerprint as Fingerprint
    from phash_engine.hashing.views import MatchType as MatchType
    from phash_engine.images.hashes import Hashes as Hashes
    from phash_engine.images.hashes import hash_image as hash_image
    from phash_engine.images.hashes import hash_images as hash_images
    from phash_engine.index import Index as Index
    from phash_engine.index import Matches as Matches
    from phash_engine.index import Pairs as Pairs
    from phash_engine.library import Catalogue as Catalogue
    from phash_engine.library import apply as apply
    from phash_engine.library import undo as undo
    from phash_engine.matching.policy import MatchPolicy as MatchPolicy
    from phash_engine.matching.search import Collection as Collection
    from phash_engine.matching.search import Comparison as Comparison
    from phash_engine.matching.search import Match as Match
    from phash_engine.matching.search import compare as compare
    from phash_engine.retrieval.candidates import find_candidates as find_candidates
    from phash_engine.retrieval.embeddings import Embedder as Embedder
    from phash_engine.retrieval.labeller import Labeller as Labeller
    from phash_engine.retrieval.models import OnnxModel as OnnxModel
    from phash_engine.retrieval.prefilter import Prefilter as Prefilter
    from phash_engine.retrieval.rerank import Reranker as Reranker
    from phash_engine.scanning.report import ScanReport as ScanReport

__version__ = "0.1.0"

_MODULES = {
    "Catalogue": "library",
    "CatalogueError": "errors",
    "Collection": "matching.search",
    "Comparison": "matching.search",
    "CorruptError": "errors",
    "Embedder": "retrieval.embeddings",
    "Fingerprint": "hashing.hashers",
    "Group": "grouping.groups",
    "Groups": "grouping.groups",
    "Hashes": "images.hashes",
    "ImageError": "errors",
    "Index": "index",
    "IndexFileError": "errors",
    "Labeller": "retrieval.labeller",
    "Match": "matching.search",
    "MatchPolicy": "matching.policy",
    "MatchType": "hashing.views",
    "Matches": "index",
    "ModelError": "errors",
    "OnnxModel": "retrieval.models",
    "Outcome": "actions.executor",
    "Pairs": "index",
    "PhashError": "errors",
    "Photo": "catalogue",
    "Plan": "actions.plan",
    "PlanError": "errors",
    "Prefilter": "retrieval.prefilter",
    "RefusalError": "errors",
    "Reranker": "retrieval.rerank",
    "ScanReport": "scanning.report",
    "UsageError": "errors",
    "apply": "library",
    "compare": "matching.search",
    "find_candidates": "retrieval.candidates",
    "hash_image": "images.hashes",
    "hash_images": "images.hashes",
    "undo": "library",
}
"""The module of each public name."""

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Collection",
    "Comparison",
    "CorruptError",
    "Embedder",
    "Fingerprint",
    "Group",
    "Groups",
    "Hashes",
    "ImageError",
    "Index",
    "IndexFileError",
    "Labeller",
    "Match",
    "MatchPolicy",
    "MatchType",
    "Matches",
    "ModelError",
    "OnnxModel",
    "Outcome",
    "Pairs",
    "PhashError",
    "Photo",
    "Plan",
    "PlanError",
    "Prefilter",
    "RefusalError",
    "Reranker",
    "ScanReport",
    "UsageError",
    "apply",
    "compare",
    "find_candidates",
    "hash_image",
    "hash_images",
    "undo",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
