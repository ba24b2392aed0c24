"""Which of a view's parsers and renderers serves a request."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_ANYTHING = "*/*"


class Negotiation(DefaultContentNegotiation):
    """REST framework's own, with a shortcut for the plain media types that most requests name."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> Any:
        """Return the parser of the body that was sent, None when there is none for it."""
        first = next(iter(parsers))
        if request.content_type == first.media_type:
            return first
        return super().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """Return the renderer that the caller likes best, and its media type."""
        # It looks at no `?format=`: URL_FORMAT_OVERRIDE is None.
        first = next(iter(renderers))
        accepted = request.META.get("HTTP_ACCEPT", _ANYTHING)
        if format_suffix is None and accepted in (_ANYTHING, first.media_type):
            return first, first.media_type
        return super().select_renderer(request, renderers, format_suffix)
