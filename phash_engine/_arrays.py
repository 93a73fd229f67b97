"""Arrays as memory-mapped files, in generations: a reader opens a complete generation or none.

A generation is written under a temporary name, synced and renamed into place. A reader keeps the generation that it has
mapped while the next is written::

    photos.db.index/
    └── 00000007/
        ├── header.json    format, what the arrays hold, XXH3 of each file, CRC-32 of the header
        ├── codes.npy
        └── ids.npy
"""

from __future__ import annotations

import contextlib
import json
import re
import uuid
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_hexdigest

from phash_engine import _files, _json
from phash_engine.errors import IndexFileError, IndexFormatError

Header = Mapping[str, Any]
Arrays = Mapping[str, NDArray[Any]]

_HEADER: Final = "header.json"
_NUMBER: Final = re.compile(r"[0-9]{8,}")
_UNFINISHED: Final = ".writing-"
_UNFINISHED_NAME: Final = re.compile(rf"{re.escape(_UNFINISHED)}[0-9a-f]{{32}}")


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
        The folder cannot be written, or holds files of others and no generation.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(directory, arrays)
        older = [generation for generation in _generations(directory) if _is_own(generation)]
        temporary = directory / f"{_UNFINISHED}{uuid.uuid4().hex}"
        temporary.mkdir()
        checksums = {name: _write(temporary / f"{name}.npy", array) for name, array in arrays.items()}
        fields = {**header, "xxh3": checksums}
        text = json.dumps({**fields, "header_crc32": _header_checksum(fields)})
        _write_durably(temporary / _HEADER, text.encode())
        _files.sync(temporary)
        temporary.rename(directory / f"{_next_number(directory):08d}")
        _files.sync(directory)
    except OSError as error:
        raise IndexFileError(f"{directory}: cannot write index files: {error.strerror or error}") from error
    for left_over in [*older, *_unfinished(directory)]:
        _remove(left_over)


def read_newest(directory: Path, version: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """Map the newest generation; None where there is none.

    All files are read once, to compare their checksums: about 10 GB a second of what the system has cached.

    Parameters
    ----------
    directory
        Where generations are written.
    version
        The ``format`` that the header must have.

    Raises
    ------
    IndexFileError
        The generation is corrupt, cannot be read, or is of another format (``IndexFormatError``).
    """
    try:
        while generations := _generations(directory):
            try:
                return _read(generations[-1], version)
            except FileNotFoundError as error:
                if generations[-1].exists():  # else a writer has just replaced it
                    missing = Path(error.filename).name
                    raise IndexFileError(f"{generations[-1]}: corrupt index: missing {missing}") from error
    except OSError as error:
        raise IndexFileError(f"{directory}: cannot be read: {_files.reason_of(error)}") from error
    return None


def _generations(directory: Path) -> list[Path]:
    """Return the folders that are named as generations, by number; links to folders are none."""
    if not directory.is_dir():
        return []
    named = [entry for entry in directory.iterdir() if _NUMBER.fullmatch(entry.name)]
    return sorted((entry for entry in named if _is_folder(entry)), key=lambda entry: int(entry.name))


def _unfinished(directory: Path) -> list[Path]:
    """Return what killed writers left."""
    named = [entry for entry in directory.iterdir() if _UNFINISHED_NAME.fullmatch(entry.name)]
    return [entry for entry in named if _is_folder(entry) and _holds_arrays(entry)]


def _next_number(directory: Path) -> int:
    """Return a number above all that are taken, by whatever it is."""
    return max((int(entry.name) for entry in directory.iterdir() if _NUMBER.fullmatch(entry.name)), default=0) + 1


def _refuse_foreign(directory: Path, arrays: Arrays) -> None:
    """Refuse a folder that holds other things than generations, perhaps corrupt ones, unless one carries our header."""
    generations = _generations(directory)
    if any(_is_own(generation) for generation in generations):
        return
    corrupt = [generation for generation in generations if _holds_only(generation, arrays)]
    foreign = sorted({*directory.iterdir()}.difference(corrupt, _unfinished(directory)))
    if foreign:
        reason = f"it holds other things, such as {foreign[0].name}"
        raise IndexFileError(f"{directory}: cannot write index files: {reason}; move it away, or name another folder")


def _is_own(generation: Path) -> bool:
    """Whether a folder has a header of ours, and holds nothing but the files that it names."""
    try:
        return _holds_only(generation, _header(generation)["xxh3"])
    except (OSError, IndexFileError):
        return False


def _holds_only(generation: Path, arrays: Iterable[str]) -> bool:
    """Whether a folder holds nothing but a header, and the files of arrays of some names."""
    names = {_HEADER, *(f"{name}.npy" for name in arrays)}
    return all(_is_file(entry) and entry.name in names for entry in generation.iterdir())


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _holds_arrays(folder: Path) -> bool:
    """Whether a folder holds arrays and headers alone; it may vanish meanwhile, as another writer renames it."""
    try:
        return all(_is_file(each) and (each.name == _HEADER or each.suffix == ".npy") for each in folder.iterdir())
    except FileNotFoundError:
        return False


def _remove(folder: Path) -> None:
    """Delete a folder of ours, under another name: neither its readers nor the writer that renames it see half of it.

    Readers may still map its files. Where that prevents deletion (Windows), the next writer deletes it.
    """
    with contextlib.suppress(OSError):
        folder = folder.rename(folder.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}"))
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _read(generation: Path, version: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    header = _header(generation)
    if header.get("format") != version:
        raise IndexFormatError(f"{generation}: written in another format")
    return header, {name: _mapped(generation / f"{name}.npy", checksum) for name, checksum in header["xxh3"].items()}


def _header(generation: Path) -> dict[str, Any]:
    try:
        header = _json.loads(_files.read_document(generation / _HEADER))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IndexFileError(f"{generation}: corrupt index: {_HEADER}: {_files.reason_of(error)}") from error
    except ValueError as error:
        raise IndexFileError(f"{generation}: corrupt index: unreadable header: {error}") from error
    if not isinstance(header, dict) or "header_crc32" not in header:
        raise IndexFormatError(f"{generation}: written in another format")
    if header.pop("header_crc32") != _header_checksum(header) or not isinstance(header.get("xxh3"), dict):
        raise IndexFileError(f"{generation}: corrupt index: wrong checksum of the header")
    return header


def _mapped(path: Path, checksum: str) -> NDArray[Any]:
    """Map an array whose file has a checksum; what has it is what was written, and needs no other check."""
    try:
        with _files.opened_regular(path) as file:
            data = np.memmap(file, mode="r")  # one mapping to check and to use: its pages are looked up once
            if xxh3_64_hexdigest(data.data) != checksum:
                raise IndexFileError(f"{path}: corrupt index: wrong checksum")
            file.seek(0)
            np.lib.format.read_magic(file)
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
            return data[file.tell() :].view(dtype).reshape(shape, order="F" if is_fortran else "C")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise IndexFileError(f"{path}: corrupt index: {error}") from error


def _header_checksum(fields: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(fields, sort_keys=True).encode())


def _write(path: Path, array: NDArray[Any]) -> str:
    np.save(path, array, allow_pickle=False)
    _files.sync(path)
    return xxh3_64_hexdigest(np.memmap(path, mode="r").data)


def _write_durably(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _files.sync(path)
