"""Content negotiation: which parser and renderer of a view serves a request."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http.request import MediaType
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_ANYTHING = "*/*"


class Negotiation(DefaultContentNegotiation):
    """REST framework's, which obeys `q`, with a shortcut for what most requests have."""

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
        # `?format=` is not read: URL_FORMAT_OVERRIDE is None, and no path has a suffix.
        offered = {renderer.media_type: renderer for renderer in renderers}
        media_type = preferred_type(request.META.get("HTTP_ACCEPT", ""), list(offered))
        if media_type is None:
            raise NotAcceptable
        return offered[media_type], media_type


def preferred_type(accept: str, offered: Sequence[str]) -> str | None:
    """Return the media type that an `Accept` header prefers, or None: it refuses all of them.

    As RFC 9110 has it: no header or an empty one takes anything, the most specific range decides
    about a type, and `q=0` refuses it. Of equals the one that was named more exactly is taken, then
    the first. Parameters other than `q` do not count: nothing is offered with any.
    """
    if accept in ("", _ANYTHING, offered[0]):
        return offered[0]
    # Django's `HttpRequest.get_preferred_type` forgets a `q=0` once a wider range matches as well.
    ranges = [MediaType(text) for text in accept.split(",") if text.strip()]
    ranges.sort(key=lambda each: each.specificity, reverse=True)
    best, best_rank = None, (0.0, -1)
    for media_type in offered:
        matching = next((each for each in ranges if _matches(each, media_type)), None)
        rank = (matching.quality, matching.specificity) if matching else best_rank
        if matching is not None and matching.quality > 0 and rank > best_rank:
            best, best_rank = media_type, rank
    return best if ranges else offered[0]


def _matches(accepted: MediaType, media_type: str) -> bool:
    main, _, sub = media_type.partition("/")
    return (accepted.main_type == "*" and accepted.sub_type == "*") or (
        accepted.main_type == main and accepted.sub_type in ("*", sub)
    )
