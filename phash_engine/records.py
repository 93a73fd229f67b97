"""JSON records that hold paths of any bytes: beside a path that is not UTF-8 stands its base64."""

from __future__ import annotations

import base64
import os
from typing import Any

_BYTES = "_b64"


def encode(value: Any) -> Any:
    """Return a value fit for JSON: what is not UTF-8 in a string is replaced, and ``NAME_b64`` has its bytes."""
    if isinstance(value, str):
        return os.fsencode(value).decode(errors="replace")
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if not isinstance(value, dict):
        return value
    encoded: dict[str, Any] = {}
    for name, item in value.items():
        encoded[name] = encode(item)
        strings = item if isinstance(item, list | tuple) else [item]
        if any(isinstance(string, str) and _is_not_utf8(string) for string in strings):
            in_base64 = [base64.b64encode(os.fsencode(string)).decode() for string in strings]
            encoded[f"{name}{_BYTES}"] = in_base64 if isinstance(item, list | tuple) else in_base64[0]
    return encoded


def decode(value: Any) -> Any:
    """Return what :func:`encode` was given, single strings of any bytes included; lists of them stay replaced.

    Raises
    ------
    ValueError
        What should be base64 is not.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    decoded = {name: decode(item) for name, item in value.items() if not name.endswith(_BYTES)}
    for name, item in value.items():
        if name.endswith(_BYTES) and isinstance(item, str):
            decoded[name.removesuffix(_BYTES)] = os.fsdecode(base64.b64decode(item, validate=True))
    return decoded


def _is_not_utf8(string: str) -> bool:
    try:
        os.fsencode(string).decode()
    except UnicodeDecodeError:
        return True
    return False
