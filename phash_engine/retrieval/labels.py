"""Votes of labelled neighbours → a label with its confidence, or none; and how often that is right.

Classes are numbers from 0, voters rows: a voter is a labelled picture. What declines is :data:`NONE`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.retrieval.vectors import Vectors, cosines, unit

Column = NDArray[np.int64]
Shares = NDArray[np.float64]

NONE = -1


class Nearby(NamedTuple):
    """Voters near queries as columns ``(m,)``, in any order: int64 query and voter, float64 cosine."""

    queries: Column
    voters: Column
    cosines: Shares


def neighbour_votes(near: Nearby, classes: Column, sizes: Column, k: int) -> Shares:
    """Let the ``k`` nearest vote: of each class the sum of their cosines over the most voters it could have.

    A cosine below 0 counts as 0; of equally near voters the lowest rows vote. The division lets a class of few pictures
    be as sure as one of many.

    Parameters
    ----------
    near
        All that might vote.
    classes
        int64 ``(v,)``: the class of each voter.
    sizes
        int64 ``(q, c)``: how many voters of each class each query has.
    k
        At least 1.

    Returns
    -------
    numpy.ndarray
        float64 ``(q, c)``, 0..1: sum of cosines / min(k, size).

    Examples
    --------
    Two of class 0 and the only one of class 1 are the nearest three:

    >>> near = Nearby(np.zeros(3, int), np.array([0, 1, 2]), np.array([0.9, 0.5, 0.8]))
    >>> neighbour_votes(near, np.array([0, 0, 1]), np.array([[2, 1]]), k=3)
    array([[0.7, 0.8]])
    """
    order = np.lexsort((near.voters, -near.cosines, near.queries))
    queries = near.queries[order]
    first = np.arange(order.size) - np.searchsorted(queries, queries) < k
    chosen = order[first]
    scores = np.zeros(sizes.shape)
    np.add.at(scores, (near.queries[chosen], classes[near.voters[chosen]]), np.maximum(near.cosines[chosen], 0))
    averages: Shares = scores / np.maximum(np.minimum(k, sizes), 1)
    return averages


def centroid_votes(queries: Vectors, vectors: Vectors, classes: Column, count: int, own: Column) -> Shares:
    """Let the mean of each class vote (Rocchio's classifier; Manning, Raghavan & Schütze 2008, section 14.2).

    Parameters
    ----------
    queries
        Unit vectors ``(q, d)``.
    vectors, classes
        Unit vectors ``(v, d)`` of the voters, and the class of each.
    count
        Number of classes.
    own
        int64 ``(q,)``: the voter that each query is, which does not vote on itself; :data:`NONE` for another picture.

    Returns
    -------
    numpy.ndarray
        float64 ``(q, count)``, 0..1: the cosine with the mean direction, below 0 counted as 0.
    """
    sums = np.zeros((count, vectors.shape[1]))
    np.add.at(sums, classes, vectors)
    scores = cosines(queries, unit(sums)).astype(np.float64)
    asked = np.flatnonzero(own != NONE)
    theirs = classes[own[asked]]
    scores[asked, theirs] = (queries[asked] * unit(sums[theirs] - vectors[own[asked]])).sum(axis=1)
    voted: Shares = np.maximum(scores, 0)
    return voted


class Verdicts(NamedTuple):
    """What each query is: int64 class or :data:`NONE`, float64 confidence 0..1, float64 entropy of the votes in bits.

    Votes spread over many classes have a high entropy, up to the logarithm of their number: a sign of none of these.
    """

    classes: Column
    confidences: Shares
    entropies: Shares

    def declined(self, least_confidence: float = 0, most_entropy: float = np.inf) -> Verdicts:
        """Return :data:`NONE` for those that are less sure, or more divided."""
        kept = (self.confidences >= least_confidence) & (self.entropies <= most_entropy)
        return self._replace(classes=np.where(kept, self.classes, NONE))


def decide(scores: Shares) -> Verdicts:
    """Give each query ``(q, c)`` the class of the highest score, of equal ones the lowest; none where all are 0.

    >>> decide(np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.25]]))
    Verdicts(classes=array([0, 3]), confidences=array([0.5 , 0.25]), entropies=array([1., 0.]))
    """
    confidences = scores.max(axis=1, initial=0)
    shares = scores / np.where(scores.sum(axis=1) > 0, scores.sum(axis=1), 1)[:, np.newaxis]
    logarithms = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    best = scores.argmax(axis=1) if scores.shape[1] else np.full(len(scores), NONE)
    return Verdicts(np.where(confidences > 0, best, NONE), confidences, 0.0 - (shares * logarithms).sum(axis=1))
