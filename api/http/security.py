"""Security headers for browsers, and the redirect to HTTPS."""

from collections.abc import Callable
from functools import cache
from typing import Any

from corsheaders import middleware as cors
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.utils.cache import patch_vary_headers

from api.http.client_address import is_local

#: Browser features that no page of the service uses.
_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class HttpsMiddleware(SecurityMiddleware):
    """Django's redirect to HTTPS and HSTS header, but no redirect for programs on this machine.

    A request over the loopback device that passed no proxy crosses no network: a probe, a monitor,
    an operator's curl.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        redirect = super().process_request(request)
        return None if redirect is None or is_local(request) else redirect


class CorsMiddleware(cors.CorsMiddleware):
    """django-cors-headers', which is asked only when a page of another origin calls."""

    def __call__(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" in request.META or request.method == "OPTIONS":
            return super().__call__(request)
        response: Any = self.get_response(request)
        if self.is_enabled(request):
            # For caches: a page of another origin gets other headers.
            patch_vary_headers(response, ("origin",))
        return response


class ContentPolicyMiddleware:
    """Adds a Content-Security-Policy and its companions, unless the view has set them.

    Most answers are data: they may load nothing and be embedded nowhere. The policies of pages are
    in `CONTENT_POLICIES`, by the beginning of their path; that of "/" is for this path alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.setdefault("Content-Security-Policy", _policy(_page(request.path)))
        response.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        response.setdefault("Permissions-Policy", _PERMISSIONS)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


def _page(path: str) -> str | None:
    if path in settings.CONTENT_POLICIES:
        return path
    prefixes = (page for page in settings.CONTENT_POLICIES if page != "/")
    return next((page for page in prefixes if path.startswith(page)), None)


@cache
def _policy(page: str | None) -> str:
    # Cached: no answer has a nonce of its own.
    return build_policy(replace=settings.CONTENT_POLICIES[page] if page else None)
