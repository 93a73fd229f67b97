"""Votes of labelled neighbours → a label with its confidence, or none.

Classes are numbers from 0. Voters are rows of labelled pictures. :data:`NONE` is no class.
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

    A cosine below 0 counts as 0; of equally near voters the lowest rows vote. By the division a class of few pictures
    reaches the same confidence as a class of many.

    Parameters
    ----------
    near
        All possible voters.
    classes
        int64 ``(v,)``: the class of each voter.
    sizes
        int64 ``(q, c)``: the number of voters of each class that each query has.
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
    voters = np.flatnonzero(own != NONE)
    theirs = classes[own[voters]]
    scores[voters, theirs] = (queries[voters] * unit(sums[theirs] - vectors[own[voters]])).sum(axis=1)
    voted: Shares = np.maximum(scores, 0)
    return voted


class Predictions(NamedTuple):
    """Of each query its int64 class or :data:`NONE`, float64 confidence 0..1, float64 entropy of the votes in bits.

    Votes spread over many classes have a high entropy, up to the logarithm of their number: a sign of no known class.
    """

    classes: Column
    confidences: Shares
    entropies: Shares

    def declined(self, least_confidence: float = 0, most_entropy: float = np.inf) -> Predictions:
        """Return the predictions without those of less confidence or more entropy, whose class is :data:`NONE`."""
        kept = (self.confidences >= least_confidence) & (self.entropies <= most_entropy)
        return self._replace(classes=np.where(kept, self.classes, NONE))


def predict(scores: Shares) -> Predictions:
    """Give each query ``(q, c)`` the class of the highest score, of equal ones the lowest; none where all are 0.

    >>> predict(np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.25]]))
    Predictions(classes=array([0, 3]), confidences=array([0.5 , 0.25]), entropies=array([1., 0.]))
    """
    confidences = scores.max(axis=1, initial=0)
    shares = scores / np.where(scores.sum(axis=1) > 0, scores.sum(axis=1), 1)[:, np.newaxis]
    logarithms = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    best = scores.argmax(axis=1) if scores.shape[1] else np.full(len(scores), NONE)
    return Predictions(np.where(confidences > 0, best, NONE), confidences, 0.0 - (shares * logarithms).sum(axis=1))
