"""Pages that are no photos, rendered by Chromium from templates with drawn content: documents, drawings, screenshots.

A template is a function of a random generator that returns HTML and the size of its page. Figures of a detector count
on templates it was not fitted to, so each page names its template.
"""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

Template: TypeAlias = Callable[[random.Random], "tuple[str, tuple[int, int]]"]

_WORDS = (
    "the of invoice date total amount name address street city number please sign here account balance tax item price "
    "quantity order customer payment due period service phone email section part page form state country code year "
    "month day signature applicant employer income value rate schedule line enter attach copy see instructions yes no"
).split()
_INKS = ("#000", "#222", "#036", "#600", "#063")
_ACCENTS = ("#4472c4", "#ed7d31", "#a5a5a5", "#ffc000", "#70ad47", "#333")
_PAPER = ("#fff", "#fff", "#fafaf2", "#f6f6f0")
_FONTS = ("Liberation Sans", "Liberation Serif", "DejaVu Sans", "Liberation Mono")
_A4 = (800, 1120)
_PHONE = (390, 844)


class Page(NamedTuple):
    """A rendered page: its template's name, and the PNG."""

    template: str
    path: Path


def render(templates: Mapping[str, Template], count: int, folder: Path, seed: int = 1) -> Iterator[Page]:
    """Render ``count`` pages of each template; needs Chromium and playwright."""
    from playwright.sync_api import sync_playwright

    drawn = random.Random(seed)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        tab = browser.new_page()
        for name, template in templates.items():
            for number in range(count):
                html, (width, height) = template(drawn)
                tab.set_viewport_size({"width": width, "height": height})
                tab.set_content(
                    f"<body style='margin:0;background:#fff;font-family:{drawn.choice(_FONTS)}'>{html}</body>"
                )
                path = folder / f"{name}-{number}.png"
                tab.screenshot(path=path)
                yield Page(name, path)
        browser.close()


def _words(drawn: random.Random, least: int, most: int | None = None) -> str:
    return " ".join(drawn.choices(_WORDS, k=drawn.randint(least, most or least)))


def _number(drawn: random.Random) -> str:
    return f"{drawn.randint(1, 9999)}.{drawn.randint(0, 99):02d}"


def _rows(count: int, row: Callable[[], str]) -> str:
    return "".join(row() for _ in range(count))


