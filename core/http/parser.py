"""Reading requests: one JSON object (or an array where a call takes one), read strictly."""

import json
from collections.abc import Mapping
from email.message import Message
from functools import lru_cache
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from core.errors import Malformed

MAX_DEPTH = 32
_INT_DIGITS = 400
#: Callers send very few, but a stranger can send any.
_KNOWN_TYPES = 100


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


class StrictJSONParser(BaseParser):
    """The only parser: `application/json`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if _charset(media_type or self.media_type) not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(str(media_type))
        return parse_json(stream.read())


@lru_cache(_KNOWN_TYPES)
def _charset(content_type: str) -> str:
    header = Message()
    header["Content-Type"] = content_type
    return header.get_content_charset() or "utf-8"


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
