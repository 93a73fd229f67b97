"""The two photo folders of the tests."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photos, which lie beside the project and are not part of it."""
    folder = ROOT.parent / "shared" / "photos"
    if not folder.is_dir():
        pytest.skip("the real photos are not there: ../shared/photos")
    return folder


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample collection of the project."""
    return ROOT / "data" / "photos"
