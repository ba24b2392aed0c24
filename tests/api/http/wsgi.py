"""The application as gunicorn calls it.

The tests' own client has a request of Django's, and throws the body of an answer to HEAD away.
"""

from typing import Any

from config.wsgi import application


def answer_to(environ: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    """Return the status line, the headers and the body."""
    told: list[Any] = []

    def start(status: str, headers: Any, _exc_info: Any = None, /) -> Any:
        told.extend([status, dict(headers)])

    body = b"".join(application(environ, start))
    status, headers = told
    return status, headers, body
