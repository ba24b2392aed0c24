"""Errors below /admin/ as pages for people, in the admin's look."""

import copy
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from core import context

_TEXTS: dict[int, tuple[str, str]] = {
    HTTPStatus.FORBIDDEN: ("Not allowed", "The admin does not do that, or not for your account."),
    HTTPStatus.NOT_FOUND: ("Page not found", "There is no page at this address."),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "Not by a link",
        "This address only takes what a form of the admin sends. Begin on the page with the form.",
    ),
    HTTPStatus.REQUEST_TIMEOUT: ("Too slow", "The request took too long to arrive. Send it again."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("Too large", "The form is larger than the admin takes."),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "Something went wrong",
        "The fault is on our side. Look whether what you did has happened before you repeat it.",
    ),
}
_OTHER = ("That did not work", "The request cannot be understood.")
_FORGED = (
    "Send the form again",
    "The form was too old, was opened before you logged in, or your browser keeps no cookies."
    " Nothing was done. Go back, load the page again, and repeat it.",
)


class ErrorPage(HttpResponse):
    """An error that says what a person can do about it."""

    def __init__(self, request: HttpRequest, status: int, texts: tuple[str, str]) -> None:
        # The page must not need the database: it may be what is away.
        anonymous = copy.copy(request)
        anonymous.user = AnonymousUser()
        title, text = texts
        page = render_to_string(
            "admin/error.html",
            {
                **admin.site.each_context(anonymous),
                "title": title,
                "text": text,
                "request_id": context.request_id.get(),
            },
            anonymous,
        )
        super().__init__(page, status=status)


class ErrorPageMiddleware:
    """Replaces every bare error of the admin by a page. The outermost of the admin's middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        status = response.status_code
        # With DEBUG, Django's own pages tell a programmer more.
        if status < HTTPStatus.BAD_REQUEST or isinstance(response, ErrorPage) or settings.DEBUG:
            return response
        page = ErrorPage(request, status, _TEXTS.get(status, _OTHER))
        for name, value in response.headers.items():
            if name not in ("Content-Type", "Content-Length"):
                page[name] = value
        return page


def csrf_failure(request: HttpRequest, reason: str = "") -> ErrorPage:
    """Answer a form whose token is missing or wrong (Django's `CSRF_FAILURE_VIEW`)."""
    return ErrorPage(request, HTTPStatus.FORBIDDEN, _FORGED)
