"""`GET /api/schema`: made once by each process, for it takes a while and is always the same."""

from threading import Lock
from typing import Any

from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response

# Its maker must not be asked twice at once.
_MAKING = Lock()


class SchemaView(SpectacularJSONAPIView):
    _made: Any = None

    def _get_schema_response(self, request: Request) -> Response:
        with _MAKING:
            if SchemaView._made is None:
                made = super()._get_schema_response(request)  # type: ignore[no-untyped-call]
                SchemaView._made = made.data
        return Response(SchemaView._made)
