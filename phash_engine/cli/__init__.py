"""The ``phash`` command: a table of commands, imported when they run, and the exit codes.

0 done, found, match; 1 nothing found, no match; 2 error; 3 done, but with ``--strict`` some files could not be read;
130 interrupted.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import warnings
from typing import Any

import click

from phash_engine import __version__
from phash_engine._files import reason_of
from phash_engine.cli import output
from phash_engine.cli.command import help_all, shows_all
from phash_engine.errors import PhashError

EVERYDAY = {
    "dedupe": "Scan folders, then list groups of photos that look the same.",
    "apply": "Do what a plan of dedupe says: trash, move, link or delete.",
    "undo": "Bring back what apply took away.",
    "find": "Find photos in the catalogue, nearest first.",
    "compare": "Print the distances of two pictures, and whether they match.",
    "hash": "Print the codes of pictures.",
    "scan": "Bring the catalogue up to date with folders.",
    "ignore": "Remember which photos are not duplicates, or are all kept.",
    "calibrate": "Measure on your own photos which radius finds no false groups.",
    "status": "Print what the catalogue holds.",
    "failures": "List the files that could not be read, and why.",
}
COMMANDS = EVERYDAY | {
    "forget": "Remove photos from the catalogue; the files stay.",
    "import": "Import codes of the imagehash library.",
    "find-hash": "Find photos by hashes of the imagehash library.",
    "rerank": "Find photos by their codes, and rank the matches by a neural network.",
    "label": "Label pictures by the labels of the most similar photos.",
    "evaluate": "Measure how well queries find what they should, by codes and by a neural network.",
    "redundancy": "Measure how much of the catalogue is near-copies.",
    "selftest": "Check that this machine computes the same codes as every other.",
}
"""Name of each command, which is also that of its module, and its short help; those of every day first."""

INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that lists its commands from the table and imports only the command that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: D102 - inherited
        return list(COMMANDS)

    def resolve_command(  # noqa: D102 - inherited
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[:1] == ["help"]:
            args = [*args[1:2], "--help"] if args[1:] else ["--help"]
            if args == ["--help"]:
                click.echo(ctx.get_help())
                ctx.exit()
        if args[0] not in COMMANDS:
            from difflib import get_close_matches  # only a mistake needs it

            if near := get_close_matches(args[0], COMMANDS, 1):
                raise click.UsageError(f"no such command {args[0]!r}; did you mean {near[0]!r}?", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: D102 - inherited
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name}.command is not a click command")
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102 - inherited
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has closed the pipe, which is not a failure.
            _give_up_output()
            return 0
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102 - inherited
        with formatter.section("Commands"):
            formatter.write_dl(list((COMMANDS if shows_all(ctx) else EVERYDAY).items()))
        if not shows_all(ctx):
            formatter.write_text(f"More: {', '.join(name for name in COMMANDS if name not in EVERYDAY)}.")


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> int:
    """Find duplicate and near-duplicate pictures. To begin: phash dedupe DIR. Only apply deletes files."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
    return PhashError.exit_code


cli.params.append(help_all())


def main() -> None:
    """Run the command line and end the process with its exit code."""
    _open_closed_streams()
    # One BLAS thread: we have worker threads, and starting a pool for each core would double the start-up time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Millions of records form no cycles: searching for some would take a third of the time of large groups.
    gc.set_threshold(200_000, 20, 100)
    # Pillow's warnings about metadata do not help the user; what matters is reported as a failure.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        code = cli.main(prog_name="phash", standalone_mode=False)
    except click.ClickException as error:
        output.message(_with_hint(error))
        code = PhashError.exit_code
    except PhashError as error:
        output.message(str(error))
        code = error.exit_code
    except OSError as error:
        # A full disk under the results or under the catalogue's files.
        _give_up_output()
        output.message(f"{error.filename or 'output'}: {reason_of(error)}")
        code = PhashError.exit_code
    except (click.Abort, KeyboardInterrupt):
        output.message("interrupted")
        code = INTERRUPTED
    sys.exit(code or 0)


def _open_closed_streams() -> None:
    """Open the null device for standard streams that are closed: else the next file opened gets their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for the whole process


def _with_hint(error: click.ClickException) -> str:
    """Return the error and the command whose help explains it, in one line."""
    text = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{text} (see '{context.command_path} --help')" if context else text


def _give_up_output() -> None:
    """Discard further writes to standard output, so that the flush at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
