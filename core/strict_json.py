"""Strict JSON: one value in UTF-8, no field twice, numbers kept as they were written."""

import json
from typing import Any

from core.errors import Malformed

MAX_DEPTH = 32
NOT_STORABLE = "Contains a NUL or a lone surrogate."
_INT_DIGITS = 400


class NumberLiteral(str):
    """A JSON number that is not a small whole one, kept as it was written.

    Keeping the text lets an amount be read exactly and an exponent be told from a decimal point.
    """

    __slots__ = ()


def parse_json(raw: bytes) -> Any:
    """Return what the JSON text says; no bytes at all are `{}`.

    Whole numbers are `int`, other numbers `NumberLiteral`. Raises `Malformed` for what is not
    exactly one JSON value in UTF-8, for a duplicate field and for absurd nesting.
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
    """Whether a JSON value is a string; the literal of a number is none."""
    return isinstance(value, str) and not isinstance(value, NumberLiteral)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store the text: it has no NUL and no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
