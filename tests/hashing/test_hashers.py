"""The codes: each bit is as defined in integers, on every machine."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from numpy.typing import NDArray

from phash_engine.hashing import codes, hashers
from tests import naive
from tests.strategies import blocks

Block = NDArray[np.uint16]

THREADED = """
import hashlib
import numpy as np
from phash_engine.hashing import block, hashers
values = np.random.default_rng(1).integers(0, 65281, (600, 32, 32)).astype(np.uint16)
plane = values.reshape(-1, 768).astype(np.uint8)
tables = hashers.hash_blocks(values), block.area_average([plane], 768, len(plane))
print(hashlib.sha256(b"".join(table.tobytes() for table in tables)).hexdigest())
"""


@settings(max_examples=150)
@given(blocks())
def test_each_code_is_its_definition(block: Block) -> None:
    table = hashers.hash_blocks(block[np.newaxis])[0].tolist()
    found = dict(zip(hashers.CODE_NAMES + hashers.MIRROR_NAMES, table, strict=True))
    upright, left_right, up_down = block.tolist(), block[:, ::-1].tolist(), block[::-1].tolist()
    assert found == {
        "average": naive.average(upright),
        "dct": naive.dct(upright),
        "wavelet": naive.wavelet(upright),
        "horizontal": naive.horizontal(upright),
        "vertical": naive.vertical(upright),
        "dct_lr": naive.dct(left_right),
        "dct_ud": naive.dct(up_down),
        "dct_180": naive.dct(block[::-1, ::-1].tolist()),
        "horizontal_lr": naive.horizontal(left_right),
        "vertical_ud": naive.vertical(up_down),
    }


@given(blocks())
def test_wavelet_bits_are_the_signs_of_pywavelets(block: Block) -> None:
    cells = block.astype(float).reshape(8, 4, 8, 4).sum(axis=(1, 3))
    _, *levels = pywt.wavedec2(cells, "haar", mode="periodization")
    details = np.concatenate([detail.ravel() for level in levels for detail in level])
    # Where the integer is 0, PyWavelets may return a rounding error.
    sure = np.abs(details) > 1e-6
    bits = naive.to_bits(hashers.wavelet(block[np.newaxis])[0]).ravel()
    assert np.array_equal(bits[:63][sure], details[sure] > 0)
    assert not bits[:63][~sure].any()
    assert not bits[63]


def test_weights_are_the_defined_ones() -> None:
    assert hashers._COSINES.tolist() == naive.cosines()
    assert hashers._LANCZOS_8.tolist() == naive.lanczos(8)
    assert hashers._LANCZOS_9.tolist() == naive.lanczos(9)


@pytest.mark.parametrize("weights", [hashers._LANCZOS_8, hashers._LANCZOS_9])
def test_lanczos_rows_sum_to_4096_and_mirror(weights: NDArray[np.float64]) -> None:
    assert (weights.sum(axis=1) == 4096).all()
    assert np.array_equal(weights, weights[::-1, ::-1])


def test_no_weight_is_near_enough_to_a_half_to_be_rounded_otherwise_by_another_sine() -> None:
    exact = [*naive.exact_cosines(), *naive.exact_lanczos(8), *naive.exact_lanczos(9)]
    margins = [abs(abs(4096 * weight) % 1 - 0.5) for row in exact for weight in row]
    assert min(margins) > 1e-5


def test_products_are_exact_in_float64() -> None:
    for rows, columns in (
        (hashers._COSINES, hashers._COSINES),
        (hashers._LANCZOS_8, hashers._LANCZOS_9),
        (hashers._CELLS, hashers._CELLS),
    ):
        largest = 65280 * np.abs(rows).sum(axis=1).max() * np.abs(columns).sum(axis=1).max()
        # The median doubles a coefficient, the mean takes 64 cells.
        assert 2 * largest < 2**53
    assert 64 * 65280 * 16 < 2**53


@given(blocks(), blocks())
def test_a_batch_gives_what_single_blocks_give(a: Block, b: Block) -> None:
    batch = np.stack([a, b, a])
    table = hashers.hash_blocks(batch)
    assert table.dtype == np.uint64
    assert table.shape == (3, 10)
    for block, row in zip(batch, table, strict=True):
        assert np.array_equal(hashers.hash_blocks(block[np.newaxis])[0], row)
        assert hashers.fingerprint(block) == tuple(row[:5])
    for column, name in enumerate(hashers.CODE_NAMES):
        assert np.array_equal(hashers.HASHERS[name](batch), table[:, column])


def test_bits_do_not_depend_on_the_size_of_the_batch() -> None:
    values = np.random.default_rng(2).integers(0, 65281, (257, 32, 32)).astype(np.uint16)
    whole = hashers.hash_blocks(values)
    for size in (1, 2, 7, 64, 256):
        parts = [hashers.hash_blocks(values[first : first + size]) for first in range(0, len(values), size)]
        assert np.array_equal(np.concatenate(parts), whole)
    turned = np.asfortranarray(values)
    assert np.array_equal(hashers.hash_blocks(turned), whole)
    assert np.array_equal(hashers.hash_blocks(values[::-1]), whole[::-1])


def test_bits_do_not_depend_on_the_threads_of_the_blas() -> None:
    digests = set()
    for threads in ("1", "4"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", THREADED], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(run.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_no_blocks_give_no_codes() -> None:
    assert hashers.hash_blocks(np.empty((0, 32, 32), dtype=np.uint16)).shape == (0, 10)


@pytest.mark.parametrize("shape", [(32, 32), (1, 31, 32), (1, 32), (1, 1, 32, 32)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="blocks must have shape"):
        hashers.hash_blocks(np.zeros(shape, dtype=np.uint16))


@pytest.mark.parametrize("tone", [0, 1, 127, 65280])
def test_a_flat_block_has_no_structure(tone: int) -> None:
    found = hashers.fingerprint(np.full((32, 32), tone, dtype=np.uint16))
    # The constant is the one coefficient above the median; a black picture has none.
    assert [int(code) for code in found] == [0, 2**63 if tone else 0, 0, 0, 0]


def test_a_ramp_by_hand() -> None:
    brighter_to_the_right = np.tile(np.arange(32, dtype=np.uint16) * 2000, (32, 1))
    found = hashers.fingerprint(brighter_to_the_right)
    assert codes.to_hex(found.average) == "0f" * 8
    assert codes.to_hex(found.horizontal) == "ff" * 8
    assert found.vertical == 0


@given(blocks(), blocks())
def test_distance_is_over_the_decision_codes(a: Block, b: Block) -> None:
    left, right = hashers.fingerprint(a), hashers.fingerprint(b)
    counted = sum((int(a) ^ int(b)).bit_count() for a, b in zip(left, right, strict=True))
    not_counted = codes.distance(left.average, right.average) + codes.distance(left.wavelet, right.wavelet)
    assert hashers.distance(left, right) == counted - not_counted


@given(blocks())
def test_codes_do_not_depend_on_brightness(block: Block) -> None:
    faint = block // 2 + 1  # black has no constant coefficient
    assert hashers.fingerprint(faint) == hashers.fingerprint(faint + 1000)
