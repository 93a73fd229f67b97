"""Two-stage search: candidates by code, then embeddings; re-ranking, labels, redundancy.

======================  ===============================================================================================
``Prefilter``           the nearest codes of many queries, without a catalogue; as ``sklearn.neighbors``
``find_candidates``     the contents of a ``matching.search.Collection`` near many queries: ``Candidates``
``FusedIndex``          exact search by one score of several codes; ``fuse`` computes the score of distances
``OnnxModel``           a model of pictures to vectors, from an ONNX file; ``FunctionModel`` is one of a function
``Embedder``            one model or several: vectors of pictures, and of photos, stored with their catalogue
``embed``               the vectors of pictures by one model: ``Embeddings``
``Reranker``            the candidates of a picture ranked by vectors: ``Ranked``
``Labeller``            labels of pictures by votes of labelled photos, and of these by the others: ``LeaveOneOut``
``measure_redundancy``  near-copies in a catalogue, and distances to the nearest other content: ``Redundancy``
``nearest_cosines``     cosines with the nearest other content
======================  ===============================================================================================

Each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phash_engine.retrieval.candidates import Candidates as Candidates
    from phash_engine.retrieval.candidates import find_candidates as find_candidates
    from phash_engine.retrieval.embeddings import Embedder as Embedder
    from phash_engine.retrieval.embeddings import Embeddings as Embeddings
    from phash_engine.retrieval.embeddings import embed as embed
    from phash_engine.retrieval.fused_index import FusedIndex as FusedIndex
    from phash_engine.retrieval.fusion import fuse as fuse
    from phash_engine.retrieval.labeller import Labeller as Labeller
    from phash_engine.retrieval.labeller import LeaveOneOut as LeaveOneOut
    from phash_engine.retrieval.models import FunctionModel as FunctionModel
    from phash_engine.retrieval.models import OnnxModel as OnnxModel
    from phash_engine.retrieval.prefilter import Prefilter as Prefilter
    from phash_engine.retrieval.redundancy import Redundancy as Redundancy
    from phash_engine.retrieval.redundancy import measure_redundancy as measure_redundancy
    from phash_engine.retrieval.redundancy import nearest_cosines as nearest_cosines
    from phash_engine.retrieval.rerank import Ranked as Ranked
    from phash_engine.retrieval.rerank import Reranker as Reranker

_PUBLIC = {
    "Candidates": "candidates",
    "Embedder": "embeddings",
    "Embeddings": "embeddings",
    "FunctionModel": "models",
    "FusedIndex": "fused_index",
    "Labeller": "labeller",
    "LeaveOneOut": "labeller",
    "OnnxModel": "models",
    "Prefilter": "prefilter",
    "Ranked": "rerank",
    "Redundancy": "redundancy",
    "Reranker": "rerank",
    "embed": "embeddings",
    "find_candidates": "candidates",
    "fuse": "fusion",
    "measure_redundancy": "redundancy",
    "nearest_cosines": "redundancy",
}
"""Names and their modules, which are imported when a name is first used."""

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
