"""The Python of README runs as it is printed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


def test_python_runs(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample / "2023-lake", "Pictures")
    shutil.copy(sample / "2023-lake" / "IMG_0412.jpg", "Pictures/copy.jpg")
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(sample / "2023-lake" / "IMG_0412.jpg", name)
    codes = np.random.default_rng(1).integers(0, 2**64, 100, dtype=np.uint64)
    names = {"codes": codes, "queries": codes[:3]}
    blocks = re.findall(r"<!-- python -->\n```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert Path("Pictures/copy.jpg").exists()
    assert names["groups"]
