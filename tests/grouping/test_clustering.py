"""Groups: the same for any order of the pairs, and what each mode promises."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phash_engine.grouping.clustering import MODES, without_farther_sides
from phash_engine.index import Pairs
from tests import naive

Graph = tuple[int, naive.Distances, naive.Links]
MODE = st.sampled_from(sorted(MODES))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Items, distances of close pairs, and pairs to be kept apart: some of them close, few distances, so many ties."""
    n = draw(st.integers(1, 14))
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] < pair[1])
    if n == 1:
        return n, {}, frozenset()
    distances = draw(st.dictionaries(pair, st.integers(0, 3), max_size=40))
    return n, distances, draw(st.frozensets(pair, max_size=4))


def pairs_of(distances: naive.Distances) -> Pairs:
    columns = np.array([(*pair, bits) for pair, bits in distances.items()], dtype=np.int64)
    return Pairs(*columns.reshape(-1, 3).T)


@given(graphs(), MODE)
def test_every_mode_is_its_slow_twin(graph: Graph, mode: str) -> None:
    n, distances, apart = graph
    found = MODES[mode](pairs_of(distances), n, apart)
    assert found.dtype == np.int64
    assert found.tolist() == getattr(naive, mode)(distances, n, apart)


@given(graphs(), MODE)
def test_every_mode_keeps_its_promise(graph: Graph, mode: str) -> None:
    n, distances, apart = graph
    keepers = MODES[mode](pairs_of(distances), n, apart).tolist()
    for item, keeper in enumerate(keepers):
        assert keepers[keeper] == keeper <= item
        members = [other for other in range(n) if keepers[other] == keeper and other != item]
        close = {other for other in members if (min(item, other), max(item, other)) in distances}
        if mode == "star":
            assert item == keeper or keeper in close
        elif mode == "complete":
            assert close == set(members)
        else:
            assert close or not members
    assert not [pair for pair in apart if keepers[pair[0]] == keepers[pair[1]]]


@given(graphs(), MODE, st.randoms(use_true_random=False))
def test_order_of_the_pairs_does_not_matter(graph: Graph, mode: str, random: Random) -> None:
    n, distances, apart = graph
    expected = MODES[mode](pairs_of(distances), n, apart).tolist()
    rows = list(distances.items())
    random.shuffle(rows)
    assert MODES[mode](pairs_of(dict(rows)), n, apart).tolist() == expected


@given(graphs())
def test_sides_are_their_slow_twin(graph: Graph) -> None:
    _, distances, apart = graph
    pairs = pairs_of(distances)
    kept = without_farther_sides(pairs, apart)
    rows = zip(*(column[kept].tolist() for column in pairs), strict=True)
    assert {(a, b): bits for a, b, bits in rows} == naive.without_farther_sides(distances, apart)


@pytest.mark.parametrize(
    ("mode", "expected"), [("star", [0, 0, 2, 2, 4]), ("complete", [0, 0, 2, 2, 4]), ("component", [0, 0, 0, 0, 4])]
)
def test_a_chain_is_one_group_of_components_alone(mode: str, expected: list[int]) -> None:
    # 0 - 1 - 2 - 3: 2 is no neighbour of 0, so it becomes the keeper of 3.
    assert MODES[mode](pairs_of({(0, 1): 1, (1, 2): 1, (2, 3): 1}), 5).tolist() == expected


def test_a_star_need_not_be_complete() -> None:
    pairs = pairs_of({(0, 1): 1, (0, 2): 1})
    assert MODES["star"](pairs, 3).tolist() == [0, 0, 0]
    assert MODES["complete"](pairs, 3).tolist() == [0, 0, 2]


def test_who_is_close_to_two_different_pictures_goes_with_the_nearer() -> None:
    # 0 and 1 were told apart; 2 came later.
    pairs = pairs_of({(0, 1): 3, (0, 2): 2, (1, 2): 1})
    assert without_farther_sides(pairs, {(0, 1)}).tolist() == [False, False, True]


@pytest.mark.parametrize("mode", MODES)
def test_no_pairs_leave_everyone_alone(mode: str) -> None:
    assert MODES[mode](pairs_of({}), 3).tolist() == [0, 1, 2]
    assert MODES[mode](pairs_of({}), 0).tolist() == []
