"""Calls the WSGI application as gunicorn does.

Django's test client builds its own request, and drops the body of an answer to HEAD.
"""

from typing import Any

from config.wsgi import application


def wsgi_response(environ: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    """Return the status line, the headers and the body."""
    started: list[Any] = []

    def start_response(status: str, headers: Any, _exc_info: Any = None, /) -> Any:
        started.extend([status, dict(headers)])

    body = b"".join(application(environ, start_response))
    status, headers = started
    return status, headers, body
