"""Packages that read further formats: load one, or say in one line how to get it."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from phash_engine.errors import ImageError

NEEDS = {
    "pillow_heif": "HEIC needs pillow-heif: pip install 'phash-engine[heif]'",
    "pillow_jxl": "JPEG XL needs pillow-jxl-plugin: pip install 'phash-engine[jxl]'",
    "rawpy": "camera RAW needs rawpy: pip install 'phash-engine[raw]'",
}
"""By module, the reason of a failure that it would do away with."""


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


def overcome() -> list[str]:
    """Return the reasons that no longer hold: the package is installed by now."""
    return [reason for module, reason in NEEDS.items() if importlib.util.find_spec(module)]
