"""What must stay true of the package: who imports whom, what is loaded when, and that every command explains itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from phash_engine.catalogue.store import Store
from phash_engine.cli import COMMANDS, cli
from phash_engine.scanning.scan import scan

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "phash_engine"
SAMPLE = ROOT / "data" / "photos"

LAYERS = """errors _memory _threads _columns _files _json _arrays _optional hashing images index catalogue scanning
    matching grouping actions retrieval evaluation library reports spark web __init__ cli __main__""".split()
"""Packages and modules, those below first. One imports only from itself and from those before it."""
RANKS = {name: rank for rank, name in enumerate(LAYERS)}

OWNERS = {
    "numba": {"index/kernels"},
    "llvmlite": {"index/kernels"},
    "PIL": {"images"},
    "pillow_heif": {"_optional"},
    "pillow_jxl": {"_optional"},
    "rawpy": {"_optional"},
    "simplejpeg": {"images"},
    "faiss": {"retrieval/prefilter"},
    "onnxruntime": {"retrieval/models"},
    "cv2": {"_optional"},
    "msgspec": {"_json", "actions", "catalogue/decision_lists"},
    "sqlite3": {"catalogue/database"},
    "matplotlib": {"reports/charts"},
    "click": {"cli"},
    "rich": {"cli"},
}
"""Libraries that only one module speaks to."""


def sources() -> dict[str, ast.Module]:
    """Syntax trees by path below the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all that is imported, wherever in the module; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(path: str) -> str:
    """The module or subpackage right below the package that a file belongs to."""
    return path.split("/")[0].removesuffix(".py")


SOURCES = sources()


@pytest.mark.parametrize("path", SOURCES)
def test_packages_import_only_from_those_before_them(path: str) -> None:
    for name in imports(SOURCES[path]):
        package, _, module = name.partition(".")
        if package == "phash_engine" and module != "__version__":
            assert RANKS[module.split(".")[0]] <= RANKS[top(path)], f"{path} imports {name}"


def test_the_map_of_the_package_is_complete() -> None:
    drawn = re.findall(r"^    (\w+)  +", ast.get_docstring(SOURCES["__init__.py"]) or "", re.MULTILINE)
    assert drawn == [name for name in LAYERS if name in {top(path) for path in SOURCES} - {"__init__", "__main__"}]


@pytest.mark.parametrize("path", SOURCES)
def test_libraries_are_imported_by_their_owners_alone(path: str) -> None:
    for name in imports(SOURCES[path]):
        owners = OWNERS.get(name.split(".")[0], {""})
        assert path.startswith(tuple(owners)), f"{path} imports {name}"


@pytest.mark.parametrize("path", [path for path in SOURCES if top(path) != "cli"])
def test_nothing_is_printed_outside_the_command_line(path: str) -> None:
    calls = [node.func for node in ast.walk(SOURCES[path]) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call, ast.Name) and call.id == "print"]


def test_nothing_is_left_for_later() -> None:
    folders = [ROOT / name for name in ("phash_engine", "bench", "data")]
    for path in [ROOT / "README.md", *(path for folder in folders for path in folder.rglob("*.py"))]:
        assert not re.search(r"\b(TODO|FIXME|XXX|HACK|WIP)\b", path.read_text(encoding="utf-8")), path


def loaded(*arguments: str | Path) -> set[str]:
    """Top-level modules loaded when a command line has run to its end."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr))\n"
        "from phash_engine.cli import main\n"
        "main()"
    )
    run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded(*arguments) & {"numpy", "numba", "scipy", "PIL", "rich", "sqlite3", "platformdirs"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys, phash_engine; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(run.stdout.split()) & {"numpy", "numba", "scipy", "PIL", "click", "sqlite3"}


def test_finding_one_picture_loads_no_compiler_and_no_progress_bars(tmp_path: Path) -> None:
    with Store(tmp_path / "photos.db") as catalogue:
        scan([SAMPLE / "2023-lake"], catalogue)
    query = SAMPLE / "2023-lake" / "IMG_0412.jpg"
    modules = loaded("find", query, "--catalogue", tmp_path / "photos.db")
    assert modules >= {"numpy", "PIL"}
    assert not modules & {"numba", "llvmlite", "scipy", "cv2", "rich", "pywt", "imagehash", "platformdirs", "msgspec"}


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(name: str) -> None:
    assert command(name).name == name
    assert command(name).short_help == COMMANDS[name]
    assert len(command(name).help or "") > 20
    for parameter in command(name).params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


def test_commands_of_the_table_are_the_modules() -> None:
    modules = {path.stem for path in (PACKAGE / "cli").glob("*.py")}
    others = {"__init__", "__main__", "command", "options", "output"}
    assert {name.replace("-", "_") for name in COMMANDS} == modules - others


def test_options_mean_the_same_everywhere() -> None:
    """One name, one meaning: what two commands share is the same option, not one like it."""
    shared: dict[str, str | None] = {}
    exceptions = {("find-hash", "radius"), ("rerank", "k"), ("label", "neighbours")}  # other limits, other defaults
    for name in COMMANDS:
        for option in command(name).params:
            if isinstance(option, click.Option) and (name, option.name) not in exceptions:
                for spelling in option.opts:
                    assert shared.setdefault(spelling, option.help) == option.help, f"{name} {spelling}"


def test_public_names_exist() -> None:
    import phash_engine

    for name in phash_engine.__all__:
        assert getattr(phash_engine, name) is not None
    assert set(phash_engine.__all__) <= set(dir(phash_engine))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        phash_engine.nothing  # noqa: B018 - the access is the test
