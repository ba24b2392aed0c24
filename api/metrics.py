"""`GET /metrics`: the figures of this installation, as Prometheus reads them."""

import hmac
from collections.abc import Callable
from http import HTTPMethod

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.views import View
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from api.http.errors import error_response
from core import metrics
from core.errors import InvalidToken, NotAuthenticated
from ops.collectors.base import DatabaseCollector
from ops.collectors.database import collect_database, collect_jobs
from ops.collectors.intake import collect_processor, collect_queue
from ops.collectors.ledger import collect_ledger, collect_partitions

_FACTS = CollectorRegistry()
_FACTS.register(
    DatabaseCollector(
        {
            "database": collect_database,
            "queue": collect_queue,
            "processor": collect_processor,
            "ledger": collect_ledger,
            "partitions": collect_partitions,
            "jobs": collect_jobs,
        }
    )
)
_PATH = "/metrics"
_SCHEMES = ("token", "bearer")


class MetricsView(View):
    """No view of the API: it speaks no JSON, and answers while the database is away.

    It counts towards no limit; where strangers can reach it, it wants a token.
    """

    http_method_names = (HTTPMethod.GET.lower(), HTTPMethod.HEAD.lower())

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer with the figures of all web processes, and what the database knows."""
        try:
            _authorize(request)
        except NotAuthenticated as refusal:
            return error_response(refusal, request)
        text = generate_latest(metrics.registry()) + generate_latest(_FACTS)
        return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _authorize(request: HttpRequest) -> None:
    """Let pass who sends the token of the settings, or anybody where there is none."""
    if not settings.METRICS_TOKEN:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        raise NotAuthenticated
    is_right = hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    if scheme.lower() not in _SCHEMES or not is_right:
        raise InvalidToken


class MetricsMiddleware:
    """Answers `/metrics` before anybody asks by which name it was called, and whether by HTTPS.

    Prometheus calls every container by its address, past the proxy that has the name and the
    certificate.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != _PATH:
            return self._get_response(request)
        request.resolver_match = resolve(_PATH)
        response: HttpResponseBase = request.resolver_match.func(request)
        return response
