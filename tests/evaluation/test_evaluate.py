"""Retrieval tasks: a small one worked by hand; rankings compared with scikit-learn, slow twins and all distances."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors

from phash_engine.catalogue import Photo, Store
from phash_engine.errors import ModelError, UsageError
from phash_engine.evaluation import evaluate as retrieval
from phash_engine.evaluation import rankings, submissions
from phash_engine.evaluation.evaluate import Measures
from phash_engine.evaluation.rankings import SCHEMES, Ranking
from phash_engine.evaluation.submissions import Table
from phash_engine.evaluation.tasks import Side, Task, make_task, read_side
from phash_engine.hashing import codes, hashers
from phash_engine.retrieval.embeddings import Embeddings
from phash_engine.retrieval.fusion import fuse
from phash_engine.retrieval.vectors import unit
from phash_engine.scanning.scan import scan
from tests import naive, onnx_models
from tests.cli.test_cli import invoke, phash

TRUTH = Table("truth.csv", "images", {"q1": ["a", "b"], "q2": ["c"], "q3": []})


def given(**rows: str) -> Table:
    return Table("given.csv", "images", {name: words.split() for name, words in rows.items()})


# ── scores, by hand ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_images_by_hand() -> None:
    """q1: true at ranks 1 and 3, so (1/1 + 2/3) / 2; q2: true at rank 2, so 1/2; q3 is a distractor."""
    found = retrieval.score(TRUTH, given(q1="a x b", q2="y c", q3="z"))
    assert found.map_100 == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert (found.top_1, found.top_3, found.top_10) == (0.5, 1, 1)
    assert math.isnan(found.gap)
    assert retrieval.score(TRUTH, given(q1="", q2="", q3=""))[0] == 0
    assert retrieval.score(TRUTH, given(q1="b a", q2="c", q3=""))[0] == 1


def test_landmarks_by_hand() -> None:
    """By confidence: right, distractor, right, wrong: (1/1 + 2/3) over the 3 queries that have a label."""
    truth = Table("truth.csv", "landmarks", {"q1": ["7"], "q2": ["8"], "q3": [], "q4": ["9"]})
    rows = {"q1": ["7", "0.9"], "q2": ["8", "0.5"], "q3": ["7", "0.8"], "q4": ["7", "0.1"]}
    found = retrieval.score(truth, Table("given.csv", "landmarks", rows))
    assert found.gap == pytest.approx((1 + 2 / 3) / 3)
    assert found.top_1 == pytest.approx(2 / 3)
    silent = retrieval.score(truth, Table("given.csv", "landmarks", {**rows, "q3": []}))
    assert silent.gap == pytest.approx(2 / 3)
    labels = [word for words in rows.values() for word in words[:1]]
    right = [words == [label] for words, label in zip(truth.rows.values(), labels, strict=True)]
    confidences = [float(words[1]) for words in rows.values()]
    expected = average_precision_score(right, confidences) * sum(right) / 3
    assert found.gap == pytest.approx(expected)


def test_submissions_that_do_not_fit_the_truth() -> None:
    with pytest.raises(UsageError, match=r"given\.csv: the id 'q3' of truth\.csv is missing; give it an empty line"):
        retrieval.score(TRUTH, given(q1="a", q2=""))
    with pytest.raises(UsageError, match=r"given\.csv: the id 'q4' is not in truth\.csv"):
        retrieval.score(TRUTH, given(q1="a", q2="", q3="", q4=""))
    with pytest.raises(UsageError, match=r"given\.csv holds landmarks, the truth truth\.csv images"):
        retrieval.score(TRUTH, Table("given.csv", "landmarks", {}))


# ── rankings ────────────────────────────────────────────────────────────────────────────────────────────────────────


def side(folder: str, count: int, seed: int, unread: list[str] | None = None) -> Side:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 2**62, (count, 5), dtype=np.uint64)
    ids = [f"{folder}{number:03}" for number in range(count)]
    photos = [Photo.of_path(f"/{folder}/{name}")._replace(digest=name.encode()) for name in ids]
    return Side(folder, ids, photos, table, {photo.path: row for row, photo in enumerate(photos)}, unread or [])


def task(count: int = 150) -> Task:
    """Queries that are copies of photos in the gallery with some bits turned, and a distractor."""
    gallery, queries = side("g", count, 1), side("q", 6, 2, ["broken"])
    for row in range(5):
        queries.table[row] = gallery.table[row] ^ np.uint64(0b10110 * row)
    truth = {f"q{row:03}": [f"g{row:03}", f"g{row + 20:03}"] for row in range(5)}
    return make_task(queries, gallery, Table("truth.csv", "images", {"broken": ["g000"], **truth, "q005": []}))


def test_rankings_by_codes_equal_twin() -> None:
    made = task()
    found = rankings.rank_by_codes(made, workers=1)
    again = rankings.rank_by_codes(made, workers=4)
    for name, (columns, method) in SCHEMES.items():
        places = [hashers.CODE_NAMES.index(column) for column in columns]
        for query, own in enumerate(made.rows.tolist()):
            rows, marks = found[name][query]
            np.testing.assert_array_equal(rows, again[name][query][0])
            if own < 0:
                assert not len(rows)
                continue
            apart = [
                [codes.distance(row[place], made.queries.table[own][place]) for place in places]
                for row in made.gallery.table
            ]
            ranked = sorted((naive.fuse(distances, method), row) for row, distances in enumerate(apart))
            last = ranked[99][0]
            near = [row for mark, row in ranked if mark <= last + 1e-9]
            assert sorted(rows.tolist()) == sorted(near)
            np.testing.assert_allclose(marks, [mark for mark, _ in ranked[: len(near)]], atol=1e-8)
            np.testing.assert_allclose(marks, fuse(np.array(apart)[rows], method))


@pytest.mark.parametrize("seed", range(5))
def test_rankings_by_codes_are_those_of_all_distances(seed: int) -> None:
    """Bit for bit, with many equal scores, and queries that are photos of the gallery."""
    rng = np.random.default_rng(seed)
    gallery = side("g", 400, seed)
    gallery.table[:] &= rng.integers(0, 2**62, gallery.table.shape, dtype=np.uint64) | np.uint64(0x0F0F << 30)
    gallery.table[100:200] = gallery.table[:100]
    gallery.table[200:210] = gallery.table[0]
    made = make_task(gallery, gallery, Table("truth.csv", "images", {name: [] for name in gallery.ids}))
    found = rankings.rank_by_codes(made)
    for name, (columns, method) in SCHEMES.items():
        places = [hashers.CODE_NAMES.index(column) for column in columns]
        for query, (rows, marks) in enumerate(found[name]):
            scores = fuse(codes.distances(gallery.table, gallery.table[query])[:, places], method)
            others = np.delete(np.arange(400), query)
            last = np.sort(scores[others])[99]
            near = others[scores[others] <= last]
            expected = near[np.lexsort((near, scores[near]))]
            np.testing.assert_array_equal(rows, expected)
            np.testing.assert_array_equal(marks, scores[expected])


@pytest.mark.parametrize("name", SCHEMES)
def test_measures_equal_scikit_learn(name: str) -> None:
    """On whole rankings, without equal scores."""
    made = task(80)
    ranking = [
        (rows, np.arange(len(rows), dtype=np.float64) + query / 8) for query, (rows, _) in enumerate(ranked(made, name))
    ]
    relevant = [np.isin(rows, made.truth[made.truth[:, 0] == q, 1]) for q, (rows, _) in enumerate(ranking)]
    measured = retrieval.measure(made, ranking)
    asking = list(zip(relevant, ranking, strict=True))[1:6]
    precisions = [average_precision_score(true, -marks) for true, (_, marks) in asking]
    assert measured.map_100 == pytest.approx(sum(precisions) / 6)  # the unreadable one counts, with nothing
    first = [(true[0], -marks[0]) for true, (_, marks) in zip(relevant, ranking, strict=True) if len(true)]
    right, confidences = np.array(first).T
    assert measured.gap == pytest.approx(average_precision_score(right, confidences) * right.sum() / 6)
    assert measured.top_1 <= measured.top_3 <= measured.top_10


def ranked(made: Task, name: str) -> list[Ranking]:
    return rankings.rank_by_codes(made)[name]


def test_vectors_rank_as_scikit_learn_does() -> None:
    made = task(120)
    rng = np.random.default_rng(3)
    gallery = Embeddings(np.arange(120), unit(rng.standard_normal((120, 6))), {})
    queries = Embeddings(np.arange(5), unit(rng.standard_normal((5, 6))), {})
    candidates = rankings.rank_by_codes(made)["sum"]
    found = rankings.rank_by_vectors(made, queries, gallery, candidates, workers=1)
    again = rankings.rank_by_vectors(made, queries, gallery, candidates, workers=3)
    nearest = NearestNeighbors(n_neighbors=100, metric="cosine").fit(gallery.vectors)
    _, expected = nearest.kneighbors(queries.vectors)
    for query, own in enumerate(made.rows.tolist()):
        for name, by_query in found.items():
            np.testing.assert_array_equal(by_query[query][0], again[name][query][0])
            np.testing.assert_array_equal(by_query[query][1], again[name][query][1])
        if not 0 <= own < 5:
            assert not len(found["vectors"][query][0])
            continue
        assert found["vectors"][query][0].tolist() == expected[own].tolist()
        inside = set(candidates[query][0].tolist())
        full = np.argsort(-(gallery.vectors @ queries.vectors[own]), kind="stable").tolist()
        assert found["rerank"][query][0].tolist() == [row for row in full if row in inside][:100]


def test_photos_without_a_vector_are_in_no_ranking() -> None:
    made = task(30)
    vectors = unit(np.random.default_rng(3).standard_normal((29, 6)))
    gallery = Embeddings(np.delete(np.arange(30), 3), vectors, {})
    candidates = rankings.rank_by_codes(made)["sum"]
    found = rankings.rank_by_vectors(made, Embeddings(np.arange(6), vectors[:6], {}), gallery, candidates)
    no_vectors = Embeddings(np.arange(0), np.empty((0, 0), dtype=np.float32), {})
    for name, by_query in found.items():
        assert all(3 not in rows for rows, _ in by_query), name
        assert not any(
            len(rows) for rows, _ in rankings.rank_by_vectors(made, no_vectors, no_vectors, candidates)[name]
        )


def test_own_file_is_no_result() -> None:
    gallery = side("g", 9, 1)
    truth = Table("truth.csv", "images", {name: [] for name in gallery.ids})
    made = make_task(gallery, gallery, truth)
    for query, (rows, _) in enumerate(rankings.rank_by_codes(made)["sum"]):
        assert sorted([*rows.tolist(), query]) == list(range(9))


def test_written_rankings_score_the_same(tmp_path: Path) -> None:
    made = task(60)
    ranking = rankings.rank_by_codes(made)["sum"]
    submissions.write(tmp_path / "a.csv", "images", retrieval.submission(made, ranking, "images"))
    truth = Table("truth.csv", "images", {"broken": ["g000"], **{f"q{row:03}": [] for row in range(6)}})
    truth.rows.update({f"q{row:03}": [f"g{row:03}", f"g{row + 20:03}"] for row in range(5)})
    scored = retrieval.score(truth, submissions.read(tmp_path / "a.csv"))
    measured = retrieval.measure(made, ranking)
    assert scored.map_100 == pytest.approx(measured.map_100, abs=0.02)
    assert scored.top_1 == measured.top_1 == 5 / 6


def test_tasks_with_unknown_ids_are_refused() -> None:
    queries, gallery = side("q", 2, 1), side("g", 3, 2, ["lost"])
    with pytest.raises(UsageError, match=r"truth\.csv: the id 'q001' of q is missing"):
        make_task(queries, gallery, Table("truth.csv", "images", {"q000": []}))
    rows = {"q000": ["g001", "g009"], "q001": []}
    with pytest.raises(UsageError, match=r"truth\.csv: 'g009', true of 'q000', is not in g"):
        make_task(queries, gallery, Table("truth.csv", "images", rows))
    known = make_task(queries, gallery, Table("truth.csv", "images", {"q000": ["g001", "lost"], "q001": []}))
    assert known.truth.tolist() == [[0, 1], [0, -1]]
    marks = Table("truth.csv", "landmarks", {"q000": ["7"], "q001": ["9"]})
    with pytest.raises(UsageError, match=r"truth\.csv holds labels of the queries: give those of the gallery"):
        make_task(queries, gallery, marks)
    labels = {"g000": ["7"], "g001": ["8"], "g002": ["7"], "lost": ["8"]}
    known = make_task(queries, gallery, marks, Table("labels.csv", "landmarks", labels))
    assert known.truth.tolist() == [[0, 0], [0, 2], [1, -1]]
    with pytest.raises(UsageError, match=r"labels\.csv: the id 'gx' is not in g"):
        make_task(queries, gallery, marks, Table("labels.csv", "landmarks", {**labels, "gx": ["7"]}))
    with pytest.raises(UsageError, match=r"labels\.csv: the photo 'g000' needs one label, not 2"):
        make_task(queries, gallery, marks, Table("labels.csv", "landmarks", {**labels, "g000": ["7", "8"]}))


def test_ids_are_names_without_extension_or_paths_where_they_repeat(sample: Path, tmp_path: Path) -> None:
    source = Image.open(sample / "2023-lake" / "IMG_0412.jpg").convert("RGB")
    for name in ("one.jpg", "two.png", "deep/two.jpg", "deep/three.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        source.save(tmp_path / name)
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with Store(None) as catalogue:
        scan([tmp_path], catalogue)
        found = read_side(catalogue, str(tmp_path))
        assert found.ids == ["deep/two.jpg", "one", "three", "two.png"]
        assert found.unread == ["bad"]
        for row, photo in enumerate(found.photos):
            assert found.row_by_path[photo.path] == row
            expected = hashers.fingerprint(hashed_block(photo.path))
            assert found.table[row].tolist() == list(expected)


def hashed_block(path: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    from phash_engine import images

    return images.read_block(path)


# ── command ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folders(sample: Path, tmp_path: Path) -> Path:
    """Eight photos, smaller copies of four of them as queries, and a distractor."""
    (tmp_path / "gallery").mkdir()
    (tmp_path / "queries").mkdir()
    photos = [*sorted((sample / "2024-city").glob("*.JPG"))[2:], *sorted((sample / "phone").glob("*.jpg"))[:6]]
    truth, labels = ["id,images"], ["id,landmark_id"]
    for number, path in enumerate(photos[:9]):
        with Image.open(path) as image:
            copy = image.convert("RGB")
        if number < 8:
            copy.save(tmp_path / "gallery" / f"g{number}.jpg")
            labels.append(f"g{number},L{number}")
        if number < 4 or number == 8:
            copy.resize((160, 120)).save(tmp_path / "queries" / f"q{number}.jpg")
            truth.append(f"q{number},{f'g{number}' if number < 8 else ''}")
    (tmp_path / "truth.csv").write_text("\n".join(truth) + "\n")
    (tmp_path / "labels.csv").write_text("\n".join(labels) + "\n")
    (tmp_path / "marks.csv").write_text("\n".join(truth).replace("images", "landmarks").replace(",g", ",L") + "\n")
    return tmp_path


def evaluate(folders: Path, *more: str | Path, truth: str = "truth.csv") -> dict[str, Measures]:
    sides = ("--queries", folders / "queries", "--gallery", folders / "gallery")
    run = invoke("evaluate", *sides, "--truth", folders / truth, "--json", *more)
    assert run.return_value == 0
    records = [json.loads(line) for line in run.stdout.splitlines()]
    assert all(record.pop("schema") == 1 for record in records)
    return {record.pop("ranking"): Measures(**record) for record in records}


def test_evaluate_measures_writes_and_scores(folders: Path) -> None:
    model = onnx_models.convolutional(folders / "model.onnx")
    written = folders / "submission.csv.gz"
    measured = evaluate(folders, "--model", model, "--write", written, "--pca", "3", "--half")
    assert list(measured) == [*SCHEMES, *rankings.RERANKED, "rerank-codes", "rerank-augmented", "vectors"]
    assert measured["sum"][0] == measured["sum"].top_1 == 1
    assert len(gzip.decompress(written.read_bytes()).splitlines()) == 6
    run = invoke("evaluate", "--truth", folders / "truth.csv", "--score", written, "--json")
    assert json.loads(run.stdout)["map_100"] == pytest.approx(measured["rerank"].map_100)


def test_evaluate_labels(folders: Path) -> None:
    written = folders / "submission.csv"
    options = ("--labels", folders / "labels.csv", "--write", written, "--ranking", "dct")
    measured = evaluate(folders, *options, "--workers", "2", truth="marks.csv")
    assert measured == evaluate(folders, *options, "--workers", "1", truth="marks.csv")
    run = invoke("evaluate", "--truth", folders / "marks.csv", "--score", written, "--json")
    record = json.loads(run.stdout)
    assert record["gap"] == pytest.approx(measured["dct"].gap)
    assert record["top_1"] == pytest.approx(measured["dct"].top_1)


def test_codes_and_vectors_are_kept_on_request(folders: Path) -> None:
    model = onnx_models.convolutional(folders / "model.onnx")
    options = ("--model", model, "--cache", folders / "kept.db")
    first = evaluate(folders, *options)
    (kept,) = (folders / "kept.db.vectors").iterdir()
    size = (kept / "vectors").stat().st_size
    assert evaluate(folders, *options) == first
    assert (kept / "vectors").stat().st_size == size > 0
    assert first == evaluate(folders, "--model", model)


def test_an_unreadable_query_has_no_results(folders: Path) -> None:
    (folders / "queries" / "q0.jpg").write_bytes(b"no picture")
    measured = evaluate(folders)
    assert measured["sum"].map_100 == pytest.approx(0.75)


def test_the_table_is_printed(folders: Path) -> None:
    sides = ("--queries", folders / "queries", "--gallery", folders / "gallery")
    lines = invoke("evaluate", *sides, "--truth", folders / "truth.csv").stdout.splitlines()
    assert lines[0].split() == ["ranking", "mAP@100", "GAP", "top", "1", "top", "3", "top", "10"]
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[0] for line in lines[1:]] == list(SCHEMES)


def test_mistakes_are_one_line_and_nothing_is_written(folders: Path) -> None:
    sides = ("--queries", folders / "queries", "--gallery", folders / "gallery")
    written = folders / "submission.csv"
    truth = folders / "truth.csv"
    with pytest.raises(click.UsageError, match="name both folders, with --queries and --gallery"):
        invoke("evaluate", "--truth", truth)
    with pytest.raises(click.UsageError, match="--score measures a file alone"):
        invoke("evaluate", "--truth", truth, "--score", truth, *sides)
    with pytest.raises(UsageError, match="unknown ranking 'best'; rankings are average, dct"):
        invoke("evaluate", "--truth", truth, *sides, "--write", written, "--ranking", "best")
    model = onnx_models.convolutional(folders / "model.onnx")
    with pytest.raises(UsageError, match="cannot whiten: components must be 1 to 7 for 8 vectors of 16 numbers, not 8"):
        invoke("evaluate", "--truth", truth, *sides, "--write", written, "--model", model, "--pca", "8")
    truth.write_text("id,images\nq0,g0\nq0,g1\n")
    with pytest.raises(UsageError, match="the id 'q0' occurs twice, again in line 3"):
        invoke("evaluate", "--truth", truth, *sides, "--write", written)
    (folders / "model.onnx").write_bytes(b"no model")
    truth.write_text("id,images\nq0,g0\n")
    with pytest.raises(ModelError, match="not an ONNX model"):
        invoke("evaluate", "--truth", truth, *sides, "--write", written, "--model", folders / "model.onnx")
    assert not written.exists()
    run = phash("evaluate", "--truth", truth, "--queries", folders / "nothing", "--gallery", folders / "gallery")
    assert run.returncode == 2
    assert b"no such file or directory" in run.stderr
