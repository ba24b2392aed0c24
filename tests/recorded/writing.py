"""JSON in which a number keeps its spelling: 12.50 is read as 12.50 and written as 12.50."""

import json
import re
from typing import Any

_WIDTH = 100
#: What cannot be written to a file, and what looks like the end of a line.
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Number(str):
    """A number of a JSON text, as it was spelled."""

    __slots__ = ()


def read(text: str) -> Any:
    """Return what a JSON text says. Raises `ValueError`."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse)


def compact(value: Any) -> str:
    """Return a value as the service writes it: in one line, without a space."""
    return _in_line(value, ",", ":")


def written(value: Any) -> str:
    """Return a value as text for people: what fits into a line is in one."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", _spread(value, 0)) + "\n"


def _in_line(value: Any, comma: str = ", ", colon: str = ": ") -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        fields = (
            f"{_text(name)}{colon}{_in_line(each, comma, colon)}" for name, each in value.items()
        )
        return "{" + comma.join(fields) + "}"
    if isinstance(value, list):
        return "[" + comma.join(_in_line(each, comma, colon) for each in value) + "]"
    return _text(value)


def _spread(value: Any, indent: int) -> str:
    line = _in_line(value)
    if indent + len(line) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(value, dict):
        parts = [
            f"{inner}{_text(name)}: {_spread(each, indent + 2)}" for name, each in value.items()
        ]
        return "{\n" + ",\n".join(parts) + f"\n{outer}}}"
    return "[\n" + ",\n".join(inner + _spread(each, indent + 2) for each in value) + f"\n{outer}]"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON.")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
