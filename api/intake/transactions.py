"""The endpoints of intake: `/transaction*` and `/processor/status`."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from accounts.errors import CustomerNotFound
from accounts.models import Role
from api.http.authentication import caller_of
from api.http.fields import AmountField, Body, CountField, IdField, MoneyField, TextField
from api.http.idempotency import respond_once
from api.http.queued import ACCEPTED, LOCATION, AcceptedAnswer
from api.http.rate_limits import count_items
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView
from core.errors import InvalidInput, NotFound, PermissionDenied, Refusal
from core.money import AmountNotPositive
from core.times import rfc3339
from intake.accept import Item, accept
from intake.endings import CUSTOMER_LEFT
from intake.models import QueuedTransaction
from intake.status import IMPORT_STATES, PROCESSOR_STATES, processor_status
from ledger.errors import REFUSAL_OF_FAILURE, TooManyFailedAttempts
from wallets.assets import to_decimal
from wallets.errors import CurrencyMismatch, NoWallet

MAX_ITEMS = 1_000
#: What an attempt can fail for.
_REFUSALS: tuple[type[Refusal], ...] = (*REFUSAL_OF_FAILURE.values(), TooManyFailedAttempts)
A_TRANSACTION = {
    **ACCEPTED,
    "failed": False,
    "value": Decimal("12.50"),
    "latency": 1,
    "attempts": 0,
    "errorMessage": None,
    "nextAttemptAt": None,
    "transaction": None,
    "createdAt": "2026-01-31T12:00:00.000Z",
}
A_STATUS = {
    "state": "idle",
    "queued": 0,
    "failed": 0,
    "completed": 1000,
    "oldestQueuedSeconds": None,
    "currentChunk": None,
    "lastChunk": {"size": 1000, "value": Decimal("12500.00"), "latency": 1000, "seconds": 0.05},
    "nextRetryAt": None,
    "seeding": {"state": "idle", "processed": 0, "rejected": 0, "total": 0},
}


class ItemBody(Body):
    """The amount is spelled `value` or `amount`."""

    value = AmountField(required=False)
    amount = AmountField(required=False)
    latency = CountField(default=1, highest=lambda: settings.CHUNK_LATENCY_MS)
    customer = IdField(required=False)
    target = IdField(required=False)
    description = TextField(max_length=500, allow_blank=True, default="")

    def validate(self, attrs: Any) -> Any:
        spellings = {attrs[name] for name in ("value", "amount") if name in attrs}
        if not spellings:
            raise serializers.ValidationError({"value": ["This field is required."]})
        if len(spellings) > 1:
            raise serializers.ValidationError({"amount": ["Differs from `value`."]})
        return Item(
            value=spellings.pop(),
            latency_ms=attrs["latency"],
            customer_id=attrs.get("customer"),
            target_id=attrs.get("target"),
            summary=attrs["description"],
        )


class QueuedAnswer(AcceptedAnswer):
    failed = serializers.BooleanField()
    value = MoneyField()
    latency = serializers.IntegerField()
    attempts = serializers.IntegerField()
    errorMessage = serializers.CharField(allow_null=True)
    nextAttemptAt = serializers.DateTimeField(allow_null=True)
    transaction = serializers.UUIDField(allow_null=True)
    createdAt = serializers.DateTimeField()


class ChunkAnswer(serializers.Serializer[Any]):
    size = serializers.IntegerField()
    value = MoneyField()
    latency = serializers.IntegerField()
    seconds = serializers.FloatField()


class CurrentChunkAnswer(serializers.Serializer[Any]):
    size = serializers.IntegerField()


class SeedingAnswer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=IMPORT_STATES,
        help_text="The import of customers. `idle`: none yet. `running`: the processor waits for"
        " it. `interrupted`: it stopped before its end, or reported nothing for 30 s; started again"
        " it continues there. `completed`.",
    )
    processed = serializers.IntegerField(help_text="Customers imported.")
    rejected = serializers.IntegerField(help_text="Lines that were rejected.")
    total = serializers.IntegerField(help_text="Lines read so far.")


class ProcessorStatusAnswer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=PROCESSOR_STATES,
        help_text="`idle`: no transaction is ready. `processing`: a chunk runs."
        " `paused_for_seeding`: it waits for the import of customers. `stopped`: no processor"
        " runs.",
    )
    queued = serializers.IntegerField(help_text="Waiting for their first attempt.")
    failed = serializers.IntegerField(help_text="Waiting for another attempt, or given up.")
    completed = serializers.IntegerField()
    oldestQueuedSeconds = serializers.FloatField(
        allow_null=True, help_text="How long the oldest of `queued` has waited."
    )
    currentChunk = CurrentChunkAnswer(allow_null=True)
    lastChunk = ChunkAnswer(allow_null=True)
    nextRetryAt = serializers.DateTimeField(allow_null=True)
    seeding = SeedingAnswer()


class IntakeView(ApiView):
    tag = "intake"
    body = ItemBody()

    @operation(
        "transaction_queue",
        "Queue a transaction, or an array of up to 1,000",
        body=body,
        request_example={"value": "12.50", "latency": 1, "description": "Order 1017"},
        status=202,
        answer=AcceptedAnswer,
        answer_example=ACCEPTED,
        refusals=[
            InvalidInput({"value": ["At most 2 decimals."]}),
            AmountNotPositive,
            PermissionDenied,
            CustomerNotFound,
            CurrencyMismatch,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        caller = caller_of(request)
        items = parse_items(request.data, self.body)
        count_items(request, len(items))

        is_array = isinstance(request.data, list)

        def work() -> Any:
            accepted = accept(caller, items, is_array=is_array)
            answers = [{"id": queued, "status": "pending"} for queued in accepted]
            return answers if is_array else answers[0]

        return respond_once(request, work, status=202, location=LOCATION)


class QueuedView(ApiView):
    tag = "intake"

    @operation(
        "transaction_get",
        "The state of a queued transaction",
        answer=QueuedAnswer,
        answer_example=A_TRANSACTION,
        refusals=[NotFound],
    )
    def get(self, request: Request, queued_id: UUID) -> HttpResponse:
        caller = caller_of(request)
        visible = (
            Q()
            if caller.role == Role.OPERATOR
            else (Q(caller_id=caller.pk) | Q(customer_id=caller.pk))
        )
        queued = QueuedTransaction.objects.filter(visible, pk=queued_id).first()
        if queued is None:
            raise NotFound
        return json_response(queued_answer(queued))


class ProcessorStatusView(ApiView):
    tag = "intake"

    @operation(
        "processor_status",
        "The state of the processor and of the queue",
        answer=ProcessorStatusAnswer,
        answer_example=A_STATUS,
    )
    def get(self, request: Request) -> HttpResponse:
        return json_response(processor_status())


def parse_items(data: Any, body: Body) -> list[Any]:
    """Return the items of a body: one object, or an array of 1 to 1,000 objects.

    The errors of an array name the index of the item. Raises `InvalidInput`, also for an array that
    is empty or too long.
    """
    if isinstance(data, dict):
        return [body.run_validation(data)]
    if not 1 <= len(data) <= MAX_ITEMS:
        raise InvalidInput({"items": [f"From 1 to {MAX_ITEMS} items."]})
    items = []
    for index, each in enumerate(data):
        try:
            items.append(body.run_validation(each))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({f"[{index}]": error.detail}) from error
    return items


def queued_answer(queued: QueuedTransaction) -> dict[str, Any]:
    """Return a queued transaction as `/transaction/<id>` shows it."""
    return {
        "id": queued.id,
        "status": queued.status,
        "failed": queued.is_failed,
        "value": to_decimal(queued.amount_minor, queued.asset_id),
        "latency": queued.latency_ms,
        "attempts": queued.attempts,
        "errorMessage": _message(queued.error_code),
        "nextAttemptAt": queued.next_attempt_at and rfc3339(queued.next_attempt_at),
        "transaction": queued.transaction_id,
        "createdAt": rfc3339(queued.created_at),
    }


def _message(error_code: str | None) -> str | None:
    if error_code is None:
        return None
    if error_code == CUSTOMER_LEFT:
        return "The customer has left."
    return next(
        (refusal.message for refusal in _REFUSALS if refusal.code == error_code), NoWallet.message
    )
