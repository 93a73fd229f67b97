"""``phash undo``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine import _files
from phash_engine.actions import executor
from phash_engine.actions.journal import SUFFIX
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.apply import run
from phash_engine.cli.command import Explained
from phash_engine.errors import UsageError


@click.command("undo", cls=Explained, short_help=COMMANDS["undo"])
@click.argument("path", metavar="JOURNAL")
@options.as_json
def command(path: str, as_json: bool) -> int:
    """Bring back what 'phash apply' trashed, moved or linked, by its journal PLAN.journal.jsonl.

    Nothing is overwritten: a file whose path is used by another one gets a number. Files that cannot be brought back
    are listed with the reason, and the exit code is 1.

    The plan must be in the folder of the journal, under its old name: it decides which files may be touched. On Linux
    files come back from the trash; on other systems take them out by hand. An interrupted undo is continued by the same
    command.
    """
    path = _files.absolute(path)
    if Path(path + SUFFIX).exists():
        raise UsageError(f"{path} is the plan: its journal is {path}{SUFFIX}")
    steps = (outcome._replace(action="back") for outcome in executor.undo(path))
    outcomes = run(steps, path, as_json=as_json, undone=True)
    back = sum(outcome.result == "done" for outcome in outcomes)
    left = len(outcomes) - back
    text = f"{output.count(back, 'file')} back" if outcomes else "nothing to bring back: all files are back already"
    output.message(text + (f"; {output.count(left, 'file')} not" if left else ""))
    return int(bool(left))
