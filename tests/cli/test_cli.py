"""The command line as people and scripts meet it: streams, exit codes, records, odd names, mistakes."""

from __future__ import annotations

import base64
import json
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from phash_engine import images
from phash_engine.catalogue.store import Store
from phash_engine.cli import COMMANDS, cli
from phash_engine.grouping.groups import Group
from phash_engine.hashing import codes, hashers
from phash_engine.scanning.scan import scan
from tests.conftest import ROOT
from tests.plain import find_groups

PHASH = [sys.executable, "-m", "phash_engine"]
SAMPLE = Path(__file__).parents[2] / "data" / "photos"
LAKE = SAMPLE / "2023-lake" / "IMG_0412.jpg"
MIRRORED = SAMPLE / "exports" / "lake-sunset-mirrored.jpg"
ALONE = SAMPLE / "2024-city" / "DSC_0044.JPG"
LAKE_COUNT = 6

Run = subprocess.CompletedProcess[bytes]


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of the sample collection; not to be written to."""
    path = tmp_path_factory.mktemp("catalogue") / "photos.db"
    with Store(path) as catalogue:
        scan([SAMPLE], catalogue)
    return path


@pytest.fixture(autouse=True)
def catalogue(scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogue of every command of a test: its own copy of the scanned one."""
    path = tmp_path / "catalogue" / "photos.db"
    shutil.copytree(scanned.parent, path.parent)
    monkeypatch.setenv("PHASH_CATALOGUE", str(path))
    return path


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """One picture under names that are hard on terminals."""
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"line\nfeed.jpg", "пляж 🏖.jpg".encode(), b"caf\xe9.jpg", b"-k.jpg", b"tab\t.jpg"):
        shutil.copy(os.fsencode(LAKE), os.fsencode(folder) + b"/" + name)
    return folder


def phash(*arguments: str | bytes | Path, **options: Any) -> Run:
    """Run the real command in a process of its own."""
    return subprocess.run([*PHASH, *arguments], capture_output=True, check=False, **options)


def invoke(*arguments: str | Path) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(
        cli, [str(argument) for argument in arguments], catch_exceptions=False, standalone_mode=False
    )


def records(output: str | bytes) -> list[dict[str, Any]]:
    """The records of a command, each of which must have the version of the schema first."""
    found = [json.loads(line) for line in output.splitlines()]
    assert all(next(iter(record.items())) == ("schema", 1) for record in found)
    return [{name: value for name, value in record.items() if name != "schema"} for record in found]


def complaint(run: Run) -> str:
    """The one line of a command that could not do it."""
    assert run.returncode == 2
    assert run.stdout == b""
    line, end = run.stderr.decode().split("\n")
    assert end == ""
    assert line.startswith("phash: ")
    return line.removeprefix("phash: ")


# ── results and streams ─────────────────────────────────────────────────────────────────────────────────────────────


def test_hash_prints_codes_and_path() -> None:
    fingerprint = images.hash_image(LAKE)
    digits = [codes.to_hex(code) for code in fingerprint]
    run = phash("hash", LAKE)
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.decode() == f"{' '.join(digits)}  {LAKE}\n"
    assert invoke("hash", LAKE, "--hasher", "dct").output == f"{digits[1]}  {LAKE}\n"
    assert records(invoke("hash", LAKE, "--json").output) == [
        {"path": str(LAKE), "spec": hashers.SPEC, "codes": dict(zip(fingerprint._fields, digits, strict=True))}
    ]


