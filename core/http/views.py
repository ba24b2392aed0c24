"""The base of every view: method, caller, limits, body, in that order, then one domain call."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import InvalidInput, Malformed, NotAuthenticated, Refusal
from core.http.errors import error_body, status_of
from core.http.fields import Body
from core.http.renderer import render_json
from core.idempotency import Answer, Claim, answer_once, fingerprint_of
from core.unit_of_work import unit_of_work

MAX_KEY_CHARACTERS = 255


class ApiView(APIView):
    """A view of the API. A method that it lacks is a 405 whoever asks."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not hasattr(self, str(request.method).lower()):
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)


def parse_body(request: Request, body: Body) -> dict[str, Any]:
    """Return the validated fields of the JSON object that was sent.

    `body` is a field declaration, not a form: one instance serves all requests.
    """
    if not isinstance(request.data, dict):
        raise Malformed("The body must be a JSON object.")
    fields: dict[str, Any] = body.run_validation(request.data)
    return fields


def parse_query(request: Request, query: Body) -> dict[str, Any]:
    """Return the validated query parameters; an unknown or a repeated one is an error."""
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise InvalidInput({name: ["Given more than once."]})
    fields: dict[str, Any] = query.run_validation(request.query_params.dict())
    return fields


def caller_id(request: Request) -> UUID:
    """Return the id of the user whose token came with the request."""
    caller: UUID | None = request.user.pk
    if caller is None:
        raise NotAuthenticated
    return caller


def idempotency_key(request: Request) -> str | None:
    """Return the `Idempotency-Key` header: 1 to 255 printable ASCII characters, or absent."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (
        0 < len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()
    ):
        raise InvalidInput({"Idempotency-Key": ["1 to 255 printable ASCII characters."]})
    return key


def respond_once(request: Request, work: Callable[[], Any], *, status: int = 200) -> HttpResponse:
    """Run `work` in a unit of work, at most once per idempotency key, and answer with its result.

    `work` returns JSON values. What it refuses on record is an answer too: it commits and replays.
    """
    key = idempotency_key(request)

    def unit() -> Answer:
        if key is None:
            return _answer(request, work, status)
        operation = f"{request.method} {request.path}"
        claim = Claim(caller_id(request), key, operation, fingerprint_of(operation, request.data))
        return answer_once(claim, lambda: _answer(request, work, status))

    answer = unit_of_work(unit)
    return HttpResponse(
        answer.body,
        status=answer.status_code,
        content_type="application/json",
        headers={"Idempotent-Replayed": "true"} if answer.replayed else {},
    )


def _answer(request: Request, work: Callable[[], Any], status: int) -> Answer:
    try:
        return Answer(status, render_json(work()))
    except Refusal as refusal:
        if not refusal.recorded:
            raise
        return Answer(status_of(refusal), render_json(error_body(refusal, path=request.path)))
