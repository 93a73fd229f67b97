"""The memory of this machine, or of the control group that this process is in, and sizes as people write them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from phash_engine.errors import UsageError

_SHARE: Final = 4
"""Decoding takes a quarter of the memory: other programs, and the rest of this one, need some too."""
_ASSUMED: Final = 4 << 30
_UNITS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def default_budget() -> int:
    """Return the bytes that decoding may hold by default: a quarter of :func:`available`."""
    return available() // _SHARE


def budget(given: int | None) -> int:
    """Return the bytes that decoding may hold: those given, or :func:`default_budget` for None.

    Raises
    ------
    ValueError
        Below 1.
    """
    if given is not None and given < 1:
        raise ValueError(f"memory must be at least 1 byte, not {given}")
    return default_budget() if given is None else given


def available(root: Path = Path("/")) -> int:
    """Return the memory in bytes that this process may use: that of the machine, or less by its control group.

    Parameters
    ----------
    root
        Where the file systems ``proc`` and ``sys`` are mounted.
    """
    return min([_of_machine(), *_limits(root)])


def parsed(text: str) -> int:
    """Return the bytes of a size such as ``800M``, ``2G``, ``1.5GiB``; units are powers of 1024.

    Raises
    ------
    UsageError
        Not a size above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower(), re.ASCII)
    size = int(float(found[1]) * (1 << _UNITS[found[2]])) if found else 0
    if not size:
        raise UsageError(f"expected a size such as 800M or 2G, got {text!r}")
    return size


def _of_machine() -> int:
    if sys.platform == "win32":
        return _of_windows()
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return _ASSUMED


def _limits(root: Path) -> Iterator[int]:
    """Yield the limits of the control groups that hold this process, of both versions of the kernel's interface."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _of_group(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _of_group(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")


def _of_group(mount: Path, path: str, name: str) -> Iterator[int]:
    """Yield the limits of a group and of those around it; within a container the outer part of its path is missing."""
    group = mount / path.lstrip("/")
    for folder in [group, *group.parents]:
        if folder.is_relative_to(mount):
            try:
                text = (folder / name).read_text().strip()
            except OSError:
                continue
            if text.isdecimal() and int(text):
                yield int(text)


def _of_windows() -> int:
    """Return the installed memory by GlobalMemoryStatusEx (Windows API, sysinfoapi.h)."""
    import ctypes

    fields = (ctypes.c_ulonglong * 8)()  # 2 of 32 bits, then 7 of 64: the first of these is the total
    fields[0] = ctypes.sizeof(fields)
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - only Windows has it
    return int(fields[1]) if kernel.GlobalMemoryStatusEx(ctypes.byref(fields)) else _ASSUMED