def test_compare_tells_by_its_exit_code() -> None:
    assert [phash("compare", LAKE, other).returncode for other in (LAKE, MIRRORED, ALONE)] == [0, 0, 1]
    assert invoke("compare", LAKE, MIRRORED, "--no-rotations").return_value == 1
    assert invoke("compare", LAKE, ALONE, "-r", "192").return_value == 0
    (record,) = records(invoke("compare", LAKE, MIRRORED, "--json").output)
    assert list(record) == ["a", "b", "distance", "match_type", "is_match", "codes"]
    assert (record["distance"], record["match_type"], record["is_match"]) == (0, "rotated", True)
    assert invoke("compare", LAKE, LAKE).output.endswith("distance      0  match: identical\n")
    assert invoke("compare", LAKE, MIRRORED).output.endswith("distance      0  match: rotated (0 of 192 bits)\n")
    assert ", radius 24\n" in invoke("compare", LAKE, ALONE).output


def test_pictures_without_structure_match_on_request_alone(tmp_path: Path) -> None:
    sheets = tmp_path / "sheets"
    sheets.mkdir()
    for tone in (249, 250):
        (sheets / f"{tone}.pgm").write_bytes(b"P5 40 60 255\n" + bytes([tone]) * 40 * 60)
    one, two = sorted(sheets.iterdir())
    run = invoke("compare", one, two)
    assert run.return_value == 1
    assert run.output.endswith("no match: too little structure (see --trust-all)\n")
    assert records(invoke("compare", one, two, "--json").output)[0]["match_type"] is None
    assert invoke("compare", one, two, "--trust-all").return_value == 0

    assert invoke("dedupe", sheets).output.endswith("phash: no duplicates, by radius 24\n")
    assert len(records(invoke("dedupe", sheets, "--trust-all", "--json").stdout)) == 1
    assert [match["path"] for match in records(invoke("find", one, "--json").output)] == [str(one)]
    found = records(invoke("find", one, "--trust-all", "--json").output)
    assert [match["path"] for match in found] == [str(one), str(two)]

    assert records(invoke("status", "--json").output)[0]["untrusted"] == 2
    assert "        2  of them with too little structure to be compared by code\n" in invoke("status").output


def test_compare_of_an_unreadable_picture_is_no_answer() -> None:
    assert complaint(phash("compare", LAKE, SAMPLE / "notes.txt")).startswith(f"{SAMPLE / 'notes.txt'}: not an image")


def test_find_prints_distance_rule_path() -> None:
    run = phash("find", LAKE)
    assert (run.returncode, run.stderr) == (0, b"")
    lines = [line.split("\t") for line in run.stdout.decode().splitlines()]
    assert [len(line) for line in lines] == [3] * LAKE_COUNT
    assert {rule for _, rule, _ in lines[:2]} == {"identical"}
    assert lines[-1] == ["0", "rotated", str(MIRRORED)]
    assert [int(distance) for distance, *_ in lines] == sorted(int(distance) for distance, *_ in lines)


def test_find_of_several_pictures_begins_lines_with_the_picture() -> None:
    lines = [line.split("\t") for line in invoke("find", LAKE, ALONE, "-k", "1").output.splitlines()]
    assert lines == [[str(LAKE), "0", "identical", str(LAKE)], [str(ALONE), "0", "identical", str(ALONE)]]


def test_find_json_has_exactly_the_fields_of_the_contract() -> None:
    found = records(phash("find", LAKE, "--json").stdout)
    assert [list(record) for record in found] == [["query", "path", "distance", "match_type"]] * LAKE_COUNT
    assert all(record["query"] == str(LAKE) and Path(record["path"]).is_absolute() for record in found)


def test_find_takes_relative_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLE / "exports")
    expected = records(invoke("find", LAKE, "--in", SAMPLE / "2023-lake", "--json").output)
    for folder in ("../2023-lake", "../2023-lake/", "./web/../../2023-lake"):
        assert records(invoke("find", "../2023-lake/IMG_0412.jpg", "--in", folder, "--json").output) == expected
    assert len(records(invoke("find", LAKE, "--in", "web", "--in", "../backup", "--json").output)) == 3


