"""Orientations: blocks are turned as Pillow does it, and codes equal those of the turned block."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from phash_engine.hashing import hashers, orientation
from phash_engine.hashing.orientation import MIRROR_FORMS, ORIENTATIONS, UPRIGHT, turn, turned
from tests import naive
from tests.strategies import blocks

Block = NDArray[np.uint16]
MIRRORED = {MIRROR_FORMS[0]: 2, MIRROR_FORMS[1]: 4, MIRROR_FORMS[2]: 3}
"""The orientation of each form."""
BACK = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def table_of(*several: Block) -> NDArray[np.uint64]:
    return hashers.hash_blocks(np.stack(several))


def decisions_of(*several: Block) -> NDArray[np.uint64]:
    return orientation.upright(table_of(*several))


@pytest.mark.parametrize("number", ORIENTATIONS)
def test_turn_is_what_pillow_does(number: int) -> None:
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = number
    assert np.array_equal(turn(stored, number), np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("number", ORIENTATIONS)
def test_every_turn_has_an_inverse(number: int) -> None:
    matrix = np.arange(6).reshape(2, 3)
    assert np.array_equal(turn(turn(matrix, number), BACK[number]), matrix)


@pytest.mark.parametrize("number", [0, 9, -1])
def test_other_numbers_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="is not one of the EXIF numbers 1 to 8"):
        turn(np.zeros((2, 2)), number)


@given(st.lists(blocks(), min_size=1, max_size=3))
def test_turned_codes_are_those_of_the_turned_blocks(several: list[Block]) -> None:
    found = turned(table_of(*several))
    assert found.shape == (8, len(several), 3)
    for number in ORIENTATIONS:
        assert np.array_equal(found[number - 1], decisions_of(*[turn(block, number) for block in several]))


@given(blocks(), blocks())
def test_forms_compare_as_the_mirrored_blocks_do(query: Block, stored: Block) -> None:
    table = table_of(stored)
    names = hashers.CODE_NAMES + hashers.MIRROR_NAMES
    for number in ORIENTATIONS:
        words = decisions_of(turn(query, number))
        for form, mirroring in {UPRIGHT: 1, **MIRRORED}.items():
            columns = np.stack([table[:, names.index(name)] for name in form.columns], axis=-1)
            expected = naive.distance(words[0], decisions_of(turn(stored, mirroring))[0])
            assert naive.distance(form.adapt(words)[0], columns[0]) == expected


@given(blocks(), blocks(), st.sampled_from(ORIENTATIONS), st.booleans())
def test_rotated_distance_is_the_smallest_over_turned_blocks(a: Block, b: Block, number: int, related: bool) -> None:
    if related:
        b = turn(a, number) // 2 + b // 2
    nearest = {
        o: min(
            naive.distance(decisions_of(turn(a, o))[0], decisions_of(b)[0]),
            naive.distance(decisions_of(a)[0], decisions_of(turn(b, BACK[o]))[0]),
        )
        for o in ORIENTATIONS
    }
    smallest = min(nearest.values())
    codes_a, codes_b = table_of(a, b)
    assert orientation.rotated_distance(codes_a, codes_b) == (
        smallest,
        min(o for o in nearest if nearest[o] == smallest),
    )
    assert orientation.rotated_distance(codes_b, codes_a)[0] == smallest


@given(blocks(), st.sampled_from(ORIENTATIONS))
def test_a_turned_picture_is_at_no_distance(block: Block, number: int) -> None:
    stored, seen = table_of(block, turn(block, number))
    assert orientation.rotated_distance(stored, seen)[0] == 0


@given(blocks())
def test_mirror_codes_are_unknown_only_of_black_and_where_they_are_missing(block: Block) -> None:
    table = table_of(block)
    assert orientation.has_mirror_codes(table).tolist() == [bool(block.max())]
    table[:, 5:] = 0
    assert orientation.has_mirror_codes(table).tolist() == [False]


@given(blocks(), blocks())
def test_without_mirror_codes_only_the_transposition_is_searched(known: Block, unknown: Block) -> None:
    table = table_of(known, unknown)
    complete = turned(table)
    table[1, 5:] = 0
    found = turned(table)
    assert np.array_equal(found[:, 0], complete[:, 0])
    assert (found[:4, 1] == complete[0, 1]).all()
    assert (found[4:, 1] == complete[4, 1]).all()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=4))
def test_bits_are_permuted_as_grids_are(numbers: list[int]) -> None:
    words = np.array(numbers, dtype=np.uint64)
    grids = naive.to_bits(words)
    assert np.array_equal(naive.to_bits(orientation.flip_up_down(words)), grids[:, ::-1])
    assert np.array_equal(naive.to_bits(orientation.flip_left_right(words)), grids[:, :, ::-1])
    assert np.array_equal(naive.to_bits(orientation.transpose(words)), grids.swapaxes(1, 2))
