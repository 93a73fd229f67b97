"""``phash apply``."""

from __future__ import annotations

import contextlib
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import click

from phash_engine import _files
from phash_engine.actions import executor, plan, quarantine
from phash_engine.actions.executor import Outcome
from phash_engine.actions.journal import SUFFIX
from phash_engine.cli import COMMANDS, INTERRUPTED, options, output
from phash_engine.cli.command import Explained, option
from phash_engine.errors import CatalogueError
from phash_engine.reports import names


@click.command("apply", cls=Explained, short_help=COMMANDS["apply"])
@click.argument("path", metavar="PLAN")
@option("-n", "--dry-run", is_flag=True, help="Check everything, change nothing, and print what would be done.")
@option("--trash", is_flag=True, help="Put the files into the trash, even where 'phash undo' cannot reach it.")
@option("--move-to", metavar="DIR", help="Move the files to this folder, below the same folders as now.")
@option("--hardlink", is_flag=True, help="Replace copies with equal bytes by hard links.")
@option("--symlink", is_flag=True, help="Replace copies with equal bytes by symbolic links.")
@option("--reflink", is_flag=True, help="Let copies with equal bytes share blocks (Btrfs, XFS).")
@option("--permanently", is_flag=True, help="Delete the files; this cannot be undone.")
@options.as_json
def command(
    path: str,
    dry_run: bool,
    trash: bool,
    move_to: str | None,
    hardlink: bool,
    symlink: bool,
    reflink: bool,
    permanently: bool,
    as_json: bool,
) -> int:
    """Put the duplicates of a plan of 'phash dedupe --plan PLAN' into the trash, or as an option says.

    Where 'phash undo' could not reach the trash, files are moved to the folder PLAN.quarantine instead. Keeper and file
    are read again just before; a file that has changed since the plan was made is skipped, with the reason. What was
    done is recorded in the journal PLAN.journal.jsonl: 'phash undo' takes it back. An interrupted run is continued by
    the same command. Exits with 1 if some files were skipped.
    """
    action = _action(
        trash=trash,
        move=move_to is not None,
        hardlink=hardlink,
        symlink=symlink,
        reflink=reflink,
        delete=permanently,
    )
    path = _files.absolute(path)
    outcomes = run(executor.apply(path, action, move_to=move_to, dry_run=dry_run), path + SUFFIX, as_json=as_json)
    output.message(summary(outcomes, dry_run=dry_run))
    for line in _hints(path, move_to, outcomes):
        output.message(line)
    return int(any(outcome.result == "skipped" for outcome in outcomes))


def _action(**given: bool) -> str | None:
    """Return the action that was given; None for none."""
    actions = [action for action, is_given in given.items() if is_given]
    if len(actions) > 1:
        raise click.UsageError(
            "--trash, --move-to, --hardlink, --symlink, --reflink and --permanently exclude each other"
        )
    return actions[0] if actions else None


def _hints(path: str, move_to: str | None, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield what to know after a run: that scans pass over the folder that files were moved to, and how to undo."""
    folder = _files.absolute(move_to or path + quarantine.SUFFIX)
    if any(outcome.action == "move" for outcome in outcomes) and quarantine.is_among_photos(plan.read(path), folder):
        shown = names.quoted(folder)
        yield f"{shown} is among the photos: scans pass over it, unless they are given --include-managed"
    if any(outcome.result == "done" and outcome.action != "delete" for outcome in outcomes):
        yield f"to take it back: phash undo {shlex.quote(path + SUFFIX)}"


def run(steps: Iterable[Outcome], journal: str, *, as_json: bool, undone: bool = False) -> list[Outcome]:
    """Take the steps and print their outcomes one by one; then, whatever happened, update the catalogue."""
    outcomes: list[Outcome] = []
    try:
        with output.Failures("--json", "were skipped") as skipped:
            for outcome in steps:
                outcomes.append(outcome)
                with contextlib.suppress(BrokenPipeError):  # a reader that leaves early must not stop the work halfway
                    _show(outcome, skipped, as_json=as_json)
    except KeyboardInterrupt:
        output.message("interrupted; the journal holds what was done, and the same command goes on from there")
        raise click.exceptions.Exit(INTERRUPTED) from None
    finally:
        try:
            executor.update_catalogue(journal, outcomes, undone=undone)
        except CatalogueError as error:
            output.message(f"the catalogue was not updated, the next scan will do it: {error}")
    return outcomes


def _show(outcome: Outcome, skipped: output.Failures, *, as_json: bool) -> None:
    """Print the outcome of a file: action, path and new path, or on standard error the reason why it was skipped."""
    if as_json:
        output.record({name: value for name, value in outcome._asdict().items() if value})
    elif outcome.result == "skipped":
        skipped.add(outcome.path, outcome.reason)
    elif outcome.result != "earlier":
        to = f"  ->  {output.name(outcome.to)}" if outcome.to else ""
        output.text(f"{outcome.action:<8}  {output.name(outcome.path)}{to}")


def summary(outcomes: Sequence[Outcome], *, dry_run: bool) -> str:
    """Return one line: the number of files by what was done with them."""
    numbers = Counter(outcome.result if outcome.result in _RESULTS else outcome.action for outcome in outcomes)
    parts = [f"{output.count(number, 'file')} {_MEANING[key]}" for key, number in numbers.items()]
    return ("nothing was changed; it would be: " if dry_run else "") + ("; ".join(parts) or "nothing to do")


_RESULTS = frozenset({"earlier", "skipped"})
_MEANING = {
    "trash": "to the trash",
    "move": "moved",
    "hardlink": "replaced by a hard link",
    "symlink": "replaced by a symbolic link",
    "reflink": "sharing blocks with the keeper",
    "delete": "deleted for good",
    "earlier": "done earlier",
    "skipped": "skipped",
}
