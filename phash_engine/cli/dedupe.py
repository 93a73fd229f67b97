"""``phash dedupe``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from phash_engine import _files
from phash_engine.actions import plan
from phash_engine.catalogue import Photo, Store
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli import scan as scan_command
from phash_engine.cli.command import Explained, further, option
from phash_engine.errors import PhashError, UsageError
from phash_engine.grouping import groups as duplicates
from phash_engine.grouping import keep_rules
from phash_engine.grouping.clustering import MODES
from phash_engine.grouping.groups import Group, Groups, Pair
from phash_engine.matching.where import Where
from phash_engine.reports import names, wording

_GROWN = 1.5
"""Times as many photos make twice as many false pairs as a calibration promised."""


@click.command("dedupe", cls=Explained, short_help=COMMANDS["dedupe"])
@options.folders_or_all
@option(
    "--reference",
    "references",
    multiple=True,
    metavar="DIR",
    help="List what this folder has already; it is kept.",
)
@options.where
@options.diagonal
@further(
    "--mode",
    type=click.Choice(list(MODES)),
    default="star",
    show_default=True,
    help="What makes a group: each duplicate close to the keeper, each to each, or a chain of close pairs.",
)
@option(
    "--keep",
    default=",".join(keep_rules.DEFAULT),
    metavar="RULES",
    help="What to keep first, as 'pixels,oldest' or 'path:*/best'.",
)
@further("--same-folder", "span", flag_value="same-folder", help="Match only photos of the same folder.")
@further("--across-folders", "span", flag_value="across-folders", help="Match only photos of different folders.")
@further(
    "--burst",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Mark groups of shots that a camera took at most this many seconds apart: a series, not copies.",
)
@options.radius
@options.rotations
@options.trust_all
@options.verify
@options.index_kind
@options.exclude
@options.include_managed
@options.workers
@options.memory
@options.pairs
@options.catalogue
@further("--no-catalogue", is_flag=True, help="Scan into memory and keep nothing.")
@option("--plan", "plan_path", metavar="FILE", help="Write a plan for 'phash apply'.")
@option("--exit-code", is_flag=True, help="Exit with 1 if there are duplicates.")
@options.as_json
@options.report_file("--csv", help="Write a table of the duplicates.")
@options.report_file("--html", help="Write a page with all pictures.")
@options.strict
def command(
    folders: tuple[str, ...],
    references: tuple[str, ...],
    conditions: tuple[str, ...],
    diagonal: float,
    mode: str,
    keep: str,
    span: str | None,
    burst: float | None,
    radius: int | None,
    rotations: bool,
    trust_all: bool,
    verify: bool,
    kind: str,
    exclude: tuple[str, ...],
    include_managed: bool,
    workers: int | None,
    memory: int | None,
    pairs: str,
    catalogue_path: Path | None,
    no_catalogue: bool,
    plan_path: str | None,
    exit_code: bool,
    as_json: bool,
    csv: Path | None,
    html: Path | None,
    strict: bool,
) -> int:
    """Scan folders, then list groups of photos below them that look the same. Nothing is changed or deleted.

    Each group begins with the photo to keep and the rule that chose it. Its duplicates follow: distance in bits, in
    collections of 200 photos or more the score (the distance less how near unrelated photos come; it decides unless
    --radius is given), and the match type: identical (equal bytes), similar, rotated (nearer when rotated or mirrored),
    trimmed (nearer without a uniform border), frame or crop (nearer to one of these, see 'phash scan'), or with
    --verify verified (beyond the radius, accepted by verification; the evidence is printed before the path). An equals
    sign marks photos that are kept too, a plus sign sidecars, such as the camera RAW of a JPEG. Without DIR all photos
    of the catalogue are compared, as of their last scan.

    --keep takes rules with commas between them, the first to decide first: pixels, exif (of a camera), quality (of JPEG
    encoding), size, oldest, newest, shortest-path, sharpness, format (RAW, then HEIC, JPEG and TIFF), path:GLOB. The
    default is pixels,exif,quality,size,oldest,shortest-path. --where takes conditions as 'phash find --help-all' has
    them; only photos that meet them are compared.
    """
    if no_catalogue and (not folders or _is_given("catalogue_path")):
        raise click.UsageError("--no-catalogue needs folders, and excludes --catalogue")
    if plan_path is not None:
        plan_path = _files.absolute(plan_path)
        plan.check_target(plan_path)
    rules = keep_rules.names(keep)
    where = Where.parse(",".join(conditions), diagonal) if conditions else None
    unread = 0
    inside = [_files.absolute(folder) for folder in folders] or None
    staying = [_files.absolute(folder) for folder in references]
    if inside and all(_files.is_below(folder, staying) for folder in inside):
        raise UsageError(
            f"{inside[0]} is in a reference folder, all of which is kept: name the folder of the new photos"
        )
    scanned = (*folders, *references)
    with _open(catalogue_path, no_catalogue=no_catalogue, create=bool(scanned)) as catalogue:
        if scanned:
            report = scan_command.run(
                scanned,
                catalogue,
                exclude=exclude,
                include_managed=include_managed,
                workers=workers,
                memory=memory,
                pairs=pairs,
            )
            away = {root.path for root in report.unreachable}
            if scan_command.reached_nothing(report, scanned) or _is_unknown(references, away, catalogue):
                return PhashError.exit_code
            unread = scan_command.exit_code(report, strict=strict)
        with (
            output.progress_bar("comparing") as progress,
            options.verifier(catalogue, wanted=verify, progress=progress) as verifier,
        ):
            groups = duplicates.find_groups(
                catalogue,
                radius,
                folders=inside,
                references=references,
                exclude=exclude,
                where=where,
                include_managed=include_managed,
                rotations=rotations,
                trust_all=trust_all,
                mode=mode,
                keep=rules,
                span=span or "anywhere",
                burst=burst,
                kind=kind,
                verifier=verifier,
                progress=progress,
            )
        going = 0 if plan_path is None else _write_plan(groups, plan_path)
        _write(groups, csv, html)
        if as_json:
            for group in groups:
                output.record(_record(group))
        else:
            _print(groups, verify=verify)
    if groups.compared > _GROWN * (groups.policy.contents or groups.compared):
        output.message(f"{groups.compared} photos are many more than were calibrated: run 'phash calibrate' again")
    if groups.left_out:
        photos = output.count(groups.left_out, "photo")
        output.message(f"{photos} in managed folders not compared; --include-managed compares them too")
    if not as_json:
        output.message(_summary(groups))
    if plan_path is not None:
        files = output.count(going, "file")
        output.message(f"{names.quoted(plan_path)}: {files} would go; 'phash apply --dry-run' says how")
    return unread or int(exit_code and bool(groups))


def _write_plan(groups: Groups, path: str) -> int:
    """Write the plan, and return how many photos would go."""
    planned = plan.make(groups)
    plan.write(planned, path)
    return sum(len(group.duplicates) for group in planned.groups)


def _is_unknown(references: Sequence[str], away: Collection[str], catalogue: Store) -> bool:
    """Whether a reference folder cannot be reached and nothing is known of it: its photos are unknown."""
    roots = [root for root in map(_files.absolute, references) if root in away]
    return any(next(catalogue.photos([root]), None) is None for root in roots)


def _is_given(parameter: str) -> bool:
    """Whether a parameter was given on the command line, not by the environment."""
    return click.get_current_context().get_parameter_source(parameter) is ParameterSource.COMMANDLINE


def _open(path: Path | None, *, no_catalogue: bool, create: bool) -> Store:
    if no_catalogue:
        return Store(None)
    return options.open_or_create(path) if create else options.open_existing(path)


def _print(groups: Groups, *, verify: bool) -> None:
    for group in groups:
        _print_group(group, groups.sidecars, by_score=groups.policy.cutoff is not None, verify=verify)


def _print_group(group: Group, sidecars: Mapping[str, Sequence[str]], *, by_score: bool, verify: bool) -> None:
    def line(start: str, photo: Photo, *notes: str) -> None:
        with_it = (f"    +  {'sidecar':<9}  {output.name(sidecar)}" for sidecar in sidecars.get(photo.path, ()))
        damage = [f"       damaged: {output.name(photo.fault)}"] if photo.is_damaged and photo.is_decoded else []
        for text in (f"{start}{output.name(photo.path)}", *notes, *damage, *with_it):
            output.text(text)

    notes = [f"       kept: {output.name(wording.reason(group.reason))}"]
    if not group.keeper.is_decoded:
        notes.append(f"       not decoded, equal bytes: {output.name(group.keeper.fault)}")
    line("", group.keeper, *notes, *(["       a series of shots"] if group.is_series else []))
    joining = group.joining()
    for photo in group.kept:
        line(f"    =  {'kept':<9}  ", photo)
    for photo in group.duplicates:
        pair = joining[photo.path]
        score = f"{'' if pair.score is None else pair.score:>4}  " if by_score else ""
        evidence = f"{output.evidence_text(pair.evidence):<40}  " if verify else ""
        line(f"  {pair.distance:>3}  {score}{pair.match_type!s:<9}  {evidence}", photo)


def _record(group: Group) -> dict[str, Any]:
    photos = (group.keeper, *group.duplicates, *group.kept)
    damaged = [photo.path for photo in photos if photo.is_damaged]
    return {
        "keeper": group.keeper.path,
        "duplicates": [photo.path for photo in group.duplicates],
        "pairs": [_pair_record(pair) for pair in group.pairs],
        "kept": [photo.path for photo in group.kept],
        "reason": group.reason._asdict(),
        "is_series": group.is_series,
        "bytes": group.bytes,
        **({} if group.keeper.is_decoded else {"is_decoded": False}),
        **({"damaged": damaged} if damaged else {}),
    }


def _pair_record(pair: Pair) -> dict[str, Any]:
    fields = {"left": pair.left.path, "right": pair.right.path, "confidence": round(pair.confidence, 6)}
    return output.match_record(pair._asdict() | fields)


def _write(groups: Sequence[Group], csv: Path | None, html: Path | None) -> None:
    if csv:
        from phash_engine.reports import csv as table

        with _named(csv):
            table.write(groups, csv)
    if html:
        from phash_engine.reports import html as sheet

        with _named(html), output.progress_bar("drawing") as progress:
            sheet.write(groups, html, progress)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error say which file could not be written; that of a full disk does not know."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _summary(groups: Groups) -> str:
    duplicates = sum(len(group.duplicates) for group in groups)
    if not duplicates:
        return f"no duplicates, by {groups.policy}"
    total = output.size(sum(group.bytes for group in groups))
    series = sum(group.is_series for group in groups)
    summary = f"{output.count(len(groups), 'group')}; {output.count(duplicates, 'duplicate')}, {total}"
    summary += f"; by {groups.policy}"
    return summary + (f"; series of shots, which plans leave alone: {series}" if series else "")
