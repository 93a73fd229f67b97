"""The examples in the docstrings do what they show."""

import doctest
import importlib
import pkgutil

import pytest

import phash_engine

MODULES = ["phash_engine", *(module.name for module in pkgutil.walk_packages(phash_engine.__path__, "phash_engine."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    for name in ("hashing.codes", "hashing.hashers"):
        assert any(test.examples for test in finder.find(importlib.import_module(f"phash_engine.{name}")))
