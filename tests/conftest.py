"""Fixtures of all tests: the two photo folders, and whether permissions bind; and the profile of hypothesis."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# The first example compiles kernels, and machines differ: no test fails by time. Fixtures of a function serve all its
# examples.
settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("default")


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photos, in a folder next to the project, which are not part of it."""
    folder = ROOT.parent / "shared" / "photos"
    if not folder.is_dir():
        pytest.skip("the real photos are not there: ../shared/photos")
    return folder


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample collection of the project."""
    return ROOT / "data" / "photos"


@pytest.fixture
def permissions(tmp_path: Path) -> None:
    """Skip where permissions do not bind, as with root and on Windows."""
    folder = tmp_path / "closed"
    folder.mkdir(0)
    try:
        list(folder.iterdir())
    except PermissionError:
        folder.rmdir()
    else:
        pytest.skip("permissions do not bind this user")
