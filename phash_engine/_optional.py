"""Packages that are not always installed: load one, or say in one line how to get it."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from phash_engine.errors import ImageError, UsageError

NEEDS = {
    "pillow_heif": "HEIC needs pillow-heif: pip install 'phash-engine[heif]'",
    "pillow_jxl": "JPEG XL needs pillow-jxl-plugin: pip install 'phash-engine[jxl]'",
    "rawpy": "camera RAW needs rawpy: pip install 'phash-engine[raw]'",
    "cv2": "verification beyond the radius needs OpenCV: pip install 'phash-engine[verify]'",
    "matplotlib": "charts need matplotlib: pip install 'phash-engine[plot]'",
}
"""By module, the reason of a failure that installing it would end."""


def load(module: str) -> ModuleType:
    """Import one of :data:`NEEDS`.

    Raises
    ------
    ImageError
        It is not installed; the reason says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImageError("", NEEDS[module]) from None


def require(module: str) -> ModuleType:
    """Import one of :data:`NEEDS` for something that was asked for.

    Raises
    ------
    UsageError
        It is not installed; the message says what to install.
    """
    try:
        return load(module)
    except ImageError as error:
        raise UsageError(error.reason) from None


def resolved() -> list[str]:
    """Return the reasons that no longer hold: the package is installed by now."""
    return [reason for module, reason in NEEDS.items() if importlib.util.find_spec(module)]
