"""Vectors by digest, in append-only files next to the catalogue, one folder for each model.

::

    photos.db.vectors/
    └── 5f3c…/             key of the model
        ├── header.json    format, length and type of a vector
        ├── vectors        one after the other
        └── digests        for each vector, written after it: 32 bytes, and XXH3 of them and the vector, 8 bytes

A vector counts once its digest is written: the next writer overwrites what an interrupted one left. One whose checksum
differs is not stored, and will be computed again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from xxhash import xxh3_64_digest

from phash_engine import _files, _json
from phash_engine.errors import IndexFileError

_FORMAT: Final = 2
_DIGEST: Final = 32
_MAX_WIDTH: Final = 1 << 20
_RECORD: Final = _DIGEST + 8
_ADVICE: Final = "delete the folder to compute the vectors again"


@dataclass
class _Header:
    format: int
    dtype: str
    width: int

    def __post_init__(self) -> None:
        if not 0 < self.width <= _MAX_WIDTH:
            raise ValueError(f"the width is not from 1 to {_MAX_WIDTH}")


class VectorStore:
    """The vectors of one model.

    Parameters
    ----------
    directory
        Made by the first :meth:`append`.
    dtype
        Of the stored vectors: "float32" or "float16".

    Raises
    ------
    IndexFileError
        The header is corrupt, of another format or of another dtype, or something else is in the place of a file.

    Notes
    -----
    All stored vectors are read once, to compare their checksums: 100,000 of 512 numbers in 0.4 s.
    """

    def __init__(self, directory: Path, dtype: str = "float32") -> None:
        self._directory = directory
        self._dtype = dtype
        self._rows: dict[bytes, int] = {}
        self._vectors: NDArray[np.float32 | np.float16] = np.empty((0, 0), dtype=dtype)
        self._refresh()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, digests: Sequence[bytes]) -> NDArray[np.float32]:
        """Return the vectors of stored digests, float32 ``(n, d)``.

        Raises
        ------
        KeyError
            A digest without a stored vector.
        """
        rows = [self._rows[digest] for digest in digests]
        return np.asarray(self._vectors[rows], dtype=np.float32)

    def append(self, digests: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Store vectors, float32 ``(n, d)``; other processes may append at the same time.

        Raises
        ------
        IndexFileError
            The vectors are of another length than those stored, or the files cannot be written.
        """
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with FileLock(self._directory / "lock"):  # other writers wait
                self._refresh()
                width = self._width() or self._begin(vectors.shape[1])
                if width != vectors.shape[1]:
                    raise IndexFileError(f"{self._directory}: holds vectors of {width} numbers, not {vectors.shape[1]}")
                with (
                    _opened(self._directory / "digests") as names,
                    _opened(self._directory / "vectors") as file,
                ):
                    count = names.seek(0, os.SEEK_END) // _RECORD
                    rows = vectors.astype(self._dtype)
                    _write_at(file, count * width * self._vectors.itemsize, rows.tobytes())
                    records = (_record(digest, row) for digest, row in zip(digests, rows, strict=True))
                    _write_at(names, count * _RECORD, b"".join(records))
                self._refresh()
        except OSError as error:
            raise IndexFileError(f"{self._directory}: cannot write vectors: {error.strerror or error}") from error

    def _refresh(self) -> None:
        """Map the vectors that are stored by now; those whose checksum differs are not."""
        width = self._width()
        if not width:
            return
        try:
            data = _files.read_document(self._directory / "digests")
            with _files.opened_regular(self._directory / "vectors") as file:
                length = width * self._vectors.itemsize
                count = min(len(data) // _RECORD, os.fstat(file.fileno()).st_size // length)
                if not count:
                    return
                self._vectors = np.memmap(file, self._dtype, "r", shape=(count, width))
        except FileNotFoundError:  # nothing was appended yet, or it was lost
            return
        except OSError as error:
            name = Path(error.filename or self._directory).name
            raise IndexFileError(f"{self._directory}: {name}: {_files.reason_of(error)}; {_ADVICE}") from error
        self._rows = {}
        for row, vector in enumerate(np.asarray(self._vectors)):
            record = data[row * _RECORD : (row + 1) * _RECORD]
            if record == _record(record[:_DIGEST], vector):
                self._rows[record[:_DIGEST]] = row

    def _width(self) -> int:
        """Return the length of the stored vectors; 0 where there are none."""
        path = self._directory / "header.json"
        try:
            header = _json.convert(_json.loads(_files.read_document(path)), _Header)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise IndexFileError(f"{path}: cannot be read: {_files.reason_of(error)}; {_ADVICE}") from error
        except ValueError as error:
            raise IndexFileError(f"{path}: corrupt index: {error}; {_ADVICE}") from error
        if (header.format, header.dtype) != (_FORMAT, self._dtype):
            raise IndexFileError(f"{path}: of another format or dtype; {_ADVICE}")
        return header.width

    def _begin(self, width: int) -> int:
        text = json.dumps({"format": _FORMAT, "dtype": self._dtype, "width": width})
        _files.atomic_write(self._directory / "header.json", text.encode())
        return width


def _record(digest: bytes, vector: NDArray[np.float32 | np.float16]) -> bytes:
    return digest + xxh3_64_digest(digest + vector.tobytes())


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    path.touch()
    with open(path, "r+b") as file:
        yield file


def _write_at(file: IO[bytes], offset: int, data: bytes) -> None:
    """Write, and wait until the bytes are on the disk."""
    file.seek(offset)
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
