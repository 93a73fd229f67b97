"""README runs as it is printed: its Python, its command lines with their output, and the options that it names.

Its two ``bash`` blocks are run by ``.ci/run``.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from phash_engine.cli import COMMANDS, cli
from tests import onnx_models
from tests.conftest import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- python(?:: (\w+))? -->\n```python\n(.*?)```", TEXT, re.DOTALL)
"""The extra package that a block of Python needs, or an empty string; and the block."""
SLOW = re.compile(r"\bcalibrate\b")
"""What takes long: it makes and reads copies of 50 photos."""
CONSOLE = "".join(re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL))


@pytest.fixture
def folder(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a copy of the sample collection, a catalogue and a trash of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PHASH_CATALOGUE", str(tmp_path / "catalogue.db"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    shutil.copytree(sample, "data/photos")
    return tmp_path


# ── Python ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def python(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A folder in which all blocks ran that need no extra package, and their names."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(sample, folder / "Pictures")
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(folder / "Pictures/2023-lake/IMG_0412.jpg", folder / name)
    names: dict[str, object] = {}
    with contextlib.chdir(folder):
        for extra, block in BLOCKS:
            if not extra and not SLOW.search(block):
                exec(compile(block, "README.md", "exec"), names)
    return folder, names


def test_python_runs(python: tuple[Path, dict[str, object]]) -> None:
    folder, names = python
    assert names["groups"]
    assert (folder / "Pictures/2023-lake/IMG_0412.jpg").exists()
    assert (folder / "aside").is_dir()
    assert not list((folder / "aside").rglob("*.jpg"))


@pytest.mark.slow
@pytest.mark.parametrize("block", [block for _, block in BLOCKS if SLOW.search(block)])
def test_python_that_takes_long_runs(python: tuple[Path, dict[str, object]], block: str) -> None:
    folder, names = python
    with contextlib.chdir(folder):
        exec(compile(block, "README.md", "exec"), names)


@pytest.mark.parametrize(("extra", "block"), [block for block in BLOCKS if block[0]])
def test_python_with_an_extra_runs(python: tuple[Path, dict[str, object]], extra: str, block: str) -> None:
    folder, names = python
    pytest.importorskip(extra)
    pytest.importorskip("onnx")
    onnx_models.classifier(folder / "model.onnx")
    with contextlib.chdir(folder):
        exec(compile(block, "README.md", "exec"), names)
    assert names["ranked"]


def test_each_task_takes_five_lines_of_python_and_no_other_package() -> None:
    assert len(BLOCKS) == TEXT.count("```python")
    for _, block in BLOCKS:
        lines = [line for line in block.splitlines() if line and not line.startswith("import ")]
        assert 0 < len(lines) <= 5, block
    imported = re.findall(r"^(?:import|from) .*", "\n".join(block for _, block in BLOCKS), re.MULTILINE)
    assert imported == ["import phash_engine as ph"]


# ── command lines ───────────────────────────────────────────────────────────────────────────────────────────────────


def commands() -> Iterator[tuple[str, str]]:
    """Yield each command line that is printed, and its output."""
    for part in re.split(r"^\$ ", CONSOLE, flags=re.MULTILINE)[1:]:
        line, _, printed = part.partition("\n")
        yield line.partition("  #")[0].strip(), printed.strip("\n")


def pattern(printed: str) -> str:
    """Return the expression that a printed output stands for: an ellipsis is any text, alone any lines."""
    lines = (
        (r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n") for line in printed.split("\n")
    )
    return "".join(lines)


def check(line: str, printed: str) -> None:
    program = f'"{sys.executable}" -m phash_engine {line.removeprefix("phash ")}'
    run = subprocess.run(program, shell=True, capture_output=True, check=False)
    output = (run.stdout + run.stderr).decode()
    assert run.returncode == 0, f"{line}\n{output}"
    assert re.fullmatch(pattern(printed), output), f"{line}\n{output}"


def test_command_lines_run_and_print_what_is_shown(folder: Path) -> None:
    fast = [(line, printed) for line, printed in commands() if not SLOW.search(line)]
    for line, printed in fast:
        check(line, printed)
    assert {line.split()[1] for line, _ in fast} == {"hash", "compare", "scan", "find", "dedupe", "apply", "undo"}
    assert (folder / "sheet.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("line", "printed"), [command for command in commands() if SLOW.search(command[0])])
def test_a_command_line_that_takes_long_runs(folder: Path, line: str, printed: str) -> None:
    check(line, printed)


# ── commands and options in the text ────────────────────────────────────────────────────────────────────────────────


PROSE = " ".join(re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL).split())
OTHERS = {"--no-deps", "--data", "--studio", "--words", "--n"}
"""Options of pip and of the bench."""


def options_of(name: str) -> set[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, f"README names phash {name}"
    found = [*command.params, *cli.params, *command.get_params(click.Context(command))]
    return {spelling for parameter in found for spelling in (*parameter.opts, *parameter.secondary_opts)}


def test_commands_and_options_exist() -> None:
    every = set().union(*map(options_of, COMMANDS))
    for span in re.findall(r"`([^`]+)`", PROSE):
        known = every | OTHERS
        words = span.split()
        if words[0] == "phash" and words[1:] and re.fullmatch("[a-z-]+", words[1]):
            known = options_of(words[1])
        elif words[0] not in {"phash"} and not words[0].startswith("-") and words[0] not in COMMANDS:
            continue
        for option in re.findall(r"(?<![\w-])(?:--[a-z][\w-]*|-[a-z0](?!\w))", span):
            assert option in known, f"README names {option} in {span!r}"


def test_the_listing_names_every_command() -> None:
    (listing,) = re.findall(r"```\n(phash .*?)```", TEXT, re.DOTALL)
    named = {name for line in listing.splitlines() for name in re.findall(r"[a-z]+(?:-[a-z]+)*", line)}
    assert set(COMMANDS) <= named


def test_the_limit_of_what_the_codes_pass_on_is_named() -> None:
    assert "`--candidates BITS`" in PROSE
