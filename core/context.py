"""What every line of work should know about the request it serves."""

from contextvars import ContextVar

#: The X-Request-ID of the request in hand; empty outside one.
request_id: ContextVar[str] = ContextVar("request_id", default="")
