"""Documents, drawings and screenshots told from photos, by templates that the weights were not fitted to."""

from __future__ import annotations

import argparse
import io
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import photos, timing
from phash_engine.hashing.content_class import CLASSES, SHORTER_SIDE, ContentClass, measures, reduced
from tests import pages

_FOLDS = 6
_PAGES_PER_BOOK = 10
_COPIES = 2
_MARKED_PHOTOS = 0.004
"""Share of photos that the fitted margin lets pass as something else: below the one per cent that is asked for."""


_CLASS_WEIGHTS: dict[ContentClass, float] = {"photo": 1.0, "document": 2.0, "drawing": 0.1, "screenshot": 0.5}
"""Clip art reaches into photos: with its full weight the limit would cost documents, which matter more."""


class Sample(NamedTuple):
    """One plane: its class, what it was made from (left out together when testing), and its measures."""

    label: ContentClass
    template: str
    measures: NDArray[np.float64]


def main(argv: list[str]) -> None:
    """Run the benchmark."""
    parser = timing.options(__doc__ or "")
    parser.add_argument("--n", type=int, default=20, help="pages of each template (default 20)")
    parser.add_argument("--pdf", type=Path, action="append", default=[], help="more documents: a folder of PDF files")
    parser.add_argument(
        "--drawings", type=Path, action="append", default=[], help="more drawings: a folder of PNG files"
    )
    parser.add_argument("--fit", action="store_true", help="print the weights fitted to all of it")
    options = parser.parse_args(argv)
    if pages.BROWSER is None:
        sys.exit("bench content_class: Chromium renders the pages, and is not installed")
    with tempfile.TemporaryDirectory() as folder:
        samples = list(_samples(options, Path(folder)))
    for template, label, found, of in _found(samples):
        print(f"{label:12}{template:24}{found / of:6.2f} of {of}")
    if options.fit:
        weights, margin = _fitted(samples)
        print(f"_WEIGHTS = np.array({np.round(weights, 2).tolist()})\n_PHOTO_MARGIN = {margin:.2f}")


def _samples(options: argparse.Namespace, folder: Path) -> Iterator[Sample]:
    drawn = random.Random(1)
    rendered: dict[ContentClass, Mapping[str, pages.Template]] = {
        "document": pages.DOCUMENTS,
        "drawing": pages.DRAWINGS,
        "screenshot": pages.SCREENSHOTS,
    }
    for label, templates in rendered.items():
        for page in pages.render(templates, options.n, folder):
            yield from _copies(page.path, label, page.template, drawn)
    for path in (path for each in options.pdf for path in sorted(each.rglob("*.pdf"))):
        for page_of_book in _pages_of(path, folder):
            yield from _copies(page_of_book, "document", path.stem, drawn)
    for each in options.drawings:
        for path in drawn.sample(found := sorted(each.rglob("*.png")), min(400, len(found))):
            yield from _copies(path, "drawing", path.parent.name, drawn)
    for path in photos.everything():
        yield from _copies(path, "photo", str(path), drawn)


