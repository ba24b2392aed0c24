"""Swagger UI at `/api` and Redoc at `/api/redoc`, which load nothing from other sites."""

from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request

_REDOC = "drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
#: Redoc shows it in its menu, unless it cannot be loaded. No setting leaves it out.
_FOREIGN_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_CACHED_SECONDS = 3600


class SwaggerView(SpectacularSwaggerSplitView):
    template_name = "swagger.html"
    # The original one sends an X-CSRFToken, which no call takes, and shows it in its curl.
    template_name_js = "swagger.js"


class RedocView(SpectacularRedocView):
    schema = None
    template_name = "redoc.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Answer with the page, or, with `?script`, with Redoc itself without its foreign logo."""
        if "script" not in request.query_params:
            return super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return HttpResponse(
            _redoc(),
            content_type="text/javascript; charset=utf-8",
            headers={"Cache-Control": f"max-age={_CACHED_SECONDS}"},
        )


@cache
def _redoc() -> bytes:
    found = finders.find(_REDOC)
    if found is None:
        raise FileNotFoundError(_REDOC)
    return Path(found).read_bytes().replace(_FOREIGN_LOGO, b"data:,")
