"""The benchmark of near-duplicates: copies are what they say, measures are counted right, and it runs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps

pytest.importorskip("cv2")

from bench import __main__ as command
from bench import descriptors, families, measures, quality, trial, verification
from bench.error_rates import OperatingPoint
from bench.families.base import Transform
from bench.trial import Copy, Original, Trial
from phash_engine.hashing import orientation
from phash_engine.matching.policy import CANDIDATE_RADIUS
from tests import naive

NAMED = {transform.name: transform for transform in families.TRANSFORMS}


@pytest.fixture(scope="module")
def picture(sample: Path) -> Image.Image:
    with Image.open(sample / "exports" / "web" / "cat.gif") as image:
        return image.convert("RGB").resize((240, 180))


def copied(name: str, image: Image.Image) -> Image.Image:
    guests = [ImageOps.mirror(image)] * NAMED[name].guests
    return Image.open(io.BytesIO(families.make("cat", image, NAMED[name], guests)))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference in luma steps."""
    return float(np.asarray(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean())


# ── copies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_names_are_used_once() -> None:
    assert len(NAMED) == len(families.TRANSFORMS)
    named = {transform.family for transform in families.TRANSFORMS}
    assert named > families.UNREALISTIC | families.SAME_FRAMING


@pytest.mark.parametrize("name", NAMED)
def test_copies_are_the_same_on_every_run(name: str, picture: Image.Image) -> None:
    guests = [ImageOps.flip(picture)] * NAMED[name].guests
    before = picture.tobytes()
    first, second = (families.make("cat", picture, NAMED[name], guests) for _ in range(2))
    assert first == second
    assert picture.tobytes() == before


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resize 25 %", (60, 45)),
        ("resize 200 %", (480, 360)),
        ("crop-centre 20 %", (192, 144)),
        ("pad white", (288, 216)),
        ("pad letterbox", (240, 234)),
        ("aspect wide", (319, 180)),
        ("quarter-turn 90", (180, 240)),
        ("rotate 10 degrees", (240, 180)),
        ("collage 2 x 1", (240, 90)),
        ("collage 2 x 2", (240, 180)),
        ("screenshot phone", (540, 1170)),
        ("strong chat", (108, 81)),
    ],
)
def test_sizes_of_copies(name: str, size: tuple[int, int], picture: Image.Image) -> None:
    assert copied(name, picture).size == size


@pytest.mark.parametrize(
    ("name", "undo"),
    [
        ("mirror left-right", ImageOps.mirror),
        ("negative whole", ImageOps.invert),
        ("quarter-turn 180", lambda image: image.rotate(180)),
        ("quarter-turn 90", lambda image: image.transpose(Image.Transpose.ROTATE_270)),
        ("pad black", lambda image: image.crop((48, 36, 288, 216))),
        ("format png", lambda image: image),
    ],
)
def test_copies_can_be_undone(name: str, undo: Callable[[Image.Image], Image.Image], picture: Image.Image) -> None:
    changed = copied(name, picture).convert("RGB")
    assert difference(undo(changed), picture) < 3
    assert name == "format png" or changed.size != picture.size or difference(changed, picture) > 10


def test_stronger_is_farther(picture: Image.Image) -> None:
    for weak, strong in [
        ("jpeg q75", "jpeg q5"),
        ("noise gaussian 10", "noise gaussian 25"),
        ("rotate 1 degrees", "rotate 10 degrees"),
        ("print-scan 1 %", "print-scan 8 %"),
        ("overlay logo 5 %", "overlay logo 15 %"),
    ]:
        assert difference(copied(weak, picture), picture) < difference(copied(strong, picture), picture)


def test_one_side_is_cropped(picture: Image.Image) -> None:
    sizes = {families_size("crop-side 10 %", f"cat{number}", picture) for number in range(20)}
    assert sizes == {(216, 180), (240, 162)}


def families_size(name: str, source: str, image: Image.Image) -> tuple[int, int]:
    return Image.open(io.BytesIO(families.make(source, image, NAMED[name]))).size


def test_a_share_is_chosen_by_name() -> None:
    pairs = list(product(map(str, range(100)), NAMED))
    tenth, fifth = ({pair for pair in pairs if families.is_chosen(*pair, share)} for share in (0.1, 0.2))
    assert tenth < fifth
    assert 0.18 < len(fifth) / len(pairs) < 0.22
    assert all(families.is_chosen(*pair, 1) for pair in pairs[:100])