def test_find_limits_combine() -> None:
    assert len(invoke("find", LAKE, "-k", "50").output.splitlines()) == 50
    assert len(invoke("find", LAKE, "-k", "50", "-r", "24").output.splitlines()) == LAKE_COUNT
    assert len(invoke("find", LAKE, "-k", "2", "-r", "24").output.splitlines()) == 2
    assert len(invoke("find", LAKE, "--no-rotations").output.splitlines()) == LAKE_COUNT - 1
    assert len(invoke("find", LAKE, "-r", "192").output.splitlines()) == 84


def test_find_nothing_is_the_answer_no() -> None:
    run = phash("find", ALONE, "--in", SAMPLE / "2022-garden")
    assert (run.returncode, run.stdout, run.stderr) == (1, b"", b"phash: nothing found\n")
    assert invoke("find", ALONE, "--in", SAMPLE / "2022-garden", "--json").output == ""
    assert invoke("find", LAKE, ALONE, "--in", SAMPLE / "2023-lake").return_value == 0


def test_find_quiet_says_nothing() -> None:
    assert [phash("find", "-q", picture, "--in", SAMPLE / "2023-lake").returncode for picture in (LAKE, ALONE)] == [
        0,
        1,
    ]
    for picture in (LAKE, ALONE):
        run = phash("find", "-q", picture, "--in", SAMPLE / "2023-lake")
        assert run.stdout + run.stderr == b""


def test_find_reads_a_picture_from_standard_input() -> None:
    run = phash("find", "-", "--json", input=LAKE.read_bytes())
    assert run.returncode == 0
    assert [record["query"] for record in records(run.stdout)] == ["-"] * LAKE_COUNT
    assert records(run.stdout)[0]["match_type"] == "identical"
    assert complaint(phash("find", "-", input=b"")) == "-: empty file"


def test_find_takes_paths_from_files(tmp_path: Path, odd: Path) -> None:
    lines, nuls = tmp_path / "lines", tmp_path / "nuls"
    lines.write_bytes(b"\n".join([os.fsencode(LAKE), b"", os.fsencode(ALONE)]))
    nuls.write_bytes(b"".join(entry + b"\0" for entry in sorted(_entries(odd))))
    found = records(invoke("find", "--files-from", lines, "-k", "1", "--json").output)
    assert [record["query"] for record in found] == [str(LAKE), str(ALONE)]
    run = phash("find", "--files0-from", nuls, "-k", "1", "-0")
    assert run.returncode == 0
    queries = [record.split(b"\t0\tidentical\t")[0] for record in run.stdout.split(b"\0")[:-1]]
    assert queries == sorted(_entries(odd))
    both = phash("find", ALONE, "--files-from", "-", "-k", "1", "--json", input=os.fsencode(LAKE) + b"\n")
    assert [record["query"] for record in records(both.stdout)] == [str(ALONE), str(LAKE)]


def _entries(folder: Path) -> Iterator[bytes]:
    return (entry.path for entry in os.scandir(os.fsencode(folder)))


@pytest.mark.parametrize("kind", ["linear", "bktree", "multi"])
def test_every_kind_of_index_finds_the_same(kind: str) -> None:
    for arguments in (["find", MIRRORED], ["find", LAKE, "-k", "3"], ["dedupe"]):
        assert invoke(*arguments, "--index", kind).stdout == invoke(*arguments).stdout


def test_find_explains_itself_on_standard_error() -> None:
    found, run = invoke("find", LAKE), invoke("find", LAKE, "--explain", "--index", "bktree", "-r", "24")
    assert run.stdout == found.stdout
    assert "bktree is used; expected for each query: " in run.stderr
    assert "linear is used; " in invoke("find", LAKE, "--explain", "-q").stderr
    assert "--explain needs a radius: give -r with -k" in complaint(phash("find", LAKE, "--explain", "-k", "2"))
    assert "'--index'" in complaint(phash("dedupe", "--index", "tree"))


