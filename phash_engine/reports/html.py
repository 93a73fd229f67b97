"""Groups as one HTML page that needs nothing else: thumbnails inside, no network, opens from disk."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from phash_engine import images
from phash_engine._threads import available_threads
from phash_engine.catalogue import Photo
from phash_engine.errors import ImageError
from phash_engine.grouping.groups import Group, Pair
from phash_engine.hashing.views import MatchType
from phash_engine.reports import names, wording
from phash_engine.reports.numbers import count

Progress = Callable[[int, int], None]
"""Called with the number of groups drawn and the number to draw."""

_SIDE = 240
_BATCH = 64
_HINT = "A click on a photo shows the keeper in its place, another one the difference. Green frames stay."


def write(groups: Sequence[Group], path: Path, progress: Progress | None = None) -> None:
    """Write the page.

    Of copies with the same bytes as the keeper no second picture is drawn. A photo that cannot be read any more says
    so. Takes some 10 ms and 10 kB a picture.
    """
    with path.open("w", encoding="utf-8") as file:
        file.write(_head(groups))
        for done, section in enumerate(_sections(groups), 1):
            file.write(section)
            if progress:
                progress(done, len(groups))
        file.write(f"</main>\n<script>{_part('contact_sheet.js')}</script>\n</html>\n")


def _head(groups: Sequence[Group]) -> str:
    duplicates = sum(len(group.duplicates) for group in groups)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Photos that look the same</title>
<style>{_part("contact_sheet.css")}</style>
<header><h1>{count(len(groups), "group")}, {count(duplicates, "duplicate")}</h1>
<input type="search" placeholder="show groups with …" aria-label="show groups with">
<p>{_HINT}</p></header>
<main>
"""


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _sections(groups: Sequence[Group]) -> Iterator[str]:
    """Yield the groups' sections; few are drawn ahead, so that memory does not grow with their number."""
    with ThreadPoolExecutor(available_threads(), thread_name_prefix="sheet") as pool:
        for start in range(0, len(groups), _BATCH):
            yield from pool.map(_section, groups[start : start + _BATCH], range(start + 1, start + 1 + _BATCH))


def _section(group: Group, number: int) -> str:
    joining = group.joining()
    why = f"kept: {_text(wording.reason(group.reason))}"
    series = "; a series of shots" if group.is_series else ""
    undecoded = "" if group.keeper.is_decoded else "; not decoded, equal bytes"
    figures = [
        _figure(group.keeper, "keeper", "<b>keep</b>", None),
        *(_figure(photo, "kept", "<b>stays</b>", joining[photo.path]) for photo in group.kept),
        *(_figure(photo, "other", _evidence(joining[photo.path]), joining[photo.path]) for photo in group.duplicates),
    ]
    return f"""<section id="g{number}"><p>{number}. {why}{series}{undecoded}</p><div class="photos">
{"".join(figures)}</div></section>
"""


def _figure(photo: Photo, role: str, words: str, pair: Pair | None) -> str:
    path = photo.path
    picture = "same bytes" if pair and pair.match_type == MatchType.IDENTICAL else _picture(path)
    link = f'<a href="file://{quote(os.fsencode(path))}"><bdi>{_text(path)}</bdi></a>'
    damage = f"<br>damaged: {_text(photo.fault)}" if photo.is_damaged else ""
    caption = f"<figcaption>{words}<br>{link}{damage}</figcaption>"
    turned = " turned" if pair and pair.match_type == MatchType.ROTATED else ""
    return f'<figure class="{role}{turned}"><div class="frame">{picture}</div>{caption}</figure>\n'


def _evidence(pair: Pair) -> str:
    sure = math.floor(1000 * pair.confidence) / 10
    score = "" if pair.score is None else f", score {pair.score}"
    return f"{wording.match(pair.match_type, pair.distance)}{score}, {sure:g} % sure"


def _picture(path: str) -> str:
    try:
        data = base64.b64encode(images.thumbnail(path, _SIDE)).decode()
    except ImageError as error:
        return f"not shown: {_text(error.reason)}"
    return f'<img loading="lazy" decoding="async" alt="" src="data:image/jpeg;base64,{data}">'


def _text(text: str) -> str:
    """Return text for HTML, with characters that would not show, or reorder others, as their numbers."""
    return escape(names.marked(text))
