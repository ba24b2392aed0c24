"""Traces by OpenTelemetry. Imported only where an endpoint for them is set.

The package reads the standard's own variables: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`,
`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS` and so on.
"""

import os
from collections.abc import Sequence
from typing import Any, Self

import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import (
    CursorTracer,
    DatabaseApiIntegration,
    PsycopgInstrumentor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, Status

from core import context
from core.connections import bulk, prepared

#: The attributes of a span that are exported. Not among them: path and query, which contain tokens
#: of wallets; the client's address; the values of a statement; the text of an exception, which may
#: quote them.
_EXPORTED_ATTRIBUTES = frozenset(
    {
        "db.name",
        "db.namespace",
        "db.query.text",
        "db.statement",
        "db.system",
        "db.system.name",
        "exception.type",
        "http.method",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.scheme",
        "http.status_code",
        "wallet.request_id",
    }
)
_PRECEDING_MIDDLEWARE = "api.metrics.MetricsMiddleware"


def set_up(*, with_requests: bool) -> None:
    """Trace the statements and, if asked, the requests of this process. Call it after a fork."""
    os.environ.setdefault("OTEL_SERVICE_NAME", "wallet-service")
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(RedactingExporter(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    PsycopgInstrumentor().instrument()
    # These cursors are created without `connection.cursor()`, which the instrumentation wraps.
    bulk.cursor_class = _traced(bulk.cursor_class)
    prepared.cursor_class = _traced(prepared.cursor_class)
    if with_requests:
        # After the middleware that formats errors: the instrumentation raises for a refused Host.
        position = settings.MIDDLEWARE.index(_PRECEDING_MIDDLEWARE) + 1
        DjangoInstrumentor().instrument(middleware_position=position, response_hook=_add_request_id)


class RedactingExporter(SpanExporter):
    """Exports spans with the allowed attributes only, and without texts of exceptions."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_redacted(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _traced(cursor_class: type[psycopg.Cursor[Any]]) -> type[psycopg.Cursor[Any]]:
    tracer = CursorTracer(DatabaseApiIntegration(__name__, "postgresql"))

    class TracedCursor(cursor_class):  # type: ignore[valid-type, misc]
        def execute(self, *args: Any, **kwargs: Any) -> Self:
            traced: Self = tracer.traced_execution(self, super().execute, *args, **kwargs)
            return traced

    return TracedCursor


def _redacted(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={k: v for k, v in (span.attributes or {}).items() if k in _EXPORTED_ATTRIBUTES},
        events=[
            Event(
                event.name,
                {k: v for k, v in (event.attributes or {}).items() if k in _EXPORTED_ATTRIBUTES},
                event.timestamp,
            )
            for event in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _add_request_id(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    span.set_attribute("wallet.request_id", context.request_id.get())
