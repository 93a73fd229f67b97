"""Codes as plain memory-mapped files beside the catalogue, for readers that cannot wait for SQLite.

A folder holds generations, each written under a temporary name, made durable and renamed into place, so a reader sees a
whole generation or none, and goes on with the one it has mapped while the next is written::

    photos.db.index/
    └── 00000007/
        ├── header.json    catalogue, SPEC, last code id, deletions, number of codes, CRC-32 of the two files
        ├── codes.npy      uint64 (n, 10), column by column
        └── ids.npy        int64 (n,), ascending
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.errors import IndexFileError

_FORMAT = 1


class Header(NamedTuple):
    """What the codes are of: compared by readers before they believe them."""

    catalogue: str
    spec: int
    last_code_id: int
    deletions: int


class Stored(NamedTuple):
    """One generation: its header, ids int64 ``(n,)`` and codes uint64 ``(n, 10)``, both memory-mapped."""

    header: Header
    ids: NDArray[np.int64]
    codes: NDArray[np.uint64]


def save(directory: Path, header: Header, ids: NDArray[np.int64], codes: NDArray[np.uint64]) -> None:
    """Write a new generation and drop the older ones.

    Raises
    ------
    IndexFileError
        The folder cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        older = _generations(directory)
        number = int(older[-1].name) + 1 if older else 1
        temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=directory))
        checksums = {
            "codes.npy": _write(temporary / "codes.npy", np.asfortranarray(codes)),
            "ids.npy": _write(temporary / "ids.npy", ids),
        }
        text = json.dumps({"format": _FORMAT, **header._asdict(), "codes": len(ids), "crc32": checksums})
        _write_durably(temporary / "header.json", text.encode())
        temporary.rename(directory / f"{number:08d}")
        _sync(directory)
    except OSError as error:
        raise IndexFileError(f"{directory}: cannot write index files: {error.strerror or error}") from error
    for left_over in [*older, *directory.glob(".writing-*")]:
        # Readers may still have it mapped; where that keeps the files (Windows), the next writer drops them.
        shutil.rmtree(left_over, ignore_errors=True)


def open_newest(directory: Path) -> Stored | None:
    """Map the newest generation; None where there is none.

    Raises
    ------
    IndexFileError
        The generation is torn or of another format.
    """
    for _ in range(2):
        generations = _generations(directory)
        if not generations:
            return None
        try:
            return _open(generations[-1])
        except FileNotFoundError:
            continue  # a writer has just replaced it
    raise IndexFileError(f"{generations[-1]}: a file is missing")


def verify(directory: Path) -> None:
    """Compare the newest generation with its checksums: reads all of it.

    Raises
    ------
    IndexFileError
        A file differs from what was written.
    """
    for generation in _generations(directory)[-1:]:
        header = _header(generation)
        for name, expected in header["crc32"].items():
            if zlib.crc32((generation / name).read_bytes()) != expected:
                raise IndexFileError(f"{generation / name}: damaged, the checksum differs")


def _generations(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(entry for entry in directory.iterdir() if entry.name.isdigit())


def _open(generation: Path) -> Stored:
    header = _header(generation)
    try:
        ids = np.load(generation / "ids.npy", mmap_mode="r", allow_pickle=False)
        codes = np.load(generation / "codes.npy", mmap_mode="r", allow_pickle=False)
        stored = Stored(Header(*(header[name] for name in Header._fields)), ids, codes)
        whole = ids.shape == (header["codes"],) and codes.shape[:1] == ids.shape
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise IndexFileError(f"{generation}: torn: {error}") from error
    if not whole or ids.dtype != np.int64 or codes.dtype != np.uint64 or codes.ndim != 2:
        raise IndexFileError(f"{generation}: torn: the arrays are not those of the header")
    return stored


def _header(generation: Path) -> dict[str, Any]:
    try:
        header = json.loads((generation / "header.json").read_bytes())
    except ValueError as error:
        raise IndexFileError(f"{generation}: torn header") from error
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
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
