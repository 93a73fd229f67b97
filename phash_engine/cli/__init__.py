"""The ``phash`` command: a table of commands, imported when they run, and the exit codes.

0 done, found, match; 1 the answer is no; 2 could not do it; 3 done, but with ``--strict`` some files could not be read;
130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings

import click

from phash_engine import __version__
from phash_engine.errors import PhashError

COMMANDS = {
    "hash": "Print the codes of pictures.",
    "compare": "Print the distances of two pictures, and whether they match.",
    "scan": "Bring the catalogue up to date with folders.",
    "find": "Look pictures up in the catalogue, nearest first.",
    "dedupe": "Scan folders, then list groups of pictures that look the same.",
    "status": "Say what the catalogue holds.",
    "failures": "List the files that could not be read, and why.",
    "forget": "Remove photos from the catalogue; the files stay.",
}
"""Name of each command, which is also that of its module, and its one line of help."""

INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that lists its commands from the table and imports only the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: D102 - inherited
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: D102 - inherited
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name}.command is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102 - inherited
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def cli() -> None:
    """Find duplicate and near-duplicate pictures.

    Results go to standard output, all else to standard error. Nothing is ever deleted.
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # One BLAS thread: ours are the worker threads, and starting a pool for each core would double the start-up time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What Pillow thinks of a file's metadata is no news to its owner; what matters comes back as a failure.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        code = cli.main(prog_name="phash", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = PhashError.exit_code
    except PhashError as error:
        click.echo(f"phash: {error}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("phash: interrupted", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; the flush at exit must not complain about it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code or 0)
