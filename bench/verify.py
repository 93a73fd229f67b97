"""Verification: copies that it adds and edits that it drops, pairs of different photos that it accepts, its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from bench import photos, timing
from phash_engine._threads import available_threads
from phash_engine.hashing import orientation
from phash_engine.matching.policy import CANDIDATE_RADIUS, DEFAULT_RADIUS
from phash_engine.matching.verification import keypoints
from phash_engine.matching.verification.verifier import LEAST_INLIERS, VerificationImage, measure, verify

Edit = Callable[[Image.Image, np.random.Generator], Image.Image]


class Outcome(NamedTuple):
    """One copy of one photo: whether it is within the radius, and its finding, "far" beyond candidates."""

    family: str
    near: bool
    finding: str


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=60, help="photos of which copies are made (default 60)")
    parser.add_argument("--pairs", type=int, default=20_000, help="pairs of different photos (default 20,000)")
    options = parser.parse_args(argv)
    paths = photos.web(600)
    chosen = paths[:: max(1, len(paths) // options.n)][: options.n]
    with ThreadPoolExecutor(available_threads()) as pool:
        outcomes = [outcome for found in pool.map(outcomes_of, chosen) for outcome in found]
        inliers = list(pool.map(_inliers, some_pairs(paths, options.pairs)))
    print(table(outcomes))
    accepted = sum(number >= LEAST_INLIERS for number in inliers)
    print(f"{len(inliers)} pairs of different photos at any distance:", end=" ")
    print(f"at most {max(inliers)} inliers, {accepted} accepted", end="\n\n")
    contenders = [timing.Contender(*each) for each in times(paths)]
    timing.report(timing.measure(contenders, options.rounds), contenders[0].name, as_json=options.json)


def outcomes_of(path: Path) -> list[Outcome]:
    """Make a copy of each family and judge it as ``--verify`` does."""
    with Image.open(path) as image:
        original = image.convert("RGB")
    picture, outcomes = VerificationImage(original), []
    for family, edit in FAMILIES.items():
        copy = VerificationImage(edit(original, np.random.default_rng([*path.name.encode(), *family.encode()])))
        distance, _ = orientation.rotated_distance(picture.codes, copy.codes)
        near = distance <= DEFAULT_RADIUS
        outcomes.append(
            Outcome(family, near, verify(picture, copy, near=near).finding if distance <= CANDIDATE_RADIUS else "far")
        )
    return outcomes


def table(outcomes: Sequence[Outcome]) -> str:
    """Return a line for each family: shares found by distance, found with verification, and its findings."""
    lines = [f"{'':26}{'n':>5}  by distance  verified  findings"]
    for family in dict.fromkeys(outcome.family for outcome in outcomes):
        found = [outcome for outcome in outcomes if outcome.family == family]
        findings = [outcome.finding for outcome in found]
        counts = ", ".join(f"{findings.count(name)} {name}" for name in sorted(set(findings)))
        shares = (sum(outcome.near for outcome in found), findings.count("copy"))
        by_distance, verified = (number / len(found) for number in shares)
        lines.append(f"{family:26}{len(found):>5}  {by_distance:>11.3f}  {verified:>8.3f}  {counts}")
    return "\n".join([*lines, ""])


def some_pairs(paths: Sequence[Path], count: int) -> list[tuple[keypoints.Features, keypoints.Features]]:
    """Return the points of pairs of different photos: all pairs of as many photos as that takes."""
    photos_needed = int((2 * count) ** 0.5) + 1
    points = [VerificationImage(path).features(1)[0] for path in paths[:photos_needed]]
    return list(combinations(points, 2))[:count]


def _inliers(pair: tuple[keypoints.Features, keypoints.Features]) -> int:
    return keypoints.inliers(*pair)


def times(paths: Sequence[Path]) -> list[tuple[str, Callable[[], object], float]]:
    """Return what to time, on pictures already read: pixels of near pairs, points of pairs in the band."""
    pictures = [VerificationImage(path) for path in paths[:8]]
    copies = [VerificationImage(np.ascontiguousarray(picture.pixels[:-9, :-9])) for picture in pictures]
    points = [picture.features(1)[0] for picture in pictures]
    small = [picture.pixels[::2, ::2] for picture in pictures]
    pairs = list(combinations(points, 2))
    return [
        ("pixels", lambda: [measure(a, b, near=True) for a, b in zip(pictures, copies, strict=True)], len(pictures)),
        ("points of a picture", lambda: [keypoints.features(np.ascontiguousarray(each)) for each in small], len(small)),
        ("points of a pair", lambda: [keypoints.inliers(a, b) for a, b in pairs], len(pairs)),
        ("reading", lambda: [VerificationImage(path) for path in paths[:8]], len(pictures)),
    ]


# ── copies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def _crop(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    return image.crop(tuple(round(edge) for edge in box))  # type: ignore[arg-type]


def _one_side(share: float) -> Edit:
    return lambda image, rng: _crop(image, *(share * (np.arange(4) == rng.integers(4))))


def _turned(degrees: float) -> Edit:
    """Turn, and cut away the corners that come in."""
    margin = 0.012 * degrees
    return lambda image, rng: _crop(image.rotate(degrees, Image.Resampling.BICUBIC), *[margin] * 4)


def _printed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a print, photographed aslant, in uneven light and a little out of focus."""
    aslant = np.array([1, 0, 0, 0, 1, 0, 0, 0]) + rng.uniform(-0.04, 0.04, 8)
    aslant[[2, 5]] *= image.size
    aslant[6:] /= image.size
    seen = image.transform(image.size, Image.Transform.PERSPECTIVE, tuple(aslant), Image.Resampling.BICUBIC)
    light = np.linspace(1, rng.uniform(0.75, 1), image.width)[:, np.newaxis]
    grain = rng.normal(0, 6, (image.height, image.width, 3))
    lit = np.asarray(seen.filter(ImageFilter.GaussianBlur(1))) * light + grain
    return _jpeg(Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)), 75)


