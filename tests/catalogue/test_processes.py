"""Several processes on one catalogue: each reader sees one moment, and writers wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phash_engine.catalogue import Store
from phash_engine.catalogue.code_cache import Stored
from phash_engine.catalogue.code_store import CodeStore
from tests.catalogue.samples import assert_table_is_truth, codes_of, paths, query, record, rows_of, truth
from tests.processes import Process


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "photos.db") as catalogue:
        yield catalogue


def test_many_processes_may_make_the_file_at_once(tmp_path: Path) -> None:
    script = """
        import sys
        from phash_engine.catalogue.store import Store as Catalogue
        print("ready", flush=True)
        input()
        with Catalogue(sys.argv[1]) as catalogue:
            print(catalogue._database.meta("uuid"), flush=True)
    """
    processes = [Process(script, tmp_path / "photos.db") for _ in range(8)]
    assert [process.lines.get() for process in processes] == ["ready"] * 8
    for process in processes:
        process.go_on()
    uuids = {process.lines.get() for process in processes}
    assert [process.end() for process in processes] == [0] * 8
    assert uuids == {query(tmp_path / "photos.db", "SELECT value FROM meta WHERE key = 'uuid'")[0][0]}


def test_a_reader_sees_whole_moments_while_another_process_writes(tmp_path: Path) -> None:
    script = """
        import sys
        import numpy as np
        from phash_engine.catalogue.store import Store as Catalogue
        with Catalogue(sys.argv[1]) as catalogue:
            for turn in range(60):
                codes = np.full((20, 10), turn, dtype=np.uint64)
                catalogue.add_fingerprints([f"/p/{number}.jpg" for number in range(20)], codes)
                if turn % 7 == 6:
                    catalogue.forget("/p")
                if turn % 7 in (3, 6):
                    print("pause", flush=True)
                    input()
    """
    with Store(tmp_path / "photos.db") as catalogue:
        writer = Process(script, catalogue.path)
        seen = set()
        while (line := writer.next_line()) != "end":
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
            if line == "pause":
                writer.go_on()
        assert writer.end() == 0
        assert seen >= {-1, 3, 10, 17, 24, 31, 38, 45, 52, 59}
        assert_table_is_truth(catalogue)


def test_a_writer_waits_for_another_and_readers_do_not(catalogue: Store) -> None:
    record(catalogue, {"/p/1.jpg": 1})
    script = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM photos")
        print("ready", flush=True)
        input()
        connection.execute("ROLLBACK")
    """
    holder = Process(script, catalogue.path)
    assert holder.lines.get() == "ready"
    assert paths(catalogue) == ["/p/1.jpg"]

    attempts: list[str] = []

    def attempted(statement: str) -> None:
        """Let the holder end when a statement begins that needs what it holds."""
        if statement.startswith("BEGIN IMMEDIATE"):
            attempts.append(statement)
            if len(attempts) == 1:
                holder.go_on()

    catalogue._database._connection.set_trace_callback(attempted)
    record(catalogue, {"/p/2.jpg": 2})
    assert attempts
    assert paths(catalogue) == ["/p/1.jpg", "/p/2.jpg"]
    assert holder.end() == 0


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
