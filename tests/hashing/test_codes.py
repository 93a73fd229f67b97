"""The 64-bit code: conversions lose nothing, and distances do not wrap."""

from typing import Any

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from phash_engine.hashing import codes
from tests import naive

CODES = st.one_of(st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1]), st.integers(0, 2**64 - 1))
ARRAYS = hnp.arrays(np.uint64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
NO_CODES = [-1, 2**64, 2**100, np.int64(-1)]


@given(CODES)
def test_hex_comes_back(code: int) -> None:
    text = codes.to_hex(code)
    assert len(text) == 16
    assert int(text, 16) == code == codes.from_hex(text) == codes.from_hex(text.upper())
    assert codes.to_hex(np.uint64(code)) == text


@pytest.mark.parametrize(
    "text", ["", "0", "0" * 15, "0" * 17, "0x00000000000000", "-000000000000001", "g" * 16, "１" * 16]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="16 hex digits"):
        codes.from_hex(text)


@given(CODES, CODES)
def test_distance_counts_differing_bits(a: int, b: int) -> None:
    differing = sum(x != y for x, y in zip(f"{a:064b}", f"{b:064b}", strict=True))
    assert codes.distance(a, b) == differing
    assert codes.distance(np.uint64(a), np.uint64(b)) == differing
    assert codes.distance(a, np.uint64(b)) == differing
    assert codes.distances(np.uint64(a), np.uint64(b)) == differing


@pytest.mark.parametrize("number", NO_CODES)
def test_numbers_out_of_range_are_refused(number: int) -> None:
    for use in (codes.as_int, codes.to_hex, codes.to_signed, lambda n: codes.distance(0, n)):
        with pytest.raises(ValueError, match="is not a code"):
            use(number)


@pytest.mark.parametrize("value", [1.0, np.float64(3), "1", None, np.array([1, 2], dtype=np.uint64)])
def test_only_integers_are_codes(value: object) -> None:
    with pytest.raises(TypeError):
        codes.distance(0, value)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.int64, np.uint32, np.float64, np.bool_, object])
def test_arrays_of_other_types_are_refused(dtype: type) -> None:
    good = np.ones(3, dtype=np.uint64)
    other: NDArray[Any] = good.astype(dtype)
    for a, b in ((other, good), (good, other)):
        with pytest.raises(TypeError, match="codes must be uint64"):
            codes.distances(a, b)


def test_lists_of_python_numbers_are_refused_where_numpy_would_make_them_signed() -> None:
    with pytest.raises(TypeError, match="codes must be uint64, not int64"):
        codes.distances([1, 2], [3, 4])


def test_distances_broadcast_and_can_be_subtracted() -> None:
    a, b = np.array([[0], [2**64 - 1]], dtype=np.uint64), np.array([0, 1, 2**63], dtype=np.uint64)
    found = codes.distances(a, b)
    assert found.tolist() == [[0, 1, 1], [64, 63, 63]]
    assert (found[0] - found[1]).tolist() == [-64, -62, -62]


@given(ARRAYS)
def test_bits_come_back(array: NDArray[np.uint64]) -> None:
    bits = naive.to_bits(array)
    assert bits.shape == (*array.shape, 8, 8)
    assert np.array_equal(codes.from_bits(bits), array)
    assert np.array_equal(codes.from_bits(bits.reshape(*array.shape, 64)), array)


def test_bits_in_any_memory_order() -> None:
    bits = np.random.default_rng(1).random((5, 8, 8)) < 0.5
    expected = [int("".join(map(str, grid.ravel().astype(int))), 2) for grid in bits]
    assert codes.from_bits(bits).tolist() == expected
    assert codes.from_bits(np.asfortranarray(bits)).tolist() == expected
    assert codes.from_bits(bits[::-1]).tolist() == expected[::-1]
    assert codes.from_bits(bits.swapaxes(1, 2)).tolist() != expected


@pytest.mark.parametrize("shape", [(8,), (63,), (7, 8), (8, 8, 7), (64, 1)])
def test_bits_of_another_number_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="the last axes must have shape"):
        codes.from_bits(np.zeros(shape, dtype=bool))


@given(CODES)
def test_signed_form_fits_sqlite_and_comes_back(code: int) -> None:
    signed = codes.to_signed(code)
    assert -(2**63) <= signed < 2**63
    assert signed % 2**64 == code == codes.from_signed(signed)


@given(ARRAYS)
def test_signed_arrays_come_back(array: NDArray[np.uint64]) -> None:
    assert np.array_equal(codes.from_signed([codes.to_signed(code) for code in array.ravel()]), array.ravel())


@pytest.mark.parametrize(
    "numbers", [2**63, 2**64, [2**64 - 1], [-1, 2**63], -(2**63) - 1, 0.5, [1.5], np.uint64(2**63), "1"]
)
def test_numbers_sqlite_cannot_hold_are_refused(numbers: object) -> None:
    with pytest.raises(TypeError, match="signed codes must be int64"):
        codes.from_signed(numbers)  # type: ignore[arg-type]


@given(CODES, CODES)
def test_hex_and_distance_are_those_of_imagehash(a: int, b: int) -> None:
    left, right = (imagehash.ImageHash(naive.to_bits(np.array(code, dtype=np.uint64))) for code in (a, b))
    assert codes.to_hex(a) == str(left)
    assert codes.from_bits(left.hash) == a
    assert codes.distance(a, b) == left - right
