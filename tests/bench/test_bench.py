from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bench import __main__ as command
from bench import catalogue, codes, crossover, dedupe, landmark, plot, retrieval_task, timing, verify
from bench import scan as bench_scan
from bench.matches import Found, check, recall, same_distances, same_matches
from phash_engine.hashing import orientation
from phash_engine.matching.verification import keypoints

ROWS = [timing.Row("slow", 0.010, 0.008, 0.012), timing.Row("quick", 0.0025, 0.002, 0.003)]


def test_rounds_are_interleaved() -> None:
    calls: list[str] = []
    contenders = [timing.Contender(name, partial(calls.append, name)) for name in "ab"]
    rows = timing.measure(contenders, rounds=2)
    assert calls == list("ababab")
    assert [row.name for row in rows] == ["a", "b"]
    assert all(0 <= row.fastest <= row.median <= row.slowest for row in rows)


def test_times_are_per_item(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 6.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    (row,) = timing.measure([timing.Contender("six seconds", int, items=3)], rounds=1, warm_up=False)
    assert row.median == 2.0


def test_no_rounds_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        timing.measure([], rounds=0)


def test_table_shows_times_and_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    timing.report(ROWS, "slow", n=100)
    title, head, slow, quick = capsys.readouterr().out.strip().splitlines()
    assert title == "n=100"
    assert head.endswith("times as fast as slow")
    assert slow.split() == ["slow", "10", "ms", "8", "ms", "12", "ms", "1"]
    assert quick.split() == ["quick", "2.5", "ms", "2", "ms", "3", "ms", "4"]


def test_json_lines_repeat_the_setting(capsys: pytest.CaptureFixture[str]) -> None:
    timing.report(ROWS, "slow", as_json=True, n=100)
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["n"], each["name"], each["ratio"]) for each in objects] == [(100, "slow", 1.0), (100, "quick", 4.0)]


def test_listing_and_running(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    module = ModuleType("bench.nothing")
    module.main = lambda argv: print("ran with", argv)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bench.nothing", module)
    monkeypatch.setitem(command.BENCHMARKS, "nothing", ("bench.nothing", "measures nothing"))
    assert command.main([]) == 0
    assert ["nothing", "measures", "nothing"] in [line.split() for line in capsys.readouterr().out.splitlines()]
    assert command.main(["nothing", "--n", "100"]) == 0
    assert capsys.readouterr().out == "ran with ['--n', '100']\n"


def test_unknown_benchmark_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nonesuch"]) == 2
    assert "no benchmark 'nonesuch'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"), [("uniform", 1), ("correlated", 3), ("dct", 1), ("average", 1), ("decision", 3)]
)
def test_codes(name: str, words: int) -> None:
    if name not in codes.names(words):
        pytest.skip(f"the photos are not in {codes.PHOTOS}")
    made, again = codes.collection(name, 100, 21, words), codes.collection(name, 100, 21, words)
    assert made.codes.shape == (100, words)
    assert made.queries.shape == (21, words)
    np.testing.assert_array_equal(made.codes, again.codes)
    np.testing.assert_array_equal(made.queries, again.queries)
    nearest = np.bitwise_count(made.queries[:, np.newaxis] ^ made.codes).sum(axis=2).min(axis=1)
    assert (nearest <= 12 * words).sum() >= 11


@pytest.mark.bench
@pytest.mark.parametrize("benchmark", ["search", "join"])
def test_small_benchmarks_run(benchmark: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--n", "100", "--radius", "4", "--rounds", "1", "--data", "correlated", "--words", "2", "--json"]
    assert command.main([benchmark, *options]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"linear", "bktree"} <= {row["name"] for row in rows}
    assert all(row["data"] == "correlated" and row["n"] == 100 and row["words"] == 2 for row in rows)
    assert all(0 < row["fastest"] <= row["median"] <= row["slowest"] for row in rows)


@pytest.mark.bench
def test_small_dedupe_runs_and_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["dedupe", "--n", "300", "--rounds", "1", "--json"]) == 0
    by_score, turned, upright = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert by_score["others"] >= turned["others"] > upright["others"] > 0
    assert min(turned["peak_mb"], upright["peak_mb"]) > 10


def test_wrong_groups_are_noticed() -> None:
    table = dedupe.fingerprints(100)
    with pytest.raises(SystemExit, match="differs from a linear scan"):
        dedupe.check("all alone", table, {}, None, rotations=True)


@pytest.mark.bench
def test_small_catalogues_run_and_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["catalogue", "--n", "300", "--rounds", "1", "--json"]) == 0
    rows = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {"phash status", "phash find", "phash dedupe"} <= set(rows)
    assert min(rows["phash dedupe"][f"{name}_mb"] for name in ("status", "find", "dedupe")) > 10


