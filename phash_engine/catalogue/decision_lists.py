"""Lists of decisions in JSON Lines, one record for each, as ``phash ignore --export`` prints them.

::

    {"schema": 1, "left": "9f86d0…", "right": "a3c024…", "kind": "different", "decided": "2024-05-05T10:00:00+00:00"}
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from phash_engine import _files, _json
from phash_engine.catalogue.decisions import Decision, checked
from phash_engine.errors import UsageError

_YEAR_10000 = 253_402_300_800
"""In seconds since 1970."""


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    left: str
    right: str
    kind: Literal["different", "keep"]
    decided: Annotated[datetime, msgspec.Meta(tz=True)]
    schema: Literal[1] = 1

    def __post_init__(self) -> None:
        for digest in (self.left, self.right):
            if not re.fullmatch("[0-9a-f]{64}", digest):
                raise ValueError("left and right are digests of 64 hex digits")
        if not 0 <= self.decided.timestamp() < _YEAR_10000:
            raise ValueError("decided in the years 1970 to 9999")


def record(decision: Decision) -> dict[str, Any]:
    """Return the record of a decision."""
    moment = datetime.fromtimestamp(decision.decided, UTC).isoformat()
    return decision._asdict() | {"left": decision.left.hex(), "right": decision.right.hex(), "decided": moment}


def read(path: str) -> list[Decision]:
    """Return the decisions of a file; UsageError if it cannot be read, else as for :func:`parse`."""
    with _files.reading(path, UsageError):
        data = _files.read_document(path)
    return parse(data, path)


def parse(data: bytes, source: str) -> list[Decision]:
    """Return the decisions of a list; ``source`` is what errors call it.

    Raises
    ------
    UsageError
        One of the lines is no decision, or one that cannot be; names the line.
    """
    decisions = []
    for number, line in enumerate(data.splitlines(), 1):
        place = f"{source}, line {number}"
        with _files.reading(f"{place}: not a decision as --export prints it", UsageError):
            found = _json.convert(_json.loads(line), _Record)
        left, right = bytes.fromhex(found.left), bytes.fromhex(found.right)
        try:
            decisions.append(checked(Decision(left, right, found.kind, int(found.decided.timestamp()))))
        except UsageError as error:
            raise UsageError(f"{place}: {error}") from error
    return decisions
