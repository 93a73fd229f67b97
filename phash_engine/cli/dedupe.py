"""``phash dedupe``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from phash_engine import files, plan
from phash_engine.catalogue import Catalogue
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli import scan as scan_command
from phash_engine.duplicates import Group, find_groups
from phash_engine.errors import PhashError
from phash_engine.rules import RADIUS


@click.command("dedupe", short_help=COMMANDS["dedupe"])
@options.folders_or_all
@options.radius
@options.rotations
@options.trust_all
@options.verify
@options.index_kind
@options.exclude
@options.workers
@options.pairs
@options.catalogue
@click.option("--no-catalogue", is_flag=True, help="Remember nothing: scan into memory.")
@click.option("--plan", "plan_path", metavar="FILE", help="Write down for 'phash apply' what would go, and what stays.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there are duplicates.")
@options.as_json
@options.strict
def command(
    folders: tuple[str, ...],
    radius: int | None,
    rotations: bool,
    trust_all: bool,
    verify: bool,
    kind: str,
    exclude: tuple[str, ...],
    workers: int | None,
    pairs: str,
    catalogue_path: Path | None,
    no_catalogue: bool,
    plan_path: str | None,
    exit_code: bool,
    as_json: bool,
    strict: bool,
) -> int:
    """Scan folders, then list groups of pictures below them that look the same. Nothing is changed or deleted.

    Of each group the keeper stands first (most pixels, largest file, oldest), then the others with their distance
    to it in bits and the rule that matched: digest (equal bytes), code, rotation (closer when turned or mirrored),
    trimmed (closer without a uniform border), frame or crop (closer to one of these, see 'phash scan'), or with
    --verify verified (beyond the radius, but a second look says so), and what was seen stands before the path.
    Lines with a plus sign are files of the same shot as the photo above them, such as its camera RAW.
    Without DIR all photos of the catalogue are compared, as of their last scan.
    """
    if no_catalogue and (not folders or _is_given("catalogue_path")):
        raise click.UsageError("--no-catalogue goes with folders, and not with --catalogue")
    if plan_path is not None:
        plan_path = files.absolute(plan_path)
        plan.check_target(plan_path)
    unread = 0
    inside = [files.absolute(folder) for folder in folders] or None
    with _open(catalogue_path, no_catalogue=no_catalogue, create=bool(folders)) as catalogue:
        if folders:
            report = scan_command.run(folders, catalogue, exclude=exclude, workers=workers, pairs=pairs)
            if scan_command.reached_nothing(report, folders):
                return PhashError.exit_code
            unread = scan_command.exit_code(report, strict=strict)
        with options.verifier(catalogue, wanted=verify, bar=True) as verifier:
            groups = find_groups(
                catalogue,
                RADIUS if radius is None else radius,
                folders=inside,
                exclude=exclude,
                rotations=rotations,
                trust_all=trust_all,
                kind=kind,
                verifier=verifier,
            )
        sizes = {photo.path: photo.size for photo in catalogue.photos(inside)} if groups else {}
        if plan_path is not None:
            _write_plan(groups, catalogue, plan_path)
        for group in groups:
            _print(group, catalogue, as_json=as_json, verify=verify)
    if not as_json:
        output.message(_summary(groups, sizes))
    return unread or int(exit_code and bool(groups))


def _write_plan(groups: Sequence[Group], catalogue: Catalogue, path: str) -> None:
    planned = plan.make(groups, catalogue)
    plan.write(planned, path)
    number = sum(len(group.others) for group in planned.groups)
    output.message(f"{path}: {output.count(number, 'file')} would go; 'phash apply --dry-run' says how")


def _is_given(parameter: str) -> bool:
    """Whether a parameter stands on the command line; the environment may hold one for all commands."""
    return click.get_current_context().get_parameter_source(parameter) is ParameterSource.COMMANDLINE


def _open(path: Path | None, *, no_catalogue: bool, create: bool) -> Catalogue:
    if no_catalogue:
        return Catalogue(None)
    return options.open_or_create(path) if create else options.open_existing(path)


def _print(group: Group, catalogue: Catalogue, *, as_json: bool, verify: bool) -> None:
    if as_json:
        output.record(group._asdict() | {"pairs": [output.without_unseen(pair._asdict()) for pair in group.pairs]})
        return
    output.text(group.keeper)
    _print_companions(group.keeper, catalogue)
    for pair in group.pairs:
        seen = f"{output.seen(pair.evidence):<40}  " if verify else ""
        output.text(f"  {pair.distance:>3}  {pair.rule:<8}  {seen}{pair.other}")
        _print_companions(pair.other, catalogue)


def _print_companions(path: str, catalogue: Catalogue) -> None:
    for companion in catalogue.companions(path):
        output.text(f"    +  {'with it':<8}  {companion}")


def _summary(groups: Sequence[Group], sizes: dict[str, int]) -> str:
    others = [path for group in groups for path in group.others]
    if not others:
        return "no duplicates"
    total = output.size(sum(sizes[path] for path in others))
    return f"{output.count(len(groups), 'group')}; {output.count(len(others), 'file')} beside the keepers, {total}"