def _line(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    drawn = image.copy()
    x, y = rng.uniform(0.2, 0.8, 2) * image.size
    tone = "black" if np.asarray(image.convert("L"))[int(y), int(x)] > 127 else "white"
    ImageDraw.Draw(drawn).line((x, y, x + image.width / 12, y + image.height / 20), tone, 3)
    return drawn


def _recoloured(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    shifted = hue.point([(tone + 85) % 256 for tone in range(256)])
    return Image.merge("HSV", (shifted, saturation, value)).convert("RGB")


FAMILIES: dict[str, Edit] = {
    **{f"crop one side {share:.0%}": _one_side(share) for share in (0.02, 0.05, 0.1, 0.2)},
    **{f"crop centred {s:.0%}": lambda image, rng, s=s: _crop(image, *[s / 2] * 4) for s in (0.02, 0.05, 0.1, 0.2)},  # type: ignore[misc]
    **{f"turned {degrees} degrees": _turned(degrees) for degrees in (1, 3, 5, 10)},
    "print and scan": _printed,
    "strong: crop, small, q30": lambda image, rng: _jpeg(_crop(image, *[0.05] * 4).resize((200, 150)), 30),
    "strong: turned, dark, q30": lambda image, rng: _jpeg(
        ImageEnhance.Brightness(_turned(3)(image, rng)).enhance(0.6), 30
    ),
    "jpeg q10": lambda image, rng: _jpeg(image, 10),
    "scaled to a quarter": lambda image, rng: image.resize((image.width // 4, image.height // 4)),
    "brighter": lambda image, rng: ImageEnhance.Brightness(image).enhance(1.3),
    "blurred": lambda image, rng: image.filter(ImageFilter.GaussianBlur(2)),
    "grey": lambda image, rng: image.convert("L"),
    "not a copy: line drawn": _line,
    "not a copy: recoloured": _recoloured,
}
"""Ways to make a copy, and at last two that make another picture."""