def _table(rows: Sequence[Sequence[str]], cell: str, style: str = "") -> str:
    body = "".join("<tr>" + "".join(f"<td style='{cell}'>{text}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table style='border-collapse:collapse;width:100%;{style}'>{body}</table>"


def _form(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    def field() -> str:
        filled = _words(drawn, 2) if drawn.random() < 0.6 else "&nbsp;"
        style = f"flex:{drawn.randint(1, 3)};border-right:1px solid #333;font-size:10px;padding:2px"
        return f"<div style='{style}'>{_words(drawn, 1, 4)}<br><b style='font-size:14px'>{filled}</b></div>"

    def line() -> str:
        style = f"display:flex;border-bottom:1px solid #333;height:{drawn.randint(24, 44)}px"
        return f"<div style='{style}'>{_rows(drawn.randint(1, 4), field)}</div>"

    def section() -> str:
        heading = f"background:{drawn.choice(('#ddd', '#000;color:#fff', '#eef', '#fff'))};padding:3px"
        return f"<h3 style='{heading}'>{_words(drawn, 3).title()}</h3>{_rows(drawn.randint(3, 8), line)}"

    title = f"<h2>{_words(drawn, 4).title()}</h2>"
    return (
        f"<div style='padding:40px'>{title}{_rows(drawn.randint(2, 5), section)}<p>{_words(drawn, 30)}</p></div>",
        _A4,
    )


def _receipt(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    items = [(_words(drawn, 1, 3), _number(drawn)) for _ in range(drawn.randint(5, 25))]
    bars = "height:40px;background:repeating-linear-gradient(90deg,#000 0 2px,#fff 2px 5px,#000 5px 6px,#fff 6px 9px)"
    html = (
        "<div style='padding:12px;font-family:Liberation Mono;font-size:12px;text-align:center'>"
        f"<h3>{_words(drawn, 2).upper()}</h3>{_words(drawn, 5)}<hr>{_table(items, 'padding:1px')}<hr>"
        f"<b>TOTAL {_number(drawn)}</b><p>{_words(drawn, 12)}</p><div style='{bars}'></div></div>"
    )
    return html, (drawn.choice((280, 320, 380)), drawn.randint(420, 900))


def _letter(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    head = f"<div style='float:right'>{_words(drawn, 3)}<br>{_words(drawn, 3)}</div><br><br><br>"
    body = _rows(drawn.randint(1, 6), lambda: f"<p>{_words(drawn, 20, 90)}.</p>")
    sign = f"<br><br><i style='font-size:24px'>{_words(drawn, 2)}</i>"
    return f"<div style='padding:70px'>{head}<h3>{_words(drawn, 3)}</h3>{body}{sign}</div>", _A4


def _spreadsheet(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    columns = drawn.randint(2, 8)
    rows = [[_words(drawn, 2), *(_number(drawn) for _ in range(columns))] for _ in range(drawn.randint(8, 40))]
    table = _table(rows, "border:1px solid #999;padding:3px", "font-size:11px")
    size = drawn.choice(((900, 700), (800, 1100), (1200, 600)))
    return f"<div style='padding:20px'><h2>{_words(drawn, 3)}</h2>{table}</div>", size


def _chart(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    width, height = drawn.choice(((800, 600), (1000, 500), (700, 700)))
    kind = drawn.choice((_bars, _lines, _points, _pie))
    grid = "".join(
        f"<line x1='70' x2='{width - 40}' y1='{y}' y2='{y}' stroke='#ccc'/><text x='20' y='{y}'>{_number(drawn)}</text>"
        for y in range(60, height - 40, 60)
        if kind is not _pie
    )
    title = f"<text x='{width / 3}' y='35' font-size='22'>{_words(drawn, 4)}</text>"
    return f"<svg width='{width}' height='{height}'>{grid}{kind(drawn, width, height)}{title}</svg>", (width, height)


def _bars(drawn: random.Random, width: int, height: int) -> str:
    step = (width - 120) / drawn.randint(4, 12)
    colour = drawn.choice(_ACCENTS)
    tops = [drawn.randint(80, height - 80) for _ in range(round((width - 120) / step))]
    return "".join(
        f"<rect x='{80 + i * step}' y='{top}' width='{step * 0.7}' height='{height - 60 - top}' fill='{colour}'/>"
        for i, top in enumerate(tops)
    )


def _lines(drawn: random.Random, width: int, height: int) -> str:
    def line() -> str:
        points = " ".join(f"{x},{drawn.randint(80, height - 80)}" for x in range(80, width - 40, drawn.randint(30, 90)))
        return f"<polyline fill='none' stroke='{drawn.choice(_ACCENTS)}' stroke-width='3' points='{points}'/>"

    return _rows(drawn.randint(1, 4), line)


def _points(drawn: random.Random, width: int, height: int) -> str:
    def point() -> str:
        x, y = drawn.gauss(width / 2, width / 6), drawn.gauss(height / 2, height / 8)
        return f"<circle cx='{x}' cy='{y}' r='4' fill='{drawn.choice(_ACCENTS[:2])}'/>"

    return _rows(drawn.randint(40, 200), point)


def _pie(drawn: random.Random, width: int, height: int) -> str:
    count, radius, x, y = drawn.randint(3, 7), height * 0.35, width / 2, height / 2
    turns = [2 * math.pi * i / count for i in range(count)]
    ends = [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
    return "".join(
        f"<path d='M{x},{y} L{ax},{ay} A{radius},{radius} 0 0 1 {bx},{by} Z' fill='{_ACCENTS[i % len(_ACCENTS)]}'/>"
        for i, ((ax, ay), (bx, by)) in enumerate(zip(ends, ends[1:] + ends[:1], strict=True))
    )


def _article(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    style = (
        f"padding:50px;columns:{drawn.choice((1, 2, 2, 3))};font-size:{drawn.choice((9, 11, 13))}px;text-align:justify"
    )
    parts = _rows(drawn.randint(4, 9), lambda: f"<h4>{_words(drawn, 2)}</h4><p>{_words(drawn, 40, 120)}</p>")
    return f"<div style='{style}'><h2>{_words(drawn, 5)}</h2>{parts}</div>", _A4


def _exam(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    def question() -> str:
        return f"<p>{_words(drawn, 12)}?</p><div>{_rows(4, lambda: f'☐ {_words(drawn, 3)}<br>')}</div>"

    return f"<div style='padding:50px'>{_rows(drawn.randint(3, 7), question)}</div>", _A4


def _slip(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    rows = [(_words(drawn, 2), _words(drawn, 3), _number(drawn)) for _ in range(drawn.randint(3, 7))]
    table = _table(rows, "border-bottom:1px dotted #000;font-size:12px")
    box = "padding:20px;border:2px solid #000;margin:10px"
    return f"<div style='{box}'><b>{_words(drawn, 2).upper()}</b>{table}</div>", (700, drawn.randint(280, 420))


def _slide(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    colours = drawn.choice(("#fff;color:#222", "#f7f3e8;color:#222", "#eef3f8;color:#036", "#12355b;color:#fff"))
    points = _rows(drawn.randint(2, 6), lambda: f"<li style='margin:14px'>{_words(drawn, 3, 9)}</li>")
    style = f"background:{colours};height:100vh;padding:50px;font-size:26px;box-sizing:border-box"
    return f"<div style='{style}'><h1>{_words(drawn, 4).title()}</h1><ul>{points}</ul></div>", (1024, 768)


def _handwriting(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    ink, strokes = drawn.choice(("#113", "#226", "#000")), ""
    for y in range(90, drawn.randint(280, 1000), 48):
        x = 60.0
        while x < drawn.randint(500, 720):
            points = []
            for _ in range(drawn.randint(4, 14)):
                points.append(f"{x:.0f},{y + drawn.gauss(0, 9):.0f}")
                x += drawn.uniform(3, 11)
            strokes += f"<polyline fill='none' stroke='{ink}' stroke-width='2' points='{' '.join(points)}'/>"
            x += 14
    rules = "".join(f"<line x1='0' x2='800' y1='{y}' y2='{y}' stroke='#bcd'/>" for y in range(100, 1100, 48))
    return f"<svg width='800' height='1100'>{rules if drawn.random() < 0.6 else ''}{strokes}</svg>", _A4


def _music(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    drawing = ""
    for top in range(80, drawn.randint(400, 1000), 110):
        drawing += "".join(
            f"<line x1='50' x2='750' y1='{y}' y2='{y}' stroke='#000'/>" for y in range(top, top + 50, 10)
        )
        for x in range(90, 740, drawn.randint(24, 50)):
            y = top + 5 * drawn.randint(-1, 9)
            drawing += (
                f"<ellipse cx='{x}' cy='{y}' rx='6' ry='4.5'/><rect x='{x + 5}' y='{y - 32}' width='2' height='32'/>"
            )
    return f"<svg width='800' height='1100'>{drawing}</svg>", _A4


def _calendar(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    days = [f"{day}<br>{_words(drawn, 2) if drawn.random() < 0.3 else '<br>'}" for day in range(1, 36)]
    table = _table([days[i : i + 7] for i in range(0, 35, 7)], "border:1px solid #888;height:80px;vertical-align:top")
    title = f"<h1 style='color:{drawn.choice(_INKS)}'>{_words(drawn, 1).title()}</h1>"
    return f"<div style='padding:24px;background:{drawn.choice(_PAPER)}'>{title}{table}</div>", (900, 760)


def _card(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    style = f"padding:30px;background:{drawn.choice(_PAPER)};height:100vh;color:{drawn.choice(_INKS)}"
    lines = f"<i>{_words(drawn, 3)}</i><br><br><br>{_words(drawn, 4)}<br>{_number(drawn)}<br>{_words(drawn, 2)}"
    return f"<div style='{style}'><h2>{_words(drawn, 2).title()}</h2>{lines}</div>", (620, 360)


def _crossword(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    side = drawn.randint(9, 17)
    squares = "".join(
        f"<rect x='{20 + 34 * x}' y='{20 + 34 * y}' width='34' height='34' stroke='#000' fill='{fill}'/>"
        for x in range(side)
        for y in range(side)
        for fill in ("#000" if drawn.random() < 0.2 else "#fff",)
    )
    clues = f"<div style='columns:3;padding:10px;font-size:11px'>{_words(drawn, 120)}</div>"
    extent = side * 34 + 40
    return f"<svg width='{extent}' height='{extent}'>{squares}</svg>{clues}", (extent + 20, extent + 220)


def _timetable(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    colour, columns = drawn.choice(_INKS), drawn.randint(6, 10)
    rows = [
        [f"{drawn.randint(0, 23):02d}:{drawn.randint(0, 59):02d}" for _ in range(columns)]
        for _ in range(drawn.randint(14, 34))
    ]
    title = f"<h2 style='background:{colour};color:#fff;padding:8px'>{_words(drawn, 3)}</h2>"
    return (
        f"<div style='padding:20px'>{title}{_table(rows, f'border-left:1px solid {colour};font-size:13px')}</div>",
        _A4,
    )


def _invoice(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    colour = drawn.choice(_INKS)
    items = [(_words(drawn, 4), str(drawn.randint(1, 9)), _number(drawn)) for _ in range(drawn.randint(2, 12))]
    html = (
        f"<div style='padding:50px;font-size:14px'><h1 style='color:{colour}'>{_words(drawn, 1).upper()}</h1>"
        f"{_words(drawn, 3)}<br>{_words(drawn, 3)}<br><br>"
        f"<div style='background:{colour};color:#fff'>{_words(drawn, 3)}</div>"
        f"{_table(items, 'padding:6px')}<h3>{_number(drawn)}</h3><br><br><small>{_words(drawn, 40)}</small></div>"
    )
    return html, _A4


def _chat(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    page, mine, theirs = drawn.choice(
        (
            ("#fff;color:#111", "#0a84ff;color:#fff", "#eee"),
            ("#ece5dd;color:#111", "#dcf8c6", "#fff"),
            ("#0b141a;color:#eee", "#005c4b", "#202c33"),
        )
    )

    def message() -> str:
        side, colour = drawn.choice((("flex-end", mine), ("flex-start", theirs)))
        bubble = f"background:{colour};border-radius:14px;padding:8px 12px;max-width:75%;font-size:15px"
        text = _words(drawn, 1, 22)
        return f"<div style='display:flex;justify-content:{side};margin:6px'><div style='{bubble}'>{text}</div></div>"

    head = f"<div style='padding:16px;font-size:18px;background:#8884'>{_words(drawn, 2)}</div>"
    return f"<div style='background:{page};height:100vh'>{head}{_rows(drawn.randint(6, 16), message)}</div>", _PHONE


def _settings(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    def row() -> str:
        icon = f"width:28px;height:28px;border-radius:7px;background:{drawn.choice(_ACCENTS)};margin-right:12px"
        style = "display:flex;padding:14px;border-bottom:1px solid #8884"
        return f"<div style='{style}'><div style='{icon}'></div>{_words(drawn, 2)}</div>"

    page = drawn.choice(("#f2f2f7", "#fff", "#000;color:#eee"))
    return f"<div style='background:{page};height:100vh'><h1>{_words(drawn, 1)}</h1>{_rows(13, row)}</div>", _PHONE


def _mail(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    def row() -> str:
        picture = f"width:40px;height:40px;border-radius:20px;background:{drawn.choice(_ACCENTS)};margin-right:10px"
        text = f"<div><b>{_words(drawn, 2)}</b><br>{_words(drawn, 3, 8)}</div>"
        style = "display:flex;padding:10px;border-bottom:1px solid #8884"
        return f"<div style='{style}'><div style='{picture}'></div>{text}</div>"

    return (
        f"<div style='background:{drawn.choice(('#fff', '#121212;color:#ddd'))};height:100vh'>{_rows(12, row)}</div>",
        _PHONE,
    )


def _files(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    page, side = drawn.choice((("#fff", "#eceff4"), ("#1e1e1e;color:#ddd", "#2b2b2b")))
    places = _rows(12, lambda: f"<div style='padding:8px'>{_words(drawn, 2)}</div>")
    table = _table([(_words(drawn, 3), _number(drawn), _words(drawn, 1)) for _ in range(22)], "padding:6px")
    columns = f"<div style='width:200px;background:{side}'>{places}</div><div style='flex:1'>{table}</div>"
    return f"<div style='display:flex;height:100vh;background:{page}'>{columns}</div>", (1280, 800)


def _editor(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    page, colours = drawn.choice(
        (("#282c34", ("#c678dd", "#98c379", "#61afef")), ("#fff", ("#00f", "#080", "#a31515")))
    )

    def line() -> str:
        indent = f"padding-left:{drawn.randint(0, 4) * 32}px"
        spans = _rows(
            drawn.randint(1, 9), lambda: f"<span style='color:{drawn.choice(colours)}'>{drawn.choice(_WORDS)} </span>"
        )
        return f"<div style='{indent}'>{spans}</div>"

    style = f"background:{page};font-family:DejaVu Sans Mono;font-size:13px;height:100vh;padding:8px"
    return f"<div style='{style}'>{_rows(45, line)}</div>", drawn.choice(((1280, 800), (900, 700)))


def _terminal(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    colours = drawn.choice(("#000;color:#eee", "#300a24;color:#eee", "#002b36;color:#0f0"))
    lines = "<br>".join(_words(drawn, 1, 12) for _ in range(40))
    return f"<code style='display:block;background:{colours};height:100vh;padding:8px'>{lines}</code>", (1000, 640)


def _flag(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    stripes = _rows(drawn.randint(2, 5), lambda: f"<div style='flex:1;background:{_colour(drawn)}'></div>")
    star = f"<div style='position:absolute;left:40%;top:35%;font-size:120px;color:{_colour(drawn)}'>★</div>"
    direction = drawn.choice(("row", "column"))
    return f"<div style='display:flex;height:100vh;flex-direction:{direction}'>{stripes}{star}</div>", (600, 400)


def _icon(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    shapes = _rows(drawn.randint(2, 5), lambda: _ellipse(drawn, 128, 30))
    return f"<svg width='256' height='256'>{shapes}</svg>", (256, 256)


def _cartoon(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    horizon = drawn.randint(250, 450)
    sky, ground = (f"<rect width='800' height='600' y='{y}' fill='{_colour(drawn)}'/>" for y in (0, horizon))
    shapes = _rows(drawn.randint(6, 20), lambda: _ellipse(drawn, 400, 60))
    return f"<svg width='800' height='600'>{sky}{ground}{shapes}</svg>", (800, 600)


def _map(drawn: random.Random) -> tuple[str, tuple[int, int]]:
    def street() -> str:
        x, y, points = drawn.uniform(0, 900), drawn.uniform(0, 700), []
        for _ in range(drawn.randint(3, 12)):
            points.append(f"{x:.0f},{y:.0f}")
            x, y = x + drawn.gauss(0, 120), y + drawn.gauss(0, 120)
        style = f"stroke='{drawn.choice(('#fff', '#f9d976', '#e9a'))}' stroke-width='{drawn.choice((3, 6, 12))}'"
        return f"<polyline fill='none' {style} points='{' '.join(points)}'/>"

    def name() -> str:
        return f"<text x='{drawn.randint(0, 850)}' y='{drawn.randint(0, 700)}'>{_words(drawn, 2)}</text>"

    park = f"<circle cx='{drawn.randint(0, 900)}' cy='{drawn.randint(0, 700)}' r='120' fill='#cdebb0'/>"
    parts = f"{park}{_rows(60, street)}{_rows(25, name)}"
    return f"<svg width='900' height='700'><rect width='900' height='700' fill='#eee8dc'/>{parts}</svg>", (900, 700)


def _ellipse(drawn: random.Random, middle: int, radius: int) -> str:
    x, y = drawn.gauss(middle, middle / 3), drawn.gauss(middle * 0.8, middle / 3)
    across, down = drawn.uniform(radius / 3, 2 * radius), drawn.uniform(radius / 3, 2 * radius)
    style = f"fill='{_colour(drawn)}' stroke='#000' stroke-width='{drawn.choice((0, 2, 4))}'"
    return f"<ellipse cx='{x}' cy='{y}' rx='{across}' ry='{down}' {style}/>"


def _colour(drawn: random.Random) -> str:
    return f"hsl({drawn.randint(0, 359)},{drawn.randint(20, 100)}%,{drawn.randint(20, 85)}%)"


DOCUMENTS: Mapping[str, Template] = {
    "form": _form,
    "receipt": _receipt,
    "letter": _letter,
    "spreadsheet": _spreadsheet,
    "chart": _chart,
    "article": _article,
    "exam": _exam,
    "slip": _slip,
    "slide": _slide,
    "handwriting": _handwriting,
    "music": _music,
    "calendar": _calendar,
    "card": _card,
    "crossword": _crossword,
    "timetable": _timetable,
    "invoice": _invoice,
}

SCREENSHOTS: Mapping[str, Template] = {
    "chat": _chat,
    "settings": _settings,
    "mail": _mail,
    "files": _files,
    "editor": _editor,
    "terminal": _terminal,
}

DRAWINGS: Mapping[str, Template] = {"flag": _flag, "icon": _icon, "cartoon": _cartoon, "map": _map}
