"""What holds for every request, whatever answers it."""

import re
import time
from collections.abc import Callable
from http import HTTPMethod, HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from api.http import errors
from api.http.access_log import observe
from api.http.rate_limits import tell_limits
from core import context
from core.errors import Malformed, NotFound, PayloadTooLarge, PermissionDenied, Refusal, Unavailable
from core.ids import uuid7

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
#: An over-long body is read and thrown away, so that its sender gets to read the 413.
#: Beyond this it is a flood, and the connection is cut.
_DRAINED_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_HTML_PATHS = ("/admin/",)
_SERVER_ERRORS = 500
_REFUSAL_OF_STATUS: dict[int, type[Refusal]] = {
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: errors.MethodNotAllowed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: PayloadTooLarge,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
}


class RequestContextMiddleware:
    """Gives each request its id, keeps errors JSON and observes the end; the outermost.

    Errors that Django itself makes outside the API's views (an unknown path, a strange host, a
    crash) leave as the documented error body too; only the admin speaks HTML.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request_id = _request_id(request)
        token = context.request_id.set(request_id)
        try:
            response = self._get_response(request)
            if isinstance(response, HttpResponse) and _is_foreign_error(request, response):
                _make_error_body(request, response)
            observe(request, response, time.perf_counter() - started)
        finally:
            context.request_id.reset(token)
        if request.method == HTTPMethod.HEAD and isinstance(response, HttpResponse):
            # Its headers tell of what GET gets. The server below would drop it, and complain.
            response.content = b""
        response["X-Request-ID"] = request_id
        tell_limits(request, response)
        response.setdefault("Cache-Control", "no-store")
        return response


class BodyMiddleware:
    """Takes in the body of each request, up to the limit; the innermost."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            _take_in_body(request)
        except Refusal as refusal:
            return errors.error_response(refusal, request)
        return self._get_response(request)


def _request_id(request: HttpRequest) -> str:
    sent = request.headers.get("X-Request-ID", "")
    # With its time in it, what it did is found among the transactions of that minute.
    return sent if _SANE_REQUEST_ID.fullmatch(sent) else str(uuid7())


def _take_in_body(request: HttpRequest) -> None:
    """Read the whole body, so that no answer is cut off by bytes that nobody read.

    Raises `PayloadTooLarge`, `RequestTimeout` from the server below when it does not come in time,
    or `Malformed` when it broke off or its framing is broken.
    """
    # Django sees no body without a Content-Length; the server below it has unpacked the chunks.
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    stream = request.META["wsgi.input"] if chunked else request
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        body = stream.read(limit + 1)
        is_too_large = len(body) > limit
        drained = 0
        while is_too_large and drained < _DRAINED_BYTES and stream.read(_CHUNK_BYTES):
            drained += _CHUNK_BYTES
    except errors.RequestTimeout:
        raise
    except Exception as error:  # whatever the server below us raises for a broken body
        raise Malformed("The body broke off, or is not what its headers say.") from error
    if is_too_large:
        raise PayloadTooLarge
    # Where Django itself keeps a body that was read: everyone after us finds it there.
    request._body = body
    request._read_started = True  # type: ignore[attr-defined]
    request.META["CONTENT_LENGTH"] = str(len(body))


def _is_foreign_error(request: HttpRequest, response: HttpResponse) -> bool:
    return (
        response.status_code >= HTTPStatus.BAD_REQUEST
        and response.headers.get("Content-Type") != "application/json"
        and not request.path.startswith(_HTML_PATHS)
    )


def _make_error_body(request: HttpRequest, response: HttpResponse) -> None:
    """Put the documented body in the place of Django's own; headers such as Allow stay."""
    default = errors.BadRequest if response.status_code < _SERVER_ERRORS else errors.InternalError
    refusal = _REFUSAL_OF_STATUS.get(response.status_code, default)()
    made = errors.error_response(refusal, request)
    response.status_code = made.status_code
    response.content = made.content
    for name, value in made.headers.items():
        response[name] = value
