"""Better rankings by the vectors of neighbours: query expansion, database augmentation, diffusion.

Vectors are unit vectors, float32 ``(n, d)``: the more alike two pictures are, the larger is their dot product. Returned
vectors are unit vectors too; of scores the higher are the better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import spans
from phash_engine.retrieval.vectors import Vectors, cosines, unit

Neighbours = NDArray[np.int64]
"""int64 ``(n, k)``: rows of the nearest vectors, nearest first; -1 for none."""

AUGMENTING = 10
ALPHA = 3.0
_DAMPING = 0.99
_POWER = 3
_BLOCK = 1024


def alpha_expansion(queries: Vectors, vectors: Vectors, neighbours: Neighbours, alpha: float = ALPHA) -> Vectors:
    """Replace each query by the sum of itself and its nearest, each times its cosine to the power ``alpha``.

    A cosine below 0 counts as 0 (Radenović, Tolias & Chum 2019, "Fine-tuning CNN Image Retrieval with No Human
    Annotation", section 3.5). With ``alpha`` 0 all weights are equal: average query expansion (Chum et al. 2007, "Total
    Recall", section 3).

    Parameters
    ----------
    queries
        ``(q, d)``.
    vectors
        ``(n, d)``.
    neighbours
        ``(q, k)``: rows of ``vectors``.
    alpha
        At least 0.

    Returns
    -------
    numpy.ndarray
        Unit vectors ``(q, d)``.
    """
    taken = vectors[neighbours]
    weights = np.maximum(np.einsum("qd,qkd->qk", queries, taken), 0) ** np.float32(alpha)
    return unit(queries + np.einsum("qk,qkd->qd", np.where(neighbours < 0, np.float32(0), weights), taken))


def augmented(vectors: Vectors, neighbours: Neighbours) -> Vectors:
    """Replace each vector by the weighted sum of itself and its nearest: database-side augmentation.

    The weights fall from 1, of the vector itself, to 10**-1.5 evenly on a logarithmic scale: ``logspace(0, -1.5, 10)``
    for the vector and 9 neighbours (Turcot & Lowe 2009, "Better Matching with Fewer Features"; these weights: Husain &
    Bober 2019, "REMAP").

    Parameters
    ----------
    vectors
        ``(n, d)``.
    neighbours
        ``(n, k)``: rows of the nearest others; the vector itself counts among the 10 nearest, so ``k`` is 9.

    Returns
    -------
    numpy.ndarray
        Unit vectors ``(n, d)``.
    """
    weights = np.logspace(0, -1.5, neighbours.shape[1] + 1).astype(np.float32)
    there = (neighbours >= 0).astype(np.float32)
    others = np.einsum("nk,nkd->nd", weights[1:] * there, vectors[neighbours])
    return unit(vectors + others)


def nearest(queries: Vectors, vectors: Vectors, k: int, *, skip_same_row: bool = False) -> Neighbours:
    """Return the ``k`` most similar vectors of each query, of equal ones the lowest rows.

    Parameters
    ----------
    queries
        ``(q, d)``.
    vectors
        ``(n, d)``.
    k
        At least 1. Where there are fewer, the rest is -1.
    skip_same_row
        Whether query and vector of the same row are the same picture, and so no neighbours.
    """
    blocks = (_nearest(queries, vectors, k, rows, skip_same_row) for rows in spans(len(queries), _BLOCK))
    return np.concatenate(list(blocks))


def mutual_graph(vectors: Vectors, k: int) -> Any:
    """Return the graph of vectors that are among the ``k`` nearest of one another.

    Returns
    -------
    scipy.sparse.csr_array
        float64 ``(n, n)``, symmetric: cosine to the power 3, those below 0 left out, nothing on the diagonal (Iscen et
        al. 2017, section 3.1).
    """
    from scipy.sparse import coo_array

    neighbours = nearest(vectors, vectors, k, skip_same_row=True)
    left, place = np.nonzero(neighbours >= 0)
    right = neighbours[left, place]
    similar = np.maximum(np.einsum("nd,nd->n", vectors[left], vectors[right]).astype(np.float64), 0) ** _POWER
    graph = coo_array((similar, (left, right)), shape=(len(vectors),) * 2).tocsr()
    # Both directions have the same cosine, up to its last bit.
    mutual = graph.minimum(graph.T)
    mutual.eliminate_zeros()
    return mutual.tocsr()


def diffused(start: NDArray[np.float64], graph: Any) -> NDArray[np.float64]:
    """Spread scores over a graph: pictures like those that are like the query are like it too.

    Solves ``(I - 0.99 S) f = 0.01 start`` for ``S`` the graph with each edge divided by the square roots of the
    weights at its ends (Iscen et al. 2017, "Efficient Diffusion on Region Manifolds", equations 3 and 5).

    Parameters
    ----------
    start
        float64 ``(n,)`` or ``(n, q)``: the similarity of the query, or of several, to each node, 0 where unknown.
    graph
        As of :func:`mutual_graph`.

    Returns
    -------
    numpy.ndarray
        Of the shape of ``start``.
    """
    from scipy.sparse import diags_array, eye_array
    from scipy.sparse.linalg import splu

    degrees = np.asarray(graph.sum(axis=1)).ravel()
    scale = diags_array(1 / np.sqrt(np.where(degrees > 0, degrees, 1)))
    system = eye_array(len(degrees)) - _DAMPING * (scale @ graph @ scale)
    spread: NDArray[np.float64] = splu(system.tocsc()).solve((1 - _DAMPING) * start)
    return spread


def linked(start: NDArray[np.float64], graph: Any) -> NDArray[np.float64]:
    """Carry scores along edges: if A is like B and B is like C, A is like C by the product of both.

    Parameters
    ----------
    start
        float64 ``(n,)``, 0..1: the similarity of the query to each node.
    graph
        As of :func:`mutual_graph`, weights up to 1.

    Returns
    -------
    numpy.ndarray
        float64 ``(n,)``: of all chains that end in a node the largest product of the score where it starts and the
        weights of its edges.
    """
    # A weight that rounding carried beyond 1 would let a chain grow without end.
    links = graph.minimum(graph.sign())
    found = start
    while True:
        carried = np.maximum(found, links.multiply(found[np.newaxis]).max(axis=1).toarray().ravel())
        if np.array_equal(carried, found):
            return found
        found = carried


def _nearest(queries: Vectors, vectors: Vectors, k: int, block: range, skip_same_row: bool) -> Neighbours:
    similar = cosines(queries[block.start : block.stop], vectors)
    if skip_same_row:
        similar[np.arange(len(block)), np.asarray(block)] = -np.inf
    order = np.argsort(-similar, axis=1, kind="stable")[:, :k]
    rows = np.where(np.take_along_axis(similar, order, axis=1) > -np.inf, order, -1)
    return np.pad(rows, ((0, 0), (0, k - rows.shape[1])), constant_values=-1)
