"""Records as JSON in UTF-8, paths of any bytes included, and documents of a schema.

A string that is not UTF-8, as a file name may be, is written with replacement characters, and its bytes as base64 in a
second field: ``{"path": "caf\ufffd.jpg", "path_b64": "Y2Fm6S5qcGc="}``.

What is read back may have been edited, or come from anywhere: it is converted to a schema whole, and an error names the
place. Schemas are types that msgspec knows; it is imported only where something is read.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from phash_engine import _files

T = TypeVar("T")
Pairs = list[tuple[str, Any]]

_raw_decode = json.JSONDecoder().raw_decode

_BASE64 = "_b64"
"""Suffix of the second field."""
_MOST_LEVELS = 100
"""Levels of nesting within which the place of too many is looked for."""
_MOST_CHARACTERS = 300
"""Of what msgspec says, which may name keys of the document."""


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def dumps(record: Any, *, indent: int | None = None) -> bytes:
    """Return a record as JSON in UTF-8, without a line end."""
    try:
        return json.dumps(record, ensure_ascii=False, indent=indent).encode()
    except UnicodeEncodeError:  # rare, and searching every record for such strings takes longer than writing it
        return json.dumps(_encoded(record), ensure_ascii=False, indent=indent).encode()


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return _shown(value)
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


def _shown(string: str) -> str:
    return _bytes(string).decode(errors="replace")


def _is_utf8(string: str) -> bool:
    try:
        _bytes(string).decode()
    except UnicodeDecodeError:
        return False
    return True


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def loads(data: bytes | str, as_object: Callable[[Pairs], Any] | None = None) -> Any:
    """Return what :func:`dumps` was given; a list of strings that are not UTF-8 keeps the replacement characters.

    A key that occurs twice, and base64 that is none or of another string, become values that no schema has.

    Parameters
    ----------
    data
        JSON.
    as_object
        Makes something else than such a record of the keys and values of an object.

    Raises
    ------
    ValueError
        Not JSON, not UTF-8, or nested too deeply; names line and column.
    """
    text = data if isinstance(data, str) else _files.decoded(data)
    try:
        return json.loads(text, object_pairs_hook=as_object or _decoded)
    except json.JSONDecodeError:
        raise
    except ValueError:  # of int()
        digits = re.search(r"(?<!\d)\d{4301,}", text)
        at = _files.line_and_column(text, digits.start() if digits else 0)
        raise ValueError(f"a number of thousands of digits: {at}") from None
    except RecursionError:
        raise ValueError(f"nested too deeply: {_files.line_and_column(text, _deep(text))}") from None


def convert(record: Any, schema: type[T], text: str = "") -> T:
    """Return what :func:`loads` returned as a value of a schema.

    Raises
    ------
    ValueError
        It has another form; names the key path, and line and column in ``text`` if that is given.
    """
    import msgspec

    try:
        return msgspec.convert(record, schema)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        at = path.rstrip("`") or "$"
        raise ValueError(f"{_printable(reason)}: {place(text, at) if text else at}") from error
    except UnicodeEncodeError as error:
        raise ValueError(f"half a surrogate pair: {_printable(ascii(error.object))}") from error


def place(text: str, path: str) -> str:
    """Return line and column of a key path, such as ``$.groups[0].keeper``, in a text of JSON that has it."""
    return f"{_files.line_and_column(text, _position(text, path))} ({path})"


def _decoded(pairs: Pairs) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        numbers = Counter(name for name, _ in pairs)
        fields |= {name: _unusable("a key that occurs twice") for name, number in numbers.items() if number > 1}
    for name in [name for name in fields if name.endswith(_BASE64)]:
        in_base64, shown = fields.pop(name), name.removesuffix(_BASE64)
        if isinstance(in_base64, list):
            continue
        try:
            string = os.fsdecode(base64.b64decode(in_base64, validate=True))
        except (ValueError, TypeError):
            fields[shown] = _unusable("invalid base64 beside it")
        else:
            fields[shown] = string if fields.get(shown) == _shown(string) else _unusable("base64 of another string")
    return fields


@cache
def _unusable(reason: str) -> object:
    """Return a value of no schema; errors of :func:`convert` name its type, and so the reason."""
    found: object = type(reason, (), {})()
    return found


def _position(text: str, path: str) -> int:
    """Return where in a text of JSON the value of a key path begins, such as ``$.groups[0].keeper``."""
    at = _behind_space(text, 0)
    known = path.partition("[...]")[0]  # what msgspec writes for a key of a dict, whichever it is
    for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", known):
        at = _member(text, at, name) if name else _item(text, at, int(number))
    return at


def _member(text: str, start: int, name: str) -> int:
    """Return where a value of the object at ``start`` begins; ``start`` if it has none of this name."""
    at = _behind_space(text, start + 1)
    while text[at] != "}":
        key, at = _raw_decode(text, at)
        at = _behind_space(text, _behind_space(text, at) + 1)
        if key == name:
            return at
        at = _next(text, at)
    return start


def _item(text: str, start: int, number: int) -> int:
    at = _behind_space(text, start + 1)
    for _ in range(number):
        at = _next(text, at)
    return at


def _next(text: str, at: int) -> int:
    """Return what comes after the value at a position, and after the comma that follows it."""
    _, at = _raw_decode(text, at)
    at = _behind_space(text, at)
    return _behind_space(text, at + 1) if text[at] == "," else at


def _behind_space(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _deep(text: str) -> int:
    """Return where in a text that begins as JSON the nesting exceeds the most levels."""
    levels = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[][{}]', text):
        levels += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if levels > _MOST_LEVELS:
            return token.start()
    return 0


def _printable(text: str) -> str:
    """Return a text in one line of a limited length."""
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:_MOST_CHARACTERS])
    return line if len(text) <= _MOST_CHARACTERS else f"{line}…"


def _bytes(string: str) -> bytes:
    """Return the bytes of a name; of surrogates that stand for no byte, as UTF-8 would encode them."""
    try:
        return os.fsencode(string)
    except UnicodeEncodeError:
        return string.encode(errors="surrogatepass")
