"""Several processes on one catalogue: each reader sees one moment, and writers wait."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phash_engine.catalogue import Store
from phash_engine.catalogue.code_cache import Stored
from phash_engine.catalogue.code_store import CodeStore
from tests.catalogue.samples import HERE, assert_table_is_truth, codes_of, paths, query, record, rows_of, truth


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "photos.db") as catalogue:
        yield catalogue


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1])


def test_many_processes_may_make_the_file_at_once(tmp_path: Path) -> None:
    script = """
        import sys, time
        from phash_engine.catalogue.store import Store as Catalogue
        while time.time() < float(sys.argv[2]):
            pass
        with Catalogue(sys.argv[1]) as catalogue:
            print(catalogue._database.meta("uuid"))
    """
    start = time.time() + 1
    processes = [python(script, tmp_path / "photos.db", start) for _ in range(8)]
    uuids = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0] * 8
    assert uuids == {query(tmp_path / "photos.db", "SELECT value FROM meta WHERE key = 'uuid'")[0][0]}


def test_a_reader_sees_whole_moments_while_another_process_writes(tmp_path: Path) -> None:
    script = """
        import sys
        import numpy as np
        from phash_engine.catalogue.store import Store as Catalogue
        with Catalogue(sys.argv[1]) as catalogue:
            print("ready", flush=True)
            for turn in range(60):
                codes = np.full((20, 10), turn, dtype=np.uint64)
                catalogue.add_fingerprints([f"/p/{number}.jpg" for number in range(20)], codes)
                if turn % 7 == 6:
                    catalogue.forget("/p")
    """
    with Store(tmp_path / "photos.db") as catalogue:
        writer = python(script, catalogue.path)
        assert writer.stdout is not None
        writer.stdout.readline()
        seen = set()
        while writer.poll() is None:
            with catalogue.snapshot():
                shown = [photo.content_id for photo in catalogue.photos()]
                contents, _, table = catalogue.code_columns()
            assert sorted(shown) == sorted(contents.tolist())
            assert len(shown) in (0, 20)
            assert len(np.unique(table)) <= 1
            seen.add(int(table[0, 0]) if len(table) else -1)
            contents, _, table = catalogue.code_columns()  # without a snapshot each read is of one moment
            assert len(contents) in (0, 20)
            assert len(np.unique(table)) <= 1
        writer.communicate()
        assert writer.returncode == 0
        assert len(seen) > 5
        assert_table_is_truth(catalogue)


def test_a_writer_waits_for_another_and_readers_do_not(catalogue: Store) -> None:
    record(catalogue, {"/p/1.jpg": 1})
    script = """
        import sqlite3, sys, time
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM photos")
        print("ready", flush=True)
        time.sleep(1)
        connection.execute("ROLLBACK")
    """
    holder = python(script, catalogue.path)
    assert holder.stdout is not None
    holder.stdout.readline()
    began = time.monotonic()
    assert paths(catalogue) == ["/p/1.jpg"]
    assert time.monotonic() - began < 0.5
    record(catalogue, {"/p/2.jpg": 2})
    assert time.monotonic() - began > 0.5
    assert paths(catalogue) == ["/p/1.jpg", "/p/2.jpg"]
    holder.communicate()


def test_a_table_is_of_one_moment_though_codes_are_replaced_while_it_is_read(
    catalogue: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"/p/{n}.jpg" for n in range(20)]
    catalogue.add_fingerprints(names, np.stack([codes_of(n) for n in range(20)]))
    read_kept = CodeStore._kept

    def replaced_meanwhile(table: CodeStore, stored: Stored, deletions: int) -> NDArray[np.bool_] | None:
        with Store(catalogue.path) as other:
            other.add_fingerprints(names[:1], codes_of(99)[np.newaxis])
        return read_kept(table, stored, deletions)

    before = truth(catalogue.path)
    with monkeypatch.context() as patch:
        patch.setattr(CodeStore, "_kept", replaced_meanwhile)
        ids, _, _, table = rows_of(catalogue)
    assert dict(zip(ids.tolist(), table.tolist(), strict=True)) == before
    assert_table_is_truth(catalogue)


def test_a_snapshot_stays_at_its_moment_though_index_files_go_on(catalogue: Store) -> None:
    record(catalogue, {f"/p/{n}.jpg": n for n in range(20)})
    catalogue.refresh_index()
    before = truth(catalogue.path)
    with Store(catalogue.path) as reader, reader.snapshot():
        assert len(paths(reader)) == 20
        catalogue.forget("/p")
        record(catalogue, {f"/p/{n}.jpg": n for n in range(10, 40)})
        catalogue.refresh_index()
        ids, _, _, table = rows_of(reader)
        assert dict(zip(ids.tolist(), table.tolist(), strict=True)) == before
        assert len(paths(reader)) == 20
    assert_table_is_truth(catalogue)
