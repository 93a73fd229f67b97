"""Rename a file without ever replacing another.

Linux, macOS and Windows do this in one system call where the file system can. NFS can not, and gets a second link,
after which the first is removed. File systems without links get the name by an exclusive creation first: the claim
holds the private name of the file it is for, so that a crash leaves no claim that nobody knows, and it is replaced only
while it is the same inode.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

from phash_engine._files import file_id, same_file
from phash_engine.errors import NameTakenError

_AT_FDCWD = -100
_RENAME_NOREPLACE, _RENAME_EXCL = 1, 4
_NO_SUCH_CALL = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
_NO_LINKS = frozenset({errno.EPERM, errno.EACCES, errno.EMLINK, *_NO_SUCH_CALL})


def rename(source: str, to: str) -> None:
    """Give a file, or a symbolic link, an unused path on the same file system.

    Raises
    ------
    NameTakenError
        Another file has the path.
    OSError
        The system refuses, ``EXDEV`` for another file system; the file is where it was.
    """
    try:
        _rename(source, to)
    except FileExistsError as error:
        raise NameTakenError("another file has its new name") from error


def release(private: str, to: str) -> None:
    """Remove what an interrupted :func:`rename` from a private name left at a path: a second link, or a claim."""
    if same_file(private, to) or _is_claim(private, to):
        os.unlink(to)


def _rename(source: str, to: str) -> None:
    try:
        _by_system_call(source, to)
    except OSError as error:
        if error.errno not in _NO_SUCH_CALL:
            raise
        try:
            _by_link(source, to)
        except OSError as second:
            if second.errno not in _NO_LINKS:
                raise
            _by_claim(source, to)


def _by_system_call(source: str, to: str) -> None:
    """Rename by the call that fails if the path exists; OSError with ``ENOSYS`` if the system has none."""
    if os.name == "nt":
        os.rename(source, to)
        return
    library = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(source), os.fsencode(to)
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(old, new, _RENAME_EXCL)
        else:
            failed = library.renameat2(_AT_FDCWD, old, _AT_FDCWD, new, _RENAME_NOREPLACE)
    except AttributeError:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), source, None, to)


def _by_link(source: str, to: str) -> None:
    os.link(source, to, follow_symlinks=os.link not in os.supports_follow_symlinks)
    try:
        os.unlink(source)
    except OSError:
        os.unlink(to)
        raise


def _by_claim(source: str, to: str) -> None:
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:  # while the claim is open, no other file can get its inode
        os.write(descriptor, os.fsencode(os.path.basename(source)))
        status = os.fstat(descriptor)
        if file_id(to, follow_links=False) != (status.st_dev, status.st_ino):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), to)
        os.replace(source, to)
    except OSError:
        if _is_claim(source, to):
            os.unlink(to)
        raise
    finally:
        os.close(descriptor)


def _is_claim(private: str, to: str) -> bool:
    name = os.fsencode(os.path.basename(private))
    try:
        if os.path.islink(to) or not 0 < os.lstat(to).st_size <= len(name):
            return False
        with open(to, "rb") as file:
            return name.startswith(file.read())
    except OSError:
        return False
