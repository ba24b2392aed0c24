"""`GET /metrics`: the metrics of this installation, in the format of Prometheus."""

import hmac
from collections.abc import Callable
from http import HTTPMethod

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.views import View
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from api.http.authentication import SCHEMES
from api.http.errors import error_response
from core import metrics
from core.errors import InvalidToken, NotAuthenticated
from ops.collectors.base import DatabaseCollector
from ops.collectors.database import collect_database, collect_jobs
from ops.collectors.intake import collect_processor, collect_queue
from ops.collectors.ledger import collect_holds, collect_ledger, collect_partitions

_DATABASE_REGISTRY = CollectorRegistry()
_DATABASE_REGISTRY.register(
    DatabaseCollector(
        {
            "database": collect_database,
            "queue": collect_queue,
            "processor": collect_processor,
            "ledger": collect_ledger,
            "holds": collect_holds,
            "partitions": collect_partitions,
            "jobs": collect_jobs,
        }
    )
)
_PATH = "/metrics"


class MetricsView(View):
    """Not an `ApiView`: it answers plain text, also while the database is away.

    It counts towards no rate limit. With `METRICS_TOKEN` set it requires that token.
    """

    http_method_names = (HTTPMethod.GET.lower(), HTTPMethod.HEAD.lower())

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer with the metrics of all web processes, and those read from the database."""
        try:
            _authorize(request)
        except NotAuthenticated as refusal:
            return error_response(refusal, request)
        text = generate_latest(metrics.registry()) + generate_latest(_DATABASE_REGISTRY)
        return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _authorize(request: HttpRequest) -> None:
    """Raise `NotAuthenticated` unless the request has `METRICS_TOKEN`, where that is set."""
    if not settings.METRICS_TOKEN:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        raise NotAuthenticated
    is_right = hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    if scheme.lower() not in SCHEMES or not is_right:
        raise InvalidToken


class MetricsMiddleware:
    """Answers `/metrics` before the host name and HTTPS are checked.

    Prometheus scrapes every container by its address, not through the proxy that has the host name
    and the certificate.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != _PATH:
            return self._get_response(request)
        request.resolver_match = resolve(_PATH)
        response: HttpResponseBase = request.resolver_match.func(request)
        return response
