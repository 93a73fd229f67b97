"""Names on terminals and pages: what GNU ls shows, what a shell reads back, nothing that acts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phash_engine.reports.names import CONTROL, UNSAFE, escaped, marked, quoted

HOSTILE = ["a\nb", "\nb", "b\n", "\x1b[2J", "a\x1b\x1b[31mb", "\tq\x7f", "bell\a\r", "c1\x9b2J", "caf\udce9", "\u2028"]
BIDI = ["gpj.\u202eexe", "\u2066a\u2069", "\u200fx"]


@pytest.mark.skipif(shutil.which("ls") is None or shutil.which("bash") is None, reason="no GNU ls or bash here")
@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_quoted_as_ls_does(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    command = ["ls", "--quoting-style=shell-escape", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert quoted(name) == run.stdout.decode().rstrip("\n")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize("name", [*HOSTILE, *BIDI, "it's\n", "'\a'", "\\\n"])
def test_a_shell_reads_the_same_name(name: str) -> None:
    run = subprocess.run(["bash", "-c", f"printf %s {quoted(name)}"], capture_output=True, check=True)
    assert run.stdout == os.fsencode(name)


@given(st.text(max_size=20))
def test_nothing_that_acts_is_left(name: str) -> None:
    for shown in (quoted(name), escaped(name), escaped(quoted(name)), marked(name)):
        assert not UNSAFE.search(shown)
    assert not CONTROL.search(quoted(name, CONTROL))
    if not UNSAFE.search(name):
        assert quoted(name) == escaped(name) == marked(name) == name


def test_ordinary_names_of_any_script_are_as_they_are() -> None:
    for name in (
        "IMG (1).jpg",
        "пляж 🏖.jpg",
        "שלום.png",
        "👨\u200d👩\u200d👧.heic",
        "it's.jpg",
        "Screenshot 9.41\u202fAM.png",
    ):
        assert quoted(name) == escaped(name) == marked(name) == name


def test_surrogates_that_are_no_bytes() -> None:
    assert quoted("a\ud83d") == "'a'$'\\355\\240\\275'"
    assert quoted("a\ud83d", CONTROL) == quoted("a\ud83d")
    assert quoted("caf\udce9", CONTROL) == "caf\udce9"
    assert marked("a\ud83d\udce9") == "a[U+D83D]\ufffd"
