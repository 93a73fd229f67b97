"""Evaluation of rankings and labels: metrics, retrieval tasks, submissions.

============================  =========================================================================================
``judge``                     results and a truth: ``Judged``, which the metrics of rankings take
``mean_average_precision``    mAP@k; ``average_precisions`` returns that of each query
``global_average_precision``  GAP, or micro-AP
``top_k_accuracy``            the share of queries with a true result among the first k
``confusion_matrix``          predicted classes by true ones; ``by_class`` makes a ``Confusion`` of each class
``decline_curve``             accuracy and kappa of labels by their least confidence: ``Curve``
``read_side``                 the scanned photos of a folder: ``Side``; two and a truth are a ``Task`` of ``make_task``
``rank_by_codes``             rankings of a task by codes; ``rank_by_vectors`` by the vectors of ``embed_sides``
``measure``                   ``Measures`` of rankings; ``score`` returns those of a submission
``submission``                rankings as rows of a submission; ``submissions`` reads and writes the files
============================  =========================================================================================

Each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phash_engine.evaluation.classification import Confusion as Confusion
    from phash_engine.evaluation.classification import Curve as Curve
    from phash_engine.evaluation.classification import by_class as by_class
    from phash_engine.evaluation.classification import confusion_matrix as confusion_matrix
    from phash_engine.evaluation.classification import decline_curve as decline_curve
    from phash_engine.evaluation.evaluate import Measures as Measures
    from phash_engine.evaluation.evaluate import measure as measure
    from phash_engine.evaluation.evaluate import score as score
    from phash_engine.evaluation.evaluate import submission as submission
    from phash_engine.evaluation.ranking_metrics import Judged as Judged
    from phash_engine.evaluation.ranking_metrics import average_precisions as average_precisions
    from phash_engine.evaluation.ranking_metrics import global_average_precision as global_average_precision
    from phash_engine.evaluation.ranking_metrics import judge as judge
    from phash_engine.evaluation.ranking_metrics import mean_average_precision as mean_average_precision
    from phash_engine.evaluation.ranking_metrics import top_k_accuracy as top_k_accuracy
    from phash_engine.evaluation.rankings import embed_sides as embed_sides
    from phash_engine.evaluation.rankings import rank_by_codes as rank_by_codes
    from phash_engine.evaluation.rankings import rank_by_vectors as rank_by_vectors
    from phash_engine.evaluation.tasks import Side as Side
    from phash_engine.evaluation.tasks import Task as Task
    from phash_engine.evaluation.tasks import make_task as make_task
    from phash_engine.evaluation.tasks import read_side as read_side

_PUBLIC = {
    "Confusion": "classification",
    "Curve": "classification",
    "Judged": "ranking_metrics",
    "Measures": "evaluate",
    "Side": "tasks",
    "Task": "tasks",
    "average_precisions": "ranking_metrics",
    "by_class": "classification",
    "confusion_matrix": "classification",
    "decline_curve": "classification",
    "embed_sides": "rankings",
    "global_average_precision": "ranking_metrics",
    "judge": "ranking_metrics",
    "make_task": "tasks",
    "mean_average_precision": "ranking_metrics",
    "measure": "evaluate",
    "rank_by_codes": "rankings",
    "rank_by_vectors": "rankings",
    "read_side": "tasks",
    "score": "evaluate",
    "submission": "evaluate",
    "top_k_accuracy": "ranking_metrics",
}
"""Names and their modules, which are imported when a name is first used."""

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
