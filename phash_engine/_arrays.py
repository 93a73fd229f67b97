"""Arrays as plain memory-mapped files, in generations: a reader sees a whole one or none.

A generation is written under a temporary name, made durable and renamed into place; a reader goes on with the one it
has mapped while the next is written::

    photos.db.index/
    └── 00000007/
        ├── header.json    format, what the arrays are of, CRC-32 of each file
        ├── codes.npy
        └── ids.npy
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phash_engine.errors import IndexFileError

Header = Mapping[str, Any]
Arrays = Mapping[str, NDArray[Any]]


def write(directory: Path, header: Header, arrays: Arrays) -> None:
    """Write a new generation and drop the older ones; for one writer at a time, others may fail.

    Parameters
    ----------
    directory
        Made if it is not there.
    header
        What readers check before they use the arrays; fit for JSON.
    arrays
        By name; each becomes ``<name>.npy``.

    Raises
    ------
    IndexFileError
        The folder cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        older = _generations(directory)
        temporary = directory / f".writing-{uuid.uuid4().hex}"
        temporary.mkdir()
        checksums = {name: _write(temporary / f"{name}.npy", array) for name, array in arrays.items()}
        text = json.dumps({**header, "crc32": checksums})
        _write_durably(temporary / "header.json", text.encode())
        _sync(temporary)
        temporary.rename(directory / f"{_number(older[-1]) + 1 if older else 1:08d}")
        _sync(directory)
    except OSError as error:
        raise IndexFileError(f"{directory}: cannot write index files: {error.strerror or error}") from error
    for left_over in [*older, *directory.glob(".writing-*")]:
        # Readers may still have it mapped; where that keeps the files (Windows), the next writer drops them.
        shutil.rmtree(left_over, ignore_errors=True)


def read_newest(directory: Path, form: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """Map the newest generation; None where there is none.

    Parameters
    ----------
    directory
        Where generations are written.
    form
        The number that the header must have as ``format``.

    Raises
    ------
    IndexFileError
        The generation is corrupt or of another format.
    """
    for _ in range(2):
        generations = _generations(directory)
        if not generations:
            return None
        try:
            return _read(generations[-1], form)
        except FileNotFoundError:
            continue  # a writer has just replaced it
    raise IndexFileError(f"{generations[-1]}: a file is missing")


def verify(directory: Path, form: int) -> None:
    """Compare the newest generation with its checksums: reads all of it.

    Raises
    ------
    IndexFileError
        A file differs from what was written.
    """
    for generation in _generations(directory)[-1:]:
        for name, expected in _header(generation, form)["crc32"].items():
            path = generation / f"{name}.npy"
            if zlib.crc32(path.read_bytes()) != expected:
                raise IndexFileError(f"{path}: corrupt: the checksum differs")


def _generations(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted((entry for entry in directory.iterdir() if entry.name.isdecimal()), key=_number)


def _number(generation: Path) -> int:
    return int(generation.name)


def _read(generation: Path, form: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    header = _header(generation, form)
    try:
        names = header["crc32"]
        return header, {name: np.load(generation / f"{name}.npy", "r", allow_pickle=False) for name in names}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise IndexFileError(f"{generation}: corrupt: {error}") from error


def _header(generation: Path, form: int) -> dict[str, Any]:
    try:
        header = json.loads((generation / "header.json").read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise IndexFileError(f"{generation}: corrupt header: {error}") from error
    if not isinstance(header, dict) or header.get("format") != form:
        raise IndexFileError(f"{generation}: written in another format")
    return header


def _write(path: Path, array: NDArray[Any]) -> int:
    np.save(path, array, allow_pickle=False)
    _sync(path)
    return zlib.crc32(path.read_bytes())


def _write_durably(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _sync(path)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
