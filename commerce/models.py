"""What the flows of money keep beside the ledger."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from ledger.models import REFERENCE_CHARACTERS, SUMMARY_CHARACTERS
from wallets.models import Asset, Wallet


class Charge(models.Model):
    """What a company took from a payer, by a charge or a capture, counted from its first refund on.

    The charge itself is a transaction, which never changes; this row counts what went back, so
    that two refunds that race cannot give back more than was taken, nor more than the fee.
    """

    transaction_id: uuid.UUID = models.UUIDField(primary_key=True)  # type: ignore[assignment]
    amount_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0, db_default=0)
    fee_returned_minor = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="refunds_within_charge",
                condition=Q(refunded_minor__gte=0) & Q(refunded_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="fee_returns_within_fee",
                condition=Q(fee_returned_minor__gte=0) & Q(fee_returned_minor__lte=F("fee_minor")),
            ),
        )

    def __str__(self) -> str:
        return str(self.transaction_id)


class RequestStatus(models.TextChoices):
    """What became of a payment request. `EXPIRED` is never stored: its time is over."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class PaymentRequest(models.Model):
    """Money that somebody asks for. Whoever has its id may pay it, once.

    What was asked never changes, and its end is for good: the database refuses either. It is paid
    exactly when the transaction that it names is on record.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False, related_name="+")
    amount_minor = models.BigIntegerField(null=True, help_text="None: the payer names one.")
    takes_tips = models.BooleanField(default=False)
    summary = models.CharField(max_length=SUMMARY_CHARACTERS)
    reference = models.CharField(max_length=REFERENCE_CHARACTERS, null=True)
    metadata = models.JSONField(default=dict)
    splits = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        help_text="The parts that go on to others: their wallets and amounts in minor units.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    status = models.CharField(
        max_length=9, choices=RequestStatus, default=RequestStatus.OPEN, db_default="open"
    )
    cancelled_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    paid_minor = models.BigIntegerField(null=True, help_text="With the tip.")
    tip_minor = models.BigIntegerField(null=True)
    fee_minor = models.BigIntegerField(null=True, help_text="What the company paid for it.")
    payer_wallet_id = models.UUIDField(null=True)
    # Not unique by an index, which each payment would write: a transaction names one request.
    transaction_id = models.UUIDField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="requested_amount_positive",
                condition=Q(amount_minor__isnull=True) | Q(amount_minor__gt=0),
            ),
            models.CheckConstraint(
                name="request_status_is_whole",
                condition=(
                    Q(status="open", cancelled_at__isnull=True, paid_at__isnull=True)
                    | Q(status="cancelled", cancelled_at__isnull=False, paid_at__isnull=True)
                    | Q(status="paid", cancelled_at__isnull=True, paid_at__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="request_ended_in_time",
                condition=(Q(paid_at__isnull=True) | Q(paid_at__lt=F("expires_at")))
                & (Q(cancelled_at__isnull=True) | Q(cancelled_at__lt=F("expires_at"))),
            ),
            models.CheckConstraint(
                name="request_payment_is_whole",
                condition=Q(
                    paid_at__isnull=True,
                    paid_minor__isnull=True,
                    tip_minor__isnull=True,
                    payer_wallet_id__isnull=True,
                    transaction_id__isnull=True,
                )
                | Q(
                    paid_at__isnull=False,
                    # A comparison with NULL would not refuse.
                    paid_minor__isnull=False,
                    paid_minor__gt=0,
                    tip_minor__isnull=False,
                    tip_minor__gte=0,
                    payer_wallet_id__isnull=False,
                    transaction_id__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="request_paid_as_asked",
                condition=Q(paid_minor__isnull=True)
                | (
                    (
                        Q(amount_minor__isnull=True)
                        | Q(paid_minor=F("amount_minor") + F("tip_minor"))
                    )
                    & (Q(takes_tips=True) | Q(tip_minor=0))
                    & Q(paid_minor__gt=F("tip_minor"))
                ),
            ),
        )
        indexes = (
            models.Index(fields=["payee", "created_at", "id"], name="requests_of_payee"),
            models.Index(fields=["wallet", "created_at"], name="requests_of_wallet"),
        )

    def __str__(self) -> str:
        return str(self.id)


class Decision(models.TextChoices):
    """What became of an adjustment that needs two operators."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    FAILED = "failed", "Approved, but failed"
    EXPIRED = "expired"


class AdjustmentRequest(models.Model):
    """An adjustment above the limit: one operator asks for it, another one decides.

    What was asked never changes, and a decision is for good: the database refuses either.
    `EXPIRED` is never stored: `state` says it of what nobody decided in time.
    """

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    is_credit = models.BooleanField(help_text="Put in; else taken out.")
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    request_id = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Decision, default=Decision.PENDING)
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decision_reason = models.CharField(max_length=500)
    decided_at = models.DateTimeField(null=True)
    transaction_id = models.UUIDField(null=True, help_text="What it did, or tried.")
    failure_code = models.CharField(max_length=24, null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(name="asked_amount_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="decided_by_another",
                condition=Q(decider__isnull=True) | ~Q(decider=F("requester")),
            ),
            models.CheckConstraint(
                name="decision_is_whole",
                condition=Q(
                    status=Decision.PENDING,
                    decider__isnull=True,
                    decided_at__isnull=True,
                    transaction_id__isnull=True,
                    failure_code__isnull=True,
                )
                | Q(
                    status=Decision.REJECTED,
                    decider__isnull=False,
                    decided_at__isnull=False,
                    transaction_id__isnull=True,
                    failure_code__isnull=True,
                )
                | Q(
                    status=Decision.APPROVED,
                    decider__isnull=False,
                    decided_at__isnull=False,
                    transaction_id__isnull=False,
                    failure_code__isnull=True,
                )
                | Q(
                    status=Decision.FAILED,
                    decider__isnull=False,
                    decided_at__isnull=False,
                    transaction_id__isnull=False,
                    failure_code__isnull=False,
                ),
            ),
        )
        indexes = (
            models.Index(
                fields=["expires_at"], name="asked_pending", condition=Q(status=Decision.PENDING)
            ),
        )

    def __str__(self) -> str:
        return f"Adjustment {self.pk}"

    @property
    def state(self) -> Decision:
        """Its status; `EXPIRED` for one that nobody decided in time."""
        if self.status == Decision.PENDING and self.expires_at <= timezone.now():
            return Decision.EXPIRED
        return Decision(self.status)


class LoneAdjustment(models.Model):
    """What one of the staff moved alone: it counts towards the limit above which it takes two.

    Adjustments in the admin are such movements, and what staff move by the API. A transaction says
    who made it but has no index by that; here, the movements of a day are a short range of ids.
    Written with the money, never changed.
    """

    transaction_id: uuid.UUID = models.UUIDField(primary_key=True)  # type: ignore[assignment]
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, db_index=False, related_name="+")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = (
            models.CheckConstraint(name="lone_amount_positive", condition=Q(amount_minor__gt=0)),
        )

    def __str__(self) -> str:
        return str(self.transaction_id)
