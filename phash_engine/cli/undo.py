"""``phash undo``."""

from __future__ import annotations

from pathlib import Path

import click

from phash_engine import _files
from phash_engine.actions import executor
from phash_engine.actions.journal import SUFFIX
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.apply import run
from phash_engine.errors import UsageError


@click.command("undo", short_help=COMMANDS["undo"])
@click.argument("path", metavar="JOURNAL")
@options.as_json
def command(path: str, as_json: bool) -> int:
    """Bring back what 'phash apply' took away, by its journal, and name what cannot be brought back.

    Nothing is overwritten: where another file has the name by now, the one that comes back gets a number. From the
    trash files come back on Linux; elsewhere take them out by hand. Exits with 1 if something was not brought back.
    """
    path = _files.absolute(path)
    if Path(path + SUFFIX).exists():
        raise UsageError(f"{path} is the plan: its journal is {path}{SUFFIX}")
    steps = (outcome._replace(way="back") for outcome in executor.undo(path))
    outcomes = run(steps, path, as_json=as_json, undone=True)
    back = sum(outcome.result == "done" for outcome in outcomes)
    left = len(outcomes) - back
    told = f"{output.count(back, 'file')} back" if outcomes else "nothing to bring back: what went is back already"
    output.message(told + (f"; {output.count(left, 'file')} not" if left else ""))
    return int(bool(left))
