"""Exactly once: the key, the input's fingerprint, the money and the answer commit together."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from core.errors import StateConflict
from core.models import IdempotencyRecord
from core.unit_of_work import requires_unit_of_work

_IN_ORDER = json.JSONEncoder(sort_keys=True)


class IdempotencyKeyReused(StateConflict):
    recorded = False
    code = "idempotency_key_reused"
    message = "This idempotency key was used for another request; nothing moved."


class DuplicateIdempotencyKey(StateConflict):
    """`details.transactionId` names what the first request did."""

    recorded = False
    code = "duplicate_idempotency_key"
    message = "A request with this idempotency key was carried out already; nothing moved."


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The 32 bytes that tell one request from another, keyed by the secret key.

    `earlier` are those that the fallbacks of the secret key make: a request that was recorded
    before the key was rotated is still known.
    """

    current: bytes
    earlier: tuple[bytes, ...]

    def matches(self, recorded: bytes) -> bool:
        """Return whether `recorded` was made of the same request."""
        return any(hmac.compare_digest(recorded, made) for made in (self.current, *self.earlier))


@dataclass(frozen=True, slots=True)
class Claim:
    """A caller's key for one request. `operation` is its method and path."""

    caller_id: uuid.UUID
    key: str
    operation: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it goes out: the body is bytes so that a replay is the same to the byte."""

    status_code: int
    body: bytes
    transaction_id: uuid.UUID | None = None
    replayed: bool = False


def fingerprint_of(operation: str, body: object) -> Fingerprint:
    """Return the request's fingerprint.

    `body` is what the parser made of the JSON; the order of its fields does not matter.
    """
    message = f"{operation}\n{_IN_ORDER.encode(body)}".encode()
    return Fingerprint(
        current=_digest(settings.SECRET_KEY, message),
        earlier=tuple(_digest(key, message) for key in settings.SECRET_KEY_FALLBACKS),
    )


@requires_unit_of_work
def answer_once(claim: Claim, work: Callable[[], Answer]) -> Answer:
    """Run `work` and record its answer, or return the answer already recorded under the key.

    What `work` writes and the record commit together. A concurrent
    request with the same key waits for that commit. If `work` raises, nothing is recorded and
    the key stays free.

    Raises `IdempotencyKeyReused` when the key belongs to another request.
    """
    first = _take_key(claim)
    if first is not None:
        return first
    answer = work()
    _record(claim, answer)
    return answer


def find_record(caller_id: uuid.UUID, key: str) -> IdempotencyRecord | None:
    """Return what was answered under the caller's key, unless it is too old to be kept."""
    return IdempotencyRecord.objects.filter(
        caller_id=caller_id, key=key, created_at__gte=kept_since()
    ).first()


def _digest(key: str, message: bytes) -> bytes:
    return hmac.digest(key.encode(), message, hashlib.sha256)


def kept_since() -> datetime:
    """Return the moment before which records have outlived their days."""
    return timezone.now() - timedelta(days=settings.IDEMPOTENCY_DAYS)


def answer_of(
    claim: Claim,
    fingerprint: bytes,
    status_code: int,
    body: bytes,
    transaction_id: uuid.UUID | None,
) -> Answer:
    """Return what is recorded under the key. Raises `IdempotencyKeyReused` for another request."""
    if not claim.fingerprint.matches(bytes(fingerprint)):
        raise IdempotencyKeyReused
    return Answer(status_code, bytes(body), transaction_id, replayed=True)


def _take_key(claim: Claim) -> Answer | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint, status_code, body, transaction_id"
            " FROM claim_idempotency_key(%s, %s, %s)",
            [claim.caller_id, claim.key, kept_since()],
        )
        row = cursor.fetchone()
    return None if row is None else answer_of(claim, *row)


def _record(claim: Claim, answer: Answer) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_answer(%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                claim.caller_id,
                claim.key,
                claim.operation,
                claim.fingerprint.current,
                kept_since(),
                answer.status_code,
                answer.body,
                answer.transaction_id,
            ],
        )