def test_guests_are_others() -> None:
    assert sorted(families.guests_of("b", NAMED["collage 2 x 2"], row=1, pictures=4)) == [0, 2, 3]
    assert families.guests_of("b", NAMED["jpeg q5"], row=1, pictures=4) == ()


# ── distances and measures ──────────────────────────────────────────────────────────────────────────────────────────


def a_trial(
    copies: list[tuple[int, str, tuple[int, ...]]], pictures: int, features: dict[str, NDArray[np.uint64]]
) -> Trial:
    """Copies by original, family and guests."""
    made = [
        Copy(original, Transform(family, "", lambda image, _: image), guests) for original, family, guests in copies
    ]
    originals = [Original(str(number), Path()) for number in range(pictures)]
    return Trial(originals, made, {"ours": features["gallery"]}, {"ours": features["queries"]})


def test_measures_by_hand() -> None:
    copies = [(0, "jpeg", ()), (1, "jpeg", ()), (1, "collage", (2,)), (0, "edge-like", ())]
    tried = a_trial(copies, 3, dict.fromkeys(["gallery", "queries"], np.empty(0, dtype=np.uint64)))
    distances = np.array([[1, 9, 9], [5, 5, 9], [9, 7, 0], [0, 0, 0]], dtype=np.int16)
    found = measures.measure(tried, distances, [0.2, 0.4], family_rate=0.2)
    # Of five false pairs, 5, 9, 9, 9, 9, one may be accepted: what is below 9 is within the radius.
    assert measures.impostor_pairs(tried) == 5
    assert found.points[0.2] == OperatingPoint(8, 1, 1)
    assert found.points[0.4] == OperatingPoint(8, 1, 1)
    assert found.mistaken == 1
    # The second copy is as near to a stranger; the guest of the third, nearer than its original, does not count.
    assert found.first == pytest.approx((1 + 1 / 2 + 1) / 3)
    # Of the first original: 1 true, 5 and 9 false; of the second: 5 and 7 true, 9 false. The third has no copy.
    assert found.map == pytest.approx(1)
    expected = {"jpeg": 1, "edge-like": 1, "collage": 1, "same framing": 1, "all realistic": 1}
    assert found.by_family == expected
    strict = measures.measure(tried, distances, [0.1], family_rate=0.1)
    assert strict.points[0.1] == OperatingPoint(4, 1 / 3, 0)
    assert strict.by_family == {
        "jpeg": 0.5,
        "edge-like": 1,
        "collage": 0,
        "same framing": 0.5,
        "all realistic": pytest.approx(1 / 3),
    }


def test_rates_need_pairs_behind_them() -> None:
    assert measures.supported([1e-4, 1e-5, 1e-6], 1_500_000) == [1e-4, 1e-5]


def test_scores_depend_on_neither_the_pair_nor_the_original() -> None:
    rng = np.random.default_rng(0)
    gallery = rng.integers(0, 2**64, (40, 10), dtype=np.uint64)
    copies = [(3, "jpeg", ()), (8, "collage", (2, 5))]
    tried = a_trial(copies, 40, {"gallery": gallery, "queries": gallery[[3, 8]] ^ np.uint64(7)})
    scores = descriptors.scored(descriptors.DECISION)(tried)
    distances, between = descriptors.DECISION(tried.queries["ours"], gallery), descriptors.DECISION(gallery, gallery)
    for row, (original, _, guests) in enumerate(copies):
        for column in range(40):
            others = range(1 - column % 2, 40, 2)
            own = [int(distances[row, other]) for other in others if other not in {original, *guests}]
            its = [int(between[column, other]) for other in others]
            assert scores[row, column] == distances[row, column] - max(naive.cohort_mean(own), naive.cohort_mean(its))


def test_rotations_are_those_of_the_package() -> None:
    rng = np.random.default_rng(0)
    tables = rng.integers(0, 2**64, (2, 5, 10), dtype=np.uint64)
    found = descriptors.with_rotations(*tables)
    for (row, a), (column, b) in product(enumerate(tables[0]), enumerate(tables[1])):
        assert found[row, column] == orientation.rotated_distance(a, b)[0]


