"""What all commands have: everyday help on one screen and all of it on request; names that begin with a dash."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import cleandoc
from typing import Any

import click

_ALL = "phash_engine.help_all"
"""Key of a context in which all options are listed."""


class Option(click.Option):
    """An option whose help says what it is, and its errors which values there are."""

    def get_help_extra(self, ctx: click.Context) -> click.types.OptionHelpExtra:  # noqa: D102 - inherited
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class Further(Option):
    """An option that ``--help`` leaves out and ``--help-all`` lists."""


def option(*names: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator as ``click.option`` does, for an option of every day."""
    return click.option(*names, cls=Option, **settings)


def further(*names: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator as ``click.option`` does, for an option that few need."""
    return click.option(*names, cls=Further, **settings)


class Explained(click.Command):
    """A command whose ``--help`` has the first paragraph and the everyday options, and ``--help-all`` has all."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.append(help_all())

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102 - inherited
        text = cleandoc(self.help or "")
        if not shows_all(ctx):
            text = text.partition("\n\n")[0]
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102 - inherited
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Option)]
        listed = [each for each in options if shows_all(ctx) or not isinstance(each, Further)]
        rows = [row for each in listed if (row := each.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:  # noqa: D102 - inherited
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            before = given[: given.index("--")] if "--" in given else given
            name = next((arg for arg in before if arg[:1] == "-" and arg != "-" and os.path.lexists(arg)), None)
            if name is None:
                raise
            text = f"{error.format_message().rstrip('.')}; for the file of this name give ./{name}"
            raise click.UsageError(text, ctx) from error


def shows_all(context: click.Context) -> bool:
    """Whether the help of a context is that of ``--help-all``."""
    return bool(context.meta.get(_ALL))


def help_all() -> click.Option:
    """Return the option ``--help-all``."""

    def show(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            context.meta[_ALL] = True
            click.echo(context.get_help())
            context.exit()

    return click.Option(
        ["--help-all"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show all options.",
    )
