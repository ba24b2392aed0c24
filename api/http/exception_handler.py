"""What a view raised becomes the documented error body."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.settings import api_settings

from api.http import errors
from core.errors import (
    InvalidInput,
    Malformed,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    Refusal,
    Unavailable,
)

logger = logging.getLogger(__name__)

#: What the framework's own exceptions mean.
_MEANING: dict[type[Exception], type[Refusal]] = {
    exceptions.ParseError: Malformed,
    exceptions.NotAuthenticated: NotAuthenticated,
    exceptions.PermissionDenied: PermissionDenied,
    DjangoPermissionDenied: PermissionDenied,
    exceptions.NotFound: NotFound,
    Http404: NotFound,
    exceptions.MethodNotAllowed: errors.MethodNotAllowed,
    exceptions.NotAcceptable: errors.NotAcceptable,
    exceptions.UnsupportedMediaType: errors.UnsupportedMediaType,
    OperationalError: Unavailable,
    InterfaceError: Unavailable,
}


def exception_handler(exception: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer for the REST framework. None (an unforeseen exception) ends as a logged 500."""
    refusal = as_refusal(exception)
    if refusal is None:
        return None
    request = context["request"]._request
    response = errors.error_response(refusal, request)
    if isinstance(exception, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def as_refusal(exception: Exception) -> Refusal | None:
    """Return the refusal that an exception means, or None for one that nobody foresaw."""
    if isinstance(exception, Refusal):
        return exception
    if isinstance(exception, exceptions.ValidationError):
        return InvalidInput(_flat(exception.detail))
    if isinstance(exception, OperationalError | InterfaceError):
        logger.warning("The database did not answer: %s", exception)
    family = next((f for kind, f in _MEANING.items() if isinstance(exception, kind)), None)
    return family() if family else None


def _joined(prefix: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{prefix}[{name}]"
    if prefix and name == api_settings.NON_FIELD_ERRORS_KEY:
        return prefix
    return f"{prefix}.{name}" if prefix else name


def _flat(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """Turn nested reasons into `{"client.phone_number": ["…"]}`."""
    if isinstance(detail, dict):
        return {
            field: reasons
            for name, inner in detail.items()
            for field, reasons in _flat(inner, _joined(prefix, name)).items()
        }
    if any(isinstance(inner, dict) for inner in detail):
        return {
            field: reasons
            for index, inner in enumerate(detail)
            for field, reasons in _flat(inner, f"{prefix}[{index}]").items()
        }
    return {prefix: [str(reason) for reason in detail]}
