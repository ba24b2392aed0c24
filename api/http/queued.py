"""`Prefer: respond-async`: a transfer or a withdrawal that is queued, not done immediately."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from api.http.authentication import caller_of
from api.http.dry_runs import NoDryRun, is_dry_run
from api.http.idempotency import KeyedResult, respond_once
from api.http.movement_results import Render
from api.http.movements import respond_with_movement
from intake.accept import queue_order
from intake.models import QueueStatus
from ledger.orders import Order

LOCATION = "/transaction/{id}"
_PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`respond-async`: queue it and answer 202; short of balance it fails for good.",
)


class AcceptedAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=QueueStatus.choices)


ACCEPTED = {"id": "019a2b3c-4d5e-7f60-8a91-b2c3d4e5f607", "status": "pending"}
#: What `operation` needs to document the header, the 202 and an example of it.
RESPOND_ASYNC = (_PREFER, AcceptedAnswer, ACCEPTED)


def respond_now_or_queued(
    request: Request,
    order: Callable[[], Order],
    render: Render,
    *,
    shows_wallets: bool = False,
    **keyed: Any,
) -> HttpResponse:
    """Move money as `respond_with_movement` does, or queue the order if the caller prefers that.

    What is queued is answered with 202 and where to look.
    """
    if _wants_async(request):
        if is_dry_run(request):
            raise NoDryRun("What is queued cannot be tried: leave out `Prefer: respond-async`.")
        return _respond_queued(request, order, **keyed)
    return respond_with_movement(request, order, render, shows_wallets=shows_wallets, **keyed)


def _wants_async(request: Request) -> bool:
    """Whether the caller would rather not wait (RFC 7240)."""
    preferences = request.META.get("HTTP_PREFER", "").lower().split(",")
    return any(each.split(";")[0].strip() == "respond-async" for each in preferences)


def _respond_queued(request: Request, order: Callable[[], Order], **keyed: Any) -> HttpResponse:
    def work() -> KeyedResult:
        queued = queue_order(caller_of(request), order())
        return KeyedResult({"id": queued, "status": QueueStatus.PENDING}, queued)

    return respond_once(request, work, status=202, location=LOCATION, **keyed)
