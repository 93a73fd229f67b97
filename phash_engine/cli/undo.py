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
    """Bring back the files of a journal of 'phash apply', and name those that cannot be brought back.

    The plan must be beside the journal, and decides which files are touched. Nothing is overwritten: a file whose path
    is used by another one now gets a number. Files come back from the trash on Linux; on other systems take them out by
    hand. Exits with 1 if some files were not brought back.
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
