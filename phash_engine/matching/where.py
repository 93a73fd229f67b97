"""Conditions on photos, as ``pixels>=1MP, taken>=2020``, and the order to show them in, as ``size`` or ``ppi~96``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Self, cast

from phash_engine.catalogue import Photo, Store
from phash_engine.errors import UsageError
from phash_engine.matching import fields
from phash_engine.matching.fields import DIAGONAL, FIELDS, Field, Value

_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=|>|<)\s*(\S.*?)\s*")
_ORDER = re.compile(r"\s*(-?)(\w+)\s*(?:~\s*(\S.*?))?\s*")
_NUMBER = re.compile(r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}


class Condition(NamedTuple):
    """A condition on one field; a date stands for all its moments, from ``first`` to before ``end``."""

    field: str
    sign: str
    first: Any
    end: Any = None

    def holds(self, value: Value) -> bool:
        """Whether a value fulfils the condition; an unknown one never does."""
        if value is None:
            return False
        if self.end is None:
            return bool(_COMPARE[self.sign](value, self.first))
        is_within = self.first <= value < self.end
        if self.sign in ("=", "!="):
            return bool(is_within) == (self.sign == "=")
        return self.sign.endswith("=") if is_within else bool(_COMPARE[self.sign](value, self.first))


class Where(NamedTuple):
    """Conditions that all must hold; ``diagonal`` is that of ``fields.values``."""

    conditions: tuple[Condition, ...] = ()
    diagonal: float = DIAGONAL

    @classmethod
    def parse(cls, text: str, diagonal: float = DIAGONAL) -> Self:
        """Return the conditions of a text: ``FIELD OPERATOR VALUE``, with commas between them.

        Operators are >=, <=, >, <, = and !=. Numbers may have a unit of their field (1.5MP, 200kB). Dates are a year, a
        month or a day (2020, 2020-05, 2020-05-17) and stand for all of it.

        Raises
        ------
        UsageError
            No such field, operator, unit or date; the message says which there are.

        Examples
        --------
        >>> [condition[:3] for condition in Where.parse("pixels>=1MP, format=jpeg").conditions]
        [('pixels', '>=', 1000000.0), ('format', '=', 'jpeg')]
        """
        return cls(tuple(map(_condition, text.split(","))) if text.strip() else (), diagonal)

    def select(self, photos: Sequence[Photo], store: Store | None = None) -> list[Photo]:
        """Return the photos that meet all conditions; ``store`` as for ``fields.values``."""
        rows = fields.values(photos, {each.field for each in self.conditions}, store, diagonal=self.diagonal)
        are_kept = [all(each.holds(row[each.field]) for each in self.conditions) for row in rows]
        return [photo for photo, is_kept in zip(photos, are_kept, strict=True) if is_kept]


class Order(NamedTuple):
    """A field to sort by: the highest value first, or the lowest, or the nearest to a target."""

    field: str
    lowest: bool = False
    target: float | datetime | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the order of a text: ``FIELD``, ``-FIELD`` (the lowest first) or ``FIELD~VALUE`` (the nearest first).

        Raises
        ------
        UsageError
            No such field, or not a value of it.

        Examples
        --------
        >>> Order.parse("ppi~96")
        Order(field='ppi', lowest=False, target=96.0)
        """
        match = _ORDER.fullmatch(text)
        if match is None or (match[1] and match[3]):
            raise UsageError(f"expected FIELD, -FIELD or FIELD~VALUE to sort by, got {text.strip()!r}")
        field, target = _field(match[2]), None
        if match[3]:
            if field.kind is str:
                raise UsageError(f"{match[2]} has no nearest: sort by {match[2]} or -{match[2]}")
            target = _value(match[2], match[3])[0]
        return cls(match[2], bool(match[1]), target)

    def rows(self, values: Sequence[Value]) -> list[int]:
        """Return the numbers of the rows in this order; stable, unknown values last."""
        known = [row for row, value in enumerate(values) if value is not None]
        if self.target is None:
            known.sort(key=lambda row: cast(float, values[row]), reverse=not self.lowest)
        else:
            target = cast(float, self.target)  # or all of them are times
            known.sort(key=lambda row: abs(cast(float, values[row]) - target))
        return known + [row for row, value in enumerate(values) if value is None]


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(f"expected a condition such as pixels>=1MP or taken>=2020, got {text.strip()!r}")
    field = _field(match[1])
    if field.kind is str and match[2] not in ("=", "!="):
        raise UsageError(f"{match[1]} is compared by = and != only, got {match[2]}")
    return Condition(match[1], match[2], *_value(match[1], match[3]))


def _field(name: str) -> Field:
    if name not in FIELDS:
        raise UsageError(f"there is no field {name!r}; fields are {', '.join(FIELDS)}")
    return FIELDS[name]


def _value(name: str, text: str) -> tuple[Any, ...]:
    """Return the value of a field, or the first and the end of a date."""
    kind = FIELDS[name].kind
    return _date(name, text) if kind is datetime else (_number(name, text),) if kind is float else (text.lower(),)


def _number(name: str, text: str) -> float:
    units = {unit.lower(): factor for unit, factor in FIELDS[name].units.items()} | {"": 1}
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in units or not math.isfinite(float(match[1])):
        known = f" or one with a unit ({', '.join(FIELDS[name].units)})" if FIELDS[name].units else ""
        raise UsageError(f"{name} is a number{known}, got {text!r}")
    return float(match[1]) * units[match[2].lower()]


def _date(name: str, text: str) -> tuple[datetime, datetime]:
    try:
        match = _DATE.fullmatch(text)
        if match is None:
            raise ValueError
        year, month, day = (int(part) if part else None for part in match.groups())
        first = datetime(year or 0, month or 1, day or 1)
        if day:
            return first, first + timedelta(days=1)
        return first, first.replace(month=month + 1) if month and month < 12 else first.replace(
            year=first.year + 1, month=1
        )
    except (ValueError, OverflowError):
        raise UsageError(f"{name} is a date as 2020, 2020-05 or 2020-05-17, got {text!r}") from None
