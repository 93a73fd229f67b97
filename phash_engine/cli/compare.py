"""``phash compare``."""

from __future__ import annotations

import click

from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli.command import Explained
from phash_engine.hashing import codes
from phash_engine.hashing.hashers import CODE_NAMES
from phash_engine.matching.analyzed import AnalyzedImage
from phash_engine.matching.explain import Explanation, Structure
from phash_engine.matching.explain import explain as explanation_of
from phash_engine.matching.policy import DEFAULT_RADIUS
from phash_engine.matching.search import Comparison, compare
from phash_engine.reports import wording


@click.command("compare", cls=Explained, short_help=COMMANDS["compare"])
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@options.radius
@options.rotations
@options.trust_all
@options.verify
@options.explain
@options.as_json
def command(
    a: str,
    b: str,
    radius: int | None,
    rotations: bool,
    trust_all: bool,
    verify: bool,
    explain: bool,
    as_json: bool,
) -> int:
    """Print the distances of two pictures; exit with 0 if they match, with 1 if not. One may be - for standard input.

    The distance that decides is that over dct, horizontal and vertical together, of the whole pictures or of what is
    inside a uniform border.
    """
    radius = DEFAULT_RADIUS if radius is None else radius
    if a == b == options.STDIN:
        raise click.UsageError("standard input holds one picture: give - once")
    if verify or explain:
        options.note_missing_opencv()
    one, other = AnalyzedImage(options.image(a)), AnalyzedImage(options.image(b))
    found = compare(one, other, radius=radius, rotations=rotations, trust_all=trust_all, verify=verify)
    pairs = zip(CODE_NAMES, *found.fingerprints, strict=True) if found.fingerprints else ()
    by_code = {name: codes.distance(x, y) for name, x, y in pairs}
    record: dict[str, object] = {
        "a": options.image_name(a),
        "b": options.image_name(b),
        "distance": found.distance,
        "match_type": None if found.match_type is None else str(found.match_type),
        "is_match": found.is_match,
        "codes": by_code,
        **({} if found.fingerprints else {"is_decoded": False}),
    }
    lines = [f"{name:<11}{bits:>4}" for name, bits in by_code.items()]
    if found.finding:
        record |= {"finding": found.finding, "evidence": found.evidence and found.evidence._asdict()}
    lines.append(f"{'distance':<11}{found.distance:>4}  {_verdict(found, radius)}")
    if explain and found.fingerprints:
        explanation = explanation_of(one, other)
        record["explanation"] = _as_record(explanation)
        lines += _as_lines(explanation)
    if as_json:
        output.record(record)
    else:
        for line in lines:
            output.text(line)
    return int(not found.is_match)


def _verdict(found: Comparison, radius: int) -> str:
    if found.match_type is None:
        return "no match: too little structure (see --trust-all)"
    how = wording.match(found.match_type, found.distance)
    if not found.fingerprints:
        how += ", not decoded"
    if found.finding:
        how += f", verification: {found.finding}, {output.evidence_text(found.evidence)}"
    return f"match: {how}" if found.is_match else f"no match: {how}, radius {radius}"


def _as_record(explanation: Explanation) -> dict[str, object]:
    nested = {name: getattr(explanation, name)._asdict() for name in ("a", "b", "evidence")}
    return explanation._asdict() | nested | {"settings": [setting._asdict() for setting in explanation.settings]}


def _as_lines(explanation: Explanation) -> list[str]:
    rows = [
        ("upright", output.count(explanation.upright, "bit")),
        ("rotated", output.count(explanation.rotations, "bit")),
        ("trimmed", "no border" if explanation.trimmed is None else output.count(explanation.trimmed, "bit")),
        ("structure", f"{_structure_text(explanation.a)}; {_structure_text(explanation.b)}"),
        ("verification", f"{explanation.finding}: {output.evidence_text(explanation.evidence)}"),
    ]
    settings = [(name, f"{'match' if match else 'no match'}: {why}") for name, match, why in explanation.settings]
    return [f"{name:<15} {text}" for name, text in rows + settings]


def _structure_text(structure: Structure) -> str:
    enough = "enough" if structure.trusted else "too little"
    return f"quality {structure.quality}, detail {structure.detail:.1f}, {enough}"