def test_wrong_answers_about_a_catalogue_are_noticed(tmp_path: Path) -> None:
    soak, printed = catalogue.made(300), tmp_path / "printed"
    printed.write_text("")
    with pytest.raises(SystemExit, match="phash find differs"):
        catalogue.check_find(printed, soak)
    with pytest.raises(SystemExit, match="phash dedupe differs"):
        catalogue.check_dedupe(printed, soak)
    printed.write_text(json.dumps({"photos": 300, "missing": 0, "contents": 285}))
    with pytest.raises(SystemExit, match="phash status counts"):
        catalogue.check_status(printed, soak)


@pytest.mark.bench
def test_life_runs(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--n", "100", "--added", "20", "--rounds", "1", "--data", "correlated", "--words", "2", "--json"]
    assert command.main(["life", *options]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["what"] for row in rows] == ["build"] * 2 + ["life"] * 3
    assert rows[0]["bytes_per_code"] > 16


@pytest.mark.slow
@pytest.mark.bench
@pytest.mark.skipif(not keypoints.has_opencv(), reason="needs opencv-python-headless: the extra verify")
def test_verification_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    families = {name: edit for name, edit in verify.FAMILIES.items() if "10%" in name or "not a copy" in name}
    monkeypatch.setattr(verify, "FAMILIES", families)
    assert command.main(["verify", "--n", "1", "--pairs", "3", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{name} " in out for name in families)
    assert "\n3 pairs of different photos at any distance: at most " in out


@pytest.mark.bench
def test_crossover_writes_what_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(crossover, "MEASURED", tmp_path / "measured.json")
    options = ["--n", "50", "100", "--radius", "0", "4", "--words", "2", "--rounds", "1"]
    assert command.main(["crossover", *options, "--write"]) == 0
    assert " of 4 cells; worst:" in capsys.readouterr().out
    written = json.loads((tmp_path / "measured.json").read_text())
    assert (written["n"], written["radius"], list(written["microseconds"])) == ([50, 100], [0, 4], ["2"])
    assert np.shape(list(written["microseconds"]["2"].values())) == (3, 2, 2)


def test_what_a_choice_loses() -> None:
    cell = crossover.Cell(1_000_000, 1, 8, {"linear": 80.0, "bktree": 900.0, "multi": 5.0})
    assert (crossover.chosen(cell), crossover.lost(cell)) == ("multi", 1.0)
    assert crossover.lost(cell._replace(microseconds={"linear": 2.0, "bktree": 9.0, "multi": 5.0})) == 2.5


@pytest.mark.bench
def test_files_are_hashed_beside_peers(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--n", "2", "--large", "0", "--formats", "1", "--rounds", "1", "--json"]
    assert command.main(["hash", *options]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"web", "PNG", "WEBP", "TIFF"} <= {row["files"] for row in rows}
    names = {"ours: block and all codes", "bare grey draft decode", "imagehash average + phash + whash"}
    for files in {row["files"] for row in rows}:
        assert names <= {row["name"] for row in rows if row["files"] == files}


@pytest.mark.bench
def test_scans_are_timed_and_their_memory_measured(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--n", "3", "--large", "0", "--huge", "1", "--megapixels", "0.1", "--workers", "2", "--rounds", "1"]
    assert command.main(["scan", *options, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    warm = [row for row in rows if row["files"] == "web"]
    assert [row["workers"] for row in warm] == [1, 2]
    assert warm[0]["of_linear"] == 1
    assert all(0 < row["writing"] < 1 for row in warm)
    assert {row["workers"] for row in rows if row["files"] == "web, not cached"} <= {2, 3, 4}
    peaks = [row for row in rows if "peak_mb" in row]
    assert [row["files"] for row in peaks] == ["JPEG"] * 2 + ["progressive JPEG"] * 2 + ["PNG"] * 2
    assert all(10 < row["beyond_planes"] <= row["peak_mb"] for row in peaks)


@pytest.mark.bench
def test_scans_are_compared_with_another_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    tree = str(Path(__file__).parents[2])
    options = ["--n", "3", "--large", "0", "--workers", "1", "--rounds", "1", "--beside", tree]
    assert command.main(["scan", *options, "--json"]) == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert row["bytes_a_photo"] == row["other_bytes"]
    assert row["time_ratio"] > 0


def test_scans_are_shown_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    bench_scan.show(iter([{"files": "web", "a_second": 1234.5, "writing": 0.0123}]), as_json=False)
    head, row, _ = capsys.readouterr().out.splitlines()
    assert head.split() == ["files", "a", "second", "writing"]
    assert row.split() == ["web", "1234", "0.0123"]


@pytest.mark.bench
def test_padded_and_cropped_copies_are_looked_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["views", "--n", "3", "--rounds", "1", "--json"]) == 0
    *timed, codes, letterbox = [json.loads(line) for line in capsys.readouterr().out.splitlines()][:4]
    assert [row["name"] for row in timed] == ["scan", "scan --crops"]
    assert codes["scan --crops"] - codes["scan"] == 12
    assert (letterbox["what"], letterbox["phash"], letterbox["phash --crops"]) == ("letterbox 10 %", 1, 1)


def test_matches_must_agree() -> None:
    first = Found(np.array([0, 0, 1]), np.array([7, 8, 9]), np.array([1, 1, 2]))
    swapped = Found(*(column[[2, 1, 0]] for column in first))
    tied = first._replace(ids=np.array([7, 5, 9]))
    check("in another order", (2, swapped), (2, first), same_matches)
    check("other ids", (2, tied), (2, first), same_distances)
    check("equal where both were searched", (1, swapped), (2, first), same_matches)
    with pytest.raises(SystemExit, match="other ids and the first engine differ"):
        check("other ids", (2, tied), (2, first), same_matches)
    with pytest.raises(SystemExit, match="nearer and the first engine differ"):
        check("nearer", (2, first._replace(distances=np.array([1, 1, 1]))), (2, first), same_distances)
    assert recall(first._replace(distances=np.array([1, 3, 2])), first) == pytest.approx(2 / 3)


def test_plot_takes_the_best_parameters(tmp_path: Path) -> None:
    rows = [
        {"what": "build", "name": "linear", "n": 10, "median": 1.0},
        {"what": "range query", "name": "linear", "n": 10, "radius": 8, "median": 1.0},
        {"what": "range query", "name": "faiss multi-hash 2x32", "n": 10, "radius": 8, "median": 3.0},
        {"what": "range query", "name": "faiss multi-hash 3x21", "n": 10, "radius": 8, "median": 2.0},
    ]
    curves = plot.panels([json.dumps(row) for row in rows])
    assert curves == {8: {"linear": {10: 1.0}, "faiss multi-hash": {10: 2.0}}}
    with pytest.raises(SystemExit, match="no range query"):
        plot.panels([json.dumps(rows[0])])
    pytest.importorskip("matplotlib")
    plot.draw(curves, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 0


@pytest.mark.bench
def test_small_landmark_challenge_runs_and_is_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--n", "100", "--queries", "20", "--data", "uniform", "--radius", "20", "--rounds", "1", "--json"]
    assert command.main(["landmark", *options]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows][:2] == ["ours, whole process", "loop over vectors, extrapolated"]
    assert all(row["queries"] == 20 for row in rows)


def test_landmark_results_that_are_not_the_nearest_are_noticed(tmp_path: Path) -> None:
    made = codes.collection("uniform", 100, 5)
    np.save(tmp_path / "codes.npy", made.codes)
    np.save(tmp_path / "queries.npy", made.queries)
    paths = [str(tmp_path / name) for name in ("codes.npy", "queries.npy", "submission.csv")]
    landmark.search(paths[0], paths[1], 20, paths[2])
    landmark.check_submission(made, 20, Path(paths[2]))
    with pytest.raises(SystemExit, match="query 0: the results are not the nearest"):
        landmark.check_submission(made, 40, Path(paths[2]))
    by_loop = landmark.loop(made)[:100]
    assert by_loop == np.bitwise_count(made.codes[:, 0] ^ made.queries[0, 0]).tolist()


@pytest.mark.bench
def test_small_retrieval_runs(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2", reason="copies are made with opencv-python-headless")
    options = ["--gallery", "12", "--queries", "4", "--impostors", "100", "--n", "100", "--dimension", "8"]
    assert command.main(["retrieval", *options, "--rounds", "1", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    searches = {row["search"]: row for row in rows if row["what"] == "quality"}
    assert searches["vectors alone"]["compared"] == 1 > searches["codes within 16 bits, then vectors"]["compared"] > 0
    assert all(0 <= row["map_100"] <= 1 for row in searches.values())
    passed = [row["true_kept"] for row in rows if row["what"] == "passed on"]
    assert passed == sorted(passed, reverse=True)
    assert searches["vectors alone"]["map_100"] > 0
    assert searches["codes within 24 bits, then vectors"]["of_vectors_alone"] > 0
    assert sum(row["what"] == "stages of one query" for row in rows) == 5
    assert rows[-1]["what"] == "one query"


def test_distances_are_those_of_the_nearest_views_and_turns() -> None:
    rng = np.random.default_rng(1)
    tables = [rng.integers(0, 2**64, (count, 10), dtype=np.uint64) for count in (3, 5)]
    queries = retrieval_task.Views(tables[0], np.array([0, 2]))
    gallery = retrieval_task.Views(orientation.upright(tables[1]), np.array([0, 1, 4]))
    apart = retrieval_task.distances(queries, gallery)
    for query, row in np.ndindex(2, 3):
        own = np.split(tables[0], queries.starts[1:])[query]
        others = np.split(gallery.codes, gallery.starts[1:])[row]
        turned = orientation.turned(own)[:, :, np.newaxis]
        assert apart[query, row] == np.bitwise_count(turned ^ others).sum(axis=-1).min()
