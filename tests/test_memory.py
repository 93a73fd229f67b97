import os
from pathlib import Path

import pytest

from phash_engine import _memory
from phash_engine.errors import UsageError


def mounted(root: Path, groups: str, limits: dict[str, str]) -> Path:
    """File systems that say which groups a process is in, and their limits."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in limits.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("groups", "limits", "bytes_"),
    [
        ("0::/user/app\n", {"user/app/memory.max": "50000000"}, 50_000_000),
        ("0::/user/app\n", {"user/app/memory.max": "max", "user/memory.max": "60000000"}, 60_000_000),
        ("0::/\n", {"memory.max": "70000000"}, 70_000_000),
        ("0::/outside/of/container\n", {"memory.max": "40000000"}, 40_000_000),
        ("4:memory:/app\n1:cpu:/app\n", {"memory/app/memory.limit_in_bytes": "80000000"}, 80_000_000),
        ("9:cpu,memory:/docker/1\n", {"memory/memory.limit_in_bytes": "90000000"}, 90_000_000),
    ],
)
def test_the_limit_of_a_control_group_counts(tmp_path: Path, groups: str, limits: dict[str, str], bytes_: int) -> None:
    assert _memory.available(mounted(tmp_path, groups, limits)) == bytes_


@pytest.mark.parametrize("limit", ["max", "9223372036854771712", "", "-1"])
def test_no_limit_is_the_memory_of_the_machine(tmp_path: Path, limit: str) -> None:
    machine = _memory.available(tmp_path)
    assert machine > 1 << 26
    limits = {"memory.max": limit, "memory/memory.limit_in_bytes": limit}
    assert _memory.available(mounted(tmp_path, "0::/\n1:memory:/\n", limits)) == machine


def test_the_default_is_a_quarter() -> None:
    assert _memory.default_budget() == _memory.available(Path(os.sep)) // 4


@pytest.mark.parametrize(
    ("text", "size"),
    [("800M", 800 << 20), ("2G", 2 << 30), ("1.5GiB", 3 << 29), ("64 kb", 64 << 10), ("123", 123), ("1t", 1 << 40)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert _memory.parsed(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1G", "2X", "G", "1e9", "1,5G", "٣G"])
def test_other_texts_are_no_sizes(text: str) -> None:
    with pytest.raises(UsageError, match="such as 800M"):
        _memory.parsed(text)