def test_dedupe_prints_what_find_groups_finds(scanned: Path) -> None:
    with Store(scanned) as open_catalogue:
        groups = find_groups(open_catalogue)
    run = phash("dedupe", SAMPLE, "--json")
    assert run.returncode == 0
    found = records(run.stdout)
    assert {tuple(record) for record in found} == {(*Group._fields, "bytes")}
    assert [record["keeper"] for record in found] == [group.keeper for group in groups]
    assert [record["duplicates"] for record in found] == [list(group.duplicates) for group in groups]
    sure = [pair | {"score": None, "evidence": None} for pair in found[0]["pairs"]]
    assert sure == [pair._asdict() | {"confidence": 1.0} for pair in groups[0].pairs]
    assert found[0]["reason"] == {"rule": "pixels", "keeper": "400x400", "other": "200x200"}
    assert b"84 photos: 84 unchanged; 3 could not be read" in run.stderr
    lines = phash("dedupe").stdout.decode().splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [group.keeper for group in groups]
    assert lines[1].strip() == "kept: most pixels (400x400; next 200x200)"
    assert lines[2].split(maxsplit=2) == [str(groups[0].pairs[0].distance), *groups[0].pairs[0][3:0:-2]]


def test_dedupe_is_restricted_to_the_folders() -> None:
    found = records(invoke("dedupe", SAMPLE / "phone", f"{SAMPLE}/phone/", "--json").stdout)
    assert found
    paths = [path for record in found for path in (record["keeper"], *record["duplicates"])]
    assert all(path.startswith(f"{SAMPLE}/phone/") for path in paths)
    assert invoke("dedupe", SAMPLE / "2022-garden").stderr.endswith("phash: no duplicates, by radius 24\n")


def test_dedupe_without_catalogue_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASH_CATALOGUE", str(tmp_path / "none.db"))
    expected = invoke("dedupe", "--no-catalogue", SAMPLE, "--json").stdout
    assert len(records(expected)) == 22
    assert not (tmp_path / "none.db").exists()
    assert complaint(phash("dedupe", "--no-catalogue")).startswith("--no-catalogue needs folders")
    assert complaint(phash("dedupe", "--no-catalogue", SAMPLE, "--catalogue", "x")).startswith(
        "--no-catalogue needs folders, and excludes"
    )


def test_dedupe_modes_and_keeper_rules_change_who_is_kept() -> None:
    def keepers(*arguments: str) -> list[str]:
        return [record["keeper"] for record in records(invoke("dedupe", "--json", *arguments).stdout)]

    assert keepers() != keepers("--keep", "path:*/exports,size")
    assert any("/exports/" in path for path in keepers("--keep", "path:*/exports"))
    assert len(keepers("--mode", "component")) <= len(keepers()) <= len(keepers("--mode", "complete"))
    in_folders = records(invoke("dedupe", "--json", "--same-folder").stdout)
    assert in_folders
    assert {str(Path(record["keeper"]).parent) for record in in_folders} == {
        str(Path(path).parent) for record in in_folders for path in record["duplicates"]
    }
    assert len(keepers("--across-folders")) < len(keepers())


def test_dedupe_against_a_reference_lists_what_it_has_already() -> None:
    new, archive = SAMPLE / "exports" / "whatsapp", SAMPLE / "2023-lake"
    run = phash("dedupe", new, "--reference", archive, "--json", "--exit-code")
    found = records(run.stdout)
    assert run.returncode == 1
    assert {str(Path(record["keeper"]).parent) for record in found} == {str(archive)}
    others = {Path(path).name for record in found for path in record["duplicates"]}
    assert others == {"forêt.jpg", "lake-sunset.jpg"}
    assert {record["reason"]["rule"] for record in found} == {"reference"}
    assert phash("dedupe", SAMPLE / "2022-garden", "--reference", archive, "--exit-code").returncode == 0


