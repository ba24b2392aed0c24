"""`GET /api/schema`: generated once by each process; it takes a while and never changes."""

from threading import Lock
from typing import Any

from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response

# The generator is not thread-safe.
_GENERATING = Lock()


class SchemaView(SpectacularJSONAPIView):
    _document: Any = None

    def _get_schema_response(self, request: Request) -> Response:
        with _GENERATING:
            if SchemaView._document is None:
                generated = super()._get_schema_response(request)  # type: ignore[no-untyped-call]
                SchemaView._document = generated.data
        return Response(SchemaView._document)
