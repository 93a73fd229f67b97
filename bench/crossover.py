"""``python -m bench crossover``: what a range query takes with every kind of index, on a grid of sizes and radii.

The kind that ``auto`` takes is compared with the fastest measured here, and the worst cells are printed. ``--write``
saves the times as the table that ``auto`` chooses by: write those of one set of codes, and evaluate on another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench import codes, engines, timing
from phash_engine.index.costs import MEASURED, expected_microseconds

_QUERIES = 1000
_WORST = 10
_CLOSE = 1.3
_CHOSEN_FROM = ("linear", "multi")


class Cell(NamedTuple):
    """Microseconds a query by kind, for one number of codes, their words and a radius."""

    n: int
    words: int
    radius: int
    microseconds: dict[str, float]


def main(argv: list[str]) -> None:
    """Measure the grid, print how good the choice is, and write the table with ``--write``."""
    parser = timing.options(__doc__ or "")
    parser.add_argument(
        "--n", type=int, nargs="+", default=[1000, 4000, 16_000, 64_000, 256_000, 1_000_000], help="numbers of codes"
    )
    parser.add_argument("--words", type=int, nargs="+", default=[1, 2, 3, 4], help="64-bit words per code")
    parser.add_argument("--radius", type=int, nargs="+", default=[0, 2, 4, 8, 12, 16], help="bits for each word")
    parser.add_argument("--data", default="correlated", help="set of codes (default correlated)")
    parser.add_argument("--write", action="store_true", help=f"save the times in {MEASURED.name}")
    options = parser.parse_args(argv)
    cells = [
        cell
        for words in options.words
        for n in options.n
        for cell in measured(options.data, n, words, options.radius, options.rounds)
    ]
    print("\n".join(json.dumps(cell._asdict()) for cell in cells) if options.json else verdict(cells))
    if options.write:
        MEASURED.write_text(json.dumps(table(cells, options.radius), indent=1) + "\n")


def measured(data: str, n: int, words: int, radii: Sequence[int], rounds: int) -> Iterator[Cell]:
    """Time range queries of all kinds with one thread; ``radii`` are bits for each word."""
    collection = codes.collection(data, n, _QUERIES, words)
    built = [engines.ours(kind, collection.codes) for kind in ("linear", "bktree", "multi")]
    for each in radii:
        contenders = []
        for engine in built:
            if engine.range_search is not None:
                queries = engines.affordable(engine.range_search, collection.queries, each * words)
                contenders.append(engines.timed(engine.name, engine.range_search, queries, each * words))
        rows = timing.measure(contenders, rounds, warm_up=False)
        yield Cell(n, words, each * words, {row.name: round(1e6 * row.median, 3) for row in rows})


def verdict(cells: Sequence[Cell]) -> str:
    """Return how often ``auto`` is close to the fastest kind, and where it is not."""
    ordered = sorted(cells, key=lost, reverse=True)
    close = sum(lost(cell) <= _CLOSE for cell in cells)
    lines = [f"auto takes at most {_CLOSE} times as long as the fastest kind in {close} of {len(cells)} cells; worst:"]
    for cell in ordered[:_WORST]:
        times = "  ".join(f"{kind} {time:9.3f}" for kind, time in cell.microseconds.items())
        setting = f"n={cell.n:<8} words={cell.words} radius={cell.radius:<3}"
        lines.append(f"{setting} {times} us; takes {chosen(cell)}, {lost(cell):.2f} times the fastest")
    return "\n".join(lines)


def lost(cell: Cell) -> float:
    """Return the time of the chosen kind over that of the fastest."""
    return cell.microseconds[chosen(cell)] / min(cell.microseconds.values())


def chosen(cell: Cell) -> str:
    """Return the kind that is expected to be the fastest."""
    expected = expected_microseconds(cell.n, cell.words, cell.radius)
    return min(_CHOSEN_FROM, key=lambda kind: expected[kind])


def table(cells: Sequence[Cell], radii: Sequence[int]) -> dict[str, object]:
    """Return the times by words and kind, a row for each radius per word, a column for each number of codes."""
    by_words: dict[int, list[Cell]] = {}
    for cell in cells:
        by_words.setdefault(cell.words, []).append(cell)
    microseconds = {
        str(words): {
            kind: [[cell.microseconds[kind] for cell in of_words if cell.radius == r * words] for r in radii]
            for kind in of_words[0].microseconds
        }
        for words, of_words in by_words.items()
    }
    return {"n": sorted({cell.n for cell in cells}), "radius": list(radii), "microseconds": microseconds}
