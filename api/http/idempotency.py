"""At most once: the idempotency key of a request, and the answer that is recorded under it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from api.http.authentication import caller_of
from api.http.dry_runs import is_dry_run
from api.http.errors import error_body, status_of
from api.http.renderer import render_json
from api.http.token_cache import verify_token
from api.http.views import caller_id
from core import metrics
from core.errors import InvalidInput, Refusal
from core.idempotency import (
    Answer,
    Claim,
    DuplicateIdempotencyKey,
    answer_once,
    fingerprint_of,
)
from core.unit_of_work import unit_of_work
from ledger.dry_runs import try_out

MAX_KEY_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key as it was sent. `in_header`: not only as a field of the body."""

    value: str
    in_header: bool


@dataclass(frozen=True, slots=True)
class KeyedResult:
    """What a call answers, and the transaction that it made, which its key remembers."""

    payload: Any
    transaction_id: UUID


def idempotency_key(request: Request, *, fields: Sequence[str] = ()) -> Key | None:
    """Return the key of the request, if it has one.

    It is the `Idempotency-Key` header or, spelled differently, one of `fields` of the body:
    1 to 255 printable ASCII characters. Raises `InvalidInput`, also when they differ.
    """
    header = request.META.get("HTTP_IDEMPOTENCY_KEY")
    body = request.data if isinstance(request.data, dict) else {}
    sent = {"Idempotency-Key": header, **{name: body.get(name) for name in fields}}
    given = {name: key for name, key in sent.items() if key is not None}
    wrong = [name for name, key in given.items() if not is_idempotency_key(key)]
    if wrong:
        raise InvalidInput({name: ["1 to 255 printable ASCII characters."] for name in wrong})
    if len(set(given.values())) > 1:
        raise InvalidInput({name: ["Two different keys in one request."] for name in given})
    return Key(next(iter(given.values())), header is not None) if given else None


def is_idempotency_key(key: Any) -> bool:
    """Whether `key` is a text of 1 to 255 printable ASCII characters."""
    return (
        isinstance(key, str)
        and 0 < len(key) <= MAX_KEY_CHARACTERS
        and key.isascii()
        and key.isprintable()
    )


def respond_once(
    request: Request,
    work: Callable[[], Any],
    *,
    status: int = 200,
    key_fields: Sequence[str] = (),
    repeat_conflicts: bool = False,
    location: str | None = None,
    reveal: Callable[[bytes], bytes] | None = None,
    fast_path: Callable[[Claim | None], Answer | None] | None = None,
) -> HttpResponse:
    """Run `work` in a unit of work, at most once per idempotency key, and answer with its result.

    `work` returns JSON values, or `KeyedResult`. A refusal that goes on record is an answer too: it
    commits and replays. `key_fields` are the fields of the body that may hold the key; with
    `repeat_conflicts`, the repeat of a success whose key stands only there raises
    `DuplicateIdempotencyKey` instead of the answer. `location` is where the result is found, with
    its fields in braces. `reveal` adds to a success what no record may hold: a secret, which is
    derived anew for each repeat. `fast_path` is tried first, outside the unit of work: it does the
    same in one trip and verifies the token, or it does nothing and returns None.

    In a dry run the answer is the same, and nothing is kept: not the key either.
    """
    key = idempotency_key(request, fields=key_fields)
    claim = (
        None if key is None else _claim_of(request, key, key_fields, is_queued=location is not None)
    )
    is_dry = is_dry_run(request)
    answer = None if fast_path is None or is_dry else fast_path(claim)
    if answer is None:
        verify_token(request)

        def run() -> Answer:
            return _run(request, work, status)

        def answer_revealed() -> Answer:
            # Before the commit: an outage after it would deny what was done.
            answer = answer_once(claim, run) if claim else run()
            if reveal is None or answer.status_code >= HTTPStatus.BAD_REQUEST:
                return answer
            return replace(answer, body=reveal(answer.body))

        answer = (
            try_out(answer_revealed, caller_of(request))
            if is_dry
            else unit_of_work(answer_revealed)
        )
    if answer.replayed and not is_dry:
        metrics.REPLAYS.inc()
    is_success = answer.status_code < HTTPStatus.BAD_REQUEST
    if answer.replayed and is_success and repeat_conflicts and key and not key.in_header:
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


def _claim_of(request: Request, key: Key, key_fields: Sequence[str], *, is_queued: bool) -> Claim:
    # Where the key stands is no part of what was asked for.
    body = request.data
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in key_fields}
    operation = f"{request.method} {request.path}{' (queued)' if is_queued else ''}"
    return Claim(caller_id(request), key.value, operation, fingerprint_of(operation, body))


def _run(request: Request, work: Callable[[], Any], status: int) -> Answer:
    try:
        result = work()
    except Refusal as refusal:
        if not refusal.recorded:
            raise
        return Answer(status_of(refusal), render_json(error_body(refusal, path=request.path)))
    if isinstance(result, KeyedResult):
        return Answer(status, render_json(result.payload), result.transaction_id)
    return Answer(status, render_json(result))