def test_trimmed_views_count_on_either_side() -> None:
    rng = np.random.default_rng(0)
    tables = rng.integers(0, 2**64, (2, 6, 20), dtype=np.uint64)
    found = descriptors.trimmed(descriptors.with_rotations)(*tables)
    for (row, a), (column, b) in product(enumerate(tables[0]), enumerate(tables[1])):
        views = product(a.reshape(2, 10), b.reshape(2, 10))
        assert found[row, column] == min(orientation.rotated_distance(one, other)[0] for one, other in views)


def test_our_features_are_both_views(picture: Image.Image) -> None:
    extract = descriptors.EXTRACTORS["ours"]
    bare, padded = (extract(families.make("cat", picture, NAMED[name]), picture) for name in ("jpeg q75", "pad white"))
    assert bare.shape == padded.shape == (20,)
    assert bare[:10].tolist() == bare[10:].tolist()
    distances = [descriptors.DECISION(bare[None], padded[None, first:])[0, 0] for first in (0, 10)]
    assert distances[0] > 40
    assert distances[1] < 24


# ── the whole ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.bench
def test_it_runs(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--gallery", str(sample), "--n", "30", "--share", "0.02", "--rates", "0.02"]
    assert command.main(["quality", *options, "--json"]) == 0
    rows = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {"ours: dct + h + v", "imagehash phash 256"} <= set(rows)
    assert rows["ours: dct + h + v"]["families"]["jpeg"] == 1
    assert rows["ours: dct + h + v"]["rates"]["0.02"]["recall"] > 0.5


@pytest.mark.bench
def test_a_verification_adds_copies_alone(sample: Path) -> None:
    originals = quality.distinct(trial.originals([sample], 99, studio=0))[:12]
    tried = trial.run(originals, 0.1, {"ours": descriptors.our_codes})
    distances = descriptors.plain(descriptors.COMPARE)(tried)
    own = np.arange(len(distances)), tried.sources
    for most in (5, 10**6):
        chosen = verification.candidates(tried, distances, most)
        near = (distances > verification.SURE) & (distances <= CANDIDATE_RADIUS)
        assert (chosen[own] == near[own]).all()
        assert (chosen & tried.impostors).sum() == min(most, (near & tried.impostors).sum())
    verified = verification.verify(tried, chosen)
    assert not (verified & ~chosen).any()
    assert not (verified & tried.impostors).any()
    assert verified[own].sum() > 0.8 * chosen[own].sum()


@pytest.mark.slow
@pytest.mark.bench
def test_tables_and_curves_are_drawn(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    options = ["--gallery", str(sample), "--n", "30", "--share", "0.02", "--rates", "0.05", "--studio", "0.5"]
    assert command.main(["quality", *options, "--verify", "--pairs", "50", "--plot", str(tmp_path / "curves.png")]) == 0
    shown = capsys.readouterr()
    assert "ours: + rotations, trim, score, verification" in shown.out
    assert " of all false pairs, at 95 % confidence" in shown.err
    assert (tmp_path / "curves.png").stat().st_size > 0


def test_too_small_a_trial_is_refused(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="30 pictures, and 0 are there"):
        command.main(["quality", "--gallery", str(tmp_path)])
    with pytest.raises(SystemExit, match="too few for these rates"):
        command.main(["quality", "--gallery", str(sample), "--n", "30", "--share", "0.001"])


def test_a_folder_that_is_not_there_is_named(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["quality", "--gallery", str(sample / "nowhere")])
    assert capsys.readouterr().err.endswith("nowhere is no folder\n")


def test_copies_are_left_out_of_a_gallery(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.png")
    ImageOps.mirror(picture).save(tmp_path / "b.webp")
    ImageOps.solarize(picture).save(tmp_path / "c.gif")
    (tmp_path / "d.jpg").write_bytes(b"no picture")
    pictures = trial.originals([tmp_path], 9, studio=0)
    assert [picture.name for picture in pictures] == ["a.png", "b.webp", "c.gif"]
    assert [picture.name for picture in quality.distinct(pictures)] == ["a.png", "c.gif"]


def test_equal_files_are_taken_once(sample: Path, tmp_path: Path) -> None:
    for name in ("a.gif.png", "b.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    assert [picture.name for picture in trial.originals([tmp_path], 9, studio=0)] == ["a.gif.png"]
