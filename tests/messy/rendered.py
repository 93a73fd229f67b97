"""Rendered pages of a messy library: one template with other entries each, which are never duplicates of each other."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PIL import Image

from tests import pages
from tests.messy import FULL
from tests.messy import camera_files as files
from tests.messy.library import Fate, File, Library

_FORMS = 48
_FIRST = "Anna Bruno Clara David Emil Frida Georg Hanna Ivan Julia Karl Lena Mia Noah Olga Paul".split()
_LAST = "Auer Bauer Conrad Dietz Ebner Fuchs Graf Huber Imhof Jung Keller Lang Maier Noll Otto Pohl".split()
_FIELDS = (
    "Last name|First name", "Date of birth|Place of birth|Nationality", "Street and number", "Postal code|Town",
    "Telephone|E-mail", "Employer|Since", "Account|Bank", "Amount|Due date", "Remarks",
)  # fmt: skip
_GOODS = "Bread Milk Apples Butter Cheese Coffee Rice Tea Eggs Pasta Soap Paper Juice Salt Honey Beans".split()
_LINES = (
    "Are you there?", "On my way", "Traffic is bad again", "See you at eight", "Great, thanks!", "Can you bring bread?",
    "I forgot my keys", "Happy birthday!!", "Call me when you can", "The train is late, twenty minutes at least", "ok",
    "Look at this", "Haha", "Where did you put the tickets for tonight?", "Good night", "Tomorrow then",
)  # fmt: skip


def make(root: Path, photos: Path, count: int = FULL, seed: int = 5) -> list[File]:
    """Render forms, chats and receipts, about nine pages for each ``count``; needs Chromium and playwright."""
    library = Library(root, photos, seed=2)
    drafts = root / "drafts"
    drafts.mkdir(parents=True)
    kinds: tuple[tuple[str, pages.Template, int], ...] = (
        ("form", _form, round(_FORMS * count / FULL)),
        ("chat", _chat, 2 * count),
        ("receipt", partial(_receipt, items=7), 2 * count),
    )
    for kind, template, number in kinds:
        for page in pages.render({kind: template}, number, drafts, seed):
            library.add(f"{kind}/{page.path.name}", page.path.read_bytes(), "page", Fate.KEEP)
    shutil.rmtree(drafts)
    _add_copies(library, count)
    return library.truth


def _add_copies(library: Library, count: int) -> None:
    """Copy some of the pages, with equal bytes and as JPEG; the copies are alike but for their encoding."""
    firsts = [file.path for file in library.truth if re.search(r"-[0-3]\.png$", file.path)][: 2 * count]
    for first in firsts:
        data = (library.root / first).read_bytes()
        name = Path(first).stem
        library.add(f"page-identical/{name} (1).png", data, "copy", Fate.DUPLICATE, first)
        with Image.open(library.root / first) as image:
            encoded = files.jpeg(image.convert("RGB"), quality=85)
        library.add(f"page-reencoded/{name}.jpg", encoded, "copy", Fate.REVIEW, first)


def _page(body: str, style: str, size: tuple[int, int]) -> tuple[str, tuple[int, int]]:
    return (
        f"<div style='box-sizing:border-box;height:{size[1]}px;font-family:Liberation Sans;{style}'>{body}</div>",
        size,
    )


def _name(drawn: random.Random) -> str:
    return f"{drawn.choice(_FIRST)} {drawn.choice(_LAST)}"


def _digits(drawn: random.Random, count: int) -> str:
    return "".join(drawn.choices("0123456789", k=count))


def _form(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    """One form, filled in by another person."""
    entries: dict[str, Callable[[], str]] = {
        "Last name": lambda: drawn.choice(_LAST),
        "First name": lambda: drawn.choice(_FIRST),
        "Nationality": lambda: drawn.choice(("DE", "FR", "IT", "CH", "AT")),
        "Place of birth": lambda: drawn.choice(_LAST) + "stadt",
        "Street and number": lambda: f"{drawn.choice(_LAST)}weg {drawn.randint(1, 180)}",
        "E-mail": lambda: f"{drawn.choice(_FIRST).lower()}@mail.example",
        "Employer": lambda: f"{drawn.choice(_LAST)} & Co.",
        "Town": lambda: drawn.choice(_LAST) + "hausen",
        "Remarks": lambda: drawn.choice(_LINES),
    }

    def cell(label: str) -> str:
        entry = entries.get(label, lambda: _digits(drawn, drawn.randint(5, 9)))()
        style = "flex:1;border:1px solid #333;padding:4px;font-size:10px;height:44px"
        return f"<div style='{style}'>{label}<br><b style='font-size:16px;color:#114'>{entry}</b></div>"

    rows = "".join(f"<div style='display:flex'>{''.join(map(cell, row.split('|')))}</div>" for row in _FIELDS)
    head = (
        "<h2>Application for a residence permit</h2><p>Please fill in with capital letters. Form 27-B, page 1 of 2</p>"
    )
    return _page(f"{head}{rows}<p style='margin-top:60px'>Place, date, signature</p>", "padding:36px", (640, 900))


def _chat(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    def message() -> str:
        side, colour = drawn.choice((("flex-end", "#dcf8c6"), ("flex-start", "#fff")))
        bubble = f"background:{colour};border-radius:12px;padding:8px 12px;max-width:75%"
        return f"<div style='display:flex;justify-content:{side};margin:7px'><div style='{bubble}'>{text()}</div></div>"

    def text() -> str:
        return drawn.choice(_LINES)

    head = f"<div style='background:#075e54;color:#fff;padding:16px;font-size:18px'>{_name(drawn)}</div>"
    return _page(head + "".join(message() for _ in range(12)), "background:#ece5dd", (390, 844))


def _receipt(drawn: random.Random, items: int) -> tuple[str, tuple[int, int]]:
    """The receipts of one shop have as many lines."""
    lines = "".join(
        f"<div style='display:flex;justify-content:space-between'><span>{good}</span><span>{drawn.randint(0, 19)}"
        f".{_digits(drawn, 2)}</span></div>"
        for good in drawn.sample(_GOODS, items)
    )
    head = "<h2 style='margin:4px'>LAKESIDE MARKET</h2>12 Harbour Road<br>Tel. 555 0199<hr>"
    total = f"<hr><b>TOTAL {drawn.randint(20, 90)}.{_digits(drawn, 2)}</b><p>No. {_digits(drawn, 6)}<p>Thank you!"
    return _page(f"<center>{head}</center>{lines}{total}", "padding:14px;font-family:Liberation Mono", (320, 520))
