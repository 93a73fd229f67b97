"""The imagehash scheme compared with the imagehash library, bit for bit."""

from __future__ import annotations

import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import imagehash
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from bench import imagehash_scheme as bench
from bench.photos import FOLDER as SHARED
from bench.photos import SAMPLE, web
from phash_engine import images
from phash_engine.cli import cli
from phash_engine.errors import ImageError
from phash_engine.hashing import codes
from phash_engine.images import imagehash_compat as scheme

NAMES = ("average", "phash", "whash", "dhash")
LAKE = SAMPLE / "2023-lake" / "IMG_0412.jpg"
MODES = "1 L P RGB RGBA RGBX RGBa LA PA CMYK YCbCr HSV I F I;16 I;16L I;16B I;16N".split()
SIDES = [(1, 1), (1, 5000), (5000, 1), (2, 3), (7, 9), (8, 8), (9, 7), (15, 16), (16, 15), (31, 33), (255, 257)]
TALL = [(20, 640), (40, 97), (333, 77), (264, 600), (300, 2013), (1017, 2013)]
"""Pillow 13 reduces columns before rows where the height shrinks more than twice as much as the width."""

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore:Level value:UserWarning")


def ours(source: images.Source) -> list[str]:
    return [codes.to_hex(code) for code in scheme.read_fingerprint(source)]


def oracle(image: Image.Image) -> list[str]:
    functions = (imagehash.average_hash, imagehash.phash, imagehash.whash, imagehash.dhash)
    return [str(function(image)) for function in functions]


def oracle_of_file(path: Path) -> list[str]:
    with Image.open(path) as image:
        return oracle(image)


def noise(width: int, height: int, channels: int = 3) -> NDArray[np.uint8]:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(width * height).integers(0, 256, shape, dtype=np.uint8)


def of_mode(mode: str) -> Image.Image:
    """Noise in the mode; raw bytes in modes that Pillow cannot convert to."""
    picture = Image.fromarray(noise(90, 70))
    if mode == "F":
        return picture.convert("F").point(lambda value: value * 1.5 - 60)
    if mode.startswith("I;16"):
        return Image.frombytes(mode, (90, 70), noise(180, 70, 1).tobytes())
    if mode in {"PA", "RGBX", "La"}:
        channels = {"PA": 2, "RGBX": 4, "La": 2}[mode]
        return Image.frombytes(mode, (90, 70), noise(90, 70, channels).tobytes())
    return picture.convert(mode)


# ── all files ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def compare(path: Path) -> bool | None:
    """Whether our codes equal those of imagehash; None for a file that neither can read."""
    try:
        found = ours(path)
    except ImageError:
        with pytest.raises(OSError):  # noqa: PT011 - any message
            oracle_of_file(path)
        return None
    return found == oracle_of_file(path)


