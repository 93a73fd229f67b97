"""The public names of retrieval and evaluation: documented, importable, and loaded only when used."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = ("phash_engine.retrieval", "phash_engine.evaluation")


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names_exist_and_are_documented(name: str) -> None:
    package = import_module(name)
    for public in package.__all__:
        assert getattr(package, public).__name__ == public
        assert f"``{public}``" in (package.__doc__ or "")
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        package.nothing  # noqa: B018 - the access is the test


@pytest.mark.parametrize("name", PACKAGES)
def test_importing_a_package_loads_nothing_heavy(name: str) -> None:
    program = f"import sys, {name}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(run.stdout.split()) & {"numpy", "numba", "scipy", "PIL", "onnxruntime", "sqlite3"}
