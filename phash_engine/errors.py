"""Every exception raised on purpose.

::

    PhashError
    ├── ImageError        a file cannot be read as a picture: path and reason
    ├── CatalogueError    the catalogue file cannot be used
    │   └── CorruptError  it was cut short or overwritten
    ├── IndexFileError    saved index files are corrupt, of another catalogue or SPEC
    │   └── IndexFormatError    they were written in another format
    ├── PlanError         a plan or its journal cannot be used
    ├── RefusalError      one file of a plan is left as it is: the reason
    │   ├── NameTakenError   another file has got the name it was to have
    │   └── NotBegunError    nothing has been done to it yet
    ├── ModelError        an embedding model cannot be loaded or used
    └── UsageError        the request is wrong; the message says what is right

Each carries the exit code a command ends with. Wrong arguments to the pure functions (a radius of 80 bits, an array of
floats) are ``ValueError`` or ``TypeError``, as everywhere in Python.
"""

from __future__ import annotations

import os


class PhashError(Exception):
    """Base of all errors of this package; ``exit_code`` is what a command returns."""

    exit_code = 2


class ImageError(PhashError):
    """A file or a buffer that cannot be read as a picture.

    Attributes
    ----------
    path
        The file's path as given, or ``"<bytes>"`` and the like for other sources.
    reason
        One line, without the path.
    is_damaged
        Whether its bytes are damaged, rather than of a kind or a size that is not read.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str, *, is_damaged: bool = False) -> None:
        super().__init__(path, reason)
        self.path = os.fspath(path)
        self.reason = reason
        self.is_damaged = is_damaged

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class CatalogueError(PhashError):
    """The catalogue file cannot be opened, read or written."""


class CorruptError(CatalogueError):
    """The catalogue file was cut short or overwritten; ``phash scan --rebuild`` makes a new one."""


class IndexFileError(PhashError):
    """Saved index files are corrupt, belong to another catalogue or to another SPEC."""


class IndexFormatError(IndexFileError):
    """Saved index files were written in another format, by another version."""


class PlanError(PhashError):
    """A plan or its journal cannot be read, written or followed."""


class RefusalError(PhashError):
    """A file of a plan is left as it is; the message is the reason, without the path."""


class NameTakenError(RefusalError):
    """Another file has got the name that a file of a plan was to have: it may have another one."""


class NotBegunError(RefusalError):
    """A file of a plan could not be taken aside, and nothing was done to it."""


class ModelError(PhashError):
    """An embedding model that cannot be loaded or used; the message names it and the reason."""


class UsageError(PhashError):
    """The request is wrong; the message says what is right."""