def compare_all(folder: Path) -> tuple[int, int]:
    """Compare every file below the folder; return the numbers of files read and not read."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        same = dict(zip(paths, pool.map(compare, paths), strict=True))
    assert [str(path) for path in paths if same[path] is False] == []
    unread = sum(equal is None for equal in same.values())
    return len(paths) - unread, unread


def test_all_84_pictures_of_the_sample() -> None:
    pytest.importorskip("pillow_heif")
    assert compare_all(SAMPLE) == (84, 4)


@pytest.mark.slow
def test_all_771_real_photos() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"no real photos in {SHARED}")
    pytest.importorskip("pillow_heif")
    pictures, _ = compare_all(SHARED)
    assert pictures >= 771


# ── modes, sizes, formats ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", MODES)
def test_modes(mode: str) -> None:
    image = of_mode(mode)
    assert image.mode == mode
    assert ours(image) == oracle(image)


@pytest.mark.parametrize("mode", ["LAB", "La"])
def test_modes_that_pillow_cannot_convert(mode: str) -> None:
    image = Image.new("LAB", (9, 9)) if mode == "LAB" else of_mode(mode)
    with pytest.raises(ValueError, match="conversion"):
        oracle(image)
    with pytest.raises(ImageError, match=f"cannot convert {mode} to grey"):
        ours(image)


@pytest.mark.parametrize(("width", "height"), SIDES + TALL)
def test_sizes(width: int, height: int) -> None:
    image = Image.fromarray(noise(width, height))
    assert ours(image) == oracle(image)
    ramp = Image.linear_gradient("L").resize((width, height))
    assert ours(ramp) == oracle(ramp)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".gif", ".webp", ".bmp", ".jp2"])
def test_formats(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture{suffix}"
    with Image.open(LAKE) as image:
        image.save(path)
    assert ours(path) == oracle_of_file(path)


@pytest.mark.parametrize(("mode", "suffix"), [("I;16", ".png"), ("I;16", ".tif"), ("CMYK", ".jpg"), ("LA", ".png")])
def test_modes_in_files(mode: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture{suffix}"
    of_mode(mode).save(path)
    assert ours(path) == oracle_of_file(path)


def test_palette_with_transparency(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    of_mode("P").save(path, transparency=bytes(range(256)))
    assert ours(path) == oracle_of_file(path)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    frames = [Image.fromarray(noise(side, side)).resize((40, 30)) for side in (10, 20, 30)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert ours(path) == oracle_of_file(path)


def test_orientation_and_transparency_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    with Image.open(LAKE) as image:
        upright = ours(image)
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(path, exif=exif, quality=95)
    assert sum(codes.distance(int(a, 16), int(b, 16)) for a, b in zip(ours(path), upright, strict=True)) < 8
    clear = Image.fromarray(np.dstack([noise(40, 40), np.zeros((40, 40), np.uint8)]))
    assert ours(clear) == ours(noise(40, 40))


def test_sources() -> None:
    expected = oracle_of_file(LAKE)
    array = np.asarray(Image.open(LAKE))
    for source in (LAKE, str(LAKE), LAKE.read_bytes(), io.BytesIO(LAKE.read_bytes()), Image.open(LAKE), array):
        assert ours(source) == expected


@pytest.mark.parametrize("content", [b"", b"no picture", LAKE.read_bytes()[:3000]], ids=["empty", "text", "truncated"])
def test_unreadable(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"damaged\.jpg: "):
        scheme.read_fingerprint(path)


# ── ties ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


ROWS, COLUMNS = np.indices((96, 128))
TIES = {
    **{f"flat {level}": np.full((40, 50), level) for level in (0, 1, 128, 255)},
    "checks": (ROWS // 8 + COLUMNS // 8) % 2 * 255,
    "stripes": COLUMNS // 16 % 2 * 200,
    "ramp": COLUMNS * 2,
    "mirrored ramp": np.minimum(COLUMNS, 127 - COLUMNS),
    "rings": np.hypot(ROWS - 47.5, COLUMNS - 63.5) % 20 * 10,
    "one dot": (ROWS == 50) & (COLUMNS == 50),
    "half": np.where(COLUMNS < 64, 10, 240),
}
tied = pytest.mark.parametrize(
    "picture", [pytest.param(picture.astype(np.uint8), id=name) for name, picture in TIES.items()]
)


@tied
def test_ties(picture: NDArray[np.uint8]) -> None:
    assert ours(picture) == oracle(Image.fromarray(picture))


def few_levels() -> st.SearchStrategy[NDArray[np.uint8]]:
    shapes = arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)
    levels = st.sampled_from([0, 1, 2, 128, 254, 255])
    return arrays.arrays(np.uint8, shapes, elements=levels)


@given(few_levels())
def test_pictures_of_few_levels(picture: NDArray[np.uint8]) -> None:
    assert ours(picture) == oracle(Image.fromarray(picture))


def test_the_library_is_called_only_where_the_middle_values_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def call(function: str, plane: NDArray[np.uint8]) -> NDArray[np.bool_]:
        called.append(function)
        return np.zeros((8, 8), dtype=np.bool_)

    monkeypatch.setattr(scheme, "_by_library", call)
    ours(LAKE)
    assert called == []
    ours(np.full((40, 40), 7, np.uint8))
    assert called == ["phash", "whash"]


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────────


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["hash", *map(str, arguments)], standalone_mode=False)


def test_command_prints_the_four_codes() -> None:
    result = run("--scheme", "imagehash", LAKE)
    assert result.stdout == f"{' '.join(oracle_of_file(LAKE))}  {LAKE}\n"
    assert result.return_value == 0


def test_command_prints_json() -> None:
    record = json.loads(run("--scheme", "imagehash", "--json", LAKE).stdout)
    assert record == {"schema": 1, "path": str(LAKE), "codes": dict(zip(NAMES, oracle_of_file(LAKE), strict=True))}


@pytest.mark.parametrize(("place", "hasher"), list(enumerate(NAMES)))
def test_command_prints_one_code(place: int, hasher: str) -> None:
    result = run("--scheme", "imagehash", "--hasher", hasher, LAKE)
    assert result.stdout == f"{oracle_of_file(LAKE)[place]}  {LAKE}\n"


@pytest.mark.parametrize(("scheme_name", "hasher"), [("imagehash", "dct"), ("native", "whash")])
def test_command_refuses_the_hashers_of_the_other_scheme(scheme_name: str, hasher: str) -> None:
    result = run("--scheme", scheme_name, "--hasher", hasher, LAKE)
    assert isinstance(result.exception, click.UsageError)
    assert f"the scheme {scheme_name}" in str(result.exception)


def test_command_reports_unreadable_files(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.jpg"
    damaged.touch()
    result = run("--scheme", "imagehash", "--strict", damaged, LAKE)
    assert result.stdout.endswith(f"{LAKE}\n")
    assert "damaged.jpg: empty file" in result.stderr
    assert result.return_value == 3


# ── the benchmark ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_benchmark_compares_and_reports(capsys: pytest.CaptureFixture[str]) -> None:
    files = web(3)
    bench.check(files)
    bench.report("some", files, rounds=1, as_json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"].split(":")[0] for row in rows] == ["imagehash", "imagehash", "ours", "a bare decode"]


def test_benchmark_fails_where_codes_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheme, "_COSINES", scheme._COSINES[::-1])
    with pytest.raises(SystemExit, match="differ"):
        bench.check([LAKE])