def _copies(path: Path, label: ContentClass, template: str, drawn: random.Random) -> Iterator[Sample]:
    with Image.open(path) as opened:
        image = _on_white(opened)
    for _ in range(_COPIES):
        grey = reduced(_plane(_saved(_edited(image, label, drawn), drawn)))
        if min(grey.shape) >= SHORTER_SIDE // 4:
            yield Sample(label, template, measures(grey))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _edited(image: Image.Image, label: ContentClass, drawn: random.Random) -> Image.Image:
    """Return the picture as it is, at another size, or a document as a scanner sees it."""
    kind = drawn.choice(("same", "size", "scan") if label == "document" else ("same", "size"))
    if kind == "scan":
        return _scanned(image, drawn)
    factor = drawn.uniform(0.35, 0.9) if kind == "size" else 1.0
    width, height = (max(SHORTER_SIDE, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _scanned(image: Image.Image, drawn: random.Random) -> Image.Image:
    """Paper that is not white, ink that is not black, a slight turn, uneven light, noise."""
    paper, ink = drawn.randint(225, 255), drawn.randint(0, 60)
    rim = drawn.choice((paper, paper, 40))
    turned = image.rotate(drawn.uniform(-1.5, 1.5), Image.Resampling.BICUBIC, fillcolor=(rim, rim, rim))
    pixels = ink + np.asarray(turned, np.float64) * (paper - ink) / 255
    pixels *= 1 - drawn.uniform(0, 0.18) * np.linspace(0, 1, len(pixels))[:, None, None]
    pixels *= (1, drawn.uniform(0.95, 1), drawn.uniform(0.85, 1))
    pixels += np.random.default_rng(drawn.randint(0, 9999)).normal(0, drawn.uniform(0, 6), (*pixels.shape[:2], 1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _saved(image: Image.Image, drawn: random.Random) -> bytes:
    file = io.BytesIO()
    if drawn.random() < 0.4:
        image.save(file, "PNG", compress_level=1)
    else:
        image.save(file, "JPEG", quality=drawn.choice((50, 70, 85, 92)))
    return file.getvalue()


def _plane(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (SHORTER_SIDE, SHORTER_SIDE))
        return np.asarray(image.convert("L"))


def _pages_of(book: Path, folder: Path) -> Iterable[Path]:
    """Render pages of a PDF, evenly spaced; needs poppler's pdftoppm."""
    if shutil.which("pdftoppm") is None:
        sys.exit("bench content_class: --pdf needs pdftoppm, of poppler-utils")
    info = subprocess.run(["pdfinfo", book], capture_output=True, text=True, check=True).stdout
    count = int(next(line.split()[1] for line in info.splitlines() if line.startswith("Pages:")))
    for page in sorted({1 + count * i // _PAGES_PER_BOOK for i in range(_PAGES_PER_BOOK)}):
        target = folder / f"{book.stem}-{page}"
        command = ["pdftoppm", "-r", "100", "-gray", "-png", "-singlefile", "-f", str(page), "-l", str(page)]
        subprocess.run([*command, book, target], check=True)
        yield Path(f"{target}.png")


def _fitted(samples: list[Sample]) -> tuple[NDArray[np.float64], float]:
    """Return the weights ``(4, 9)``, the constant first, and what the score of a photo is raised by."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values = np.array([sample.measures for sample in samples])
    labels = np.array([CLASSES.index(sample.label) for sample in samples])
    class_weight = {CLASSES.index(label): weight for label, weight in _CLASS_WEIGHTS.items()}
    model = LogisticRegression(max_iter=5000, class_weight=class_weight)
    scaler, regression = make_pipeline(StandardScaler(), model).fit(values, labels)
    slopes = regression.coef_ / scaler.scale_
    weights = np.column_stack([regression.intercept_ - slopes @ scaler.mean_, slopes])
    scores = weights[:, 0] + values[labels == 0] @ weights[:, 1:].T
    margin = float(np.quantile(scores[:, 1:].max(axis=1) - scores[:, 0], 1 - _MARKED_PHOTOS))
    return weights, margin


def _found(samples: list[Sample]) -> Iterator[tuple[str, str, int, int]]:
    """Yield template, class, how many of its planes were found to be no photos, and how many there are.

    Each was judged by weights that were fitted without its template; photos count by their class, as marked wrongly.
    """
    templates = sorted({sample.template for sample in samples})
    random.Random(1).shuffle(templates)
    counts: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for fold in range(_FOLDS):
        held_out = set(templates[fold::_FOLDS])
        weights, margin = _fitted([sample for sample in samples if sample.template not in held_out])
        for sample in samples:
            if sample.template in held_out:
                scores = weights[:, 0] + weights[:, 1:] @ sample.measures
                scores[0] += margin
                for name in {"photo" if sample.label == "photo" else sample.template, "all"}:
                    count = counts[name, sample.label]
                    count[0] += int(scores.argmax() != 0)
                    count[1] += 1
    for (template, label), (found, of) in sorted(counts.items(), key=lambda item: (item[0][1], item[0][0])):
        yield template, label, found, of
