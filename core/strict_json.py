"""Strict JSON: one value in UTF-8, no duplicate field, numbers kept as text where needed."""

import json
from typing import Any

from core.errors import Malformed

MAX_DEPTH = 32
NOT_STORABLE = "Contains a NUL or a lone surrogate."
_INT_DIGITS = 400


class NumberLiteral(str):
    """The text of a JSON number that is not a whole number of at most 400 digits.

    From the text an amount is parsed exactly, and an exponent differs from a decimal point.
    """

    __slots__ = ()


def parse_json(raw: bytes) -> Any:
    """Return the value of the JSON text; an empty body is `{}`.

    Whole numbers are `int`, other numbers `NumberLiteral`. Raises `Malformed` for what is not
    exactly one JSON object or array in UTF-8, for a duplicate field and for deep nesting.
    """
    if not raw:
        return {}
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Malformed from error
    if not isinstance(value, dict | list) or (_may_be_deep(raw) and _too_deep(value)):
        raise Malformed
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("A field stands twice in one object.")
    return fields


def _whole_number(text: str) -> int | NumberLiteral:
    return int(text) if len(text) <= _INT_DIGITS else NumberLiteral(text)


def _no_constant(text: str) -> None:
    raise Malformed(f"{text} is not JSON.")


def _may_be_deep(raw: bytes) -> bool:
    return raw.count(b"{") + raw.count(b"[") >= MAX_DEPTH


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=NumberLiteral,
    parse_int=_whole_number,
    parse_constant=_no_constant,
)


def is_text(value: object) -> bool:
    """Whether a JSON value is a string; a `NumberLiteral` is not."""
    return isinstance(value, str) and not isinstance(value, NumberLiteral)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store the text: it has no NUL and no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
