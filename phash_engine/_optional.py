"""Optional packages: import one, or raise an error with the command that installs it."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from phash_engine.errors import ImageError, UsageError

NEEDS = {
    "pillow_heif": "HEIC needs pillow-heif: pip install 'phash-engine[heif]'",
    "pillow_jxl": "JPEG XL needs pillow-jxl-plugin: pip install 'phash-engine[jxl]'",
    "imagecodecs": "TIFF of this layout is not supported without imagecodecs: pip install 'phash-engine[tiff]'",
    "rawpy": "camera RAW needs rawpy: pip install 'phash-engine[raw]'",
    "cv2": "verification beyond the radius needs OpenCV: pip install 'phash-engine[verify]'",
    "matplotlib": "charts need matplotlib: pip install 'phash-engine[plot]'",
}
"""Reasons of failures for want of a package, by module."""


def load(module: str) -> ModuleType:
    """Import a module of :data:`NEEDS` to read a file.

    Raises
    ------
    ImageError
        It is not installed; the reason is that of :data:`NEEDS`.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImageError("", NEEDS[module]) from None


def require(module: str) -> ModuleType:
    """Import a module of :data:`NEEDS` for a command or an option.

    Raises
    ------
    UsageError
        It is not installed; the message is that of :data:`NEEDS`.
    """
    try:
        return load(module)
    except ImageError as error:
        raise UsageError(error.reason) from None


def resolved() -> list[str]:
    """Return the reasons whose package is installed by now."""
    return [reason for module, reason in NEEDS.items() if importlib.util.find_spec(module)]
