"""Reports: the table holds what the groups hold; the page is whole, needs nothing else, and runs in a browser."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from phash_engine.catalogue.store import Store
from phash_engine.grouping.groups import Group, find_groups
from phash_engine.hashing.views import MatchType
from phash_engine.reports import csv as table
from phash_engine.reports import html
from phash_engine.scanning.scan import scan
from tests.pictures import save, scene

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def groups(sample: Path) -> list[Group]:
    with Store(None) as catalogue:
        scan([sample], catalogue)
        return find_groups(catalogue)


@pytest.fixture
def hostile(tmp_path: Path) -> list[Group]:
    """Groups of names that are hard on HTML and CSV, one of whose files has gone."""
    folder = tmp_path / "<b>&amp;\"'"
    save(folder / 'say "a, b".png', scene(1), side=192)
    save(folder / "<script>alert(1)</script>.png".replace("/", "⁄"), scene(1))
    gone = Path(save(folder / "gone.png", scene(1), side=48))
    latin = os.fsdecode(os.fsencode(folder) + b"/\xe9t\xe9\n.png")
    shutil.copy(gone, latin)
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        found = find_groups(catalogue)
    gone.unlink()
    return found


class Page(HTMLParser):
    """What a page shows and links to; raises on tags that are not closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[bytes] = []
        self.sources: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in {"meta", "img", "input", "br"}:
            self.open.append(tag)
        for name, value in attrs:
            if name == "href":
                self.links.append(unquote_to_bytes((value or "").removeprefix("file://")))
            elif name == "src":
                self.sources.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def paths_of(groups: list[Group]) -> list[str]:
    return [photo.path for group in groups for photo in (group.keeper, *group.kept, *group.duplicates)]


def test_the_table_has_a_row_for_each_duplicate(groups: list[Group], tmp_path: Path) -> None:
    table.write(groups, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = [
        (group.keeper.path, pair.right.path, str(pair.distance), str(pair.match_type))
        for group in groups
        for pair in group.pairs
    ]
    assert [(row["keeper"], row["duplicate"], row["distance"], row["match_type"]) for row in rows] == expected
    assert all(row["matched"] == row["keeper"] for row in rows)
    assert {row["reason"] for row in rows} >= {"pixels", "size"}
    assert [row["group"] for row in rows] == [
        str(number) for number, group in enumerate(groups, 1) for _ in group.duplicates
    ]


def test_the_table_keeps_any_name(hostile: list[Group], tmp_path: Path) -> None:
    table.write(hostile, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert [row["duplicate"] for row in csv.DictReader(file)] == [photo.path for photo in hostile[0].duplicates]


def test_the_page_shows_every_photo_and_needs_nothing_else(groups: list[Group], tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    html.write(groups, tmp_path / "s.html", lambda *now: done.append(now))
    page = Page(tmp_path / "s.html")
    assert page.open == ["html"] or not page.open
    assert page.tags.count("section") == len(groups)
    assert page.links == [os.fsencode(path) for path in paths_of(groups)]
    copies = sum(pair.match_type == MatchType.IDENTICAL for group in groups for pair in group.pairs)
    assert len(page.sources) == len(page.links) - copies
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert "http" not in re.sub(r'src="[^"]*"', "", (tmp_path / "s.html").read_text(encoding="utf-8"))
    assert done == [(number, len(groups)) for number in range(1, len(groups) + 1)]


def test_names_do_no_harm_to_the_page(hostile: list[Group], tmp_path: Path) -> None:
    html.write(hostile, tmp_path / "s.html")
    page = Page(tmp_path / "s.html")
    assert page.tags.count("script") == 1
    assert page.tags.count("b") == 1
    assert page.links == [os.fsencode(path) for path in paths_of(hostile)]
    assert "not shown: no such file or directory" in (tmp_path / "s.html").read_text(encoding="utf-8")


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium here to open the page")
def test_the_page_runs_in_a_browser(groups: list[Group], tmp_path: Path) -> None:
    html.write(groups, tmp_path / "s.html")
    script = """<script>
      const frames = [...document.querySelectorAll(".other:not(.turned) .frame:has(img)")];
      frames[0].click();
      frames[1].click(); frames[1].click();
      frames[2].click(); frames[2].click(); frames[2].click();
      const box = document.querySelector("input");
      box.value = "ANNA"; box.dispatchEvent(new Event("input"));
      addEventListener("load", () => {
        document.title = [...document.images].filter((image) => !image.naturalWidth).length + " not loaded";
      });
    </script>"""
    page = (tmp_path / "s.html").read_text(encoding="utf-8").replace('loading="lazy"', "")
    (tmp_path / "s.html").write_text(page.replace("</html>", f"{script}</html>"), encoding="utf-8")
    shown = _dom(tmp_path)
    assert "<title>0 not loaded</title>" in shown
    assert shown.count('class="frame flipped"') == shown.count('class="frame difference"') == 1
    assert shown.count('class="keeper" style') == 2
    sections = re.findall(r"<section.*?</section>", shown, re.DOTALL)
    hidden = [section for section in sections if 'hidden=""' in section.partition(">")[0]]
    assert 0 < len(sections) - len(hidden) < len(sections)
    assert not any("anna" in re.sub(r'src="[^"]*"', "", section).lower() for section in hidden)


def _dom(folder: Path) -> str:
    """The page as the browser has made it, its scripts run."""
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=10000", "--dump-dom", f"file://{folder / 's.html'}"]
    run = subprocess.run(command, capture_output=True, check=True)
    return run.stdout.decode()
