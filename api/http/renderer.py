"""The response renderer: JSON in which money is an exact number."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer

from core.money import plain

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def render_json(value: Any) -> bytes:
    """Return `value` as JSON. A `Decimal` is written digit for digit (`100.50`), times end in Z."""
    return orjson.dumps(value, default=_default, option=_OPTIONS)


def render_json_text(value: Any) -> str:
    """Return `value` as JSON for people: the same, indented."""
    return orjson.dumps(value, default=_default, option=_OPTIONS | orjson.OPT_INDENT_2).decode()


def as_json_values(value: Any) -> Any:
    """Return `value` as a client has it that parses amounts as exact decimals."""
    return json.loads(render_json(value), parse_float=Decimal)


def json_response(value: Any, *, status: int = 200) -> HttpResponse:
    """Return an answer of JSON values, without the REST framework's choice of a renderer."""
    return HttpResponse(render_json(value), status=status, content_type="application/json")


class ExactJSONRenderer(BaseRenderer):
    """The only renderer of the API: `application/json`."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else render_json(data)


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain(value))
    raise TypeError(f"{type(value)} is not a JSON value.")