def test_dedupe_writes_reports(tmp_path: Path) -> None:
    run = invoke("dedupe", "--csv", tmp_path / "t.csv", "--html", tmp_path / "s.html")
    groups = [line for line in run.stdout.splitlines() if not line.startswith(" ")]
    assert (tmp_path / "t.csv").read_text().count("\n") == run.stdout.count("\n") - 2 * len(groups) + 1
    assert (tmp_path / "s.html").read_text().count("<section ") == len(groups)


def test_ignored_photos_are_not_grouped_again(tmp_path: Path) -> None:
    one, two = SAMPLE / "2023-lake" / "IMG_0433.jpg", SAMPLE / "2023-lake" / "IMG_0433-edit.jpg"
    assert len(records(invoke("dedupe", one.parent, "--json").stdout)) == 3
    assert invoke("ignore", one, two).stderr == "phash: 1 pair of photos will not be grouped\n"
    assert len(records(invoke("dedupe", one.parent, "--json").stdout)) == 2
    assert invoke("ignore", "--list").stdout.splitlines()[0] == "different"
    assert {line.strip() for line in invoke("ignore", "--list").stdout.splitlines()[1:]} == {str(one), str(two)}

    exported = invoke("ignore", "--export").stdout
    assert [sorted(record) for record in records(exported)] == [["decided", "kind", "left", "right"]]
    assert invoke("ignore", "--remove", one).stderr == "phash: 1 decision forgotten\n"
    assert len(records(invoke("dedupe", one.parent, "--json").stdout)) == 3
    (tmp_path / "decisions").write_text(exported)
    assert invoke("ignore", "--import", tmp_path / "decisions").stderr == "phash: 1 decision added\n"
    assert invoke("ignore", "--export").stdout == exported

    assert invoke("ignore", one, two, "--keep-both").stderr == "phash: 1 pair of photos will both be kept\n"
    assert [record["kind"] for record in records(invoke("ignore", "--export").stdout)] == ["keep"]
    assert len(records(invoke("dedupe", one.parent, "--json").stdout)) == 2
    assert invoke("ignore", "--remove", two, one).stderr == "phash: 1 decision forgotten\n"
    assert invoke("ignore", "--list").stdout == ""


def test_photos_that_have_gone_can_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    copy = shutil.copy(MIRRORED, tmp_path / "new" / "a.jpg")
    invoke("scan", tmp_path / "new")
    Path(copy).unlink()
    assert "1 pair" in invoke("ignore", copy, LAKE).stderr
    assert str(MIRRORED) in invoke("ignore", "--list").stdout


def test_scan_json_has_every_count() -> None:
    (record,) = records(phash("scan", SAMPLE, "--json").stdout)
    assert record["photos"] == record["unchanged"] == 84
    assert (record["known_failures"], record["skipped"], record["failures"]) == (3, 1, [])


def test_status_failures_and_forget(catalogue: Path) -> None:
    run = phash("status", "--json")
    assert (run.returncode, run.stderr) == (0, b"")
    counts = {"photos": 84, "missing": 0, "contents": 81, "untrusted": 0, "codes": 88}
    counts |= {"trimmed": 5, "frames": 0, "crops": 0, "imported_hashes": 0, "damaged": 1, "failures": 3}
    assert records(run.stdout) == [{"catalogue": str(catalogue), **counts}]
    assert invoke("status").output.splitlines()[0] == str(catalogue)

    run = phash("failures", SAMPLE / "broken")
    assert (run.returncode, run.stderr) == (0, b"")
    names, reasons = zip(*(line.split("\t") for line in run.stdout.decode().splitlines()), strict=True)
    assert [Path(name).name for name in names] == ["IMG_0412.jpg", "IMG_0999.jpg", "shared-photo.jpg"]
    assert all(reasons)
    assert [list(record) for record in records(invoke("failures", "--json").output)] == [["path", "reason"]] * 3
    assert invoke("failures", SAMPLE / "phone").stderr == "phash: no failures\n"

    run = phash("forget", SAMPLE / "phone", f"{SAMPLE}/phone/")
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"phash: 18 photos forgotten\n")
    assert invoke("forget", SAMPLE / "phone").return_value == 1
    assert invoke("forget", SAMPLE, "--missing", "--json").output == '{"schema": 1, "forgotten": 0}\n'
    assert records(invoke("status", "--json").output)[0]["photos"] == 66


