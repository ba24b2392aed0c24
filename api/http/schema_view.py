"""`GET /api/schema`: generated once by each process; it takes a while and never changes."""

from threading import Lock
from typing import Any

from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from api.http.renderer import render_json

# The generator is not thread-safe.
_GENERATING = Lock()


class _ExactAmounts(OpenApiJsonRenderer):
    """Examples with amounts as answers have them: `12.50`, not `12.5`."""

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return render_json(data)


class _ExactAmounts2(_ExactAmounts):
    media_type = OpenApiJsonRenderer2.media_type


class SchemaView(SpectacularJSONAPIView):
    renderer_classes = [_ExactAmounts, _ExactAmounts2]
    _document: Any = None

    def _get_schema_response(self, request: Request) -> Response:
        with _GENERATING:
            if SchemaView._document is None:
                generated = super()._get_schema_response(request)  # type: ignore[no-untyped-call]
                SchemaView._document = generated.data
        return Response(SchemaView._document)
