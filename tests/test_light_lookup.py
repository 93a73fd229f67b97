"""One-shot lookups must not pay for the kernels: loading numba takes longer than they do."""

from __future__ import annotations

import subprocess
import sys

LOOKUP = """
import sys
import numpy
from phash_engine.index import build_index

codes = numpy.arange(100_000, dtype=numpy.uint64)
index = build_index(codes)
index.range_query(codes[:3], 2), index.nearest(codes[:3], 5), index.add(codes[:2]), index.remove([3])
assert "numba" not in sys.modules, "numba was imported"
"""


def test_a_lookup_does_without_numba() -> None:
    subprocess.run([sys.executable, "-c", LOOKUP], check=True)
