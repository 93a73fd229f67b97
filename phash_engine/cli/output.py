"""What the commands print: records on standard output, messages on standard error, a bar on a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import click

from phash_engine import _json
from phash_engine.reports import names
from phash_engine.reports.numbers import count as count
from phash_engine.reports.numbers import size as size

if TYPE_CHECKING:
    from phash_engine.errors import ImageError
    from phash_engine.matching.verification import Evidence


SCHEMA: Final = 1
"""The version of the records: a field that changes its meaning or goes away makes a new one."""
_SHOWN = 10
"""How many failures are messages of their own."""


def text(line: str, end: str = "\n") -> None:
    """Write a line to standard output; names that are not UTF-8 come out as the bytes they are."""
    sys.stdout.buffer.write(os.fsencode(line + end))


def fields(*values: str, end: str = "\n") -> None:
    """Write fields between tabs; names among them as :func:`name` shows them, or as they are before a NUL."""
    text("\t".join(values if end == "\0" else map(name, values)), end)


def name(path: str) -> str:
    """Return a path for standard output: quoted if it could act on a terminal, or break a line of a pipe."""
    return names.quoted(path, names.UNSAFE if sys.stdout.isatty() else names.CONTROL)


def record(values: Mapping[str, Any], end: str = "\n") -> None:
    """Write one JSON record, in UTF-8 whatever the terminal's; a path that is not UTF-8 is followed by its base64.

    Characters that could act on a terminal are JSON escapes, so a record is safe to show.
    """
    line = _json.dumps({"schema": SCHEMA, **values}).decode()
    sys.stdout.buffer.write(names.UNSAFE.sub(_json_escapes, line).encode() + end.encode())


def message(line: str) -> None:
    """Write a line to standard error, if that can be written to: what it says is not the result."""
    with contextlib.suppress(OSError):
        click.echo(f"phash: {names.escaped(line)}", err=True)


class Failures:
    """Counts files that could not be read, and reports the first ten of them on standard error.

    As a context it reports at its end how many more there were; ``listed_by`` is the command that lists them all,
    ``verb`` what became of them.
    """

    def __init__(self, listed_by: str = "", verb: str = "could not be read") -> None:
        self.number = 0
        self._verb = verb
        self._see = f"; see: {listed_by}" if listed_by else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.number > _SHOWN:
            message(f"{count(self.number - _SHOWN, 'more file')} {self._verb}{self._see}")

    def add(self, path: str, reason: str) -> None:
        """Report a file, or count it if enough have been reported."""
        self.number += 1
        if self.number <= _SHOWN:
            message(f"{names.quoted(path)}: {reason}")


def report_failures(errors: Iterable[ImageError]) -> None:
    """Report the files that could not be read: the first ten, and how many more."""
    with Failures() as failures:
        for error in errors:
            failures.add(error.path, error.reason)


def _json_escapes(run: re.Match[str]) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in run[0])


def evidence_text(evidence: Evidence | None) -> str:
    """Return in words what verification measured: ``alike 0.998, change 3, colour 1.00, 212 points``."""
    if evidence is None:
        return "-"
    inliers, correlation, change, colour = evidence
    parts = [] if correlation is None else [f"alike {correlation:.3f}, change {change:.0f}, colour {colour:.2f}"]
    parts += [] if inliers is None else [count(inliers, "point")]
    return ", ".join(parts)


def match_record(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a match or pair fit for JSON: evidence as a record, and without what is None."""
    present = {name: value for name, value in values.items() if value is not None}
    evidence: Evidence | None = present.get("evidence")
    present["match_type"] = str(values["match_type"])
    return present if evidence is None else present | {"evidence": evidence._asdict()}


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that shows (done, total) as a bar on standard error; None if that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def exit_code(unread: int, asked: int, *, strict: bool) -> int:
    """Return 2 if none of the files could be read, 3 if ``strict`` and some could not, else 0."""
    if unread == asked:
        return 2
    return 3 if strict and unread else 0
