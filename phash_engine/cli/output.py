"""What the commands print: records on standard output, messages on standard error, a bar on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from phash_engine import _json

if TYPE_CHECKING:
    from phash_engine.matching.verification.verifier import Evidence


def text(line: str, end: str = "\n") -> None:
    """Write a line to standard output; names that are not UTF-8 come out as the bytes they are."""
    sys.stdout.buffer.write(os.fsencode(line + end))


def record(fields: Mapping[str, Any], end: str = "\n") -> None:
    """Write one JSON record, in UTF-8 whatever the terminal's; a path that is not UTF-8 is followed by its base64."""
    sys.stdout.buffer.write(_json.dumps(dict(fields)) + end.encode())


def message(line: str) -> None:
    """Write a line to standard error."""
    click.echo(f"phash: {line}".encode(errors="surrogateescape"), err=True)


def evidence_text(evidence: Evidence | None) -> str:
    """Return in words what verification measured: ``alike 0.998, change 3, colour 1.00, 212 points``."""
    if evidence is None:
        return "-"
    inliers, correlation, change, colour = evidence
    parts = [] if correlation is None else [f"alike {correlation:.3f}, change {change:.0f}, colour {colour:.2f}"]
    parts += [] if inliers is None else [count(inliers, "point")]
    return ", ".join(parts)


def match_record(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a match or pair fit for JSON: evidence as a record, and without what is None."""
    present = {name: value for name, value in fields.items() if value is not None}
    evidence: Evidence | None = present.get("evidence")
    present["match_type"] = str(fields["match_type"])
    return present if evidence is None else present | {"evidence": evidence._asdict()}


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 photo``, ``2 photos``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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


def size(number: float) -> str:
    """Return a number of bytes for people: ``12.3 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def exit_code(unread: int, asked: int, *, strict: bool) -> int:
    """Return 2 if none of the files could be read, 3 if ``strict`` and some could not, else 0."""
    if unread == asked:
        return 2
    return 3 if strict and unread else 0
