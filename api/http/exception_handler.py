"""Turns an exception of a view into the documented error body."""

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

#: The refusals that the frameworks' own exceptions become.
_REFUSAL_OF_EXCEPTION: dict[type[Exception], type[Refusal]] = {
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
    """Return the answer for REST framework; for None (unexpected) Django logs and answers 500."""
    refusal = as_refusal(exception)
    if refusal is None:
        return None
    request = context["request"]._request
    response = errors.error_response(refusal, request)
    if isinstance(exception, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def as_refusal(exception: Exception) -> Refusal | None:
    """Return the refusal that an exception becomes, or None for an unexpected one."""
    if isinstance(exception, Refusal):
        return exception
    if isinstance(exception, exceptions.ValidationError):
        return invalid_input(exception)
    if isinstance(exception, OperationalError | InterfaceError):
        logger.warning("The database did not answer: %s", exception)
    family = next(
        (f for kind, f in _REFUSAL_OF_EXCEPTION.items() if isinstance(exception, kind)), None
    )
    return family() if family else None


def invalid_input(error: exceptions.ValidationError) -> InvalidInput:
    """Return the refusal of what REST framework has found wrong, by field."""
    return InvalidInput(_flatten(error.detail))


def _field_path(prefix: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{prefix}[{name}]"
    if prefix and name == api_settings.NON_FIELD_ERRORS_KEY:
        return prefix
    return f"{prefix}.{name}" if prefix else name


def _flatten(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """Flatten nested reasons to `{"client.phone_number": ["…"]}`."""
    if isinstance(detail, dict):
        return {
            field: reasons
            for name, inner in detail.items()
            for field, reasons in _flatten(inner, _field_path(prefix, name)).items()
        }
    if any(isinstance(inner, dict) for inner in detail):
        return {
            field: reasons
            for index, inner in enumerate(detail)
            for field, reasons in _flatten(inner, f"{prefix}[{index}]").items()
        }
    return {prefix: [str(reason) for reason in detail]}
