"""The response headers, for the schema: which answer carries which, and their values."""

from http import HTTPStatus
from typing import Any

from api.http.dry_runs import DRY_RUN

_REF = "#/components/headers/"
_ALWAYS = ("X-Request-ID",)
_RATE_LIMITED = ("RateLimit", "RateLimit-Policy")
_OF_STATUS = {
    HTTPStatus.ACCEPTED: ("Location",),
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}
#: Refusals that are recorded under the idempotency key, and so can be replayed.
_RECORDED = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT)


def _header(description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string", **schema},
    }


#: The schema's `components.headers`.
HEADERS = {
    "X-Request-ID": _header(
        "The caller's own, if it sent a valid one; else a new one.",
        required=True,
        pattern=r"^[A-Za-z0-9._:/+=@-]{1,128}$",
    ),
    "RateLimit": _header("How much is left of the caller's rate.", examples=['"reads";r=599;t=60']),
    "RateLimit-Policy": _header("The caller's rate.", examples=['"reads";q=600;w=60']),
    "WWW-Authenticate": _header("The authentication scheme.", required=True, enum=["Token"]),
    "Retry-After": _header(
        "How many seconds to wait before the next attempt.",
        required=True,
        type="integer",
        minimum=1,
    ),
    "Idempotent-Replayed": _header(
        "The answer recorded for the first request with this key.", enum=["true"]
    ),
    "Location": _header("The path of the queued transaction; not for an array."),
    DRY_RUN: _header("This is what the call would answer: nothing was kept.", enum=["true"]),
    "Link": _header('The next page, `<…>; rel="next"`, unless this is the last.'),
}


def headers_of(
    status: HTTPStatus, *, takes_idempotency_key: bool, has_link_header: bool, can_be_tried: bool
) -> dict[str, Any]:
    """Return the headers of an operation's answer with this status, by reference."""
    is_success = status < HTTPStatus.BAD_REQUEST
    names = (
        *_ALWAYS,
        *_RATE_LIMITED,
        *(_OF_STATUS.get(status, ())),
        *(
            ("Idempotent-Replayed",)
            if takes_idempotency_key and (is_success or status in _RECORDED)
            else ()
        ),
        *((DRY_RUN,) if can_be_tried and status != HTTPStatus.ACCEPTED else ()),
        *(("Link",) if has_link_header and is_success else ()),
    )
    return {name: {"$ref": f"{_REF}{name}"} for name in names}
