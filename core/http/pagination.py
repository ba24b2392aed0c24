"""Paging by cursor: the next page is a link, as RFC 8288 has it."""

from urllib.parse import urlencode
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response


def with_next_page(response: Response, request: Request, cursor: UUID | None) -> Response:
    """Add `Link: <…>; rel="next"` to the response, unless this is the last page."""
    if cursor is not None:
        query = urlencode({**request.query_params.dict(), "cursor": str(cursor)})
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?{query}>; rel="next"'
    return response