# ── exit codes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["dedupe", SAMPLE], 0),
        (["dedupe", SAMPLE, "--exit-code"], 1),
        (["dedupe", SAMPLE / "2022-garden", "--exit-code"], 0),
        (["dedupe", SAMPLE, "--strict"], 3),
        (["dedupe", SAMPLE, "--strict", "--exit-code"], 3),
        (["dedupe", SAMPLE / "phone", "--strict"], 0),
        (["dedupe", SAMPLE / "phone", "--reference", "/nowhere"], 2),
        (["scan", SAMPLE], 0),
        (["scan", SAMPLE, "--strict"], 3),
        (["scan", SAMPLE, "/nowhere"], 0),
        (["scan", SAMPLE / "phone", "/nowhere", "--strict"], 3),
        (["scan", "/nowhere"], 2),
        (["hash", LAKE, SAMPLE / "notes.txt"], 0),
        (["hash", LAKE, SAMPLE / "notes.txt", "--strict"], 3),
        (["hash", SAMPLE / "notes.txt"], 2),
        (["find", LAKE, SAMPLE / "notes.txt"], 0),
        (["find", LAKE, SAMPLE / "notes.txt", "--strict"], 3),
        (["find", SAMPLE / "notes.txt", "/nowhere"], 2),
    ],
)
def test_exit_codes(arguments: list[str | Path], expected: int) -> None:
    assert (invoke(*arguments).return_value or 0) == expected


def test_exit_code_of_the_process_is_that_of_the_command() -> None:
    assert phash("dedupe", SAMPLE, "--strict").returncode == 3
    assert phash("dedupe", SAMPLE, "--exit-code").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["fnd"], "no such command 'fnd'; did you mean 'find'? (see 'phash --help')"),
        (["find"], "name at least one picture to look up (see 'phash find --help')"),
        (["find", LAKE, "-r", "500"], "'-r' / '--radius': 500 is not in the range 0<=x<=192 (see 'phash find --help')"),
        (["find", LAKE, "-k", "0"], "'-k': 0 is not in the range x>=1"),
        (["find", LAKE, "--radios", "3"], "No such option '--radios'"),
        (["find", SAMPLE], f"{SAMPLE}: is a directory"),
        (["find", LAKE, "--in", "/nowhere"], "the catalogue has no photo below /nowhere: 'phash scan' them first"),
        (["find", LAKE, "--files-from", "/nowhere"], "No such file or directory"),
        (["scan"], "Missing argument 'DIR...'"),
        (["scan", LAKE], f"{LAKE}: not a directory"),
        (["scan", "/nowhere", "/nowhere/", "/nowhere/deeper"], "/nowhere: no such file or directory"),
        (["dedupe", "/nowhere", "/nowhere"], "/nowhere: no such file or directory"),
        (["dedupe", SAMPLE, "--keep", "best"], "'best' is no keeper rule: there are pixels, quality"),
        (["dedupe", SAMPLE, "--mode", "circle"], "'circle' is not one of 'star', 'complete', 'component'"),
        (["dedupe", SAMPLE, "--burst", "0"], "'--burst': 0.0 is not in the range x>0"),
        (
            ["dedupe", SAMPLE / "phone", "--reference", SAMPLE],
            "name the folder of the new photos",
        ),
        (["dedupe", SAMPLE, "--reference", "/nowhere", "--html", "/nowhere/s.html"], "there is no folder /nowhere"),
        (["ignore"], "name photos (with --keep-both or --remove or neither), or give --list"),
        (["ignore", LAKE], "name at least two photos that dedupe must not group"),
        (["ignore", LAKE, "--list"], "name photos (with --keep-both"),
        (["ignore", LAKE, SAMPLE], f"{SAMPLE}: is a directory, and the catalogue does not know it"),
        (["ignore", LAKE, SAMPLE / "backup" / "lake" / "IMG_0412 (1).jpg"], "files of equal bytes cannot be different"),
        (["ignore", "--import", LAKE], f"{LAKE}, line 1: not a decision as --export prints it"),
        (["compare", LAKE], "Missing argument 'B'"),
        (["hash", LAKE, "--hasher", "md5"], "'md5' is not one of"),
        (["hash", LAKE, "--hasher", "phash"], "expected a hasher of the scheme native"),
        (["scan", SAMPLE, "--workers", "0"], "0 is not in the range x>=1"),
    ],
)
def test_mistakes_get_one_line(arguments: list[str | Path], text: str) -> None:
    assert text in complaint(phash(*arguments))


