"""Context of the current request, readable from every room."""

from contextvars import ContextVar

#: The X-Request-ID of the current request; empty outside a request.
request_id: ContextVar[str] = ContextVar("request_id", default="")
