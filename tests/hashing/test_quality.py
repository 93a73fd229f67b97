"""Quality: worked by hand, and higher for photos than for blank pages."""

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from phash_engine import images
from phash_engine.hashing.quality import FLAT_RANGE, entropy, gradient_quality, is_flat
from tests.conftest import ROOT
from tests.strategies import blocks

Block = NDArray[np.uint16]


def flat(tone: int = 30000) -> Block:
    return np.full((32, 32), tone, dtype=np.uint16)


def test_quality_by_hand() -> None:
    # Left half black, right half white: one step of 100 % in each of the 32 rows, 3200 // 45 = 71.
    halves = flat(0)
    halves[:, 16:] = 65280
    assert gradient_quality(halves) == 71
    assert gradient_quality(halves.T) == 71
    # Steps of 2000 of 65280 are 3 whole percent: 31 of them in each of 32 rows, 2976 // 45 = 66.
    ramp = np.tile(np.arange(32, dtype=np.uint16) * 2000, (32, 1))
    assert gradient_quality(ramp) == 66
    # One grey cell in the middle of black: four steps of 50 % of the range, 200 // 45 = 4.
    lone = flat(0)
    lone[7, 7] = 32640
    assert gradient_quality(lone) == 4
    # Steps below one percent do not count, in any number.
    assert gradient_quality(np.tile(np.arange(32, dtype=np.uint16) * 652, (32, 1))) == 0


def test_falling_steps_count_as_rising_ones() -> None:
    block = np.random.default_rng(1).integers(0, 30000, (32, 32)).astype(np.uint16)
    qualities = [gradient_quality(view) for view in (block, block[::-1], block[:, ::-1], block.T, 65280 - block)]
    assert len(set(map(int, qualities))) == 1


def test_flat_is_a_range_below_four_steps() -> None:
    almost, enough = flat(), flat()
    almost[3, 4] += FLAT_RANGE - 1
    enough[3, 4] += FLAT_RANGE
    assert FLAT_RANGE == 1024
    assert is_flat(np.stack([flat(0), flat(65280), almost, enough])).tolist() == [True, True, True, False]
    assert gradient_quality(np.stack([flat(0), flat(65280), almost])).tolist() == [0, 0, 0]


def test_photos_are_better_than_faint_noise_and_blank_pages() -> None:
    photo = images.read_block(ROOT / "data/photos/2023-lake/IMG_0412.jpg")
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 65281, (32, 32)).astype(np.uint16)
    faint = flat() + rng.integers(0, 600, (32, 32)).astype(np.uint16)
    qualities = gradient_quality(np.stack([photo, noise, faint, flat()])).tolist()
    assert qualities[0] > 50
    assert qualities[1:] == [100, 0, 0]


@given(blocks())
def test_qualities_are_0_to_100_and_the_same_one_by_one(block: Block) -> None:
    batch = gradient_quality(np.stack([block, flat()]))
    assert batch.dtype == np.int64
    assert 0 <= batch[0] <= 100
    assert batch.tolist() == [int(gradient_quality(block)), 0]


def test_entropy_by_hand() -> None:
    quarters = flat(0)
    quarters[:16, 16:], quarters[16:, :16], quarters[16:, 16:] = 256, 512, 65280
    assert entropy(quarters) == 2
    # 1/2, 1/4, 1/4: 0.5 + 0.5 + 0.5 bits.
    quarters[16:, :16] = 256 + 255
    quarters[:16, :16] = 256 + 1
    quarters[16:, 16:] = 65280
    quarters[:16, 16:] = 1024
    assert entropy(quarters) == 1.5


@pytest.mark.parametrize("tone", [0, 255, 256, 65280])
def test_one_tone_has_no_entropy(tone: int) -> None:
    found = entropy(flat(tone))
    assert found == 0
    assert str(found) == "0.0"


def test_all_256_tones_have_8_bits() -> None:
    assert entropy(np.repeat(np.arange(256, dtype=np.uint16) * 256, 4).reshape(32, 32)) == 8
