"""Who is kept: each rule decides, the next one on a tie, and the reason names it."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageFilter

from phash_engine import images
from phash_engine.catalogue import Photo
from phash_engine.errors import UsageError
from phash_engine.grouping import keep_rules
from phash_engine.grouping.keep_rules import Member
from tests.pictures import save, scene


def member(path: str = "/p/a.jpg", **known: Any) -> Member:
    fields: dict[str, Any] = {
        "size": 1000, "mtime_ns": 0, "digest": None, "width": 400, "height": 300, "format": "JPEG", "quality": 100
    }  # fmt: skip
    return Member(Photo(path=path, **fields | known, content_id=1, id=1))


def seen(path: str) -> Member:
    """A member whose file was scanned."""
    return Member(member(path, digest=b"\0" * 32).photo, images.read_file(Path(path).read_bytes(), path).traits)


BETTER: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "pixels": ({"width": 500}, {}, "500x300", "400x300"),
    "size": ({"size": 2000}, {}, "2000 bytes", "1000 bytes"),
    "format": ({"format": "RAW"}, {}, "RAW", "JPEG"),
    "oldest": ({"mtime_ns": 0}, {"mtime_ns": 10**9}, "1970-01-01 00:00:00", "1970-01-01 00:00:01"),
    "newest": ({"mtime_ns": 10**9}, {"mtime_ns": 0}, "1970-01-01 00:00:01", "1970-01-01 00:00:00"),
}


@pytest.mark.parametrize("name", BETTER)
def test_each_rule_decides_and_says_why(name: str) -> None:
    better, worse, *words = BETTER[name]
    first, second = member("/p/b.jpg", **better), member("/p/a.jpg", **worse)
    by = keep_rules.rules([name])
    assert keep_rules.ordered([second, first], by) == [first, second]
    assert keep_rules.reason(first, second, by) == (name, *words)


def test_rules_of_paths() -> None:
    near, far = member("/p/originals/x.jpg"), member("/p/a.jpg")
    assert keep_rules.ordered([far, near], keep_rules.rules(["path:*/originals"])) == [near, far]
    assert keep_rules.ordered([far, near], keep_rules.rules(["path:*/originals/x.*"])) == [near, far]
    assert keep_rules.ordered([near, far], keep_rules.rules(["shortest-path"])) == [far, near]
    assert keep_rules.reason(far, near, keep_rules.rules([])).rule == "path"


def test_formats_stand_in_three_ranks() -> None:
    kinds = ["RAW", "HEIF", "JPEG", "WEBP", "PNG"]
    found = [member(f"/p/{number}", format=kind) for number, kind in enumerate(kinds)]
    assert keep_rules.ordered(reversed(found), keep_rules.rules(["format"])) == found


def test_references_come_before_all() -> None:
    large = member("/p/a.jpg", width=4000)
    reference = Member(member("/archive/b.jpg").photo, is_reference=True)
    assert keep_rules.ordered([large, reference], keep_rules.rules()) == [reference, large]
    assert keep_rules.reason(reference, large, keep_rules.rules()).rule == "reference"


def test_what_a_scan_read_decides(tmp_path: Path) -> None:
    picture = scene(1)
    good = seen(save(tmp_path / "good.jpg", picture, quality=95))
    poor = seen(save(tmp_path / "a.jpg", picture, quality=40))
    camera = seen(save(tmp_path / "camera.jpg", picture, quality=60, taken="2020:01:02 03:04:05"))
    blurred = seen(save(tmp_path / "b.jpg", picture.filter(ImageFilter.GaussianBlur(3)), quality=95))
    unknown = member()
    assert keep_rules.ordered([unknown, poor, camera, good], keep_rules.rules(["quality"])) == [
        good,
        unknown,
        camera,
        poor,
    ]
    assert keep_rules.reason(good, unknown, keep_rules.rules(["quality"])) == ("quality", "95", "unknown")
    assert keep_rules.reason(good, poor, keep_rules.rules(["quality"])) == ("quality", "95", "40")
    assert keep_rules.ordered([good, poor, camera], keep_rules.rules(["exif"]))[0] is camera
    assert keep_rules.ordered([blurred, good], keep_rules.rules(["sharpness"])) == [good, blurred]
    assert unknown.sharpness == 0


def test_capture_dates_go_before_file_dates(tmp_path: Path) -> None:
    shot = seen(save(tmp_path / "shot.jpg", scene(1), taken="2001:01:02 03:04:05"))
    file = member("/p/a.jpg", mtime_ns=1_100_000_000 * 10**9)
    assert keep_rules.ordered([file, shot], keep_rules.rules(["oldest"])) == [shot, file]
    assert keep_rules.reason(shot, file, keep_rules.rules(["oldest"])).keeper == "2001-01-02 03:04:05"


def test_order_of_the_candidates_does_not_matter() -> None:
    rng = Random(3)
    found = [member(f"/p/{n}", width=rng.choice([1, 2]), size=rng.choice([1, 2])) for n in range(20)]
    expected = keep_rules.ordered(found, keep_rules.rules())
    for _ in range(5):
        assert keep_rules.ordered(rng.sample(found, 20), keep_rules.rules()) == expected
    assert expected == sorted(found, key=lambda c: (-c.photo.width, -c.photo.size, len(c.path), c.path))


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(UsageError, match="'prettiest' is no keeper rule: there are pixels, quality"):
        keep_rules.names("pixels, prettiest")
    assert keep_rules.names(" size,path:*/b ,") == ["size", "path:*/b"]


def test_thumbnails_stand_upright_on_white(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 50), "red").save(tmp_path / "turned.jpg", exif=exif)
    clear = Image.new("RGBA", (80, 40), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (40, 0, 80, 40))
    sources: dict[str, tuple[Path | Image.Image, tuple[int, int], tuple[int, int, int]]] = {
        "turned": (tmp_path / "turned.jpg", (30, 60), (254, 0, 0)),
        "clear": (clear, (60, 30), (255, 255, 255)),
        "alpha 0 everywhere": (Image.new("RGBA", (80, 40), (9, 9, 9, 0)), (60, 30), (9, 9, 9)),
        "wide": (Image.new("I;16", (40, 40), 65535), (40, 40), (255, 255, 255)),
        "palette": (Image.new("P", (90, 90), 0), (60, 60), (0, 0, 0)),
    }
    for source, size, colour in sources.values():
        shown = Image.open(io.BytesIO(images.thumbnail(source, 60)))
        assert (shown.format, shown.mode, shown.size) == ("JPEG", "RGB", size)
        assert shown.getpixel((5, 5)) == pytest.approx(colour, abs=3)
