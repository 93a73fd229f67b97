"""Explaining a comparison: each file is opened once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
from phash_engine.cli import cli
cli(["compare", *sys.argv[1:]], standalone_mode=False)
print(*(opened.count(path) for path in sys.argv[1:3]), file=sys.stderr)
"""


@pytest.mark.parametrize("options", [[], ["--explain"], ["--verify"], ["--explain", "--verify", "--json"]])
def test_each_file_is_opened_once(sample: Path, options: list[str]) -> None:
    a, b = sample / "exports" / "web" / "cat.gif", sample / "phone" / "PXL_20240110_170044.jpg"
    command = [sys.executable, "-c", SCRIPT, str(a), str(b), *options]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr.splitlines()[-1] == "1 1"