def test_bare_command_shows_how_to_begin() -> None:
    run = phash()
    assert (run.returncode, run.stdout) == (2, b"")
    assert b"To begin: phash dedupe DIR" in run.stderr
    assert all(name.encode() in run.stderr for name in COMMANDS)


# ── catalogues that cannot be used ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("arguments", [["find", LAKE], ["dedupe"], ["status"], ["failures"], ["forget", SAMPLE]])
def test_missing_catalogue_names_the_way_to_one(
    arguments: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASH_CATALOGUE", str(tmp_path / "none" / "photos.db"))
    text = complaint(phash(*arguments))
    assert text == f"no catalogue at {tmp_path}/none/photos.db yet: 'phash scan DIR' makes one"
    assert not (tmp_path / "none").exists()


def test_corrupt_catalogue_is_named(catalogue: Path) -> None:
    catalogue.write_bytes(b"no database at all " * 1000)
    assert complaint(phash("find", LAKE)).startswith(f"{catalogue} is not a catalogue")
    assert complaint(phash("scan", SAMPLE)).startswith(f"{catalogue} is not a catalogue")


def test_newer_catalogue_is_refused(catalogue: Path) -> None:
    connection = sqlite3.connect(catalogue)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "was written by a newer phash_engine" in complaint(phash("find", LAKE))


def test_folder_or_unwritable_place_is_no_catalogue(tmp_path: Path) -> None:
    assert "is a directory" in complaint(phash("status", "--catalogue", tmp_path))
    assert "cannot make this folder" in complaint(phash("scan", SAMPLE, "--catalogue", LAKE / "photos.db"))


# ── odd names and terminals ─────────────────────────────────────────────────────────────────────────────────────────


TERMINALS: list[dict[str, str]] = [
    {"LANG": "C", "LC_ALL": "C"},
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("terminal", TERMINALS)
def test_any_name_survives_any_terminal(odd: Path, terminal: dict[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LC_")} | terminal
    assert phash("scan", odd, env=environment).returncode == 0
    query = os.fsencode(odd) + b"/caf\xe9.jpg"

    run = phash("find", query, "--in", odd, "-0", env=environment)
    paths = [record.split(b"\t", 2)[2] for record in run.stdout.split(b"\0")[:-1]]
    assert sorted(paths) == sorted(_entries(odd))

    run = phash("find", query, "--in", odd, "--json", env=environment)
    found = records(run.stdout)
    assert {base64.b64decode(record["query_b64"]) for record in found} == {query}
    assert sorted(_path(record, "path") for record in found) == sorted(_entries(odd))
    assert [record["path"] for record in found if "path_b64" in record] == [f"{odd}/caf\ufffd.jpg"]

    (group,) = records(phash("dedupe", odd, "--json", env=environment).stdout)
    others = [base64.b64decode(path) for path in group["duplicates_b64"]]
    assert sorted([*others, _path(group, "keeper")]) == sorted(_entries(odd))
    assert sorted(_path(pair, "right") for pair in group["pairs"]) == sorted(others)

    assert query + b"\n" in phash("hash", query, env=environment).stdout


def _path(record: dict[str, Any], field: str) -> bytes:
    encoded = record.get(f"{field}_b64")
    return base64.b64decode(encoded) if encoded else str(record[field]).encode()


def test_complaints_name_odd_files(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9 \xf0\x9f\x8f\x96.jpg"
    Path(os.fsdecode(path)).write_bytes(b"no picture")
    for command in ("hash", "find"):
        run = phash(command, path, env={**os.environ, "LC_ALL": "C"})
        assert (run.returncode, run.stdout) == (2, b"")
        shown = os.fsencode(tmp_path) + "/caf'$'\\351'' 🏖.jpg".encode()
        assert run.stderr == b"phash: '" + shown + b"': not an image, or damaged at its start\n"


# ── pipes, terminals, interruptions ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("reader", ["head -n 1", "true"])
def test_reader_that_leaves_early_is_no_failure(reader: str, unbuffered: str, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.write_bytes(b"".join(os.fsencode(LAKE) + b"\n" for _ in range(20)))
    status = tmp_path / "status"
    script = f'{{ "$@" 2>"{tmp_path}/messages"; echo $? >"{status}"; }} | {reader}'
    command = [*PHASH, "find", "-r", "192", "--files-from", str(pictures)]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    subprocess.run(["sh", "-c", script, "sh", *command], capture_output=True, check=True, env=environment)
    assert status.read_text() == "0\n"
    assert (tmp_path / "messages").read_bytes() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to write to")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_full_disk_under_the_results_is_one_line(unbuffered: str) -> None:
    with open("/dev/full", "wb") as full:
        run = subprocess.run(
            [*PHASH, "find", LAKE],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert (run.returncode, run.stderr) == (2, b"phash: output: no space left on device\n")


def test_progress_bars_are_for_terminals_alone() -> None:
    assert b"\x1b" not in phash("dedupe", "--no-catalogue", SAMPLE).stderr
    ours, theirs = pty.openpty()
    with subprocess.Popen([*PHASH, "dedupe", "--no-catalogue", SAMPLE], stdout=subprocess.PIPE, stderr=theirs) as run:
        os.close(theirs)
        shown = b"".join(_until_closed(ours))
        results, _ = run.communicate()
    os.close(ours)
    assert b"\x1b" in shown
    assert b"reading" in shown
    assert b"\x1b" not in results
    assert b"22 groups" in shown


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(terminal, 4096)
        except OSError:  # how Linux says that the other side has gone
            return


def test_interruption_keeps_what_was_read(tmp_path: Path) -> None:
    """The scan is interrupted while it waits for a file."""
    folder = tmp_path / "slow"
    folder.mkdir()
    for number in range(40):
        shutil.copy(LAKE, folder / f"{number:02}.jpg")
    catalogue = tmp_path / "slow.db"
    command = [sys.executable, "-m", "tests.paused_scan", "3", "scan", str(folder), "--catalogue", str(catalogue)]
    with subprocess.Popen(
        [*command, "--workers", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"waiting\n"
        run.send_signal(signal.SIGINT)
        _, messages = run.communicate()
    assert run.returncode == 130
    assert messages.decode().splitlines()[0].startswith("phash: interrupted; what was read is in the catalogue")
    with Store(catalogue, create=False) as kept:
        assert kept.counts()["photos"] == 30


def test_a_mistyped_command_is_guessed_and_help_names_a_command() -> None:
    assert complaint(phash("dedup")) == "no such command 'dedup'; did you mean 'dedupe'? (see 'phash --help')"
    assert phash("help", "find").stdout == phash("find", "--help").stdout
    assert phash("help").stdout == phash("--help").stdout
