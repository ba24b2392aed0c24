"""`Prefer: respond-async`: a transfer or a withdrawal that is queued, not done immediately."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from api.http.authentication import caller_of
from api.http.idempotency import KeyedResult, respond_once
from intake.accept import queue_order
from intake.models import QueueStatus
from ledger.orders import Order

LOCATION = "/transaction/{id}"
ACCEPTED = {"id": "019a2b3c-4d5e-7f60-8a91-b2c3d4e5f607", "status": "pending"}
PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`respond-async`: queue it and answer 202; short of balance it fails for good.",
)


class AcceptedAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=QueueStatus.choices)


def wants_async(request: Request) -> bool:
    """Whether the caller would rather not wait (RFC 7240)."""
    preferences = request.META.get("HTTP_PREFER", "").lower().split(",")
    return any(each.split(";")[0].strip() == "respond-async" for each in preferences)


def respond_queued(request: Request, order: Callable[[], Order], **keyed: Any) -> HttpResponse:
    """Queue what the caller orders, at most once per key, and answer 202 with where to look."""

    def work() -> KeyedResult:
        queued = queue_order(caller_of(request), order())
        return KeyedResult({"id": queued, "status": QueueStatus.PENDING}, queued)

    return respond_once(request, work, status=202, location=LOCATION, **keyed)
