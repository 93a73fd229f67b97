"""Records as JSON in UTF-8, paths of any bytes included.

A string that is not UTF-8, as a file name may be, is written with replacement characters, and its bytes as base64 in a
second field: ``{"path": "caf\ufffd.jpg", "path_b64": "Y2Fm6S5qcGc="}``.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

_BASE64 = "_b64"
"""Suffix of the second field."""


def dumps(record: Any, *, indent: int | None = None) -> bytes:
    """Return a record as JSON in UTF-8, without a line end."""
    try:
        return json.dumps(record, ensure_ascii=False, indent=indent).encode()
    except UnicodeEncodeError:  # rare, and searching every record for such strings takes longer than writing it
        return json.dumps(_encoded(record), ensure_ascii=False, indent=indent).encode()


def loads(data: bytes) -> Any:
    """Return what :func:`dumps` was given; a list of strings that are not UTF-8 keeps the replacement characters.

    Raises
    ------
    ValueError
        Not JSON, or a field whose name ends in ``_b64`` is not base64.
    """
    return _decoded(json.loads(data))


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return _bytes(value).decode(errors="replace")
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    encoded: dict[str, Any] = {}
    for name, item in value.items():
        encoded[name] = _encoded(item)
        strings = item if isinstance(item, list | tuple) else [item]
        if any(isinstance(string, str) and not _is_utf8(string) for string in strings):
            in_base64 = [base64.b64encode(_bytes(string)).decode() for string in strings]
            encoded[f"{name}{_BASE64}"] = in_base64 if isinstance(item, list | tuple) else in_base64[0]
    return encoded


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    decoded = {name: _decoded(item) for name, item in value.items() if not name.endswith(_BASE64)}
    for name, item in value.items():
        if name.endswith(_BASE64) and isinstance(item, str):
            decoded[name.removesuffix(_BASE64)] = os.fsdecode(base64.b64decode(item, validate=True))
    return decoded


def _is_utf8(string: str) -> bool:
    try:
        _bytes(string).decode()
    except UnicodeDecodeError:
        return False
    return True


def _bytes(string: str) -> bytes:
    """Return the bytes of a name; of surrogates that stand for no byte, as UTF-8 would encode them."""
    try:
        return os.fsencode(string)
    except UnicodeEncodeError:
        return string.encode(errors="surrogatepass")
