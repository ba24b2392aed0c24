"""Middleware for every request: its id, its body, its log line, and the error body."""

import time
from collections.abc import Callable
from http import HTTPMethod, HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from api.http import errors
from api.http.access_log import observe
from api.http.negotiation import preferred_type
from api.http.rate_limits import add_rate_limit_headers
from api.http.request_ids import request_id
from core import context
from core.errors import Malformed, NotFound, PayloadTooLarge, PermissionDenied, Refusal, Unavailable

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_BROKEN_OFF = "The body broke off, or is not what its headers say."
_HTML_PATHS = ("/admin/",)
_SERVER_ERRORS = 500
_REFUSAL_OF_STATUS: dict[int, type[Refusal]] = {
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: errors.MethodNotAllowed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: PayloadTooLarge,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: errors.RangeNotSatisfiable,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
}


class RequestContextMiddleware:
    """Gives each request its id, and records it once it is answered. The outermost middleware.

    Errors that are answered outside the API's views (an unknown path, a host that is not allowed,
    an unexpected exception, a file that takes no POST) get the documented error body too; only the
    admin answers people with HTML.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        identifier = request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
        token = context.request_id.set(identifier)
        try:
            response = self._get_response(request)
            if _has_other_error_body(request, response):
                response = _with_error_body(request, response)
            observe(request, response, time.perf_counter() - started)
        finally:
            context.request_id.reset(token)
        if request.method == HTTPMethod.HEAD and isinstance(response, HttpResponse):
            # The headers stay those of the GET. gunicorn would drop the body, and log a warning.
            response.content = b""
        response["X-Request-ID"] = identifier
        add_rate_limit_headers(request, response)
        response.setdefault("Cache-Control", "no-store")
        return response


class BodyMiddleware:
    """Reads the body of each request, up to the limit. The innermost middleware."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            _read_body(request)
        except Refusal as refusal:
            return errors.error_response(refusal, request)
        return self._get_response(request)


def _read_body(request: HttpRequest) -> None:
    """Read the whole body.

    Raises `PayloadTooLarge`, or `Malformed` when the body is shorter than declared or its framing
    is broken. The gunicorn worker has the whole body before the request comes here, but for one
    that is too large.
    """
    # Without a Content-Length Django reads no body; gunicorn has decoded the chunks.
    is_chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    stream = request.META["wsgi.input"] if is_chunked else request
    declared = 0 if is_chunked else int(request.META.get("CONTENT_LENGTH") or 0)
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if declared > limit:
        raise PayloadTooLarge
    try:
        body = stream.read(limit + 1)
    except Exception as error:  # gunicorn has several classes for a broken body
        # The server closes the connection: it does not know where the next request begins.
        request.META["wallet.body_is_broken"] = True
        raise Malformed(_BROKEN_OFF) from error
    if len(body) < declared:
        raise Malformed(_BROKEN_OFF)
    if len(body) > limit:
        raise PayloadTooLarge
    # Django keeps a body that was read here: what runs after this middleware finds it there.
    request._body = body
    request._read_started = True  # type: ignore[attr-defined]
    request.META["CONTENT_LENGTH"] = str(len(body))


def _has_other_error_body(request: HttpRequest, response: HttpResponseBase) -> bool:
    return (
        response.status_code >= HTTPStatus.BAD_REQUEST
        and response.headers.get("Content-Type") != "application/json"
        and not (request.path.startswith(_HTML_PATHS) and _takes_html(request))
    )


def _takes_html(request: HttpRequest) -> bool:
    accept = request.META.get("HTTP_ACCEPT", "")
    return preferred_type(accept, ("text/html", "application/json")) != "application/json"


def _with_error_body(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    """Return the documented error with the headers of the answer, such as Allow."""
    default = errors.BadRequest if response.status_code < _SERVER_ERRORS else errors.InternalError
    refusal = _REFUSAL_OF_STATUS.get(response.status_code, default)()
    replacement = errors.error_response(refusal, request)
    for name, value in response.headers.items():
        if name not in ("Content-Type", "Content-Length"):
            replacement.setdefault(name, value)
    return replacement
