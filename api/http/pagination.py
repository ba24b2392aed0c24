"""Pagination: by cursor without a limit, by offset up to `MAX_OFFSET` rows."""

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from api.http.fields import Body, IdField

MAX_LIMIT = 200
MAX_OFFSET = 5_000


class WholeNumberField(serializers.Field[int, Any, Any, Any]):
    """A whole number in ASCII digits, in a query, from `lowest` to `highest`."""

    default_error_messages = {"invalid": "A whole number from {lowest} to {highest}."}

    def __init__(self, *, lowest: int, highest: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lowest, self.highest = lowest, highest

    def to_internal_value(self, data: Any) -> int:
        is_number = isinstance(data, str) and re.fullmatch(r"[0-9]{1,9}", data)
        if not is_number or not self.lowest <= int(data) <= self.highest:
            self.fail("invalid", lowest=self.lowest, highest=self.highest)
        return int(data)

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT})
class LimitField(WholeNumberField):
    """How many rows a page has."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lowest=1, highest=MAX_LIMIT, **kwargs)


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": MAX_OFFSET})
class OffsetField(WholeNumberField):
    """How many rows to skip. Beyond its maximum a cursor is needed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lowest=0, highest=MAX_OFFSET, **kwargs)


class PageQuery(Body):
    """A page by `limit` and either `offset` or `cursor` (the `nextCursor` of the page before)."""

    limit = LimitField(default=20)
    offset = OffsetField(required=False)
    cursor = IdField(required=False)

    def validate(self, attrs: Any) -> Any:
        if "cursor" in attrs and "offset" in attrs:
            raise serializers.ValidationError({"offset": ["Either `offset` or `cursor`."]})
        return attrs


class Pagination(serializers.Serializer[Any]):
    limit = serializers.IntegerField()
    offset = serializers.IntegerField(allow_null=True)
    hasMore = serializers.BooleanField()
    nextCursor = serializers.CharField(allow_null=True)


PAGINATION = {"limit": 20, "offset": 0, "hasMore": False, "nextCursor": None}


def page_answer(
    rows: list[dict[str, Any]], query: dict[str, Any], next_cursor: object
) -> dict[str, Any]:
    """Return a page as the API shows it. `offset` is null if the query has a cursor."""
    return {
        "data": rows,
        "pagination": {
            "limit": query["limit"],
            "offset": None if "cursor" in query else query.get("offset", 0),
            "hasMore": next_cursor is not None,
            "nextCursor": next_cursor,
        },
    }


def with_next_page(response: HttpResponse, request: Request, cursor: UUID | None) -> HttpResponse:
    """Add `Link: <…>; rel="next"` (RFC 8288) to the response, unless this is the last page."""
    if cursor is not None:
        query = urlencode({**request.query_params.dict(), "cursor": str(cursor)})
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?{query}>; rel="next"'
    return response
