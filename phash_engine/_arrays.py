"""Arrays as memory-mapped files, in generations: a reader opens a complete generation or none.

A generation is written under a temporary name, synced and renamed into place. A reader keeps the generation that it has
mapped while the next is written::

    photos.db.index/
    └── 00000007/
        ├── header.json    format, what the arrays hold, CRC-32 of each file
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
    """Write a new generation and delete the older ones. Of two concurrent writers one may fail.

    Parameters
    ----------
    directory
        Created if missing.
    header
        JSON values that readers check before they use the arrays.
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
        # Readers may still map it. Where that prevents deletion (Windows), the next writer deletes it.
        shutil.rmtree(left_over, ignore_errors=True)


def read_newest(directory: Path, version: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """Map the newest generation; None where there is none.

    Parameters
    ----------
    directory
        Where generations are written.
    version
        The ``format`` that the header must have.

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
            return _read(generations[-1], version)
        except FileNotFoundError as error:  # perhaps a writer has just replaced it
            missing = Path(error.filename).name
    raise IndexFileError(f"{generations[-1]}: corrupt index: missing {missing}")


def verify(directory: Path, version: int) -> None:
    """Compare the newest generation with its checksums: reads all of it.

    Raises
    ------
    IndexFileError
        A checksum differs.
    """
    for generation in _generations(directory)[-1:]:
        for name, expected in _header(generation, version)["crc32"].items():
            path = generation / f"{name}.npy"
            if zlib.crc32(path.read_bytes()) != expected:
                raise IndexFileError(f"{path}: corrupt index: wrong checksum")


def _generations(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted((entry for entry in directory.iterdir() if entry.name.isdecimal()), key=_number)


def _number(generation: Path) -> int:
    return int(generation.name)


def _read(generation: Path, version: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    header = _header(generation, version)
    try:
        names = header["crc32"]
        return header, {name: np.load(generation / f"{name}.npy", "r", allow_pickle=False) for name in names}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise IndexFileError(f"{generation}: corrupt index: {error}") from error


def _header(generation: Path, version: int) -> dict[str, Any]:
    try:
        header = json.loads((generation / "header.json").read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise IndexFileError(f"{generation}: corrupt index: unreadable header: {error}") from error
    if not isinstance(header, dict) or header.get("format") != version:
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
