"""What browsers are told: what an answer may load, who may embed it, and to come by HTTPS."""

from collections.abc import Callable
from functools import cache

from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware

from api.http.client_address import is_local

#: Nothing of the service uses any of these.
_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class HttpsMiddleware(SecurityMiddleware):
    """Django's: leads to HTTPS and says so to browsers. Programs on this machine are let be.

    What comes over the loopback device and through no proxy crosses no network: a probe, a monitor,
    an operator's curl.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        redirect = super().process_request(request)
        return None if redirect is None or is_local(request) else redirect


class ContentPolicyMiddleware:
    """Says what a browser may do with an answer; what is not said by then, it may not.

    Most answers are data, which load nothing and are embedded nowhere. Pages name their policy in
    `CONTENT_POLICIES`, by the beginning of their path.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.setdefault("Content-Security-Policy", _policy(_page(request.path)))
        response.setdefault("Permissions-Policy", _PERMISSIONS)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


def _page(path: str) -> str | None:
    return next((page for page in settings.CONTENT_POLICIES if path.startswith(page)), None)


@cache
def _policy(page: str | None) -> str:
    # Built once: no answer has a nonce of its own.
    return build_policy(replace=settings.CONTENT_POLICIES[page] if page else None)
