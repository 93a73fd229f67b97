"""Challenge tables: what is written is read again, and mistakes are errors of one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from phash_engine.errors import UsageError
from phash_engine.evaluation import submissions
from phash_engine.evaluation.submissions import Prediction, Table

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=8)


@given(rows=st.dictionaries(WORDS, st.lists(WORDS, max_size=5), max_size=5), kind=st.sampled_from(submissions.KINDS))
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_tables_come_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, rows: dict[str, list[str]], kind: str
) -> None:
    path = tmp_path_factory.mktemp("tables") / name
    submissions.write(path, kind, rows)
    assert submissions.read(path) == (str(path), kind, rows)
    assert [entry.name for entry in path.parent.iterdir()] == [name]


def test_the_file_is_as_challenges_expect_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    submissions.write(path, "images", {"q1": ["a", "b"], "q2": []})
    assert path.read_bytes() == b"id,images\nq1,a b\nq2,\n"
    submissions.write(tmp_path / "a.csv.gz", "images", {"q1": ["a", "b"], "q2": []})
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == path.read_bytes()


def test_other_columns_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufeffurl,landmark_id,id\r\n"http://a,b",7,x\r\n\r\n,8,y\r\n', encoding="utf-8")
    assert submissions.read(path) == (str(path), "landmarks", {"x": ["7"], "y": ["8"]})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the first line must be id,images or id,landmarks, not ''"),
        ("name,images\nx,a\n", "the first line must be id,images or id,landmarks, not 'name,images'"),
        ("id,images\nx,a\ny\n", "line 3 has 1 columns of 2"),
        ("id,images\nx,a\ny,\nx,b\n", "the id 'x' occurs twice, again in line 4"),
        ("id,images\nx,\xff", "not a CSV file: "),
        ("\x1f\x8b id,images", "not a CSV file: "),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        submissions.read(path)
    assert str(caught.value).startswith(f"{path}: {complaint}")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.csv: cannot be read: no such file or directory"):
        submissions.read(tmp_path / "nothing.csv")
    (tmp_path / "plain.csv.gz").write_text("id,images\n")
    with pytest.raises(UsageError, match=r"plain\.csv\.gz: cannot be read: not a gzipped file"):
        submissions.read(tmp_path / "plain.csv.gz")
    cut = gzip.compress(b"id,images\nx,a\n")[:-9]
    (tmp_path / "cut.csv.gz").write_bytes(cut)
    with pytest.raises(UsageError, match=r"cut\.csv\.gz: cannot be read: a gzipped file that is cut short"):
        submissions.read(tmp_path / "cut.csv.gz")
    with pytest.raises(UsageError, match=r"a\.csv: cannot be written: no such file or directory"):
        submissions.write(tmp_path / "nothing" / "a.csv", "images", {})


def test_ids_must_be_the_expected_ones() -> None:
    table = Table("a.csv", "images", {"x": [], "y": []})
    submissions.check_ids(table, ["y", "x"], "truth.csv")
    with pytest.raises(UsageError, match=r"a\.csv: the id 'z' of truth\.csv is missing; give it an empty line"):
        submissions.check_ids(table, ["x", "y", "z"], "truth.csv")
    with pytest.raises(UsageError, match=r"a\.csv: the id 'y' is not in truth\.csv"):
        submissions.check_ids(table, ["x"], "truth.csv")


def test_rankings_are_cut_and_predictions_read() -> None:
    many = [str(number) for number in range(150)]
    assert submissions.ranked_ids(Table("a.csv", "images", {"x": many, "y": []})) == {"x": many[:100], "y": []}
    with pytest.raises(UsageError, match=r"a\.csv: the row of 'x' names 'b' twice"):
        submissions.ranked_ids(Table("a.csv", "images", {"x": ["a", "b", "b"]}))
    table = Table("a.csv", "landmarks", {"x": ["7", "0.25"], "y": []})
    assert submissions.predictions(table) == {"x": Prediction("7", 0.25), "y": None}
    for words in (["7"], ["7", "sure"], ["7", "nan"], ["7", "1", "8"]):
        with pytest.raises(UsageError, match=r"a\.csv: the row of 'x' must be empty or 'label confidence', not '7"):
            submissions.predictions(Table("a.csv", "landmarks", {"x": words}))
