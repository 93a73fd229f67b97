"""Charts: what names of classes do to them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from phash_engine.reports import charts
from phash_engine.reports.names import UNSAFE

NAMES = ["caf\udce9", "esc\x1b[2J", "line\nfeed", "gpj.\u202e", "$x^2$", "<b>&"]


@pytest.mark.parametrize("extension", ["svg", "png", "pdf"])
def test_labels_hold_any_name_and_show_what_acts(extension: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    chart = tmp_path / f"chart.{extension}"
    matrix = np.ones((len(NAMES), len(NAMES) + 1), dtype=np.int64)
    charts.confusion(chart, NAMES, matrix)
    assert chart.stat().st_size > 1000
    if extension == "svg":
        text = chart.read_text(encoding="utf-8")
        ElementTree.fromstring(text)
        assert [run for run in UNSAFE.findall(text) if run.strip("\n\t")] == []
