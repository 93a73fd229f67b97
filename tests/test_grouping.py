"""Groups: the same for any order of the pairs, and no member out of reach of its keeper."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phash_engine.grouping import star
from phash_engine.index import Pairs
from tests import naive

GRAPHS = st.integers(1, 25).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] < pair[1])),
    )
)


def pairs_of(rows: list[tuple[int, int]]) -> Pairs:
    left, right = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return Pairs(left, right, np.zeros(len(rows), dtype=np.int64))


@given(GRAPHS)
def test_star_is_its_slow_twin(graph: tuple[int, set[tuple[int, int]]]) -> None:
    n, pairs = graph
    found = star(pairs_of(sorted(pairs)), n)
    assert found.dtype == np.int64
    assert found.tolist() == naive.star(pairs, n)


@given(GRAPHS)
def test_every_member_is_a_neighbour_of_its_keeper(graph: tuple[int, set[tuple[int, int]]]) -> None:
    n, pairs = graph
    keepers = star(pairs_of(sorted(pairs)), n).tolist()
    for item, keeper in enumerate(keepers):
        assert keepers[keeper] == keeper
        assert item == keeper or (keeper, item) in pairs


@given(GRAPHS, st.randoms(use_true_random=False), st.booleans())
def test_order_of_the_pairs_does_not_matter(
    graph: tuple[int, set[tuple[int, int]]], random: Random, swapped: bool
) -> None:
    n, pairs = graph
    rows = sorted(pairs)
    expected = star(pairs_of(rows), n).tolist()
    random.shuffle(rows)
    rows = [(b, a) if swapped and (a + b) % 2 else (a, b) for a, b in rows]
    assert star(pairs_of(rows), n).tolist() == expected


def test_a_chain_is_cut_where_the_keeper_does_not_reach() -> None:
    # 0 - 1 - 2 - 3: 2 is no neighbour of 0, so it becomes the keeper of 3.
    assert star(pairs_of([(0, 1), (1, 2), (2, 3)]), 5).tolist() == [0, 0, 2, 2, 4]


def test_no_pairs_leave_everyone_alone() -> None:
    assert star(pairs_of([]), 3).tolist() == [0, 1, 2]
    assert star(pairs_of([]), 0).tolist() == []
