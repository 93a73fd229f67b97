"""Thousands of damaged files of every format: each is read or refused, within limits of time and memory.

``PHASH_FUZZ=5000 python -m pytest tests/images/test_fuzz.py`` damages each original 5000 times instead of 100. The
damage depends on original and number alone; a failure names both.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from phash_engine import images
from phash_engine.errors import ImageError
from tests import mutations
from tests.conftest import ROOT

resource = pytest.importorskip("resource", reason="memory is measured on POSIX systems alone")

ROUNDS = int(os.environ.get("PHASH_FUZZ", "100"))
SAMPLE = ROOT / "data" / "photos"
MAX_SECONDS = 10
"""Seconds of a processor per file, after which its worker ends with a traceback."""
MAX_MEMORY = 1_500_000_000
"""Bytes of a worker: one and a half times the largest plane, four bytes for each of 256 megapixels."""


class Outcome(NamedTuple):
    """Results for the damaged files of one original."""

    read: int
    refused: int
    wrong: list[str]
    slowest: float
    memory: int


@pytest.mark.slow
def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    names = list(mutations.originals(SAMPLE))
    # A process for each core: a crash or a hang ends that process and not the tests.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        try:
            outcomes = list(pool.map(partial(read_damaged, rounds=ROUNDS, notes=tmp_path), names))
        except BrokenProcessPool:
            at = [note.read_text() for note in tmp_path.iterdir()]
            raise AssertionError(f"crash or hang at one of {at}") from None
    assert not [line for outcome in outcomes for line in outcome.wrong]
    assert sum(outcome.read + outcome.refused for outcome in outcomes) == ROUNDS * len(names)
    assert ROUNDS * len(names) >= 5000 or ROUNDS < 100
    assert min(sum(outcome.read for outcome in outcomes), sum(outcome.refused for outcome in outcomes)) > 10 * ROUNDS
    assert max(outcome.slowest for outcome in outcomes) < MAX_SECONDS
    assert max(outcome.memory for outcome in outcomes) < MAX_MEMORY


def read_damaged(name: str, rounds: int, notes: Path) -> Outcome:
    """Damage one original a number of times and read each result; runs in a worker."""
    resource.setrlimit(resource.RLIMIT_AS, (4 * MAX_MEMORY, 4 * MAX_MEMORY))
    faulthandler.register(signal.SIGXCPU, chain=True)
    warnings.simplefilter("ignore")
    files = mutations.originals(SAMPLE)
    others = list(files.values())
    tally, wrong, slowest = {True: 0, False: 0}, [], 0.0
    for number in range(rounds):
        (notes / str(os.getpid())).write_text(f"{name!r} {number}")
        data = mutations.mutate(files[name], others[(7 * number + 3) % len(others)], f"{name} {number}")
        start = time.process_time()
        resource.setrlimit(resource.RLIMIT_CPU, (int(start) + MAX_SECONDS + 1, resource.RLIM_INFINITY))
        try:
            tally[was_read(data)] += 1
        except Exception as error:  # noqa: BLE001 - the test is that only ImageError is raised
            wrong.append(f"{name!r} {number}: {error!r}")
        slowest = max(slowest, time.process_time() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Outcome(tally[True], tally[False], wrong, slowest, memory)


def was_read(data: bytes) -> bool:
    """Whether the picture was read; False if it was refused with a reason of one line."""
    try:
        images.read_image_info(data)
        block, _ = images.read_image(data)
    except ImageError as error:
        if not error.reason or "\n" in error.reason or len(error.reason) > 300:
            raise ValueError(f"not a reason: {error.reason!r}") from error
        return False
    return block.shape == (32, 32)
