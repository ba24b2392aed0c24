"""Content negotiation: which parser and renderer of a view serves a request."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_ANYTHING = "*/*"


class Negotiation(DefaultContentNegotiation):
    """REST framework's, with a shortcut for the media types that most requests have."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> Any:
        """Return the parser for the request's media type, or None."""
        first = next(iter(parsers))
        if request.content_type == first.media_type:
            return first
        return super().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """Return the renderer that `Accept` prefers, and its media type."""
        # `?format=` is not read: URL_FORMAT_OVERRIDE is None.
        first = next(iter(renderers))
        accepted = request.META.get("HTTP_ACCEPT", _ANYTHING)
        if format_suffix is None and accepted in (_ANYTHING, first.media_type):
            return first, first.media_type
        return super().select_renderer(request, renderers, format_suffix)
