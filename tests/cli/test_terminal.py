"""Hostile names, closed streams, many failures, help: what a terminal or a pipe is sent."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from phash_engine.cli import COMMANDS, EVERYDAY, cli
from phash_engine.reports.names import CONTROL, UNSAFE
from tests.cli.test_cli import ALONE, LAKE, PHASH, SAMPLE, catalogue, complaint, invoke, phash, records, scanned

__all__ = ["catalogue", "scanned"]  # fixtures

NAMES = [
    "esc\x1b]0;title\a.jpg",
    "line\nphash: forged.jpg",
    "cr\r.jpg",
    "c1\x9b2J.jpg",
    "gpj.\u202e.jpg",
    "caf\udce9.jpg",
]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Copies of one picture, each beside a broken file, under names that act on a terminal."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(LAKE, folder / name)
        (folder / f"broken {name}").write_bytes(b"no picture")
    return folder


def on_terminal(*arguments: str | Path) -> str:
    """Run a command whose output and messages go to a terminal, and return what that was sent.

    The messages of dedupe do not: its progress bars move the cursor.
    """
    ours, theirs = pty.openpty()
    stderr = subprocess.DEVNULL if arguments[0] == "dedupe" else theirs
    with subprocess.Popen([*PHASH, *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=stderr):
        os.close(theirs)
        sent = b""
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:  # how Linux says that the other side has gone
                break
            sent += data
            if not data:
                break
    os.close(ours)
    return sent.decode(errors="surrogateescape").replace("\r\n", "\n")


def unsafe(text: str) -> list[str]:
    return [char for char in UNSAFE.findall(text) if char.strip("\n\t")]


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_terminal_is_sent_nothing_that_acts(hostile: Path) -> None:
    invoke("scan", hostile)
    queries = [hostile / name for name in NAMES]
    for arguments in (
        ["find", *queries, "--in", hostile],
        ["find", *hostile.glob("broken*")],
        ["hash", *queries],
        ["failures", hostile],
        ["ignore", "--list"],
        ["compare", queries[0], hostile / f"broken {NAMES[0]}"],
        ["dedupe", hostile],
        ["apply", hostile / "\x1b[2Jnowhere"],
        ["find", LAKE, "--in", hostile / "\u202enowhere"],
        ["find", LAKE, "--where", "a\x1b[2J>1"],
        ["status", "--catalogue", hostile / "\x1b[2J.db"],
    ):
        sent = on_terminal(*arguments)
        assert unsafe(sent) == []
        assert any(shown in sent for shown in ("$'", "\\x1b")) or arguments[0] == "ignore"
        assert not any(line.startswith("phash: forged") for line in sent.splitlines())


def test_messages_are_safe_also_on_a_pipe(hostile: Path) -> None:
    run = phash("scan", hostile)
    assert unsafe(run.stderr.decode(errors="surrogateescape")) == []
    assert f"'{hostile}/broken line'$'\\n''phash: forged.jpg': not an image".encode() in run.stderr


def test_a_record_of_a_pipe_is_one_line(hostile: Path) -> None:
    invoke("scan", hostile)
    lines = phash("find", LAKE, "--in", hostile).stdout.split(b"\n")[:-1]
    assert len(lines) == len(NAMES)
    shown = [os.fsdecode(line.split(b"\t")[2]) for line in lines]
    assert [path for path in shown if CONTROL.search(path)] == []
    assert f"{hostile}/gpj.\u202e.jpg" in shown
    assert f"{hostile}/caf\udce9.jpg" in shown
    assert f"'{hostile}/line'$'\\n''phash: forged.jpg'" in shown
    null = phash("find", LAKE, "--in", hostile, "-0").stdout.split(b"\0")[:-1]
    assert sorted(os.fsdecode(record.split(b"\t", 2)[2]) for record in null) == sorted(
        f"{hostile}/{name}" for name in NAMES
    )
    assert len(phash("failures", hostile).stdout.splitlines()) == len(NAMES)


def test_json_is_escaped_and_whole(hostile: Path) -> None:
    invoke("scan", hostile)
    run = phash("find", LAKE, "--in", hostile, "--json")
    assert unsafe(run.stdout.decode()) == []
    found = {record["path"] for record in records(run.stdout)}
    assert found == {f"{hostile}/{name}".replace("\udce9", "\ufffd") for name in NAMES}


def test_reports_show_what_acts(hostile: Path, tmp_path: Path) -> None:
    invoke("dedupe", hostile, "--html", tmp_path / "s.html")
    page = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert unsafe(page) == []
    for shown in ("esc[U+001B]]0;title[U+0007].jpg", "line[U+000A]phash", "gpj.[U+202E].jpg", "caf\ufffd.jpg"):
        assert shown in page


# ── streams ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "0<&-", "0<&- 1>&- 2>&-", "2>/dev/full"])
def test_closed_streams_are_no_failure(closed: str, catalogue: Path) -> None:
    def code(*arguments: str | Path) -> tuple[int, bytes]:
        run = subprocess.run(
            ["sh", "-c", f'"$@" {closed}', "sh", *PHASH, *map(str, arguments)], capture_output=True, check=False
        )
        assert b"Traceback" not in run.stdout + run.stderr
        return run.returncode, run.stdout

    assert code("dedupe", SAMPLE)[0] == 0
    assert code("dedupe", SAMPLE, "--exit-code")[0] == 1
    assert code("find", LAKE)[0] == 0
    assert code("scan", "/nowhere")[0] == 2
    assert code("hash", "--nothing")[0] == 2
    assert code("--help")[0] == 0
    assert phash("status").returncode == 0, "nothing was written into the catalogue"
    if "0<&-" in closed:
        assert code("hash", "-")[0] == 2


def test_of_many_failures_ten_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for number in range(25):
        (folder / f"{number:02}.jpg").write_bytes(b"no picture")
    lines = phash("scan", folder).stderr.decode().splitlines()
    assert sum(": not an image" in line for line in lines) == 10
    assert "phash: 15 more files could not be read; see: phash failures" in lines
    assert len(phash("failures", folder).stdout.splitlines()) == 25
    for path in folder.iterdir():
        path.write_bytes(b"not in the catalogue either")  # else it is found by its equal bytes
    for command in ("hash", "find"):
        lines = phash(command, *sorted(folder.iterdir())).stderr.decode().splitlines()
        assert len(lines) == 11
        assert lines[-1] == "phash: 15 more files could not be read"
    lines = phash("dedupe", "--no-catalogue", folder).stderr.decode().splitlines()
    assert sum(": not an image" in line for line in lines) == 10
    assert "phash: 15 more files could not be read" in lines


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_of_many_skipped_files_ten_are_named(more: list[str], tmp_path: Path) -> None:
    folder, plan = tmp_path / "many", tmp_path / "plan.json"
    folder.mkdir()
    for number in range(26):
        shutil.copy(LAKE, folder / f"{number:02}.jpg")
    invoke("dedupe", folder, "--plan", plan)
    for path in folder.iterdir():
        path.write_bytes(b"changed")
    run = phash("apply", plan, *more)
    lines = run.stderr.decode().splitlines()
    assert (run.returncode, run.stdout) == (1, b"")
    assert sum(line.startswith(f"phash: {folder}") for line in lines) == 10
    assert "phash: 15 more files were skipped; see: --json" in lines
    assert len(records(phash("apply", plan, "--json", *more).stdout)) == 25


# ── standard input and names that begin with a dash ─────────────────────────────────────────────────────────────────


def test_one_picture_may_come_from_standard_input() -> None:
    data = LAKE.read_bytes()
    digits = invoke("hash", LAKE).output.split("  ")[0]
    assert phash("hash", "-", input=data).stdout.decode() == f"{digits}  -\n"
    assert [record["path"] for record in records(phash("hash", LAKE, "-", "--json", input=data).stdout)] == [
        str(LAKE),
        "-",
    ]
    assert phash("compare", LAKE, "-", input=data).returncode == 0
    assert phash("compare", "-", ALONE, input=data).returncode == 1
    (record,) = records(phash("compare", "-", LAKE, "--json", input=data).stdout)
    assert (record["a"], record["b"], record["match_type"]) == ("-", str(LAKE), "identical")
    for arguments in (["hash", "-", "-"], ["compare", "-", "-"], ["find", "-", "-"]):
        assert "standard input holds one picture" in complaint(phash(*arguments, input=data))


@pytest.mark.parametrize("name", ["-k.jpg", "--json.jpg", "-photo.jpg", "--where"])
def test_names_that_begin_with_a_dash(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(SAMPLE.parents[1]))  # the package of these tests, wherever they run
    shutil.copy(LAKE, name)
    for command in ("hash", "find"):
        assert f"for the file of this name give ./{name}" in complaint(phash(command, name))
        assert phash(command, "--", name).returncode == 0
        assert phash(command, f"./{name}").returncode == 0
    assert "./" not in complaint(phash("hash", "--jsn"))


# ── help ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def help_of(*arguments: str) -> list[str]:
    return CliRunner().invoke(cli, list(arguments), terminal_width=80, prog_name="phash").output.splitlines()


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_one_screen_and_all_of_it_is_at_hand(name: str) -> None:
    command = [name] if name else []
    short, whole = help_of(*command, "--help"), help_of(*command, "--help-all")
    assert len(short) <= 24, "\n".join(short)
    assert len(whole) >= len(short)
    if name:
        found = cli.get_command(click.Context(cli), name)
        assert found is not None
        text = "\n".join(whole)
        options = [parameter for parameter in found.params if isinstance(parameter, click.Option)]
        assert all(any(spelling in text for spelling in option.opts) for option in options)
    else:
        assert all(command in "\n".join(short) for command in COMMANDS)
        assert all(f"  {command} " in "\n".join(short) for command in EVERYDAY)


def test_records_hold_lone_surrogates(capfdbinary: Any) -> None:
    script = "from phash_engine.cli import output; output.record({'path': 'a\\ud83d'}); output.fields('a\\ud83d')"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    record, line = run.stdout.splitlines()
    assert json.loads(record)["path_b64"]
    assert line == b"'a'$'\\355\\240\\275'"
