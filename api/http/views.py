"""The base of every view: method, caller, limits, body, in that order, then one domain call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import orjson
from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from api.http.errors import error_body, status_of
from api.http.fields import Body
from api.http.renderer import render_json
from core import metrics, replica
from core.errors import InvalidInput, Malformed, NotAuthenticated, Refusal
from core.idempotency import (
    Answer,
    Claim,
    DuplicateIdempotencyKey,
    answer_once,
    fingerprint_of,
)
from core.unit_of_work import unit_of_work

MAX_KEY_CHARACTERS = 255
Get = TypeVar("Get", bound=Callable[..., HttpResponseBase])


class ApiView(APIView):
    """A view of the API. A method that it lacks is a 405 whoever asks."""

    http_method_names = ("get", "head", "post", "patch", "delete")

    #: The query parameters that the view takes; without it, none.
    query: ClassVar[Body | None] = None

    #: Whose position in the log is recorded before the answer goes out, where there is a replica.
    position_owner: UUID | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)
        if replica.is_configured():
            self.position_owner = getattr(request.user, "pk", None)
        if self.query is None:
            parse_query(request, _NO_QUERY)

    def perform_authentication(self, request: Request) -> None:
        """Find the caller, and count the call: also one that the caller may not make."""
        super().perform_authentication(request)
        super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Do nothing: the call has been counted."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if self.position_owner is not None:
            replica.record_position(self.position_owner)
        return super().finalize_response(request, response, *args, **kwargs)


_NO_QUERY = Body()


def replica_allowed(get: Get) -> Get:
    """Mark a `get` that decides nothing: the replica may answer it (`core.replica`).

    Who calls, and how often they may, is still decided on the primary.
    """

    @wraps(get)
    def follow(view: ApiView, request: Request, *args: Any, **kwargs: Any) -> Any:
        position = getattr(request.auth, "position", None) if view.position_owner else None
        if position is None or not replica.has_reached(position):
            return get(view, request, *args, **kwargs)
        caller, view.position_owner = view.position_owner, None
        try:
            with replica.use_replica():
                return get(view, request, *args, **kwargs)
        except (DatabaseError, InterfaceError):
            view.position_owner = caller
            return get(view, request, *args, **kwargs)

    return follow  # type: ignore[return-value]


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


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key as it was sent. `in_header`: not only as a field of the body."""

    value: str
    in_header: bool


@dataclass(frozen=True, slots=True)
class KeyedResult:
    """What a call answers, and the transaction that it made."""

    payload: Any
    transaction_id: UUID


def idempotency_key(request: Request, *, fields: Sequence[str] = ()) -> Key | None:
    """Return the key of the request, if it has one.

    It is the `Idempotency-Key` header or, spelled differently, one of `fields` of the body:
    1 to 255 printable ASCII characters. Raises `InvalidInput`, also when they differ.
    """
    header = request.headers.get("Idempotency-Key")
    body = request.data if isinstance(request.data, dict) else {}
    sent = {"Idempotency-Key": header, **{name: body.get(name) for name in fields}}
    given = {name: key for name, key in sent.items() if key is not None}
    wrong = [name for name, key in given.items() if not is_idempotency_key(key)]
    if wrong:
        raise InvalidInput({name: ["1 to 255 printable ASCII characters."] for name in wrong})
    if len(set(given.values())) > 1:
        raise InvalidInput({name: ["Two different keys in one request."] for name in given})
    return Key(next(iter(given.values())), header is not None) if given else None


def respond_once(
    request: Request,
    work: Callable[[], Any],
    *,
    status: int = 200,
    key_fields: Sequence[str] = (),
    repeat_conflicts: bool = False,
    location: str | None = None,
    fast_path: Callable[[Claim | None], Answer | None] = lambda _claim: None,
) -> HttpResponse:
    """Run `work` in a unit of work, at most once per idempotency key, and answer with its result.

    `work` returns JSON values, or `KeyedResult`. What it refuses on record is an answer too: it commits
    and replays. `key_fields` are the fields of the body that may hold the key; with
    `repeat_conflicts`, the repeat of a success whose key stands only there raises
    `DuplicateIdempotencyKey` instead of the answer. `location` is where the result is found, with
    its fields in braces. `fast_path` is tried first, outside the unit of work: it may do the same in
    one trip, or return None.
    """
    key = idempotency_key(request, fields=key_fields)
    is_queued = location is not None
    claim = None if key is None else _claim(request, key, key_fields, is_queued=is_queued)

    def run() -> Answer:
        return _answer(request, work, status)

    answer = fast_path(claim) or unit_of_work(lambda: answer_once(claim, run) if claim else run())
    if answer.replayed:
        metrics.REPLAYS.inc()
    is_repeat = answer.replayed and answer.status_code < HTTPStatus.BAD_REQUEST
    if is_repeat and repeat_conflicts and key and not key.in_header:
        raise DuplicateIdempotencyKey(transactionId=answer.transaction_id)
    return HttpResponse(
        answer.body,
        status=answer.status_code,
        content_type="application/json",
        headers={
            **({"Idempotent-Replayed": "true"} if answer.replayed else {}),
            **(_location(answer, location) if location else {}),
        },
    )


def _location(answer: Answer, template: str) -> dict[str, str]:
    # From the bytes, so that a replay says the same.
    result = orjson.loads(answer.body)
    is_one = answer.status_code < HTTPStatus.BAD_REQUEST and isinstance(result, dict)
    return {"Location": template.format(**result)} if is_one else {}


def is_idempotency_key(key: Any) -> bool:
    """Whether `key` is a text of 1 to 255 printable ASCII characters."""
    return (
        isinstance(key, str)
        and 0 < len(key) <= MAX_KEY_CHARACTERS
        and key.isascii()
        and key.isprintable()
    )


def _claim(request: Request, key: Key, key_fields: Sequence[str], *, is_queued: bool) -> Claim:
    # Where the key stands is no part of what was asked for.
    body = request.data
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in key_fields}
    operation = f"{request.method} {request.path}{' (queued)' if is_queued else ''}"
    return Claim(caller_id(request), key.value, operation, fingerprint_of(operation, body))


def _answer(request: Request, work: Callable[[], Any], status: int) -> Answer:
    try:
        result = work()
    except Refusal as refusal:
        if not refusal.recorded:
            raise
        return Answer(status_of(refusal), render_json(error_body(refusal, path=request.path)))
    if isinstance(result, KeyedResult):
        return Answer(status, render_json(result.payload), result.transaction_id)
    return Answer(status, render_json(result))
